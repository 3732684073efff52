"""The shape of `schemas/<subject>/subject.yaml`: how a subject's records say which revision wrote them. Pure."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from router.language.shapes import Name, Shape

__all__ = ["SubjectFile"]

MaskedField = Annotated[str, Field(pattern=r"^(header:[^\s:]+|[^\s.:]+(\.[^\s.:]+)*)$")]
RevisionName = Annotated[str, Field(pattern=r"^v[1-9][0-9]*(\.r[1-9][0-9]*)?$")]


class SubjectFile(Shape):
    """What a subject says of itself. A subject without the file has bare bodies and changes fully compatibly."""

    encoding: Literal["bare", "single-object", "header", "confluent"] = Field(
        default="bare",
        description="What tells a record's revision: nothing (`bare`), Avro's single-object encoding, the header "
        "`router-schema`, or Confluent's prefix.",
    )
    compatibility: Literal["full", "backward", "forward", "none"] = Field(
        default="full",
        description="What a revision must be to those before it: readable by their readers (`forward`), able to read what "
        "they wrote (`backward`), or both (`full`).",
    )
    confluent_ids: dict[Name, RevisionName] = Field(
        default_factory=dict,
        description="Of encoding `confluent`: the registry's ids, and the revision that each stands for.",
    )
    mask: list[MaskedField] = Field(
        default_factory=list,
        description="Fields that the console never shows, as dotted paths that go into each item of a list, and "
        "`header:NAME` for headers.",
    )
    mask_key: bool = Field(
        default=False,
        description="The records' keys are not shown by the console either: a text stands for each that tells it from others.",
    )
