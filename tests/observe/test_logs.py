"""Every line of a process in one form."""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support.logging_state import logging_given_back

from router.errors import DestinationUnavailable, Unreadable
from router.observe.logs import configure_logging, get_logger, severity

FIXED = {"service.name": "router", "service.node.name": "worker-1"}
MISSING = DestinationUnavailable(topic="x.v1", problem="does not exist")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """Give the test process its own logging back."""
    with logging_given_back():
        yield


def fail(error: Exception) -> None:
    """Raise an error from a place that its stack can show."""
    raise error


def configured(level: str = "info", log_format: str = "ecs", stream: io.StringIO | None = None) -> Callable[[], str]:
    """Configure logging to a string; returns what reads it."""
    stream = stream or io.StringIO()
    configure_logging(level, log_format, stream=stream, fixed=FIXED)
    return stream.getvalue


def objects(read: Callable[[], str]) -> list[dict[str, Any]]:
    """The lines, each of which must be one JSON object."""
    return [json.loads(line) for line in read().splitlines()]


def test_line_of_ours_has_the_fields_of_ecs() -> None:
    """Time, level, message, version, service and logger stand where Elastic looks for them; facts are labels."""
    read = configured()
    get_logger("router.lanes").info("lane %s", "opened", topic="a.v1", partition=3, **{"x.y": None, "z.z": b"\xff"})
    (line,) = objects(read)
    assert line.pop("@timestamp").endswith("Z")
    assert line.pop("process")["pid"] > 0
    assert line == {
        "log.level": "info",
        "message": "lane opened",
        "ecs.version": "1.6.0",
        "log": {"logger": "router.lanes"},
        "service": {"name": "router", "node": {"name": "worker-1"}},
        "labels": {"topic": "a.v1", "partition": 3, "z_z": "\\xff"},
    }


def test_line_of_a_library_has_the_same_form() -> None:
    """The standard library's loggers end in the same stream and form."""
    read = configured()
    logging.getLogger("aiokafka").warning("no answer from %s", "broker-1")
    (line,) = objects(read)
    assert (line["log.level"], line["message"], line["log"]["logger"]) == (
        "warning",
        "no answer from broker-1",
        "aiokafka",
    )


def test_error_of_ours_gives_its_slug_and_no_stack() -> None:
    """An expected error is told by type, text and reason; a stack would only be long."""
    read = configured()
    try:
        fail(MISSING)
    except DestinationUnavailable as error:
        get_logger("router").error("lane stopped", error=error)
    (line,) = objects(read)
    assert line["error"] == {"type": "DestinationUnavailable", "message": "topic 'x.v1' does not exist"}
    assert line["event"] == {"reason": "destination-unavailable"}


def test_error_of_others_comes_with_its_stack() -> None:
    """Nobody expected it, so where it came from is needed."""
    read = configured()
    try:
        fail(RuntimeError("boom"))
    except RuntimeError as error:
        get_logger("router").error("failed", error=error)
    (line,) = objects(read)
    assert line["error"]["type"] == "RuntimeError"
    assert "test_logs.py" in line["error"]["stack_trace"]
    assert "event" not in line


@pytest.mark.parametrize("logger", [get_logger("router"), logging.getLogger("faust")], ids=["ours", "library"])
def test_exception_adds_the_current_error_with_its_stack(logger: Any) -> None:
    """`exception` and `exc_info=True` mean what they mean in the standard library, for our errors too."""
    read = configured()
    try:
        fail(Unreadable(field="a", position=1, problem="cut off"))
    except Unreadable:
        logger.exception("failed")
    (line,) = objects(read)
    assert line["log.level"] == "error"
    assert line["error"]["message"] == "field 'a' cannot be read at byte 1: cut off"
    assert "test_logs.py" in line["error"]["stack_trace"]
    assert line["event"]["reason"] == "unreadable"


def test_exception_outside_of_an_error_is_a_plain_line() -> None:
    """`exc_info=True` without a current error harms nothing."""
    read = configured()
    get_logger("router").error("nothing", exc_info=True)
    (line,) = objects(read)
    assert "error" not in line


def test_stack_info_is_kept() -> None:
    """A line that asks for the stack of its own place gets it."""
    read = configured()
    logging.getLogger("asyncio").warning("slow", stack_info=True)
    (line,) = objects(read)
    assert "test_stack_info_is_kept" in line["error"]["stack_trace"]


