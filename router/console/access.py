"""Who somebody is, and what that allows: tokens, signed sessions, a trusted proxy's headers, tokens against forgery. Pure.

A session is a cookie that says who, as what and until when, signed with a key that is made from the tokens themselves: it
outlives a restart of the console, and ends when any token changes. Nothing is kept on the server.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["SESSION_SECONDS", "Gate", "Role", "Visitor"]

SESSION_SECONDS = 12 * 3_600
_SCHEME = "bearer"
_GROUP = "router-"
_LONGEST_NAME = 200


class Role(StrEnum):
    """What somebody may do; each may do what those before it may."""

    VIEWER = "viewer"
    """Look at everything, with masks on."""
    OPERATOR = "operator"
    """Act on records."""
    ADMIN = "admin"
    """Everything."""

    def allows(self, needed: Role) -> bool:
        """Whether this role may do what the other one may."""
        return _RANKS[self] >= _RANKS[needed]


_RANKS: Mapping[Role, int] = {role: number for number, role in enumerate(Role)}


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who was let in."""

    name: str
    role: Role
    by: str
    """`session`, `token` or `proxy`: how they were known."""
    nonce: str = ""
    """What tells their session from others."""


class Gate:
    """Lets people in."""

    def __init__(self, tokens: Mapping[Role, str], *, proxies: Collection[str] = (), salt: bytes = b"") -> None:
        """`proxies` are the addresses whose headers are believed. `salt` is for a console without any token: random bytes."""
        self._tokens = dict(tokens)
        self._proxies = frozenset(proxies)
        said = "\0".join(f"{role}={token}" for role, token in sorted(tokens.items()))
        self._key = hashlib.sha256(b"router console\0" + salt + said.encode()).digest()

    def role_of(self, token: str) -> Role | None:
        """What a token allows, the most where two roles have the same; takes as long, however wrong it is."""
        found = None
        for role in Role:
            known = self._tokens.get(role)
            if known is not None and hmac.compare_digest(token.encode("utf-8", "surrogatepass"), known.encode()):
                found = role
        return found

    def session(self, role: Role, *, nonce: str, now: float) -> str:
        """A cookie's value, good for SESSION_SECONDS. `nonce` is random."""
        told = {"role": role.value, "until": int(now) + SESSION_SECONDS, "nonce": nonce}
        body = base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("=")
        return f"{body}.{self._signed('session', body)}"

    def visitor(
        self,
        *,
        cookie: str | None,
        authorization: str | None,
        remote: str | None,
        headers: Mapping[str, str],
        now: float,
    ) -> Visitor | None:
        """Who asks; None for somebody who was not let in. A proxy's word comes first, then a token, then a session."""
        if remote in self._proxies:
            return _by_proxy(headers)
        scheme, _, sent = (authorization or "").strip().partition(" ")
        if scheme.lower() == _SCHEME:
            role = self.role_of(sent.strip())
            return None if role is None else Visitor(role.value, role, "token")
        return self._by_session(cookie, now)

    def _by_session(self, cookie: str | None, now: float) -> Visitor | None:
        body, _, signature = (cookie or "").partition(".")
        if not hmac.compare_digest(signature.encode("utf-8", "surrogatepass"), self._signed("session", body).encode()):
            return None
        try:
            told = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
            role = Role(told["role"])
            if now >= told["until"] or role not in self._tokens:
                return None
        except (binascii.Error, ValueError, KeyError, TypeError):
            return None
        return Visitor(role.value, role, "session", str(told.get("nonce", "")))

    def form_token(self, visitor: Visitor) -> str:
        """What a form of this visitor's must carry."""
        return self._signed("form", f"{visitor.by}:{visitor.name}:{visitor.nonce}")

    def is_own_form(self, visitor: Visitor, sent: str) -> bool:
        """Whether a form is this visitor's. One who sends a token in a header needs none: no other page can send it."""
        return visitor.by == "token" or hmac.compare_digest(
            sent.encode("utf-8", "surrogatepass"), self.form_token(visitor).encode()
        )

    def _signed(self, what: str, text: str) -> str:
        signed = hmac.new(self._key, f"{what}\0{text}".encode("utf-8", "surrogatepass"), hashlib.sha256)
        return signed.hexdigest()


def _by_proxy(headers: Mapping[str, str]) -> Visitor | None:
    name = headers.get("X-Forwarded-User", "").strip()[:_LONGEST_NAME]
    groups = {each.strip() for each in headers.get("X-Forwarded-Groups", "").split(",")}
    held = [role for role in Role if f"{_GROUP}{role}" in groups]
    return Visitor(name, held[-1], "proxy") if name and held else None
