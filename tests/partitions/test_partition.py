"""The laws that the library stands for, on both backends, over random and degenerate networks.

The regions tile the domain; the network is affine on each of them; float and exact arithmetic find the same regions.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import cpwl
from cpwl.errors import (
    ArgumentError,
    BackendError,
    DomainError,
    NumericalRangeError,
    ShapeError,
)
from cpwl.network import RELU, Dense, Network
from tests.support import exact_model
from tests.support.networks import Pair, layered, mlp, residual

SQUARE = cpwl.Domain.box([-1.0, -1.0], [1.0, 1.0])
TRIANGLE = cpwl.Domain.polygon([[-1.0, -1.0], [1.5, -0.5], [0.0, 1.0]])
domains = st.sampled_from([SQUARE, TRIANGLE])
backends = pytest.mark.parametrize("backend", ["torch", "exact"])
ways = st.sampled_from(["exact", "float"])
networks = layered().map(lambda pair: pair.network) | residual()


def evaluated(network: Network, points: Any) -> list[list[Fraction]]:
    """Exact outputs at points of a two-dimensional input space."""
    from cpwl.backends import get
    from cpwl.fields.arithmetic import evaluate

    arithmetic = get("exact").arithmetic
    return evaluate(network, arithmetic, arithmetic.points(np.asarray(points))).to_numpy().tolist()


def tolerance(part: cpwl.Partition) -> float:
    """What the stated errors of the vertices allow an area to be off, for a domain of diameter below 4."""
    return 4 * float(part.arrangement.coordinates().errors().sum()) + 2.0**-45


@backends
@settings(max_examples=60)
@given(network=networks, domain=domains)
def test_regions_tile_the_domain(backend: str, network: Network, domain: cpwl.Domain) -> None:
    part = cpwl.partition(network, domain, backend=backend)
    volumes = part.volumes()
    if part.arrangement.exact:
        assert sum(volumes) == domain.polytope.exact_volume and min(volumes) > 0
    else:
        assert abs(volumes.sum() - domain.volume) <= tolerance(part)
        assert volumes.min() >= -tolerance(part)
    facets = part.facets()
    used = np.unique(facets.vertices.values)
    assert len(used) - len(facets.vertices) + len(part) == 1


@backends
@settings(max_examples=60)
@given(network=networks, domain=domains)
def test_the_network_is_affine_on_every_region(backend: str, network: Network, domain: cpwl.Domain) -> None:
    part = cpwl.partition(network, domain, backend=backend)
    slopes, shifts = part.affine_maps()
    error = part.arrangement.coordinates().errors()
    reach = np.abs(slopes.astype(float)).sum() + np.abs(shifts.astype(float)).sum() + 1
    for region, corners in enumerate(part.regions):
        points = part.vertices[corners]
        middle = points.sum(axis=0) / len(points)
        true = evaluated(network, [*points.tolist(), middle.tolist()])
        for point, value in zip([*points, middle], true, strict=True):
            claimed = slopes[region] @ point + shifts[region]
            if part.arrangement.exact:
                assert claimed.tolist() == value
            elif region not in part.ambiguous:
                allowed = reach**2 * (error[corners].max() + 2.0**-40)
                assert np.abs(claimed - np.array(value, float)).max() <= allowed


@settings(max_examples=80)
@given(network=networks, domain=domains, predicates=ways)
def test_float_and_exact_arithmetic_find_the_same_regions_or_say_where_not(
    network: Network, domain: cpwl.Domain, predicates: Any
) -> None:
    quick, exact = (
        cpwl.partition(network, domain, predicates=predicates),
        cpwl.partition(network, domain, backend="exact"),
    )
    one, other = ({row.tobytes() for row in part.patterns()} for part in (quick, exact))
    if not len(quick.ambiguous):
        assert len(quick) == len(exact) and one == other
    certain = np.setdiff1d(np.arange(len(quick)), quick.ambiguous)
    assert {row.tobytes() for row in quick.patterns(certain)} <= other


def nearly_concurrent(seed: int) -> Network:
    """Three lines within 1e-6 to 1e-17 of one point, and a second layer over them."""
    generator = np.random.default_rng(seed)
    weights = generator.standard_normal((4, 2))
    offsets = generator.uniform(-1, 1, 4) * 10.0 ** -generator.integers(6, 18)
    second, third = generator.standard_normal((3, 4)), generator.standard_normal((1, 3))
    biases = [offsets - weights @ generator.uniform(-0.5, 0.5, 2), generator.standard_normal(3) / 10, np.zeros(1)]
    return Network.mlp([weights, second, third], biases)


@settings(max_examples=80)
@given(seed=st.integers(0, 2**32), predicates=ways)
def test_lines_that_nearly_meet_in_a_point_are_told_apart_or_reported(seed: int, predicates: Any) -> None:
    network = nearly_concurrent(seed)
    quick, exact = (
        cpwl.partition(network, SQUARE, predicates=predicates),
        cpwl.partition(network, SQUARE, backend="exact"),
    )
    true = {row.tobytes() for row in exact.patterns()}
    certain = np.setdiff1d(np.arange(len(quick)), quick.ambiguous)
    assert {row.tobytes() for row in quick.patterns(certain)} <= true
    assert len(quick.ambiguous) or len(quick) == len(exact)


def around(part: cpwl.Partition) -> dict[int, frozenset[bytes | None]]:
    """For each vertex the patterns of the regions around it (None for outside)."""
    names, facets = [row.tobytes() for row in part.patterns()], part.facets()
    found: dict[int, set[bytes | None]] = {}
    for ends, sides in zip(facets.vertices, facets.regions.tolist(), strict=True):
        for vertex in ends.tolist():
            found.setdefault(vertex, set()).update(names[r] if r >= 0 else None for r in sides)
    return {vertex: frozenset(patterns) for vertex, patterns in found.items()}


@settings(max_examples=60)
@given(network=st.integers(0, 2**32).map(nearly_concurrent) | networks, domain=domains, predicates=ways)
def test_vertices_and_outputs_lie_within_their_stated_errors(
    network: Network, domain: cpwl.Domain, predicates: Any
) -> None:
    quick, exact = (
        cpwl.partition(network, domain, predicates=predicates),
        cpwl.partition(network, domain, backend="exact"),
    )
    if len(quick.ambiguous):
        return
    places: dict[frozenset[bytes | None], list[int]] = {}
    for vertex, key in around(exact).items():
        places.setdefault(key, []).append(vertex)
    true = np.concatenate([exact.vertices, exact.outputs.to_numpy()], axis=1)
    stored = np.concatenate([quick.vertices, quick.outputs.to_numpy()], axis=1)
    errors = np.stack([quick.arrangement.coordinates().errors(), quick.outputs.errors()], axis=1)
    for vertex, key in around(quick).items():
        here = np.array([Fraction(x) for x in stored[vertex].tolist()], dtype=object)
        squares = [(here - true[place]) ** 2 for place in places[key]]
        bounds = [Fraction(e) ** 2 for e in errors[vertex].tolist()]
        assert any(s[:2].sum() <= bounds[0] and s[2:].sum() <= bounds[1] for s in squares)


@settings(max_examples=60)
@given(pair=layered())
def test_the_exact_backend_finds_the_cells_that_brute_force_finds(pair: Pair) -> None:
    part = cpwl.partition(pair.network, SQUARE, backend="exact")
    corners = [tuple(map(Fraction, corner)) for corner in SQUARE.polytope.vertices.tolist()]
    cells = exact_model.partition(pair.model, corners)
    assert sorted(part.volumes()) == sorted(map(exact_model.area, cells))
    polygons = [[tuple(part.vertices[v]) for v in region] for region in part.regions]
    assert exact_model.is_partition(polygons, pair.model, corners)


@backends
@given(seed=st.integers(0, 2**32), network=layered())
@settings(max_examples=40)
def test_interior_points_are_located_in_their_region(backend: str, seed: int, network: Pair) -> None:
    part = cpwl.partition(network.network, SQUARE, backend=backend)
    generator = np.random.default_rng(seed)
    found = part.locate(generator.uniform(-1, 1, (20, 2)))
    assert (found >= 0).all()
    assert part.locate(np.array([[-1.5, 0.0], [0.0, 1.25]])).tolist() == [-1, -1]
    if part.arrangement.exact:
        centres = np.array([part.vertices[corners].sum(axis=0) / len(corners) for corners in part.regions])
        assert part.locate(centres).tolist() == list(range(len(part)))


@backends
def test_patterns_and_maps_do_not_depend_on_how_regions_are_asked_for(backend: str) -> None:
    part = cpwl.partition(mlp(3, [2, 8, 8, 2]), SQUARE, backend=backend)
    chosen = [5, 0, 5, 2]
    assert np.array_equal(part.patterns(chosen), part.patterns()[chosen])
    for whole, some in zip(part.affine_maps(), part.affine_maps(chosen), strict=True):
        assert np.allclose(whole[chosen].astype(float), some.astype(float), rtol=1e-12, atol=1e-12)
    assert part.patterns([]).shape == (0, 16) and part.affine_maps([])[0].shape == (0, 2, 2)


@backends
def test_maps_in_input_and_slice_coordinates_agree(backend: str) -> None:
    generator = np.random.default_rng(0)
    network = mlp(1, [5, 6, 6, 3])
    domain = cpwl.Domain.through(*generator.standard_normal((3, 5)))
    part = cpwl.partition(network, domain, backend=backend)
    slice_slopes, slice_shifts = (x.astype(float) for x in part.affine_maps())
    slopes, shifts = (x.astype(float) for x in part.affine_maps(frame="input"))
    assert np.allclose(slopes @ domain.basis, slice_slopes, atol=1e-12)
    assert np.allclose(slopes @ domain.origin + shifts, slice_shifts, atol=1e-12)


def test_distinct_regions_have_distinct_patterns_and_certain_ones_are_never_split() -> None:
    part = cpwl.partition(mlp(7, [2, 24, 24, 1]), SQUARE)
    assert len({row.tobytes() for row in part.patterns()}) == len(part)


@backends
def test_neighbours_in_the_dual_graph_differ_in_the_units_on_their_facet_and_in_no_others(backend: str) -> None:
    import networkx

    part = cpwl.partition(mlp(4, [2, 8, 8, 1]), SQUARE, backend=backend)
    graph, patterns = part.dual_graph(), part.patterns()
    assert graph.number_of_nodes() == len(part) and networkx.is_connected(graph)
    assert all(data["units"] for _, _, data in graph.edges(data=True))
    for one, other, data in graph.edges(data=True):
        assert np.flatnonzero(patterns[one] != patterns[other]).tolist() == data["units"]
        ends = set(part.facets().vertices[data["facet"]].tolist())
        assert ends <= set(part.regions[one].tolist()) & set(part.regions[other].tolist())
    assert sum(volume for _, volume in graph.nodes(data="volume")) == pytest.approx(4)


@pytest.mark.parametrize("threads", [1, 2])
def test_the_result_does_not_depend_on_the_number_of_threads(threads: int) -> None:
    import torch

    before = torch.get_num_threads()
    try:
        torch.set_num_threads(threads)
        part = cpwl.partition(mlp(11, [2, 40, 40, 40, 1]), SQUARE)
        assert len(part) == len(cpwl.partition(mlp(11, [2, 40, 40, 40, 1]), SQUARE, backend="exact"))
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("scale", [1e-4, 1e6])
def test_counts_are_right_on_small_and_large_domains(scale: float) -> None:
    domain = cpwl.Domain.box([-scale, -scale], [scale, scale])
    quick, exact = (cpwl.partition(mlp(5, [2, 16, 16, 1]), domain, backend=name) for name in ("torch", "exact"))
    assert len(quick) == len(exact) and not len(quick.ambiguous)


@backends
def test_a_network_without_units_has_one_region(backend: str) -> None:
    part = cpwl.partition(mlp(0, [2, 3]), SQUARE, backend=backend)
    assert len(part) == 1 and part.patterns().shape == (1, 0)


@backends
def test_a_network_that_does_nothing_has_one_region_on_which_it_is_the_identity(backend: str) -> None:
    reports: list[int] = []
    network = cpwl.compile(torch.nn.Identity().eval(), torch.zeros(1, 2))
    part = cpwl.partition(
        network, SQUARE, backend=backend, progress=lambda done, total, what: reports.append(total - done)
    )
    (weight,), (bias,) = part.affine_maps()
    assert part.complete and weight.tolist() == [[1, 0], [0, 1]] and bias.tolist() == [0, 0]
    assert len(part.decision_boundary().ends) == 1 and reports[-1] == 0


@pytest.mark.parametrize(
    ("arguments", "error", "named"),
    [
        ({"net": lambda x: x}, ArgumentError, "net must be a Network"),
        ({"dom": "square"}, ArgumentError, "dom must be a Domain"),
        ({"backend": "magic"}, BackendError, "backend must be one of 'torch', 'exact'"),
        ({"device": "cuda:99"}, BackendError, "device must name a torch device"),
        ({"backend": "exact", "predicates": "float"}, BackendError, "predicates='float' is for the torch backend"),
        ({"predicates": "sloppy"}, BackendError, "predicates must be 'exact' or 'float'"),
        ({"dom": cpwl.Domain.box([0] * 3, [1] * 3)}, DomainError, "lies in an input space of shape"),
        (
            {"net": mlp(0, [10, 2, 1]), "dom": cpwl.Domain.box([0] * 10, [1] * 10)},
            DomainError,
            "dom must have at most 20,000 faces",
        ),
    ],
)
def test_bad_arguments_are_named(arguments: dict[str, Any], error: type[Exception], named: str) -> None:
    wanted = {"net": mlp(0, [2, 3, 1]), "dom": SQUARE} | arguments
    with pytest.raises(error, match=named):
        cpwl.partition(wanted.pop("net"), wanted.pop("dom"), **wanted)


@backends
@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("layer", [0, 1])
def test_weights_that_are_no_numbers_are_refused_with_the_name_of_the_node(
    backend: str, bad: float, layer: int
) -> None:
    weights = [np.ones((3, 2)), np.ones((1, 3))]
    weights[layer][0, 0] = bad
    ops = [Dense(weights[0], np.zeros(3)), RELU, Dense(weights[1], np.zeros(1))]
    with pytest.raises(ArgumentError, match="node"):
        cpwl.partition(Network.sequential(2, ops), SQUARE, backend=backend)
    with pytest.raises(ArgumentError, match="weights must be finite"):
        Network.mlp(weights, [np.zeros(3), np.zeros(1)])


def test_outputs_that_overflow_are_refused() -> None:
    with pytest.raises(NumericalRangeError, match="overflow"):
        cpwl.partition(Network.mlp([np.full((1, 2), 1e308)], [np.full(1, 1e308)]), SQUARE)


@backends
def test_bad_questions_are_named(backend: str) -> None:
    part = cpwl.partition(mlp(0, [2, 3, 1]), SQUARE, backend=backend)
    with pytest.raises(ShapeError, match="u must have shape"):
        part.locate([0.0, 0.0, 0.0])
    with pytest.raises(DomainError, match="u must be finite"):
        part.locate([[np.nan, 0.0]])
    with pytest.raises(ArgumentError, match="regions must lie in"):
        part.patterns([len(part)])
    with pytest.raises(ArgumentError, match="frame must be"):
        part.affine_maps(frame="polar")  # type: ignore[arg-type]