def test_reason_and_error_may_be_words() -> None:
    """A slug without an error is still the reason; an error that is only text is a fact like others."""
    read = configured()
    get_logger("router").warning("paused", reason="broker-unavailable", error="timed out")
    (line,) = objects(read)
    assert line["event"] == {"reason": "broker-unavailable"}
    assert line["labels"] == {"error": "timed out"}


@pytest.mark.parametrize(
    ("value", "label"),
    [
        pytest.param(True, True, id="boolean"),
        pytest.param(0.5, 0.5, id="number"),
        pytest.param(float("nan"), "nan", id="not-a-number"),
        pytest.param((1, b"x"), "1, x", id="sequence"),
        pytest.param({"a": 1}, "{'a': 1}", id="mapping"),
    ],
)
def test_label_is_never_nested(value: object, label: object) -> None:
    """Facts become text, numbers or booleans: a JSON object a line that Elastic accepts."""
    read = configured()
    get_logger("router").info("fact", it=value)
    (line,) = objects(read)
    assert line["labels"]["it"] == label


def test_level_holds_for_all_and_debug_is_never_on_by_accident() -> None:
    """Below the level nothing is written, and nothing is even made."""
    read = configured("warning")
    get_logger("router").info("no")
    logging.getLogger("faust").info("no")
    assert read() == ""
    assert not logging.getLogger("aiokafka").isEnabledFor(logging.DEBUG)


@pytest.mark.parametrize(("level", "enabled"), [("debug", True), ("info", False)])
def test_request_lines_of_the_web_server_need_debug(level: str, enabled: bool) -> None:
    """Health is asked for every few seconds: only somebody who debugs wants a line for each."""
    configured(level)
    assert logging.getLogger("aiohttp.access").isEnabledFor(logging.INFO) is enabled


@pytest.mark.parametrize(
    ("name", "number"), [("WARN", 30), ("Info", 20), ("crit", 50), (10, 10)], ids=["faust", "case", "short", "number"]
)
def test_level_has_all_of_its_names(name: str | int, number: int) -> None:
    """The names of the settings and those of Faust's `-l` are both understood."""
    assert severity(name) == number


def test_unknown_level_is_refused() -> None:
    """A level that does not exist is a mistake of the caller."""
    with pytest.raises(ValueError, match="'loud' is no level"):
        severity("loud")


def test_storm_of_a_library_is_told_once_and_counted() -> None:
    """Hundreds of equal templates leave one line, and their count, whatever their arguments."""
    read = configured()
    for number in range(300):
        logging.getLogger("aiokafka").error("cannot connect: %s", number)
    configured()  # closes the former handler, which says what is left
    first, last = objects(read)
    assert first["message"] == "cannot connect: 0"
    assert (last["message"], last["labels"]) == ("cannot connect: 299", {"suppressed": 298})


def test_storm_is_counted_in_the_next_line_too() -> None:
    """A later line of the same kind tells how many were left out before it."""
    read = configured()
    (handler,) = logging.getLogger().handlers
    for at in (100.0, 100.1, 100.2, 101.1):
        record = logging.makeLogRecord({"name": "aiokafka", "msg": "again", "levelno": 40, "levelname": "ERROR"})
        record.created = at
        handler.handle(record)
    assert [line.get("labels") for line in objects(read)] == [None, {"suppressed": 1}, None]


def test_lines_of_ours_with_other_facts_are_all_told() -> None:
    """Four lanes that stop at once are four lines."""
    read = configured()
    for partition in (0, 1, 2, 2):
        get_logger("router").warning("lane stopped", partition=partition)
    assert [line["labels"]["partition"] for line in objects(read)] == [0, 1, 2]


def test_nothing_is_left_out_at_debug() -> None:
    """Somebody who debugs sees every line."""
    read = configured("debug")
    for _ in range(3):
        logging.getLogger("aiokafka").error("again")
    configured("debug")
    assert len(objects(read)) == 3


