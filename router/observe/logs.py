"""Logs: every line of a process, ours and the libraries', in one form; ECS JSON for Elastic, or text for people.

`configure_logging` is called once a process, by whoever composes it. From then on `get_logger(__name__).warning("lane stopped",
topic=…, partition=…, error=exc)` and any library's `logging.getLogger(…).info(…)` end in the same stream. The words that our
lines carry beside the message:

    error=      an exception: `error.type`, `error.message`, and, where it is the router's own, its slug as `event.reason`; the
                stack is added for errors that are not ours, which nobody expected
    reason=     a slug for `event.reason`, where there is no error
    exc_info=   as in the standard library: the current error, with its stack
    the rest    facts (topic, partition, offset …): `labels.*`, where a program finds them

Libraries' lines that repeat are let through once a second, with a count (`labels.suppressed`) of those left out. Ours count as
the same only if their facts are the same too. At level debug nothing is left out.

Standard output and error count as lines as well where the form is ECS: what is printed there becomes one object a print, and
an uncaught exception one object, so that a stream of logs holds nothing but JSON.
"""

from __future__ import annotations

import io
import logging
import math
import sys
import threading
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, TextIO

import ecs_logging
import structlog

from router.errors import RouterError
from router.observe.repetition import Repetition, Untold

if TYPE_CHECKING:
    from structlog.typing import EventDict, WrappedLogger

__all__ = ["configure_logging", "get_logger", "severity"]

_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "crit": logging.CRITICAL,
    "critical": logging.CRITICAL,
}

_QUIETED = {
    # One line a request: health is asked for every few seconds, and metrics count the rest.
    "aiohttp.access": logging.WARNING,
    # Says of each missing broad topic that it is, as often as it looks. The worker says it once, and /readyz all the time.
    "aiokafka.cluster": logging.CRITICAL,
    # Warns about each slow callback once somebody turns on asyncio's debugging, and says at debug which selector it uses.
    "asyncio": logging.INFO,
}


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of a module; may be made before logging is configured."""
    return structlog.stdlib.get_logger(name)


def severity(level: str | int) -> int:
    """The number of a level, by any of the names that the settings and Faust's `-l` use, in any case.

    Raises ValueError for any other text.
    """
    if isinstance(level, int):
        return level
    try:
        return _LEVELS[level.lower()]
    except KeyError:
        raise ValueError(f"'{level}' is no level of logging") from None


def configure_logging(
    level: str | int,
    log_format: str,
    *,
    stream: TextIO,
    fixed: Mapping[str, str],
) -> None:
    """Send every line of this process to `stream`, at `level` and above. May be called again; the last call holds.

    `log_format` is `ecs`, `text`, or `auto`: text where the stream is a terminal, else ECS. `fixed` are ECS fields that each JSON
    line carries, such as `service.name` and `service.node.name`. With ECS, standard output and error become lines too.
    """
    stream = _unwrapped(stream)
    ecs = log_format == "ecs" or (log_format == "auto" and not stream.isatty())
    number = severity(level)
    handler = _Handler(stream, limited=number > logging.DEBUG)
    handler.setFormatter(_formatter(ecs=ecs, fixed=fixed, colours=stream.isatty()))
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
        if isinstance(old, _Handler):
            old.close()
    root.addHandler(handler)
    root.setLevel(number)
    for name, least in _QUIETED.items():
        logging.getLogger(name).setLevel(max(number, least) if number > logging.DEBUG else logging.DEBUG)
    logging.captureWarnings(True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            _current_error,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,  # loggers of modules are made before this call
    )
    _capture_standard_streams(capture=ecs)


# --- the form of a line --------------------------------------------------------------------------------------------------


def _formatter(*, ecs: bool, fixed: Mapping[str, str], colours: bool) -> logging.Formatter:
    if ecs:
        last: list[Any] = [_EcsFields(fixed), ecs_logging.StructlogFormatter()]
    else:
        last = [
            _text_fields,
            # Plain, because the richer ones print local variables: those hold records and passwords.
            structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=structlog.dev.plain_traceback),
        ]
    return structlog.stdlib.ProcessorFormatter(processors=last)


class _EcsFields:
    """Turns a line's words into the fields of the Elastic Common Schema; its formatter nests the dotted names."""

    def __init__(self, fixed: Mapping[str, str]) -> None:
        self._fixed = dict(fixed)

    def __call__(self, _logger: WrappedLogger, _name: str, words: EventDict) -> EventDict:
        record = _taken_record(words)
        reason, error, with_stack = _taken_error(words)
        stack = words.pop("stack_info", None)
        fields: dict[str, Any] = {
            "event": words.pop("event"),
            "@timestamp": _utc(record.created),
            # The record's level, not the method's name: `exception` is no level.
            "log": {"level": record.levelname.lower(), "logger": record.name},
            "process.pid": record.process,
            **self._fixed,
        }
        if reason:
            fields["event.reason"] = reason
        if error is not None:
            fields["error"] = {"type": type(error).__qualname__, "message": str(error)}
            if with_stack:
                fields["error"]["stack_trace"] = "".join(traceback.format_exception(error)).rstrip("\n")
        elif stack:
            fields["error"] = {"stack_trace": str(stack)}
        labels = {name.replace(".", "_"): _plain(value) for name, value in words.items() if value is not None}
        if labels:
            fields["labels"] = labels
        return fields


