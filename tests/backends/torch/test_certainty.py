"""What is not a number is never certain: in every comparison that decides, compiled and in torch operations."""

from __future__ import annotations

from math import inf, nan

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from cpwl.backends.torch.complex.complex import Complex, Cycles, HalfEdges
from cpwl.backends.torch.complex.segments import pack, unpack
from cpwl.backends.torch.fields.field import Sharp
from cpwl.backends.torch.refinement.chords import ChordEnds, Chords, Ends, Meets
from cpwl.backends.torch.refinement.coincidence import Shared
from cpwl.backends.torch.refinement.crossings import Crossings, vanishing, within_slack
from cpwl.backends.torch.refinement.kernels import compiled
from cpwl.backends.torch.refinement.kernels.choice import KERNELS
from cpwl.backends.torch.refinement.kernels.kernel import Kernel
from cpwl.backends.torch.refinement.signs import Columns, Signs

ODD = (nan, inf, -inf, 0.0, 5e-324, 1e308, -1e308, 1.0, -1.0)
numbers = st.sampled_from(ODD)
bounds = st.sampled_from([bound for bound in ODD if not bound < 0])
SQUARE = Complex.polygon(4, torch.device("cpu"))


@pytest.fixture(params=KERNELS, ids=lambda kernel: type(kernel).__name__)
def kernel(request: pytest.FixtureRequest) -> Kernel:
    """Each of the ways to do a refinement's work."""
    assert compiled.enabled
    found: Kernel = request.param
    return found


