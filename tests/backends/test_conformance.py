"""All backends obey the laws of conformance.py, on generic and on degenerate input."""

from __future__ import annotations

import os
from collections.abc import Iterator
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpwl import backends
from cpwl.arrays.ragged import Ragged
from cpwl.backends import Backend
from cpwl.geometry.polytope import Polytope
from cpwl.network import Network, Piecewise
from tests.support import conformance as laws
from tests.support import conformance_inputs as inputs
from tests.support.conformance_inputs import SQUARE, Functions
from tests.support.third_backend import TWIN, registered

ANY_DOMAIN = st.sampled_from(inputs.DOMAINS)
FEW = settings(max_examples=40)


NOT_COMPILED = "torch, not compiled"


DEVICE = os.environ.get("CPWL_DEVICE")
"""The torch backend on this device alone is put to the test, if it is set (benchmarks/device.py)."""


@pytest.fixture(scope="module", params=[f"on {DEVICE}"] if DEVICE else [*backends.names(), NOT_COMPILED, TWIN])
def backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    with pytest.MonkeyPatch.context() as patch, registered():
        if request.param == NOT_COMPILED:
            patch.setattr("cpwl.backends.torch.refinement.kernels.compiled.enabled", False)
        of_torch = DEVICE is not None or request.param == NOT_COMPILED
        yield backends.get("torch" if of_torch else request.param, DEVICE)


# ---- one cut ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("polytope", inputs.DOMAINS)
def test_a_polygon_is_an_arrangement_of_one_region(backend: Backend, polytope: Polytope) -> None:
    arrangement = backend.arrangement(polytope)
    laws.check_tiling(arrangement, polytope.exact_volume)
    assert (len(arrangement), arrangement.dim, arrangement.generation) == (1, 2, 0)
    assert not arrangement.ambiguous.any()


@FEW
@given(inputs.degenerate(), ANY_DOMAIN)
def test_a_cut_is_a_tiling_with_the_right_patterns_and_facets(
    backend: Backend, functions: Functions, polytope: Polytope
) -> None:
    laws.check_cut(laws.cut(backend, functions, polytope), polytope.exact_volume)


@FEW
@given(inputs.degenerate(), ANY_DOMAIN)
def test_lines_cut_a_polygon_into_one_plus_lines_plus_crossings(
    backend: Backend, functions: Functions, polytope: Polytope
) -> None:
    laws.check_count(laws.cut(backend, functions, polytope), laws.lines_count(functions, polytope))


@FEW
@given(inputs.degenerate(), inputs.degenerate(most=3), ANY_DOMAIN)
def test_carry_takes_affine_functions_to_themselves(
    backend: Backend, functions: Functions, others: Functions, polytope: Polytope
) -> None:
    laws.check_carry(laws.cut(backend, functions, polytope), others)


@FEW
@given(inputs.degenerate(most=4), inputs.degenerate(most=4))
def test_a_cut_of_a_cut_is_a_tiling(backend: Backend, first: Functions, second: Functions) -> None:
    again = laws.cut_again(laws.cut(backend, first), second)
    laws.check_cut(again, SQUARE.exact_volume)
    laws.check_carry(again, first)
    laws.check_count(again, laws.lines_count(np.concatenate([first, second]), SQUARE))


@FEW
@given(inputs.small_networks())
def test_bent_functions_of_degenerate_networks_cut_to_tilings(backend: Backend, network: Network) -> None:
    for made in laws.network_cuts(backend, network):
        laws.check_cut(made, SQUARE.exact_volume)


def test_an_activation_with_three_breakpoints_cuts_to_tilings(backend: Backend) -> None:
    wave = Piecewise(np.array([-0.5, 0.0, 0.5]), np.array([1.0, -1.0, 1.0, -1.0]), value=0.5)
    layers = Network.mlp(
        [np.array([[1.0, 0.5], [0.25, -1.0]]), np.array([[1.0, 1.0], [1.0, -1.0]]), np.ones((1, 2))],
        [np.zeros(2)] * 2 + [np.zeros(1)],
    )
    ops = [wave if node.is_nonlinear else node.op for node in layers.nodes[1:]]
    for made in laws.network_cuts(backend, Network.sequential(2, ops)):
        laws.check_cut(made, SQUARE.exact_volume)


# ---- cuts compared ---------------------------------------------------------------------------------------------------
@FEW
@given(inputs.degenerate(most=5), ANY_DOMAIN)
def test_functions_at_once_cut_as_one_after_another(backend: Backend, functions: Functions, polytope: Polytope) -> None:
    laws.check_one_after_another(backend, functions, polytope)


