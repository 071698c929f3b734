"""What is not a number is never certain: in every comparison that decides, compiled and in torch operations."""

from __future__ import annotations

from math import inf, nan

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from cpwl.backends.torch.complex.complex import Complex
from cpwl.backends.torch.complex.segments import pack, unpack
from cpwl.backends.torch.fields.field import Sharp
from cpwl.backends.torch.refinement.chords import ChordEnds
from cpwl.backends.torch.refinement.crossings import vanishing, within_slack
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
    signs, *_ = kernel.signs(columns(values, tensor(bound, bound)), 0.0)
    assert bool(unpack(signs.doubtful, 70).all())


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
