"""The console's web server: lets people in, answers questions as pages and as JSON, and tells browsers to trust nothing else."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from importlib.resources import files
from typing import Any
from urllib.parse import quote

from aiohttp import web

from router.console.access import SESSION_SECONDS, Gate, Visitor
from router.console.answering import ANSWERS
from router.console.openapi import openapi
from router.console.pages import API, QUESTIONS, Question, check
from router.console.sight import Absent, Parameters, Sight
from router.console.streaming import STREAMS, live
from router.console.templating import render
from router.errors import RouterError, TransientError
from router.observe.logs import get_logger
from router.tables.questions import WrongQuestion

__all__ = ["new_app"]

log = get_logger("router.console")

GATE = web.AppKey("gate", Gate)
SIGHT = web.AppKey("sight", Sight)
_VISITOR = web.RequestKey("visitor", Visitor)
_LARGEST_FORM = 4 << 20
_STATIC = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def new_app(sight: Sight, gate: Gate) -> web.Application:
    """The application; whoever runs it starts and stops what looks."""
    app = web.Application(middlewares=[_errors, _letting_in], client_max_size=_LARGEST_FORM)
    app[GATE], app[SIGHT] = gate, sight
    app.on_response_prepare.append(_with_headers)
    app.router.add_get("/healthz", _health)
    app.router.add_get("/sign-in", _sign_in)
    app.router.add_post("/sign-in", _sign_in)
    app.router.add_get("/enter", _enter)
    app.router.add_post("/sign-out", _sign_out)
    app.router.add_get("/static/{file}", _static)
    app.router.add_get("/live", live(SIGHT))
    app.router.add_get(f"{API}/openapi.json", _openapi)
    for question in QUESTIONS:
        path = question.path.replace("{key}", "{key:.+}")
        if question.stream:
            app.router.add_get(path, _stream(question), name=question.name)
            app.router.add_get(f"{API}{path}", _stream(question), name=f"api:{question.name}")
            continue
        if not question.only_api:
            app.router.add_route(question.method, path, _page(question), name=question.name)
        api = f"{API}/overview" if path == "/" else f"{API}{path}"
        app.router.add_route(question.method, api, _json(question), name=f"api:{question.name}")
    return app


OPEN = frozenset({"/healthz", "/sign-in", "/enter"})
"""What is answered without a sign-in; the stylesheet of the sign-in page as well."""


@web.middleware
async def _letting_in(request: web.Request, handler: Handler) -> web.StreamResponse:
    visitor = request.app[GATE].visitor(
        cookie=request.cookies.get(_cookie(request)),
        authorization=request.headers.get("Authorization"),
        remote=request.remote,
        headers=request.headers,
        now=time.time(),
    )
    if visitor is not None:
        request[_VISITOR] = visitor
    if request.path in OPEN or request.path.startswith("/static/"):
        return await handler(request)
    if visitor is None:
        return _stranger(request)
    refusal = await _refused(request, visitor)
    return await handler(request) if refusal is None else refusal


def _stranger(request: web.Request) -> web.Response:
    """To the sign-in page whoever came with a browser to see a page; all others are told what is missing."""
    page = request.method in _SAFE and request.path != "/live" and not request.path.startswith(f"{API}/")
    if page:
        raise web.HTTPSeeOther(f"/sign-in?next={quote(request.path_qs, safe='')}")
    if "Authorization" in request.headers:
        log.warning("somebody asked without the right token", caller=str(request.remote))
    told = _problem("wrong-token", "there is no token in the request, or it is not the console's", _TOKEN)
    return web.json_response(told, status=401, headers={"WWW-Authenticate": "Bearer"})


async def _refused(request: web.Request, visitor: Visitor) -> web.Response | None:
    """Why somebody who was let in may not do this."""
    question = _question(request)
    if question is not None and not visitor.role.allows(question.role):
        message = f"this needs the role {question.role}, and you are {visitor.name} ({visitor.role})"
        return _refusal(request, 403, _problem("wrong-role", message, "ask somebody who may"))
    if request.method not in _SAFE and visitor.by != "token":
        form = await _form(request)
        if not request.app[GATE].is_own_form(visitor, str(form.get("form", ""))):
            message = "the form was not made for you, or your sign-in has changed since"
            return _refusal(
                request, 403, _problem("foreign-form", message, "open the page again, and send it from there")
            )
    return None


_SAFE = frozenset({"GET", "HEAD"})
_TOKEN = "sign in, or send `Authorization: Bearer …` with one of the console's tokens (docs/console.md)"  # noqa: S105 - words


def _question(request: web.Request) -> Question | None:
    name = (request.match_info.route.name or "").removeprefix("api:")
    return next((each for each in QUESTIONS if each.name == name), None)


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        told = _problem(error.reason.lower().replace(" ", "-"), f"{error.status}: {error.reason}", "see the address")
        answer = _refusal(request, error.status, told)
        if "Allow" in error.headers:
            answer.headers["Allow"] = error.headers["Allow"]
        return answer
    except (WrongQuestion, Absent, RouterError) as error:
        return _refusal(request, *_in_words(error))
    except ConnectionResetError:
        raise
    except Exception:
        log.exception("a question could not be answered", path=request.path)
        return _refusal(request, 500, _problem("unexpected", "the console failed at this", "look at its log"))


def _in_words(error: WrongQuestion | Absent | RouterError) -> tuple[int, dict[str, str]]:
    match error:
        case WrongQuestion():
            return 400, _problem(error.reason, str(error), "correct it, and ask again")
        case Absent():
            return 404, _problem("absent", str(error), "see whether it is written as it is")
        case TransientError():
            return 503, _problem(error.reason, str(error), "see whether the brokers run; then ask again")
        case _:
            return 500, _problem(getattr(error, "reason", "router"), str(error), "look at the console's log")


def _problem(reason: str, message: str, what_to_do: str) -> dict[str, str]:
    return {"reason": reason, "message": message, "what_to_do": what_to_do}


def _refusal(request: web.Request, status: int, told: Mapping[str, str]) -> web.Response:
    if request.path.startswith(f"{API}/"):
        return web.json_response(told, status=status)
    visitor = request.get(_VISITOR)
    page = render("error.html", {**_frame(request, visitor), "status": status, "problem": told})
    return web.Response(text=page, status=status, content_type="text/html")


async def _with_headers(_: web.Request, response: web.StreamResponse) -> None:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["Server"] = "router"


def _frame(request: web.Request, visitor: Visitor | None) -> dict[str, Any]:
    """What the frame of every page shows."""
    return {
        "frame": {
            "visitor": visitor,
            "form_token": "" if visitor is None else request.app[GATE].form_token(visitor),
            "path": request.path,
            "group": request.app[SIGHT].watching.routes.group,
        }
    }


def _page(question: Question) -> Handler:
    async def get(request: web.Request) -> web.StreamResponse:
        answer = await ANSWERS[question.name](request.app[SIGHT], await _parameters(request, question))
        if answer.get("goes_to"):
            # What was done is shown by its own page, which may be asked for again.
            return web.Response(status=303, headers={"Location": answer["goes_to"]})
        if (refusal := _not_done(request, answer)) is not None:
            return refusal
        page = render(question.template, {**answer, **_frame(request, request.get(_VISITOR))})
        return web.Response(text=page, content_type="text/html")

    return get


def _json(question: Question) -> Handler:
    async def get(request: web.Request) -> web.StreamResponse:
        answer = await ANSWERS[question.name](request.app[SIGHT], await _parameters(request, question))
        return _not_done(request, answer) or web.json_response(answer, dumps=_dumps)

    return get


def _not_done(request: web.Request, answer: Mapping[str, Any]) -> web.Response | None:
    """What a worker did not do that was asked to act, and why."""
    if answer.get("goes_to") != "":
        return None
    problem = {name: str(answer["problem"].get(name, "")) for name in ("reason", "message", "what_to_do")}
    return _refusal(request, 409 if problem["reason"] in _HELD_UP else 503, problem)


_HELD_UP = frozenset({"busy", "group-active", "group-moved", "cannot-skip"})
"""Why a worker that answers does not do it now."""


def _stream(question: Question) -> Handler:
    async def get(request: web.Request) -> web.StreamResponse:
        return await STREAMS[question.name](request, request.app[SIGHT], await _parameters(request, question))

    return get


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


async def _parameters(request: web.Request, question: Question) -> Parameters:
    given: dict[str, str] = dict(reversed(list(request.query.items())))  # of several, the first
    if question.method == "POST":
        given |= await _body(request)
    given |= dict(request.match_info)
    # Who asks is whom the gate let in.
    visitor = request[_VISITOR]
    given["author"] = visitor.name if visitor.name == visitor.role else f"{visitor.name} ({visitor.role})"
    if any(not _is_text(each) for each in given.values()):
        raise WrongQuestion(parameter="address", value="", problem="has what is no UTF-8: send bytes as base64")
    check(question, given)
    return given


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


async def _body(request: web.Request) -> dict[str, str]:
    if request.content_type == "application/json":
        try:
            told = json.loads(await request.text())
        except (ValueError, RecursionError, LookupError) as error:
            raise WrongQuestion(parameter="body", value="", problem="is not JSON") from error
        if not isinstance(told, dict) or not all(isinstance(each, str) for each in told.values()):
            raise WrongQuestion(parameter="body", value="", problem="is no object whose values are texts")
        return told
    return {name: value for name, value in (await _form(request)).items() if name != "form"}


async def _form(request: web.Request) -> dict[str, str]:
    try:
        told = await request.post()
    except (ValueError, LookupError) as error:
        raise WrongQuestion(parameter="body", value="", problem="is no form") from error
    return {name: value for name, value in told.items() if isinstance(value, str)}


async def _health(_: web.Request) -> web.Response:
    """Without a sign-in, so that it says nothing but that it answers."""
    return web.json_response({"live": True})


async def _openapi(_: web.Request) -> web.Response:
    return web.json_response(openapi())


def _cookie(request: web.Request) -> str:
    # Ports of one host share their cookies; consoles on it should not.
    return f"router-console-{request.url.port or 0}"


def _next(text: str) -> str:
    """A page of this console, and nobody else's."""
    inside = text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable() and "\\" not in text
    return text if inside else "/"