def _text_fields(_logger: WrappedLogger, _name: str, words: EventDict) -> EventDict:
    """What the console shows: local time, level, message, logger, facts, and a stack where one is due."""
    record = _taken_record(words)
    reason, error, with_stack = _taken_error(words)
    words.update(timestamp=_local(record.created), level=record.levelname.lower(), logger=record.name)
    if reason:
        words["reason"] = reason
    if error is not None:
        if with_stack:
            words["exc_info"] = (type(error), error, error.__traceback__)
        else:
            words["error"] = f"{type(error).__qualname__}: {error}"
    return words


def _taken_record(words: EventDict) -> logging.LogRecord:
    """Takes structlog's own entries out of the words; what was suppressed before this line becomes one of them."""
    record: logging.LogRecord = words.pop("_record")
    words.pop("_from_structlog")
    suppressed = getattr(record, "suppressed", 0)
    if suppressed:
        words["suppressed"] = suppressed
    return record


def _taken_error(words: EventDict) -> tuple[str, BaseException | None, bool]:
    """Takes reason and error out of the words, and says whether the stack is to be shown.

    An `error` that is no exception stays a word.
    """
    exc_info = words.pop("exc_info", None)
    error = exc_info[1] if isinstance(exc_info, tuple) else exc_info
    with_stack = isinstance(error, BaseException)
    if isinstance(words.get("error"), BaseException):
        error = words.pop("error")
        with_stack = with_stack or not isinstance(error, RouterError)
    if not isinstance(error, BaseException):
        error = None
    reason = words.pop("reason", None)
    if reason is None and isinstance(error, RouterError):
        reason = error.reason
    return str(reason or ""), error, with_stack and error is not None and error.__traceback__ is not None


def _current_error(_logger: WrappedLogger, _name: str, words: EventDict) -> EventDict:
    """`exc_info=True` becomes the error itself while it is the current one: a suppressed line may be written later."""
    if words.get("exc_info") is True:
        words["exc_info"] = sys.exc_info()[1]
    return words


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _local(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def _plain(value: object) -> str | int | float | bool:
    """A value that Elastic takes as a label: labels are never nested."""
    if isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(str(_plain(item)) for item in value)
    return str(value)


# --- where lines go ------------------------------------------------------------------------------------------------------


class _Handler(logging.StreamHandler[TextIO]):
    """Writes lines to a stream, those that repeat once a second."""

    def __init__(self, stream: TextIO, *, limited: bool) -> None:
        super().__init__(stream)
        self._repetition: Repetition[logging.LogRecord] | None = Repetition() if limited else None

    def emit(self, record: logging.LogRecord) -> None:
        if self._repetition is None:
            super().emit(record)
            return
        self._tell(self._repetition.overdue(record.created))
        suppressed = self._repetition.admit(_kind(record), record, record.created)
        if suppressed is not None:
            record.suppressed = suppressed
            super().emit(record)

    def close(self) -> None:
        if self._repetition is not None:
            self._tell(self._repetition.drain())
        super().close()

    def _tell(self, untold: list[Untold[logging.LogRecord]]) -> None:
        for lines in untold:
            lines.last.suppressed = lines.count - 1
            super().emit(lines.last)


def _kind(record: logging.LogRecord) -> tuple[object, ...]:
    """What makes a line the same as another: for a library's the text before its arguments are put in."""
    words = record.msg
    if isinstance(words, dict):
        facts = tuple((name, str(value)) for name, value in words.items() if name != "exc_info")
        return (record.name, record.levelno, facts)
    return (record.name, record.levelno, str(words))


class _Printed(io.TextIOBase):
    """Stands in for standard output or error: what is printed becomes a line of the log, one a print."""

    def __init__(self, original: TextIO, name: str, level: int) -> None:
        self.original = original
        self._logger = logging.getLogger(name)
        self._level = level
        self._pending = threading.local()

    @property
    def encoding(self) -> str:  # type: ignore[override]  # typeshed has a plain attribute
        return "utf-8"

    def fileno(self) -> int:
        return self.original.fileno()

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        # A print of several arguments writes each by itself; its line is whole when a line end comes last.
        self._pending.text = getattr(self._pending, "text", "") + text
        if text.endswith("\n"):
            self.flush()
        return len(text)

    def flush(self) -> None:
        text = getattr(self._pending, "text", "").rstrip()
        self._pending.text = ""
        if not text:
            return
        if getattr(self._pending, "logging", False):
            # Logging itself failed and says so here: another line of the log would fail again.
            self.original.write(f"{text}\n")
            return
        self._pending.logging = True
        try:
            self._logger.log(self._level, text)
        finally:
            self._pending.logging = False


def _unwrapped(stream: Any) -> Any:
    return stream.original if isinstance(stream, _Printed) else stream


def _capture_standard_streams(*, capture: bool) -> None:
    """Make standard output, standard error and uncaught exceptions lines of the log, or undo that."""
    stdout, stderr = _unwrapped(sys.stdout), _unwrapped(sys.stderr)
    sys.stdout = _Printed(stdout, "stdout", logging.INFO) if capture else stdout
    sys.stderr = _Printed(stderr, "stderr", logging.WARNING) if capture else stderr
    sys.excepthook = _log_uncaught if capture else sys.__excepthook__
    threading.excepthook = _log_uncaught_in_thread if capture else threading.__excepthook__


def _log_uncaught(kind: type[BaseException], error: BaseException, stack: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        logging.getLogger("router").warning("interrupted from the keyboard")
    else:
        logging.getLogger("router").critical("uncaught error", exc_info=(kind, error, stack))


def _log_uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None:
        _log_uncaught(args.exc_type, args.exc_value, args.exc_traceback)
