"""Chords of degenerate cells: what cannot be is seen by every kernel, as a failed self-check."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from cpwl.backends.torch.complex.complex import Complex
from cpwl.backends.torch.complex.segments import pack
from cpwl.backends.torch.fields.field import FloatField
from cpwl.backends.torch.refinement.chords import Chords
from cpwl.backends.torch.refinement.coincidence import Order, Shared
from cpwl.backends.torch.refinement.crossings import Crossings
from cpwl.backends.torch.refinement.degenerate import InconsistentError, spans_of
from cpwl.backends.torch.refinement.kernels.choice import KERNELS
from cpwl.backends.torch.refinement.kernels.kernel import Kernel
from cpwl.backends.torch.refinement.signs import CellSigns, Columns, Signs
from cpwl.backends.torch.refinement.sites import Sites

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
    spans = spans_of(sites, cells, torch.tensor([True]), kernel)
    assert (spans.begin.tolist(), spans.end.tolist(), spans.vertices.tolist()) == ([0], [2], [[0], [3]])
    assert spans.ends.edges.tolist() == [[0, 0], [1, 2]] and spans.ends.position.tolist() == [0, 0.5]
    assert len(spans.also.at) == 0


@BOTH
@pytest.mark.parametrize("crossed", [[], [(1, 0), (2, 0)]], ids=["once", "thrice"])
def test_a_column_that_meets_its_cell_other_than_twice_fails_a_self_check(kernel: Kernel, crossed: Any) -> None:
    sites, cells = triangle(kernel, [[0], [1], [-1]], crossed)
    with pytest.raises(InconsistentError, match="other than twice") as caught:
        spans_of(sites, cells, torch.tensor([True]), kernel)
    assert caught.value.cells.tolist() == [True]
    chords, also, wrong = kernel.spans(sites, cells.cut, torch.tensor([True]))
    assert (len(chords), len(also.at), wrong.tolist()) == (0, 0, [True])
    assert len(kernel.spans(sites, cells.cut, torch.tensor([False]))[0]) == 0  # it is not asked for


@BOTH
def test_columns_with_the_same_ends_have_one_chord(kernel: Kernel) -> None:
    """The lowest column names it; the others are kept beside, in order."""
    sites, cells = triangle(kernel, [[0, 0, 0], [1, -1, 1], [-1, 1, -1]], [(1, 2)])
    sites = replace(sites, shared=Shared(torch.tensor([0, 0]), torch.tensor([0, 1])))
    spans = spans_of(sites, cells, torch.tensor([True]), kernel)
    assert spans.column.tolist() == [0]
    assert (spans.also.at.tolist(), spans.also.column.tolist()) == ([0, 0], [1, 2])


@BOTH
def test_pairs_of_chords_have_one_point_if_all_of_them_meet_there(kernel: Kernel) -> None:
    """Of three chords that cross one another two crossings, or all, are at one point; two alone cannot be."""
    pair = torch.tensor([[0, 1], [0, 2], [1, 2]])
    order = torch.tensor([0, 1, 2, 3, 4, 5])  # (0, 1), (0, 2) along 0; (1, 2), (0, 1) along 1; (0, 2), (1, 2) along 2
    apart, together, torn = (torch.tensor(numbers * 2) for numbers in ([0, 1, 2], [1, 1, 1], [1, 1, 2]))
    chord, point, name, wrong = kernel.incidences(pair, Order(order, apart))
    assert (chord.tolist(), point.tolist()) == ([0, 0, 1, 1, 2, 2], [0, 1, 2, 0, 1, 2])
    assert name.tolist() == [0, 1, 2] and not wrong.any()
    chord, point, name, wrong = kernel.incidences(pair, Order(order, together))
    assert (chord.tolist(), point.tolist(), name.tolist()) == ([0, 1, 2], [0, 0, 0], [1]) and not wrong.any()
    *_, wrong = kernel.incidences(pair, Order(order, torn))
    assert wrong.tolist() == [True, True, False]


@BOTH
def test_sites_at_both_ends_of_chords_are_told(kernel: Kernel) -> None:
    sites, _ = triangle(kernel, [[0, -1], [1, 1], [-1, -1]], [(0, 1), (1, 0), (1, 1)])
    none = torch.zeros(2, dtype=torch.int64)
    vertices, ends = kernel.ends(sites, Chords(torch.tensor([0, 1]), torch.tensor([3, 4]), none, torch.arange(2)))
    assert vertices.tolist() == [[0, 3], [4, 5]]
    assert ends.edges.tolist() == [[0, 0], [0, 1], [1, 2], [1, 2]]
