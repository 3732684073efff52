"""The shape of a conversion's file, `schemas/<subject>/v1_to_v2.yaml`: how each field of one version is made from another's. Pure."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from router.language.shapes import Name, Shape

__all__ = ["NULLABLE", "ConversionFile", "StepShape"]

_DEEPEST = 8
"""How deep `fields:` may stand in each other for a null in `value:` to be a value."""


def _as_step(value: Any) -> Any:
    return {"cel": value} if isinstance(value, str) else value


class StepShape(Shape):
    """How one field is made. A text is an expression, and short for the key `cel`."""

    cel: str | None = Field(default=None, description="An expression (CEL) over the other version's record.")
    from_: Name | None = Field(
        default=None, description="The field that it is made from: renamed, or with what follows."
    )
    each: Name | None = Field(
        default=None, description="A list or a map of records; `fields:` says how each becomes one."
    )
    fields: dict[Name, Step] | None = Field(
        default=None,
        description="Of a record: how its fields are made from those of the record named by `from` or `each`.",
    )
    symbols: dict[str, str] | None = Field(
        default=None, description="Of an enum: which symbol becomes which. Those that are not listed keep their name."
    )
    otherwise: str | None = Field(default=None, description="The symbol that all others become, which loses them.")
    value: Any = Field(default=None, description="A constant, as a default stands in a schema.")


Step = Annotated[StepShape, BeforeValidator(_as_step)]


class ConversionFile(Shape):
    """How a record of one version becomes one of another."""

    fields: dict[Name, Step] = Field(
        default_factory=dict,
        description="By the name of the field that is made. A field that is not listed is carried over from the field of "
        "its name, or takes its default.",
    )
    loses: list[str] = Field(
        default_factory=list, description="Dotted paths of the fields whose values the other version does not have."
    )


StepShape.model_rebuild()
ConversionFile.model_rebuild()

NULLABLE = tuple(("fields", "*") * depth + ("value",) for depth in range(1, _DEEPEST + 1))
"""Where null is a value like any other."""
