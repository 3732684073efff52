"""Pages as HTML: Jinja's templates, which escape everything, and the few words that templates have for times and numbers."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from router.console.pages import key_page, link
from router.console.sealing import SEALED

__all__ = ["render"]

_SEALED_SHOWN = len(SEALED) + 10
_NONE = "\u2013"
"""What stands where nothing is known."""


def render(template: str, facts: Mapping[str, Any]) -> str:
    """A page, or a part of one."""
    return _environment().get_template(template).render(facts)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("router.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "at": at, "ago": ago, "count": count, "rate": rate, "span": span, "shown": shown, "pretty": pretty, "compact": compact, "timed": timed, "seconds_at": seconds_at,
    }  # fmt: skip
    environment.globals |= {"link": link, "key_page": key_page}
    return environment


def at(instant: str | None) -> Markup:
    """A time: in UTC here, which the script turns into the viewer's zone; the exact one is in the tip."""
    if not instant:
        return Markup('<span class="none">&ndash;</span>')
    short = instant[:19].replace("T", " ")
    return Markup('<time datetime="{0}" title="{0}">{1} UTC</time>').format(instant, short)


_INSTANT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)")


def timed(text: str) -> Markup:
    """A sentence whose times are as all others are."""
    parts = _INSTANT.split(text)
    return Markup("").join(at(part) if number % 2 else Markup.escape(part) for number, part in enumerate(parts))


def seconds_at(seconds: float) -> Markup:
    """The same of seconds since the epoch."""
    return at(datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"))


def ago(seconds: float | None) -> str:
    """A span of seconds in one or two units."""
    if seconds is None:
        return _NONE
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:,.0f} {unit}"
    return f"{seconds:,.0f} s" if seconds >= 10 or seconds == 0 else f"{seconds:.1f} s"


def span(milliseconds: str | float | None) -> str:
    """A duration of milliseconds, as a setting of a topic has it."""
    if milliseconds in {None, ""}:
        return _NONE
    value = float(milliseconds or 0)
    return "for ever" if value < 0 else ago(value / 1000)


def count(number: float | None) -> str:
    """A whole number with its thousands apart."""
    return _NONE if number is None else f"{number:,.0f}"


def rate(number: float | None) -> str:
    """Records a second."""
    if number is None:
        return _NONE
    return f"{number:,.0f}/s" if number >= 10 or number == 0 else f"{number:.1f}/s"


def shown(value: Mapping[str, Any] | None) -> str:
    """Bytes, as `bytes_json` has them."""
    if value is None:
        return "null"
    text = str(value["text"]) if "text" in value else f"base64 {value.get('base64', '')}"
    if text.startswith(SEALED):
        # What stands for a masked key tells it from others by its beginning; links have all of it.
        return f"{text[:_SEALED_SHOWN]}…" if len(text) > _SEALED_SHOWN else text
    return f"{text}… ({value['cut']:,} letters)" if "cut" in value else text


def compact(value: Any, most: int = 200) -> str:
    """Plain data in one line, or the beginning of it."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= most else f"{text[:most]}…"


def pretty(value: Any) -> str:
    """Plain data as JSON for people."""
    return json.dumps(value, indent=2, ensure_ascii=False)
