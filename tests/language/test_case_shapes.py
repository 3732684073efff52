"""The shapes of a file of cases."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from router.language.case_shapes import NULLABLE, CaseFile
from router.language.shapes import annotation_below


def test_a_case_states_only_what_matters() -> None:
    """No key, no headers, no field of the value need be there."""
    file = CaseFile.model_validate({"cases": [{"name": "n", "message": {"topic": "t"}, "to": []}]})
    (case,) = file.cases
    assert (case.message.key, case.message.value, case.message.headers, case.unroutable) == (None, {}, {}, None)


def test_a_case_says_what_it_promises() -> None:
    """A name, a message, and where it goes."""
    for missing in ("name", "message", "to"):
        case = {"name": "n", "message": {"topic": "t"}, "to": []}
        del case[missing]
        with pytest.raises(ValidationError, match="Field required"):
            CaseFile.model_validate({"cases": [case]})


def test_null_is_allowed_where_a_record_can_have_it() -> None:
    """The paths are those of keys that there are."""
    for path in NULLABLE:
        assert annotation_below(CaseFile, tuple(0 if step == "*" else step for step in path)) is not None
