"""Chords of degenerate cells: what cannot be is seen by every kernel, as a failed self-check."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from cpwl.backends.torch.complex.complex import Complex
from cpwl.backends.torch.complex.segments import pack
from cpwl.backends.torch.fields.field import FloatField, Sharp
from cpwl.backends.torch.refinement.chords import Meets
from cpwl.backends.torch.refinement.coincidence import Order, Shared
from cpwl.backends.torch.refinement.crossings import Crossings
from cpwl.backends.torch.refinement.degenerate import InconsistentError, spans_of
from cpwl.backends.torch.refinement.kernels.choice import KERNELS
from cpwl.backends.torch.refinement.kernels.kernel import Kernel
from cpwl.backends.torch.refinement.signs import CellSigns, Columns, Signs
from cpwl.backends.torch.refinement.sites import Sites, Spans

BOTH = pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: type(kernel).__name__)
CPU = torch.device("cpu")


def triangle(kernel: Kernel, signs: list[list[int]], crossed: list[tuple[int, int]]) -> tuple[Sites, CellSigns]:
    """A triangle, the signs of columns at its vertices, and crossings (edge, column): edges have one each at most."""
    cell = Complex.polygon(3, CPU)
    at = torch.tensor(signs, dtype=torch.float64)
    names = torch.arange(at.shape[1])
    columns = Columns.of(FloatField.exactly(at.numpy(), CPU), names, torch.zeros(len(names), dtype=torch.float64))
    packed = Signs(pack(at > 0), pack(at < 0), pack(at > 9))
    edge, column = (torch.tensor([pair[k] for pair in crossed], dtype=torch.int64) for k in (0, 1))
    none, undecided = torch.zeros(len(crossed), dtype=torch.bool), torch.zeros(3, dtype=torch.bool)
    middle = torch.full((len(crossed),), 0.5, dtype=torch.float64)
    counts = torch.bincount(edge, minlength=3)
    crossings = Crossings(edge, column, middle, 0 * middle, none, undecided, counts)
    visits = kernel.visits(cell, crossings)
    found = kernel.cell_signs(cell, packed, len(names))
    return Sites(cell, columns, packed, crossings, Shared.none(CPU), visits), found


@BOTH
def test_a_chord_from_a_vertex_to_the_edge_across(kernel: Kernel) -> None:
    sites, cells = triangle(kernel, [[0], [1], [-1]], [(1, 0)])
    spans, ends = spans_of(sites, cells, torch.tensor([True]), kernel)
    assert (spans.begin.tolist(), spans.end.tolist(), spans.vertices.tolist()) == ([0], [2], [[0], [3]])
    assert ends.edges.tolist() == [[0, 0], [1, 2]] and ends.position.tolist() == [0, 0.5]
    assert len(spans.also.at) == 0


@BOTH
@pytest.mark.parametrize("crossed", [[], [(1, 0), (2, 0)]], ids=["once", "thrice"])
def test_a_column_that_meets_its_cell_other_than_twice_fails_a_self_check(kernel: Kernel, crossed: Any) -> None:
    sites, cells = triangle(kernel, [[0], [1], [-1]], crossed)
    with pytest.raises(InconsistentError, match="other than twice") as caught:
        spans_of(sites, cells, torch.tensor([True]), kernel)
    assert caught.value.cells.tolist() == [True]
    spans, wrong = kernel.spans(sites, cells.cut, torch.tensor([True]))
    assert (len(spans), len(spans.also.at), spans.vertices.shape, wrong.tolist()) == (0, 0, (2, 0), [True])
    assert kernel.web(sites, cells.cut, torch.tensor([True]), 9, 1.0) is None
    assert len(kernel.spans(sites, cells.cut, torch.tensor([False]))[0]) == 0  # it is not asked for


@BOTH
def test_columns_with_the_same_ends_have_one_chord(kernel: Kernel) -> None:
    """The lowest column names it; the others are kept beside, in order."""
    sites, cells = triangle(kernel, [[0, 0, 0], [1, -1, 1], [-1, 1, -1]], [(1, 2)])
    sites = replace(sites, shared=Shared(torch.tensor([0, 0]), torch.tensor([0, 1])))
    spans, _ = spans_of(sites, cells, torch.tensor([True]), kernel)
    assert spans.column.tolist() == [0]
    assert (spans.also.at.tolist(), spans.also.column.tolist()) == ([0, 0], [1, 2])


def three_chords(kernel: Kernel) -> tuple[Spans, Meets]:
    """The chords of a triangle through each of its corners and a point of the edge across, of columns 2, 4 and 6; on
    the second one column 7 vanishes too, and at its end, vertex 4, column 5."""
    sites, _ = triangle(kernel, [[0] * 8] * 3, [(1, 2), (2, 4), (0, 6)])
    sites = replace(sites, shared=Shared(torch.tensor([1]), torch.tensor([5])))
    number, also = torch.arange(3), Shared(torch.tensor([1]), torch.tensor([7]))
    cell, vertices = torch.zeros(3, dtype=torch.int64), torch.stack([number, 3 + number])
    spans = Spans(sites, torch.tensor([0, 2, 4]), torch.tensor([3, 5, 1]), cell, 2 * number + 2, also, vertices)
    place = torch.tensor([[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]], dtype=torch.float64)
    # (0, 1), (0, 2) along 0; (1, 2), (0, 1) along 1; (0, 2), (1, 2) along 2
    return spans, Meets(torch.tensor([[0, 1], [0, 2], [1, 2]]), place, place / 1024, torch.tensor([0, 1, 2, 3, 4, 5]))


@BOTH
def test_pairs_of_chords_have_one_point_if_all_of_them_meet_there(kernel: Kernel) -> None:
    """Of three chords that cross one another two crossings, or all, are at one point; two alone cannot be."""
    spans, meets = three_chords(kernel)
    apart, together, torn = (torch.tensor(numbers * 2) for numbers in ([0, 1, 2], [1, 1, 1], [1, 1, 2]))
    web, wrong = kernel.incidences(spans, meets, Order(meets.order, apart), 9)
    assert (web.chord.tolist(), web.point.tolist()) == ([0, 0, 1, 1, 2, 2], [0, 1, 2, 0, 1, 2])
    assert len(web.points) == 3 and not wrong.any()
    web, wrong = kernel.incidences(spans, meets, Order(meets.order, together), 9)
    assert (web.chord.tolist(), web.point.tolist(), len(web.points)) == ([0, 1, 2], [0, 0, 0], 1) and not wrong.any()
    _, wrong = kernel.incidences(spans, meets, Order(meets.order, torn), 9)
    assert wrong.tolist() == [True, True, False]


@BOTH
def test_a_point_is_on_the_first_chord_of_the_lowest_pair_and_all_others_are_zero_there(kernel: Kernel) -> None:
    spans, meets = three_chords(kernel)
    web, _ = kernel.incidences(spans, meets, Order(meets.order, torch.tensor([1] * 6)), 9)
    assert [part.tolist() for part in vars(web.points).values()] == [[0], [3], [6], [0.3], [0.3 / 1024], [2]]
    assert [part.tolist() for part in web.zeros] == [[4, 9, 9], [5, 4, 7]]
    assert web.pieces.tolist() == [3 + 2]


@BOTH
def test_points_apart_are_each_on_two_chords(kernel: Kernel) -> None:
    spans, meets = three_chords(kernel)
    web, _ = kernel.incidences(spans, meets, Order(meets.order, torch.arange(3).repeat(2)), 9)
    assert (web.points.first.tolist(), web.points.second.tolist()) == ([0, 0, 1], [3, 3, 4])
    assert (web.points.column.tolist(), web.points.also.tolist()) == ([4, 6, 6], [2, 2, 4])
    assert [part.tolist() for part in web.zeros] == [[4, 11, 9], [5, 7, 7]]
    assert web.pieces.tolist() == [3 + 3]


@BOTH
def test_sites_at_both_ends_of_chords_are_told(kernel: Kernel) -> None:
    sites, cells = triangle(kernel, [[0, -1], [1, 1], [-1, -1]], [(0, 1), (1, 0), (1, 1)])
    spans, _ = kernel.spans(sites, cells.cut, torch.tensor([True]))
    assert (spans.begin.tolist(), spans.end.tolist(), spans.vertices.tolist()) == ([0, 1], [3, 4], [[0, 3], [4, 5]])
    ends = kernel.ends(spans)
    assert ends.edges.tolist() == [[0, 0], [0, 1], [1, 2], [1, 2]]


def medians(kernel: Kernel, bound: float = 0.0, slack: float = 0.0) -> tuple[Sites, CellSigns]:
    """A triangle cut by its medians: each column is 0 at a corner, and crosses the edge across in its middle."""
    signs = [[0, -1, 1], [1, 0, -1], [-1, 1, 0]]
    sites, cells = triangle(kernel, signs, [(0, 2), (1, 0), (2, 1)])
    loose = torch.full((3,), bound, dtype=torch.float64)
    columns = replace(sites.columns, bound=Sharp(loose, torch.ones_like(loose), torch.zeros_like(loose)))
    crossings = replace(sites.crossings, slack=torch.full((3,), slack, dtype=torch.float64))
    return replace(sites, columns=columns, crossings=crossings), cells


@BOTH
def test_three_chords_that_a_separation_bound_makes_meet_in_one_point(kernel: Kernel) -> None:
    sites, cells = medians(kernel)
    told = kernel.web(sites, cells.cut, torch.tensor([True]), 9, 1e-3)
    assert told is not None
    web, count = told
    assert (len(web.points), count, web.chord.tolist(), web.pieces.tolist()) == (1, 1, [0, 1, 2], [5])
    assert web.points.position.tolist() == pytest.approx([2 / 3])


@BOTH
@pytest.mark.parametrize(
    ("bound", "slack", "least"),
    [
        (0.0, 0.0, 0.0),  # nothing is known of what is not zero: the three may enclose a triangle
        (0.0, 0.0, torch.nan),
        (0.0, 0.0, 1e-18),
        (2.0, 0.0, torch.inf),  # a value at the end of a chord may be zero
        (0.0, 0.9, torch.inf),
        (torch.nan, 0.0, torch.inf),
        (0.0, torch.nan, torch.inf),
    ],
)
def test_what_float64_leaves_open_is_left_to_exact_decisions(
    bound: float, slack: float, least: float, kernel: Kernel
) -> None:
    sites, cells = medians(kernel, bound, slack)
    assert kernel.web(sites, cells.cut, torch.tensor([True]), 9, least) is None


@BOTH
def test_cells_that_are_not_asked_for_have_no_web(kernel: Kernel) -> None:
    sites, cells = medians(kernel)
    told = kernel.web(sites, cells.cut, torch.tensor([False]), 9, 0.0)
    assert told is not None
    assert (len(told[0].spans), len(told[0].points), told[0].pieces.tolist(), told[1]) == (0, 0, [0], 0)
