"""The shape of a conversion's file."""

import pytest
from pydantic import ValidationError

from router.versions.conversion_shapes import NULLABLE, ConversionFile


def test_a_text_is_an_expression() -> None:
    """The short form and the long one are the same, at every depth."""
    short = ConversionFile.model_validate({"fields": {"a": "b + 1", "c": {"from": "d", "fields": {"e": "f"}}}})
    long = ConversionFile.model_validate(
        {"fields": {"a": {"cel": "b + 1"}, "c": {"from": "d", "fields": {"e": {"cel": "f"}}}}}
    )
    assert short.fields["a"].cel == "b + 1"
    assert short == long


def test_unknown_keys_are_refused() -> None:
    """A misspelt key would silently have no effect."""
    with pytest.raises(ValidationError, match="Extra inputs"):
        ConversionFile.model_validate({"fields": {"a": {"form": "b"}}})


def test_null_is_a_value_of_a_constant_only() -> None:
    """Null may stand under `value`, at any depth that is used."""
    assert NULLABLE[:2] == (("fields", "*", "value"), ("fields", "*", "fields", "*", "value"))
    assert ConversionFile.model_validate({"fields": {"a": {"value": None}}}).fields["a"].model_fields_set == {"value"}
