"""Who may ask: whoever sends the token that the workers were given. Pure.

Without a token nobody may, also not from the machine itself: a proxy, or a page in somebody's browser, would ask from there.
"""

from __future__ import annotations

import hmac

from router.tables.answers import Refusal

__all__ = ["refused"]

_SCHEME = "bearer"


def refused(token: str | None, authorization: str | None) -> Refusal | None:
    """Why a request with this `Authorization` is refused; None where it may ask. Takes as long, however wrong it is."""
    if token is None:
        return Refusal(403, "api-off", "the API of this worker is off, because it has no token")
    scheme, _, sent = (authorization or "").strip().partition(" ")
    if scheme.lower() == _SCHEME and hmac.compare_digest(sent.strip().encode(), token.encode()):
        return None
    what = "the token is not this worker's" if sent else "there is no token in the request"
    return Refusal(401, "wrong-token", what)
