"""Keys that nobody is shown: another text stands for each, always the same, which the console alone can read back. Pure.

A digest would do to tell keys apart, but a link to a key must lead to it again, and a digest of something that can be guessed (an
address, a number) is guessed by trying. So a key is encrypted, with the synthetic nonce of SIV (RFC 5297) over HMAC-SHA-256: the
nonce is the code of what is encrypted, hence equal keys look equal, and what was not made with the secret does not open.

    masked-<nonce, 12 bytes, and the key, padded to whole blocks of 16 and encrypted, as base64>

A key that is longer than an address may be has its nonce only, and cannot be followed.
"""

from __future__ import annotations

import base64
import binascii
import hmac

__all__ = ["SEALED", "Seal"]

SEALED = "masked-"
"""What the text for a key begins with."""
_NONCE, _BLOCK = 12, 16
_LONGEST = 1_024
_END = b"\x80"


class Seal:
    """Reads and writes such texts; whoever has the same secret reads and writes the same."""

    def __init__(self, secret: bytes) -> None:
        self._naming = hmac.digest(secret, b"router console: the names of keys", "sha256")
        self._hiding = hmac.digest(secret, b"router console: keys themselves", "sha256")

    def seal(self, key: bytes, *, longest: int | None = _LONGEST) -> str:
        """The text that stands for a key, or for what has one in it."""
        nonce = self._nonce(key)
        hidden = (
            b""
            if longest is not None and len(key) > longest
            else self._crossed(nonce, key + _END + bytes(-len(key + _END) % _BLOCK))
        )
        return SEALED + base64.urlsafe_b64encode(nonce + hidden).decode().rstrip("=")

    def open(self, text: str) -> bytes | None:
        """The key that a text stands for; None for one that stands for none, or is too long to be read back."""
        if not text.startswith(SEALED):
            return None
        coded = text.removeprefix(SEALED)
        try:
            raw = base64.b64decode(coded + "=" * (-len(coded) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        nonce, hidden = raw[:_NONCE], raw[_NONCE:]
        key, end, rest = self._crossed(nonce, hidden).rpartition(_END)
        made = (
            end and len(hidden) % _BLOCK == 0 and not rest.strip(b"\0") and hmac.compare_digest(nonce, self._nonce(key))
        )
        return key if made else None

    def _nonce(self, key: bytes) -> bytes:
        return hmac.digest(self._naming, key, "sha256")[:_NONCE]

    def _crossed(self, nonce: bytes, text: bytes) -> bytes:
        """Encrypted what was plain, and the other way round."""
        blocks = range((len(text) + 31) // 32)
        stream = b"".join(hmac.digest(self._hiding, nonce + number.to_bytes(4, "big"), "sha256") for number in blocks)
        return bytes(one ^ other for one, other in zip(text, stream, strict=False))