@FEW
@given(inputs.degenerate(most=5), ANY_DOMAIN, st.data())
def test_permuted_functions_permute_columns(
    backend: Backend, functions: Functions, polytope: Polytope, data: st.DataObject
) -> None:
    laws.check_permutation(backend, functions, data.draw(st.permutations(range(len(functions)))), polytope)


@FEW
@given(inputs.degenerate(most=5), ANY_DOMAIN, st.data())
def test_positive_factors_change_nothing(
    backend: Backend, functions: Functions, polytope: Polytope, data: st.DataObject
) -> None:
    factor = st.sampled_from([2.0**-30, 0.5, 3.0, 2.0**20])
    factors = data.draw(st.lists(factor, min_size=len(functions), max_size=len(functions)))
    laws.check_scaling(backend, functions, np.array(factors), polytope)


@FEW
@given(inputs.lines, st.sets(st.integers(-8, 8).map(lambda k: k / 4), min_size=1, max_size=4), ANY_DOMAIN)
def test_several_levels_cut_as_several_functions(
    backend: Backend, function: tuple[float, float, float], levels: set[float], polytope: Polytope
) -> None:
    laws.check_levels(backend, np.array(function), sorted(levels), polytope)


# ---- counts known in advance -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("seed", range(5))
def test_a_vertex_where_two_lines_cross_is_exactly_at_the_level_of_both(backend: Backend, seed: int) -> None:
    generator = np.random.default_rng(seed)
    functions = np.concatenate([generator.standard_normal((7, 2)), generator.uniform(-0.3, 0.3, (7, 1))], axis=1)
    made = laws.cut(backend, functions)
    inside = (np.abs(made.after.vertices.astype(np.float64)) < 1).all(axis=1)
    assert inside.any() and ((made.refinement.values.to_numpy()[inside] == 0).sum(axis=1) == 2).all()


@pytest.mark.parametrize("count", [1, 2, 5, 9])
def test_generic_lines_make_bucks_count(backend: Backend, count: int) -> None:
    """Tangents of a small circle, in directions without symmetry, meet in pairs, inside the square, apart."""
    angles = np.array([0.1 + 0.29 * k for k in range(count)])
    lines = np.stack([np.cos(angles), np.sin(angles), np.full(count, -0.02)], axis=1)
    made = laws.cut(backend, lines)
    laws.check_cut(made, SQUARE.exact_volume)
    laws.check_count(made, 1 + count + comb(count, 2))


X, Y = [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]
KNOWN = {
    "the dihedral arrangement of 4 mirrors": ([X, Y, [1, -1, 0], [1, 1, 0]], 8),
    "two equal functions and another": ([X, X, Y], 4),
    "a function and a negative multiple, another": ([[1, 0, -0.2], [-2, 0, 0.4], [0, 1, 0.1]], 4),
    "a row and three times the row, rounded": ([[1, 0.3, -0.1], [3, 0.9, -0.3], [0, 1, 0.1]], 7),
    "a zero function": ([X, Y, [0, 0, 0]], 4),
    "a line that touches a corner": ([[1, 1, -2]], 1),
    "a diagonal": ([[1, -1, 0]], 2),
    "both diagonals": ([[1, -1, 0], [1, 1, 0]], 4),
    "a line along a side": ([[1, 0, -1]], 1),
    "three concurrent lines": ([X, Y, [1, -1, 0]], 6),
    "a triangle of size 1e-17": ([[1, 0, -0.1], [0, 1, -0.2], [1, 1, -(0.1 + 0.2)]], 7),
    "five lines through a point": ([X, Y, [1, -1, 0], [1, 1, 0], [1, 2, 0]], 10),
    "parallel lines 1e-9 apart": ([X, [1, 0, -1e-9]], 3),
    "parallel lines 1e-13 apart": ([X, [1, 0, -1e-13]], 3),
    "a triangle of size 1e-9": ([X, Y, [1, 1, -1e-9]], 7),
    "a triangle of size 1e-12": ([X, Y, [1, 1, -1e-12]], 7),
    "functions scaled by 1e-12": ([[1e-12, 2e-13, 0], [3e-13, 1e-12, 1e-13], [1e-12, -1e-12, 3e-13]], 7),
    "constants": ([[0, 0, 1], [0, 0, -1], [0, 0, 0]], 1),
    "a sliver along a side": ([[1, 0, 2.0**-40 - 1]], 2),
    "a sliver at a corner": ([[1, 1, 2.0**-40 - 2]], 2),
}


