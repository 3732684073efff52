"""Asks a worker's API over HTTP, for commands: one that is named, or the one of this machine."""

from __future__ import annotations

import http.client
import json
import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any

import click

from router.environment import VARIABLES
from router.errors import RouterError
from router.settings import Settings
from router.tables.owners import advertised, owner_at

__all__ = ["WorkerApi", "worker_api"]

_WITHIN = 30.0
"""Seconds that a worker may take: it asks others."""


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows nobody: the token is for the worker that was named."""

    def redirect_request(self, *_: Any) -> None:
        return None


class WorkerApi:
    """One worker."""

    def __init__(self, url: str, token: str) -> None:
        """`url` is scheme, host and port."""
        self.url = url
        self._token = token
        # Nor does a proxy of the environment get it.
        self._opener = urllib.request.build_opener(_Stay, urllib.request.ProxyHandler({}))

    def get(self, path: str, parameters: Mapping[str, str] | None = None) -> tuple[int, dict[str, Any]]:
        """Status and body; raises a ClickException where nobody answers, or somebody else does, or the token is not taken."""
        url = f"{self.url}{path}?{urllib.parse.urlencode(parameters or {})}"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {self._token}"})  # noqa: S310 - checked by `worker_api`
        try:
            try:
                with self._opener.open(request, timeout=_WITHIN) as answer:
                    status, content = answer.status, answer.read()
            except urllib.error.HTTPError as error:
                status, content = error.code, error.read()
        except (OSError, http.client.HTTPException) as error:
            problem = getattr(error, "reason", None) or str(error) or type(error).__name__
            way_out = "name one that runs with --worker URL, such as http://10.0.0.5:6066"
            raise click.ClickException(f"no worker answers at {self.url}: {problem}; {way_out}") from error
        body = _parsed(content)
        if not body or (status != 200 and "reason" not in body):
            said = f"what answers at {self.url} (with {status}) is no worker of this version"
            raise click.ClickException(f"{said}: name one with --worker URL")
        if status in {401, 403}:
            raise click.ClickException(f"{self.url}: {body['message']}; {body['what_to_do']}")
        return status, body


def worker_api(url: str | None) -> WorkerApi:
    """The worker at this URL, or else the one that has this environment. Raises a ClickException with what is missing."""
    try:
        settings = Settings.from_environment(os.environ)
    except RouterError as error:
        raise click.ClickException(str(error)) from error
    if settings.api_token is None:
        raise click.ClickException(
            "ROUTER_API_TOKEN is not set: workers answer who sends the token that they were given"
        )
    if url is None:
        url = owner_at(
            advertised(
                instance="", host=settings.http_host, port=settings.http_port, url=settings.http_url, machine="127.0.0.1"
            )
        ).url  # fmt: skip
        if not url:
            raise click.ClickException("ROUTER_HTTP_PORT is 0 here: name a worker with --worker URL")
        return WorkerApi(url, settings.api_token)
    read = next(each.kind.read for each in VARIABLES if each.field == "http_url")
    try:
        return WorkerApi(str(read(url)).rstrip("/"), settings.api_token)
    except ValueError as error:
        raise click.BadParameter(f"'{url}' {error}", param_hint="--worker") from error


def _parsed(content: bytes) -> dict[str, Any]:
    try:
        body = json.loads(content)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