def tensor(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def columns(values: Tensor, row: Tensor) -> Columns:
    """Columns with one bound a row."""
    ones = torch.ones(values.shape[1], dtype=torch.float64)
    bound = Sharp(row, ones, torch.zeros_like(ones))
    return Columns(values, bound, bound)


@given(first=numbers, second=numbers, one=bounds, other=bounds)
def test_a_place_is_a_number_and_where_nothing_is_known_of_it_its_slack_is_the_whole_edge(
    first: float, second: float, one: float, other: float
) -> None:
    position, slack = (x.item() for x in vanishing(*map(tensor, (first, second, one, other))))
    assert 0 <= position <= 1 and 0 < slack <= 1
    known = abs(first - second) * (1 - 2.0**-50) > one + other
    assert slack == 1 or known


@given(low=numbers, high=numbers, one=bounds, other=bounds)
def test_an_order_is_certain_only_if_the_gap_is_more_than_both_slacks(
    low: float, high: float, one: float, other: float
) -> None:
    uncertain = within_slack(torch.zeros(2), tensor(low, high), tensor(one, other)).item()
    assert uncertain or high - low > one + other


@pytest.mark.parametrize(("value", "bound"), [(nan, 0.5), (1.0, nan), (nan, nan), (nan, inf), (1.0, inf), (0.25, 0.5)])
def test_a_sign_is_certain_only_for_a_number_beyond_a_bound_that_is_one(
    value: float, bound: float, kernel: Kernel
) -> None:
    values = torch.full((2, 70), value, dtype=torch.float64)
    signs = kernel.signs(columns(values, tensor(bound, bound)))
    assert bool(unpack(signs.doubtful, 70).all())


@pytest.mark.parametrize("least", [0.0, 1e-3, nan])
@pytest.mark.parametrize(
    ("value", "bound"), [(nan, 1e-9), (1e-9, nan), (nan, nan), (nan, inf), (0.0, inf), (9e-4, 2e-4), (-1e-3, 0.5)]
)
def test_a_value_is_zero_only_if_it_is_a_number_that_is_certainly_less_than_the_least(
    value: float, bound: float, least: float, kernel: Kernel
) -> None:
    values = torch.full((2, 70), value, dtype=torch.float64)
    given = columns(values, tensor(bound, bound))
    signs, vertex, column = kernel.told(given, kernel.signs(given), least)
    assert not len(vertex) and not len(column) and signs.above.any() == (value > bound)


def test_what_is_certainly_less_than_the_least_is_zero(kernel: Kernel) -> None:
    values = torch.zeros((2, 70), dtype=torch.float64)
    values[0, 3], values[1, 68], values[1, 69] = 1e-5, -1e-5, 1.0
    given = columns(values, tensor(1e-4, 1e-4))
    signs, vertex, column = kernel.told(given, kernel.signs(given), 1e-3)
    assert (len(vertex), vertex[:1].tolist(), column[-1:].tolist()) == (139, [0], [68])
    assert not unpack(signs.doubtful, 70).any() and not unpack(signs.below, 70).any()
    assert unpack(signs.above, 70).nonzero().tolist() == [[1, 69]]


def crossings_of_an_edge(position: tuple[float, float], slack: float, doubtful: bool = False) -> Crossings:
    """Two columns that cross the first side of a square."""
    both, flags = torch.zeros(2, dtype=torch.int64), torch.tensor([doubtful, False])
    counts = torch.tensor([2, 0, 0, 0])
    return Crossings(both, torch.arange(2), tensor(*position), tensor(slack, slack), flags, counts > 0, counts)


@pytest.mark.parametrize(
    ("positions", "slack", "size", "bound", "least", "doubtful"),
    [
        ((0.5, 0.5), 1e-15, 1.0, 0.0, 0.0, False),  # nothing is known of short functions
        ((0.5, 0.5), 1e-15, 1.0, 0.0, nan, False),
        ((0.5, 0.5), nan, 1.0, 0.0, 1e-3, False),
        ((0.5, nan), 1e-15, 1.0, 0.0, 1e-3, False),
        ((0.5, 0.5), 1e-15, nan, 0.0, 1e-3, False),
        ((0.5, 0.5), 1e-15, 1.0, nan, 1e-3, False),
        ((0.5, 0.5), 1e-15, 1.0, inf, 1e-3, False),
        ((0.5, 0.5), 1e-15, 1e13, 0.0, 1e-3, False),  # so steep that it may be more elsewhere
        ((0.5, 0.5), 1e-5, 1.0, 0.0, 1e-3, False),  # known too poorly to be left as they are
        ((0.1, 0.9), 1e-5, 1.0, 0.0, 1e-3, True),
    ],
)
def test_crossings_are_one_point_only_if_that_is_certain(
    positions: tuple[float, float],
    slack: float,
    size: float,
    bound: float,
    least: float,
    doubtful: bool,
    kernel: Kernel,
) -> None:
    given = columns(torch.full((4, 2), size, dtype=torch.float64), tensor(*[bound] * 4))
    assert kernel.united(SQUARE.edges, crossings_of_an_edge(positions, slack, doubtful), given, least) is None


def test_crossings_at_one_point_are_one_with_the_place_that_is_known_best(kernel: Kernel) -> None:
    given = columns(torch.ones((4, 2), dtype=torch.float64), torch.zeros(4, dtype=torch.float64))
    crossings = crossings_of_an_edge((0.5, 0.5), 1e-15)
    crossings.slack[0] = 1e-14
    found = kernel.united(SQUARE.edges, crossings, given, 1e-3)
    assert found is not None
    united, shared = found
    assert (united.column.tolist(), united.slack.tolist(), united.counts.tolist()) == ([1], [1e-15], [1, 0, 0, 0])
    assert (shared.at.tolist(), shared.column.tolist()) == ([0], [0])


@pytest.mark.parametrize(
    ("bound", "position", "slack", "least", "central", "wanted"),
    [
        (0.0, 0.5, 1e-15, 1e-3, [], True),
        (0.0, 0.5, 1e-15, 0.0, [], False),
        (0.0, 0.5, 1e-15, nan, [], False),
        (0.0, 0.5, nan, 1e-3, [], False),
        (0.0, nan, 1e-15, 1e-3, [], False),
        (nan, 0.5, 1e-15, 1e-3, [], False),
        (inf, 0.5, 1e-15, 1e-3, [], False),
        (nan, nan, nan, 0.0, [True] * 3, True),  # by name alone
        (0.0, 0.5, 1e-15, 0.0, [True, True, False], False),
    ],
)
def test_chords_meet_in_one_point_only_if_that_is_certain(
    bound: float, position: float, slack: float, least: float, central: list[bool], wanted: bool, kernel: Kernel
) -> None:
    """Three chords, each of which crosses the others in its middle."""
    pair = torch.tensor([[0, 1], [0, 2], [1, 2]])
    order, cluster = torch.tensor([0, 1, 2, 3, 4, 5]), torch.tensor([0, 0, 1, 1, 2, 2])
    places, slacks = (torch.full((3, 2), x, dtype=torch.float64) for x in (position, slack))
    chords = Chords(*(torch.arange(3) for _ in range(2)), torch.zeros(3, dtype=torch.int64), torch.arange(3))
    given = columns(torch.ones((4, 3), dtype=torch.float64), tensor(*[bound] * 4))
    number, nowhere = torch.arange(6), torch.zeros(6, dtype=torch.float64)
    ends = Ends(given, number.view(2, 3).T, torch.zeros((6, 2), dtype=torch.int64), number, nowhere, nowhere)
    flags = torch.tensor(central, dtype=torch.bool)
    found = kernel.coincident(chords, ends, Meets(pair, places, slacks, order), (order, cluster), flags, least)
    assert (found is not None) == wanted
    if found is not None:
        assert (found[0].tolist(), found[1]) == ([1, 1, 1], 1)


def opposite_signs() -> Signs:
    """Those of three columns on a square: two parallel to its sides, one that cuts a corner off."""
    above = torch.tensor([[1, 1, 1], [1, 0, 1], [0, 0, 0], [0, 1, 1]], dtype=torch.bool)
    return Signs(pack(above), pack(~above), pack(torch.zeros_like(above)))


@pytest.mark.parametrize(("value", "bound"), [(0.0, 1e-16), (0.0, 0.0), (nan, 1e-16), (0.5, nan), (inf, 1.0)])
def test_crossings_of_columns_whose_values_do_not_show_their_signs_are_in_no_certain_order(
    value: float, bound: float, kernel: Kernel
) -> None:
    """Signs that were decided exactly may stand beside values that are 0 at both ends of an edge: 0 / 0 is no place."""
    given = columns(torch.full((4, 3), value, dtype=torch.float64), tensor(*[bound] * 4))
    crossings = kernel.crossings(SQUARE.edges, given, opposite_signs())
    several = crossings.counts > 1
    assert bool(several.any()) and bool(crossings.undecided[several].all())
    assert bool(((crossings.position >= 0) & (crossings.position <= 1)).all())


@pytest.mark.parametrize(("value", "bound"), [(0.0, 1e-16), (0.0, 0.0), (nan, 1e-16), (0.5, nan)])
def test_chords_cross_in_no_certain_order_where_values_at_their_ends_say_nothing(
    value: float, bound: float, kernel: Kernel
) -> None:
    right = tensor(1.0, 1.0, -1.0, -1.0), tensor(1.0, -1.0, -1.0, 1.0), tensor(1.0, 1.0, -1.0, 1.0)
    found = kernel.crossings(
        SQUARE.edges, columns(torch.stack(right, 1), torch.zeros(4, dtype=torch.float64)), opposite_signs()
    )
    visits = kernel.visits(SQUARE, found)
    chords, _ = kernel.chords(SQUARE, found, visits, torch.ones(1, dtype=torch.bool))
    ends = torch.stack([visits.crossing[chords.start], visits.crossing[chords.end]], 1)
    unknown = columns(torch.full((4, 3), value, dtype=torch.float64), tensor(*[bound] * 4))
    meets, tied = kernel.meets(chords, ChordEnds(SQUARE, unknown, found, ends).points)
    crossed = torch.bincount(meets.chord.reshape(-1), minlength=len(chords)) > 1
    assert bool(crossed.any()) and bool(tied[crossed].all())


def test_cells_beside_what_is_undecided_or_coincides(kernel: Kernel) -> None:
    """Of two triangles that share the edge 2: one edge of each, the edge between them, or none."""
    two = Complex.of_cycles(
        torch.tensor([[0, 1], [1, 2], [2, 0], [2, 3], [3, 0]]),
        torch.zeros((5, 2), dtype=torch.int64),
        HalfEdges(torch.tensor([0, 1, 2, 2, 3, 4]), torch.arange(6) != 3, torch.arange(6), torch.arange(6)),
        Cycles(torch.arange(6), torch.tensor([0, 3, 6]), torch.arange(2)),
    )
    edge, counts = torch.tensor([0, 2, 4]), torch.tensor([1, 0, 1, 0, 1])
    nowhere, sure = torch.zeros(3, dtype=torch.float64), torch.zeros(3, dtype=torch.bool)
    for undecided, at, wanted in (
        ([], [], [False, False]),
        ([3], [], [False, True]),
        ([], [0], [True, False]),
        ([], [1], [True, True]),
        ([1], [2, 2], [True, True]),
    ):
        flags = torch.zeros(5, dtype=torch.bool).index_fill(0, torch.tensor(undecided, dtype=torch.int64), True)
        crossings = Crossings(edge, edge, nowhere, nowhere, sure, flags, counts)
        shared = Shared(torch.tensor(at, dtype=torch.int64), torch.tensor(at, dtype=torch.int64))
        assert kernel.beside(two, crossings, shared).tolist() == wanted


@pytest.mark.parametrize(("least", "often"), [(-1, [4, 5]), (1, [4, 5]), (2, [4]), (3, [])])
def test_vertices_without_a_sign_above(least: int, often: list[int], kernel: Kernel) -> None:
    """And which of those that have no signs are given often."""
    above, doubtful, below = (torch.tensor(bits)[:, None] for bits in ([1, 0, 0], [0, 1, 0], [0, 1, 1]))
    signs = Signs(pack(above > 0), pack(below > 0), pack(doubtful > 0))
    nowhere, enough = kernel.nowhere_above(signs, torch.tensor([4, 2, 5, 2, 2, 4]), 7, least)
    assert (nowhere.tolist(), enough.tolist()) == ([2], often)
