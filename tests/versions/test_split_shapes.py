"""What a split's file may say."""

from router.versions.split_shapes import NOT_BACK, NULLABLE, BranchShape, SplitFile


def test_the_way_back_is_what_is_said_nothing_or_none() -> None:
    """Without a word all carries over by itself; `none` is meant."""
    assert BranchShape.model_validate({"types": ["a"]}).back is not None
    assert BranchShape.model_validate({"types": ["a"], "back": NOT_BACK}).back is None
    said = BranchShape.model_validate({"types": ["a"], "back": {"loses": ["x"]}}).back
    assert said is not None
    assert said.loses == ["x"]


def test_what_becomes_of_others_has_no_default() -> None:
    """Nobody can forget it."""
    found = SplitFile.model_validate({"of": "v1", "by": "type", "into": {"a.v1": {"types": ["a"]}}, "else": "keep"})
    assert found.else_ == "keep"
    assert [name for name, each in SplitFile.model_fields.items() if each.is_required()] == [
        "of",
        "by",
        "into",
        "else_",
    ]


def test_null_is_a_constant_on_both_ways() -> None:
    """As in conversions."""
    assert ("into", "*", "fields", "*", "value") in NULLABLE
    assert ("into", "*", "back", "fields", "*", "fields", "*", "value") in NULLABLE