def test_print_is_one_line_of_the_log() -> None:
    """What is printed in a worker, in pieces or over several lines, is one JSON object a print."""
    read = configured()
    print("a", 1, "b")
    print("c\nd", file=sys.stderr)
    print("e", end="", flush=True)
    print()
    assert [(line["log"]["logger"], line["log.level"], line["message"]) for line in objects(read)] == [
        ("stdout", "info", "a 1 b"),
        ("stderr", "warning", "c\nd"),
        ("stdout", "info", "e"),
    ]
    assert sys.stdout.encoding == "utf-8"
    assert sys.stdout.writable()
    assert not sys.stdout.isatty()


def test_print_keeps_the_file_of_the_original(capfd: pytest.CaptureFixture[str]) -> None:
    """A child process that is given our standard output gets the real one."""
    original = sys.__stdout__
    assert original is not None
    sys.stdout = original
    configured()
    assert sys.stdout.fileno() == 1
    assert capfd.readouterr().out == ""


def test_failing_log_says_so_on_the_real_error_output() -> None:
    """Where logging itself fails, it does not chase its own tail."""
    sys.stderr = real = io.StringIO()
    broken = io.StringIO()
    configured(stream=broken)
    broken.close()
    logging.getLogger("faust").error("lost")
    assert "ValueError" in real.getvalue()


def test_configuring_again_replaces_the_former() -> None:
    """The last call holds; lines are not doubled and streams are not wrapped twice."""
    former = configured()
    read = configured()
    stream = sys.stdout
    configure_logging("info", "text", stream=stream, fixed=FIXED)  # a captured stream stands for its original
    assert sys.stdout is not stream
    read = configured()
    logging.getLogger("faust").info("once")
    assert former() == ""
    assert len(objects(read)) == 1


def test_warnings_of_python_are_lines() -> None:
    """A deprecation shows up in the log and nowhere else."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        read = configured()
        warnings.warn("old", DeprecationWarning, stacklevel=1)
    (line,) = objects(read)
    assert line["log"]["logger"] == "py.warnings"
    assert "DeprecationWarning: old" in line["message"]


def test_uncaught_error_is_one_line() -> None:
    """What ends the process is one object with its stack, not a page of loose text."""
    read = configured()
    sys.excepthook(DestinationUnavailable, MISSING, None)
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert [(line["log.level"], line["message"]) for line in objects(read)] == [
        ("critical", "uncaught error"),
        ("warning", "interrupted from the keyboard"),
    ]


def test_uncaught_error_of_a_thread_is_one_line() -> None:
    """Threads are no exception."""
    read = configured()
    thread = threading.Thread(target=lambda: 1 / 0)
    thread.start()
    thread.join()
    threading.excepthook(threading.ExceptHookArgs([SystemExit, None, None, None]))
    (line,) = objects(read)
    assert line["error"]["type"] == "ZeroDivisionError"


def test_auto_is_text_on_a_terminal_and_ecs_elsewhere() -> None:
    """A person at a terminal reads lines; everything else gets objects."""
    terminal = configured(log_format="auto", stream=Terminal())
    get_logger("router").info("hello")
    elsewhere = configured(log_format="auto")
    get_logger("router").info("hello")
    assert "\x1b[" in terminal()
    assert objects(elsewhere)[0]["message"] == "hello"


def test_text_line_is_readable() -> None:
    """Local time, level, message, logger and facts; an error of ours as its text, with its slug."""
    read = configured(log_format="text")
    get_logger("router.lanes").warning("lane stopped", topic="a.v1", error=MISSING)
    line = read()
    assert line[4] == line[7] == "-"
    assert "[warning  ] lane stopped" in line
    assert "[router.lanes]" in line
    assert (
        "error=\"DestinationUnavailable: topic 'x.v1' does not exist\" reason=destination-unavailable topic=a.v1"
        in line
    )
    assert line.count("\n") == 1


def test_text_shows_the_stack_of_an_unexpected_error_without_its_variables() -> None:
    """Variables hold records and passwords: they are not printed."""
    secret = "hunter" + "2"
    read = configured(log_format="text")
    try:
        fail(RuntimeError(len(secret)))
    except RuntimeError:
        get_logger("router").exception("failed")
    assert "Traceback" in read()
    assert "hunter2" not in read()


def test_text_leaves_standard_output_alone() -> None:
    """What is printed for a person stays as it is."""
    stdout = sys.stdout
    configured(log_format="text")
    assert sys.stdout is stdout
