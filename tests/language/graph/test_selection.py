"""The part of a graph that is asked for."""

from __future__ import annotations

import pytest
from support.graphs import shop_graph

from router.language.graph.selection import Selection, UnknownName, select

ALL = {node.name for node in shop_graph().nodes}


@pytest.mark.parametrize(
    ("selection", "left_out"),
    [
        pytest.param(Selection(), set(), id="everything"),
        pytest.param(
            Selection(teams=["reading"]), {"paid.order.status.v1", "rest.order.status.v1", "selling"}, id="team"
        ),
        pytest.param(Selection(teams=["reading", "selling"]), set(), id="two-teams"),
        pytest.param(
            Selection(topics=["paid.order.status.v1"]),
            ALL - {"order.status.v1", "orders", "paid.order.status.v1", "selling"},
            id="topic",
        ),
        pytest.param(Selection(topics=["order.status.v1"]), set(), id="broad-topic"),
        pytest.param(Selection(upstream_of=["files"]), ALL - {"order.status.v1", "orders", "files"}, id="upstream"),
        pytest.param(
            Selection(downstream_of=["files"]), ALL - {"files", "big.order.status.v1", "reading"}, id="downstream"
        ),
        pytest.param(
            Selection(downstream_of=["orders"], upstream_of=["rest"]), ALL - {"orders", "rest"}, id="what-lies-between"
        ),
    ],
)
def test_a_selection_keeps_what_it_names_and_what_leads_there(selection: Selection, left_out: set[str]) -> None:
    """Options of several kinds narrow the picture."""
    assert {node.name for node in select(shop_graph(), selection).nodes} == ALL - left_out


@pytest.mark.parametrize(
    ("selection", "said"),
    [
        pytest.param(Selection(teams=["seling"]), "no team 'seling': did you mean 'selling'?", id="team"),
        pytest.param(Selection(topics=["orders"]), "there is no topic 'orders'", id="an-exchange-is-no-topic"),
        pytest.param(Selection(upstream_of=["zzz"]), "no topic, exchange or team 'zzz'", id="upstream"),
        pytest.param(Selection(downstream_of=["order"]), "did you mean 'orders'?", id="downstream"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(selection: Selection, said: str) -> None:
    """An empty picture would look like an answer."""
    with pytest.raises(UnknownName) as error:
        select(shop_graph(), selection)
    assert said in str(error.value)
