"""Where logs end, as the last word: for whatever decides something by it."""

from router.log_ends.asking import ends_of
from router.log_ends.sharing import SharedEnds

__all__ = ["SharedEnds", "ends_of"]