async def _sign_in(request: web.Request) -> web.StreamResponse:
    after, problem = _next(request.query.get("next", "/")), ""
    if request.method == "POST":
        if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
            return _refusal(request, 403, _problem("foreign-form", "the form came from another site", "open /sign-in"))
        form = await _form(request)
        after = _next(str(form.get("next", "/")))
        answer = _signed_in(request, str(form.get("token", "")).strip(), after)
        if answer is not None:
            return answer
        problem = "That is none of the console's tokens."
    page = render("sign_in.html", {**_frame(request, request.get(_VISITOR)), "next": after, "problem": problem})
    return web.Response(text=page, content_type="text/html", status=401 if problem else 200)


async def _enter(request: web.Request) -> web.StreamResponse:
    """The link that a demo prints: it signs in, and takes the token out of the address."""
    answer = _signed_in(request, request.query.get("token", ""), _next(request.query.get("next", "/")))
    if answer is None:
        raise web.HTTPSeeOther("/sign-in")
    return answer


def _signed_in(request: web.Request, token: str, after: str) -> web.Response | None:
    gate = request.app[GATE]
    role = gate.role_of(token)
    if role is None:
        log.warning("somebody tried to sign in without the right token", caller=str(request.remote))
        return None
    answer = web.Response(status=303, headers={"Location": after})
    session = gate.session(role, nonce=secrets.token_urlsafe(12), now=time.time())
    secure = request.secure or request.headers.get("X-Forwarded-Proto") == "https"
    answer.set_cookie(
        _cookie(request), session, max_age=SESSION_SECONDS, httponly=True, samesite="Strict", path="/", secure=secure
    )
    log.info("somebody signed in", role=role.value, caller=str(request.remote))
    return answer


async def _sign_out(request: web.Request) -> web.StreamResponse:
    answer = web.Response(status=303, headers={"Location": "/sign-in"})
    answer.del_cookie(_cookie(request), path="/")
    return answer


async def _static(request: web.Request) -> web.Response:
    name = request.match_info["file"]
    ending = name[name.rfind(".") :]
    known = {each.name: each for each in files("router.console").joinpath("static").iterdir()}
    if name not in known or ending not in _STATIC:
        raise web.HTTPNotFound
    headers = {"Cache-Control": "private, max-age=300"}
    return web.Response(body=known[name].read_bytes(), content_type=_STATIC[ending], charset="utf-8", headers=headers)
