"""The names that expressions may use."""

from router.language.cel.functions_known import KNOWN_FUNCTIONS, NAMESPACED, OPERATOR_SYMBOLS, TYPE_NAMES


def test_names_of_a_kind_stand_together() -> None:
    """What stands in a namespace has a dot; operators have the sign that people write."""
    assert all("." in name for name in NAMESPACED)
    assert OPERATOR_SYMBOLS["_&&_"] == "&&"
    assert NAMESPACED < KNOWN_FUNCTIONS
    assert {"int", "google.protobuf.Timestamp"} < TYPE_NAMES
