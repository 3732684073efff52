"""The API's description, as OpenAPI 3.1 has it, made from the table of questions. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from router import __version__
from router.console.pages import API, QUESTIONS, Parameter, Question

__all__ = ["openapi"]

_PROBLEM = {
    "type": "object",
    "properties": {
        "reason": {"type": "string", "description": "A word for programs."},
        "message": {"type": "string"},
        "what_to_do": {"type": "string"},
    },
    "required": ["reason", "message"],
}
_REFUSALS: Mapping[str, str] = {
    "400": "A parameter makes no sense.",
    "401": "There is no token in the request, or it is not the console's.",
    "403": "The role of the token may not do this.",
    "404": "What was asked about is not there.",
    "409": "A worker that is asked to act does something else.",
    "503": "Kafka, or every worker, does not answer.",
}


def openapi() -> dict[str, Any]:
    """The document."""
    paths: dict[str, dict[str, Any]] = {}
    for question in QUESTIONS:
        path = f"{API}{question.path}" if question.path != "/" else f"{API}/overview"
        paths.setdefault(path, {})[question.method.lower()] = _operation(question)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "The router's console",
            "version": __version__,
            "description": "Everything that the console's pages show, as JSON. A POST that needs the role operator is passed on to a worker.",
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Problem": _PROBLEM},
        },
    }


def _operation(question: Question) -> dict[str, Any]:
    form = "text/event-stream" if question.name == "tail" else "application/x-ndjson"
    answered: dict[str, Any] = {"application/json": {"schema": _answer(question)}}
    if question.stream:
        answered = {form: {"schema": {"type": "string"}}}
        if question.name == "export":
            answered["text/csv"] = {"schema": {"type": "string"}}
    refused = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    operation: dict[str, Any] = {
        "operationId": question.name,
        "summary": question.summary,
        "description": f"Needs the role {question.role}.",
        # A form's fields are in its body.
        "parameters": [
            _parameter(each) for each in question.parameters if each.where == "path" or question.method != "POST"
        ],
        "responses": {
            "200": {"description": "The answer.", "content": answered},
            **{status: {"description": text, "content": refused} for status, text in _REFUSALS.items()},
        },
    }
    if question.body is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": question.body}}}
    return operation


def _answer(question: Question) -> dict[str, Any]:
    return {"type": "object", "properties": {each: {} for each in question.answers}, "required": list(question.answers)}


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": parameter.where,
        "required": parameter.where == "path",
        "description": parameter.meaning,
        "schema": dict(parameter.schema or {"type": "string"}),
    }
