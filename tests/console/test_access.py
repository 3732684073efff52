"""Who gets in, as what, and for how long."""

from __future__ import annotations

import base64

import pytest

from router.console.access import SESSION_SECONDS, Gate, Role, Visitor

TOKENS = {Role.VIEWER: "viewer-0123456789", Role.ADMIN: "admin-0123456789"}
GATE = Gate(TOKENS)
NOW = 1_000.0


def seen(gate: Gate = GATE, **told: object) -> Visitor | None:
    """Who comes with this."""
    asked: dict[str, object] = {"cookie": None, "authorization": None, "remote": "10.0.0.9", "headers": {}, "now": NOW}
    return gate.visitor(**(asked | told))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("role", "needed", "allowed"),
    [
        pytest.param(Role.VIEWER, Role.VIEWER, True, id="own"),
        pytest.param(Role.VIEWER, Role.OPERATOR, False, id="more"),
        pytest.param(Role.ADMIN, Role.OPERATOR, True, id="less"),
    ],
)
def test_a_role_may_do_what_those_before_it_may(role: Role, needed: Role, *, allowed: bool) -> None:
    """And nothing of those after it."""
    assert role.allows(needed) is allowed


@pytest.mark.parametrize(
    ("authorization", "role"),
    [
        pytest.param("Bearer viewer-0123456789", Role.VIEWER, id="viewer"),
        pytest.param("bearer admin-0123456789 ", Role.ADMIN, id="any case"),
        pytest.param("Bearer wrong", None, id="wrong"),
        pytest.param("Bearer \udcff", None, id="not UTF-8"),
        pytest.param("Basic viewer-0123456789", None, id="other scheme"),
        pytest.param("", None, id="nothing"),
    ],
)
def test_a_token_lets_in(authorization: str, role: Role | None) -> None:
    """As the role that it is of, without a session."""
    found = seen(authorization=authorization)
    assert (None if found is None else (found.role, found.by)) == (None if role is None else (role, "token"))


def test_a_session_lasts_its_time_and_no_longer() -> None:
    """Then its owner signs in anew."""
    cookie = GATE.session(Role.VIEWER, nonce="n", now=NOW)
    assert seen(cookie=cookie, now=NOW + SESSION_SECONDS - 1) == Visitor("viewer", Role.VIEWER, "session", "n")
    assert seen(cookie=cookie, now=NOW + SESSION_SECONDS) is None


def test_a_session_ends_when_a_token_changes() -> None:
    """It is signed with a key that is made from them all."""
    cookie = GATE.session(Role.VIEWER, nonce="n", now=NOW)
    assert seen(Gate(TOKENS | {Role.ADMIN: "another-0123456789"}), cookie=cookie) is None
    assert seen(Gate(TOKENS), cookie=cookie) is not None


def _forged(text: str) -> str:
    """A cookie with a right signature and this content."""
    body = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    return f"{body}.{GATE._signed('session', body)}"


@pytest.mark.parametrize(
    "cookie",
    [
        pytest.param("", id="empty"),
        pytest.param("abc.def", id="wrong signature"),
        pytest.param("\udcff.\udcff", id="not UTF-8"),
        pytest.param(_forged("no json"), id="not JSON"),
        pytest.param(_forged("{}"), id="no role"),
        pytest.param(_forged('{"role": "king", "until": 1e9}'), id="no such role"),
        pytest.param(_forged('{"role": "viewer", "until": "later"}'), id="no time"),
        pytest.param(_forged('{"role": "operator", "until": 1000000}'), id="a role without a token"),
    ],
)
def test_other_cookies_let_nobody_in(cookie: str) -> None:
    """Whatever is in them."""
    assert seen(cookie=cookie) is None


@pytest.mark.parametrize(
    ("remote", "headers", "role"),
    [
        pytest.param(
            "10.0.0.2",
            {"X-Forwarded-User": "ann", "X-Forwarded-Groups": "a, router-operator"},
            Role.OPERATOR,
            id="known",
        ),
        pytest.param(
            "10.0.0.2",
            {"X-Forwarded-User": "ann", "X-Forwarded-Groups": "router-viewer,router-admin"},
            Role.ADMIN,
            id="most",
        ),
        pytest.param(
            "10.0.0.2", {"X-Forwarded-User": "ann", "X-Forwarded-Groups": "staff"}, None, id="no group of ours"
        ),
        pytest.param("10.0.0.2", {"X-Forwarded-Groups": "router-admin"}, None, id="nobody"),
        pytest.param(
            "10.0.0.9", {"X-Forwarded-User": "ann", "X-Forwarded-Groups": "router-admin"}, None, id="not the proxy"
        ),
        pytest.param(None, {"X-Forwarded-User": "ann", "X-Forwarded-Groups": "router-admin"}, None, id="no address"),
    ],
)
def test_headers_are_believed_of_the_proxy_alone(
    remote: str | None, headers: dict[str, str], role: Role | None
) -> None:
    """And only where it names somebody and a group of ours."""
    found = seen(Gate({}, proxies=["10.0.0.2"], salt=b"salt"), remote=remote, headers=headers)
    assert (None if found is None else (found.name, found.role, found.by)) == (
        None if role is None else ("ann", role, "proxy")
    )


def test_without_a_proxy_no_header_is_believed() -> None:
    """Also not from the machine itself."""
    assert seen(remote="127.0.0.1", headers={"X-Forwarded-User": "ann", "X-Forwarded-Groups": "router-admin"}) is None


def test_a_form_is_its_visitors_alone() -> None:
    """Another session's, another person's or none is refused; a token in a header needs no form."""
    mine, theirs = Visitor("viewer", Role.VIEWER, "session", "1"), Visitor("viewer", Role.VIEWER, "session", "2")
    assert GATE.is_own_form(mine, GATE.form_token(mine))
    assert not GATE.is_own_form(mine, GATE.form_token(theirs))
    assert not GATE.is_own_form(mine, "\udcff")
    assert GATE.is_own_form(Visitor("viewer", Role.VIEWER, "token"), "")
