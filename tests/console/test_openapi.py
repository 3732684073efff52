"""The document that describes the API."""

from __future__ import annotations

from router.console.openapi import openapi
from router.console.pages import QUESTIONS


def test_every_question_is_in_it() -> None:
    """At its path below /api/v1, by its name, with the refusals that may come."""
    document = openapi()
    operations = {one["operationId"]: one for path in document["paths"].values() for one in path.values()}
    assert set(operations) == {each.name for each in QUESTIONS}
    assert all(path.startswith("/api/v1/") for path in document["paths"])
    assert all({"200", "400", "401", "403", "404", "503"} <= set(one["responses"]) for one in operations.values())
    assert document["openapi"].startswith("3.1")


def test_parameters_are_those_that_are_checked() -> None:
    """With their bounds; those of the path are required, and a form's are in its body."""
    paths = openapi()["paths"]
    (limit,) = [one for one in paths["/api/v1/topics/{topic}/records"]["get"]["parameters"] if one["name"] == "limit"]
    assert (limit["schema"]["maximum"], limit["required"], limit["in"]) == (500, False, "query")
    assert paths["/api/v1/why"]["post"]["parameters"] == []
    assert (
        "routes" in paths["/api/v1/why"]["post"]["requestBody"]["content"]["application/json"]["schema"]["properties"]
    )


def test_streams_are_described_as_what_they_are() -> None:
    """Server-sent events, JSON lines, CSV."""
    paths = openapi()["paths"]
    assert set(paths["/api/v1/topics/{topic}/tail"]["get"]["responses"]["200"]["content"]) == {"text/event-stream"}
    export = paths["/api/v1/tables/{source}/export"]["get"]["responses"]["200"]["content"]
    assert set(export) == {"application/x-ndjson", "text/csv"}
