"""The shape of `schemas/<subject>/split.yaml`: how a topic whose records carry a type becomes one subject a meaning. Pure."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from router.language.shapes import Name, Shape
from router.versions.conversion_shapes import NULLABLE as STEPS_NULLABLE
from router.versions.conversion_shapes import ConversionFile

__all__ = ["NOT_BACK", "NULLABLE", "BranchShape", "SplitFile"]

NOT_BACK = "none"
"""In the place of what leads back: nothing does, and that is meant."""


def _as_back(value: Any) -> Any:
    return None if value == NOT_BACK else value


class BranchShape(ConversionFile):
    """One meaning: the types that have it, and how a record of them becomes one of its subject."""

    types: list[str] = Field(min_length=1, description="The values of the field `by` whose records go there.")
    has: list[Name] = Field(
        default_factory=list,
        description="Fields that records of these types always have, and those of others never: not null here, null everywhere "
        "else. A record that is otherwise does not convert.",
    )
    lift: Name | None = Field(
        default=None,
        description="A record among these fields, which `has` need not repeat: its fields are taken as if they stood beside it.",
    )
    back: Annotated[ConversionFile | None, BeforeValidator(_as_back)] = Field(
        default_factory=ConversionFile,
        description="How a record of the subject becomes one of the old topic for those who stay there; `none` where they get none.",
    )


class SplitFile(Shape):
    """How one version's topic is split."""

    of: str = Field(pattern=r"^v[1-9][0-9]{0,8}$", description="The version whose topic is split.")
    by: str = Field(min_length=1, description="The field that says which of several things an event is.")
    into: dict[Name, BranchShape] = Field(description="By subject and version, what goes there.")
    else_: Literal["dead-letter", "keep", "refuse"] = Field(
        alias="else",
        description="What becomes of a type that nobody named: a dead letter, or it is kept in the old topic and nowhere else, or "
        "nothing of its partition goes on until somebody names it.",
    )


SplitFile.model_rebuild()

NULLABLE = tuple(("into", "*", *inside, *each) for each in STEPS_NULLABLE for inside in ((), ("back",)))
"""Where null is a value like any other."""
