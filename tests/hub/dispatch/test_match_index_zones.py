"""The grid knows most points' zones by the square they lie in; only those near an edge are left to ask."""

from __future__ import annotations

import pytest

from hub.dispatch.match import Match
from hub.dispatch.match_index_zones import KNOWN_CELLS, ZoneGrid
from hub.dispatch.match_masks import numbers_in

STRIPES = [
    Match(
        zones={"stripe": [[left / 100, 0], [left / 100 + 0.05, 0], [left / 100 + 0.05, 1], [left / 100, 1]]}
    )
    for left in range(95)
]


def test_grid_leaves_to_ask_only_those_whose_edge_is_near():
    cell = ZoneGrid(dict(enumerate(STRIPES))).find((0.503, 0.5))

    assert numbers_in(cell.inside) == [47, 48, 49]
    assert numbers_in(cell.cut) == [45, 46, 50, 51]


def test_grid_knows_every_point_of_a_zone_that_is_the_whole_frame_but_its_edge():
    whole = Match(ignore_zones={"all": [[0, 0], [1, 0], [1, 1], [0, 1]]})
    grid = ZoneGrid({3: whole})

    assert (grid.find((0.5, 0.5)).inside, grid.find((0.5, 0.5)).cut) == (0, 0)
    assert grid.find((1.0, 1.0)).cut == 1 << 3


@pytest.mark.parametrize("edge", [0.5, 0.5 + 2e-5, 0.5 - 2e-5])
def test_grid_asks_beside_a_cell_where_a_point_may_count_as_on_the_edge(edge):
    match = Match(zones={"sliver": [[0, 0], [edge, 0], [edge, 1], [0, 1]]})
    grid = ZoneGrid({0: match})

    assert grid.find((0.5, 0.5)).cut == grid.find((0.5 - 1e-9, 0.5)).cut == 1


def test_grid_is_bounded_by_the_squares_that_there_are():
    grid = ZoneGrid(dict(enumerate(STRIPES[:2])))
    for column in range(80):
        for row in range(80):
            grid.find((column / 79, row / 79))

    assert grid._find_cell.cache_info().currsize < KNOWN_CELLS
