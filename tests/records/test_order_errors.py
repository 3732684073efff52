"""What is said of records that have no place in their key's order."""

from router.records.order_errors import IllegalTransition, Late, OrderGap, OrderUnknown


def test_each_says_what_the_record_carries_and_what_its_key_awaits() -> None:
    """An operator reads nothing else."""
    assert str(OrderUnknown(field="n", value=None, problem="is null")) == (
        "field 'n' is None, which is null: the record has no place in its key's order"
    )
    gap = OrderGap(field="n", place=7, missing="5 to 6", held_ms=1500, full=False)
    assert str(gap) == "'n' is 7, and 5 to 6, which comes before it, did not come in 1.5 s"
    full = OrderGap(field="n", place=7, missing="5", held_ms=0, full=True)
    assert str(full).endswith("did not come when its key held as many records as it may")
    assert str(Late(field="n", place=3, reached=9)) == "'n' is 3, and its key has gone on to 9"
    assert str(Late(field="n", place=3, reached=9, forgotten=True)).endswith("so long ago that it may be a duplicate")


def test_a_way_that_is_not_allowed_is_shown() -> None:
    """With what could have come next; first, or after a state."""
    wrong = IllegalTransition(field="s", path=("new", "paid"), state="new", allowed=("sent", "refunded"))
    assert str(wrong) == "'s' went new → paid → new: after 'paid' comes sent or refunded"
    assert str(IllegalTransition(field="s", path=(), state="paid", allowed=())) == "'s' went paid: first comes nothing"
