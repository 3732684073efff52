"""The shape of subject.yaml."""

import pytest
from pydantic import ValidationError

from router.versions.subject_shapes import SubjectFile


def test_what_is_left_out_is_the_careful_choice() -> None:
    """Without a word bodies are bare and changes compatible both ways."""
    shape = SubjectFile.model_validate({})
    assert (shape.encoding, shape.compatibility, shape.confluent_ids) == ("bare", "full", {})


def test_ids_name_revisions() -> None:
    """An id leads to a revision by its name."""
    assert SubjectFile.model_validate({"confluent-ids": {"17": "v1.r2"}}).confluent_ids == {"17": "v1.r2"}
    with pytest.raises(ValidationError, match="pattern"):
        SubjectFile.model_validate({"confluent-ids": {"17": "first"}})


def test_masks_are_paths_and_headers() -> None:
    """Dotted paths, and `header:NAME`; nothing else."""
    assert SubjectFile.model_validate({"mask": ["customer.email", "header:x-session"]}).mask == [
        "customer.email",
        "header:x-session",
    ]
    for wrong in ("a..b", "", "with space", "header:", "a:b"):
        with pytest.raises(ValidationError, match="pattern"):
            SubjectFile.model_validate({"mask": [wrong]})