@pytest.mark.parametrize("name", KNOWN)
def test_known_count(backend: Backend, name: str) -> None:
    functions, count = KNOWN[name]
    made = laws.cut(backend, np.array(functions, np.float64))
    laws.check_cut(made, SQUARE.exact_volume)
    laws.check_count(made, count)


def test_a_second_layer_that_is_dead_adds_nothing(backend: Backend) -> None:
    first = np.array([[1.0, 0.25], [0.25, 1.0], [1.0, -1.0]])
    network = Network.mlp(
        [first, -np.ones((2, 3)), np.ones((1, 2))], [np.array([0.0, 0.25, 0.5]), np.zeros(2), np.zeros(1)]
    )
    for made in laws.network_cuts(backend, network):
        laws.check_count(made, 7)


# ---- take and dissolve -----------------------------------------------------------------------------------------------
@FEW
@given(inputs.degenerate(most=4), inputs.degenerate(most=4))
def test_dissolving_what_a_cut_made_gives_back_the_old_regions(
    backend: Backend, first: Functions, second: Functions
) -> None:
    laws.check_dissolve_undoes(laws.cut_again(laws.cut(backend, first), second))


@FEW
@given(inputs.degenerate(most=5), ANY_DOMAIN, st.data())
def test_dissolving_one_functions_facets_undoes_its_cut(
    backend: Backend, functions: Functions, polytope: Polytope, data: st.DataObject
) -> None:
    column = data.draw(st.integers(0, len(functions) - 1))
    laws.check_dissolve_some(laws.cut(backend, functions, polytope), column)


def test_dissolving_leaves_hanging_vertices_out_of_regions_until_a_cut_uses_them(backend: Backend) -> None:
    """Without the upper half of x = 0 the origin hangs on the upper region; the line x = y makes it a corner again."""
    made = laws.cut(backend, np.array([X, Y]))
    points = laws.corners(made.after)
    facets = made.after.facets()
    upper = [i for i, ends in enumerate(facets.vertices) if {points[v] for v in ends} == {(0, 0), (0, 1)}]
    change = made.after.dissolve(np.array(upper))
    joined = change.arrangement
    laws.check_tiling(joined, SQUARE.exact_volume)
    assert sorted(len(region) for region in joined.regions) == [4, 4, 4]
    values = change.carry(
        made.refinement.carry(laws.functions_on(backend, made.before.coordinates(), np.array([[1, -1, 0.0]])))
    )
    again = laws.Cut(backend, joined, values, laws.zero_levels(1), joined.refine(values, laws.zero_levels(1)))
    laws.check_tiling(again.after, SQUARE.exact_volume)
    laws.check_count(again, 5)


@FEW
@given(inputs.degenerate(most=5), st.data())
def test_a_part_has_the_chosen_regions(backend: Backend, functions: Functions, data: st.DataObject) -> None:
    made = laws.cut(backend, functions)
    chosen = data.draw(st.lists(st.integers(0, len(made.after) - 1), min_size=1, unique=True))
    laws.check_take(made, chosen)


def test_no_region_taken_and_no_facet_dissolved_are_answered(backend: Backend) -> None:
    made = laws.cut(backend, np.array([X, Y]))
    nothing = np.zeros(0, np.int64)
    assert len(made.after.take(nothing).arrangement) == 0
    assert laws.polygons(made.after.dissolve(nothing).arrangement) == laws.polygons(made.after)


def test_parts_are_cut_like_the_whole(backend: Backend) -> None:
    made = laws.cut(backend, np.array([[1.0, 0.25, 0.0], [0.25, 1.0, 0.25]]))
    second = laws.functions_on(backend, made.before.coordinates(), np.array([[1.0, -1.0, 0.125]]))
    values = made.refinement.carry(second)
    whole = made.after.refine(values, laws.zero_levels(1)).arrangement
    parts = [made.after.take(np.array([r])) for r in range(len(made.after))]
    cuts = [part.arrangement.refine(part.carry(values), laws.zero_levels(1)).arrangement for part in parts]
    assert sum(map(len, cuts)) == len(whole)


# ---- refusals --------------------------------------------------------------------------------------------------------
def test_levels_for_another_number_of_functions_are_refused(backend: Backend) -> None:
    arrangement = backend.arrangement(SQUARE)
    with pytest.raises(ValueError, match="levels must have one row for each of the 2 functions"):
        arrangement.refine(arrangement.coordinates(), Ragged.of([[0.0]], np.float64))


def test_points_of_the_wrong_shape_are_refused(backend: Backend) -> None:
    with pytest.raises(ValueError, match="points must have shape"):
        backend.arrangement(SQUARE).locate(np.zeros((3, 3)))
