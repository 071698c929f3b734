"""Linear regions: the maximal connected sets on which a network is one affine map, decided exactly."""

from __future__ import annotations

from fractions import Fraction
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cpwl
from cpwl.errors import VerificationError
from cpwl.network import RELU, Dense, Network, Piecewise
from cpwl.regions.merged import Merged, _connected, _numbered
from tests.support.families import FAMILIES, MIXTURES, Case, case
from tests.support.image_planes import plane
from tests.support.networks import mlp
from tests.support.real_data import files

SQUARE = cpwl.Domain.box([-2.0, -2.0], [2.0, 2.0])
BACKENDS = ("torch", "exact")
ABS = Piecewise(np.zeros(1), np.array([-1.0, 1.0]))


def dense(*rows: list[float]) -> Dense:
    table = np.array(rows, np.float64)
    return Dense(table[:, :-1], table[:, -1])


XOR = Network.mlp([np.array([[1.0, 1.0], [1.0, 1.0]]), np.array([[1.0, -2.0]])], [np.array([0.0, -1.0]), np.zeros(1)])
CORNER = Network.sequential(2, [dense([1, 0, 0], [0, 1, 0], [1, -1, 0]), RELU, dense([1, 0, -1, 0]), RELU])
"""relu(min(x, y)), as relu(relu(x) - relu(x - y)) where x > 0: zero on an L."""
PYRAMID = Network.sequential(2, [dense([1, 0, 0], [0, 1, 0]), ABS, dense([-1, -1, 1]), RELU])
"""relu(1 - |x| - |y|): zero outside of a square on its tip."""
TOUCHING = Network.sequential(2, [dense([1, 0, 0], [0, 1, 0]), ABS, dense([-1, -1, 2]), RELU])
"""The same, with the tips on the middles of the domain's sides: zero on four triangles that touch in points."""
PLATEAUS = Network.sequential(2, [dense([1, 0, 1], [1, 0, 0], [1, 0, -1]), RELU, dense([1, -2, 1, 0])])
"""A hat on |x| <= 1: zero on two strips that do not touch."""


def signed_area(ring: Any) -> Any:
    (x, y), (x1, y1) = ring.T, np.roll(ring, -1, axis=0).T
    return (x * y1 - y * x1).sum() / 2


def hull_area(points: list[tuple[Fraction, Fraction]]) -> Fraction:
    """The area of a convex hull (Andrew's monotone chain)."""
    chains = []
    for order in (sorted(set(points)), sorted(set(points), reverse=True)):
        chain: list[tuple[Fraction, Fraction]] = []
        for p in order:
            while len(chain) > 1 and signed_area(np.array([*chain[-2:], p], dtype=object)) <= 0:
                chain.pop()
            chain.append(p)
        chains += chain[:-1]
    return Fraction(signed_area(np.array(chains, dtype=object)))


def assert_outlines(merged: Merged) -> None:
    """Areas, shells, holes and convexity, recomputed from exact coordinates."""
    volumes = merged.volumes()
    assert volumes.sum() == merged.partition.domain.polytope.exact_volume
    for region in range(len(merged)):
        polygons = merged.polygons(region)
        for shell, *holes in polygons:
            assert signed_area(shell) > 0 and all(signed_area(hole) < 0 for hole in holes)
        rings = [ring for polygon in polygons for ring in polygon]
        assert sum(map(signed_area, rings)) == volumes[region]
        assert all(len(set(map(tuple, ring))) == len(ring) for ring in rings)
        points = [(x, y) for ring in rings for x, y in ring]
        assert merged.convex[region] == (hull_area(points) == volumes[region])


def classes(merged: Merged) -> set[frozenset[bytes]]:
    names = [row.tobytes() for row in merged.partition.patterns()]
    return {frozenset(n for n, k in zip(names, merged.labels.tolist()) if k == label) for label in range(len(merged))}


def shapes(merged: Merged) -> dict[frozenset[bytes], tuple[bool, list[tuple[bool, int]]]]:
    """Of each linear region whether it is convex, and the kinds and numbers of corners of its rings."""
    names = np.array([row.tobytes() for row in merged.partition.patterns()], dtype=object)
    outlines = merged.outlines
    kinds = list(zip(outlines.regions.tolist(), outlines.holes.tolist(), outlines.rings.counts.tolist(), strict=True))
    return {
        frozenset(names[merged.labels == k]): (bool(merged.convex[k]), sorted((h, c) for r, h, c in kinds if r == k))
        for k in range(len(merged))
    }


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("network", "connected", "everywhere", "convex", "holes"),
    [(XOR, 3, 3, 3, 0), (CORNER, 3, 3, 2, 0), (PYRAMID, 5, 5, 4, 1), (TOUCHING, 8, 5, 8, 0), (PLATEAUS, 4, 3, 4, 0)],
    ids=["xor", "corner", "pyramid", "touching", "plateaus"],
)
def test_linear_regions_of_small_networks(
    backend: str, network: Network, connected: int, everywhere: int, convex: int, holes: int
) -> None:
    part = cpwl.partition(network, SQUARE, backend=backend)
    merged = part.merged()
    assert (len(merged), len(part.merged(join="everywhere"))) == (connected, everywhere)
    assert merged.convex.sum() == convex and merged.outlines.holes.sum() == holes
    if backend == "exact":
        assert_outlines(merged)
        assert_outlines(part.merged(join="everywhere"))


@pytest.mark.parametrize("path", files("twinstream/*.nnet"))
def test_a_twin_stream_network_has_one_linear_region(path: Path) -> None:
    """Its two streams cancel: every hyperplane is bent twice, to no effect."""
    network = cpwl.compile(path)
    one, other = np.eye(network.inputs)[:2].reshape(2, *network.input_shape)
    part = cpwl.partition(network, cpwl.Domain.through(-one - other, one - other, one + other, margin=0))
    merged = part.merged()
    assert len(part) >= 10 and len(merged) == 1 and merged.convex.all()
    assert len(merged.polygons(0)[0][0]) == 4


@pytest.mark.parametrize("family", range(len(FAMILIES)), ids=[family.__name__ for family in FAMILIES])
def test_linear_regions_of_degenerate_networks_are_those_of_the_exact_backend(family: int) -> None:
    for k in range(2 * len(MIXTURES)):
        chosen = case(family + k * len(FAMILIES))
        quick, exact = (cpwl.partition(chosen.network, chosen.domain, backend=name) for name in BACKENDS)
        assert shapes(quick.merged()) == shapes(exact.merged()), chosen.name
        assert classes(quick.merged(join="everywhere")) == classes(exact.merged(join="everywhere")), chosen.name
        if k < 2:
            assert_outlines(exact.merged(join="everywhere"))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("chosen", [*map(case, [1, 7, 13, 14, 22]), *map(plane, [3, 9, 23])], ids=lambda x: x.name)
def test_regions_are_joined_if_and_only_if_their_exact_maps_are_equal(backend: str, chosen: Case) -> None:
    part = cpwl.partition(chosen.network, chosen.domain, backend=backend)
    merged, everywhere = part.merged(), part.merged(join="everywhere")
    maps = [
        tuple(np.concatenate([a.ravel(), b]).tolist()) for a, b in (part.region(i).exact_map for i in range(len(part)))
    ]
    sides = part.facets().regions
    for one, other in sides[sides[:, 1] >= 0].tolist():
        assert (merged.labels[one] == merged.labels[other]) == (maps[one] == maps[other])
    assert len(set(maps)) == len(everywhere) == len(set(zip(maps, everywhere.labels.tolist(), strict=True)))
    assert len(merged) < len(part)


@pytest.mark.parametrize("seed", [2, 7, 12, 19])
def test_under_max_pools_structure_tells_what_float64_does_not(seed: int) -> None:
    """So that the regions of a plane through images do not go through the network in rationals."""
    chosen = plane(seed)
    part = cpwl.partition(chosen.network, chosen.domain)
    merged = part.merged()
    assert len(merged) < len(part) and merged.settled == 0


def colored(part: cpwl.Partition, colors: int, join: Any = "connected") -> Merged:
    """A merger that has nothing to do with maps: regions by a hash of their patterns."""
    color = np.array([blake2b(row.tobytes()).digest()[0] % colors for row in part.patterns()])
    sides = part.facets().regions
    inner = sides[sides[:, 1] >= 0]
    components = _connected(inner[color[inner[:, 0]] == color[inner[:, 1]]], len(part))
    return Merged(part, _numbered(color) if join == "everywhere" else components, components, join, 0)


def test_linear_regions_are_the_same_after_certifying_and_after_loading(tmp_path: Path) -> None:
    part = cpwl.partition(PYRAMID, SQUARE)
    part.save(tmp_path / "part.npz")
    wanted = shapes(part.merged())
    assert shapes(cpwl.load(tmp_path / "part.npz").merged()) == wanted
    assert shapes(cpwl.certify(part).partition.merged()) == wanted


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6), colors=st.integers(2, 4))
def test_outlines_of_any_union_of_regions_are_simple_and_enclose_its_area(seed: int, colors: int) -> None:
    network = mlp(seed, [2, 7, 5, 1], bias=0.5)
    quick, exact = (cpwl.partition(network, SQUARE, backend=name) for name in BACKENDS)
    assert_outlines(colored(exact, colors))
    assert_outlines(colored(exact, colors, "everywhere"))
    assert shapes(colored(quick, colors)) == shapes(colored(exact, colors))


@pytest.mark.parametrize("seed", range(0, 5 * len(FAMILIES), 3))
def test_outlines_in_degenerate_partitions(seed: int) -> None:
    chosen = case(seed)
    quick, exact = (cpwl.partition(chosen.network, chosen.domain, backend=name) for name in BACKENDS)
    assert_outlines(colored(exact, 2))
    assert shapes(colored(quick, 2)) == shapes(colored(exact, 2)), chosen.name


def test_some_unions_have_holes_and_some_touch_themselves() -> None:
    """So that the laws above are about something."""
    part = cpwl.partition(mlp(0, [2, 24, 1], bias=0.5), SQUARE)
    outlines = colored(part, 2).outlines
    everywhere = colored(part, 2, "everywhere").outlines
    assert outlines.holes.sum() > 2 and outlines.reflex.sum() > 2
    assert np.bincount(everywhere.regions).max() > 2


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_dual_graph_holds_what_is_known_of_linear_regions(backend: str) -> None:
    import networkx

    part = cpwl.partition(PYRAMID, SQUARE, backend=backend)
    merged = part.merged()
    graph = merged.dual_graph()
    assert networkx.is_connected(graph) and graph.number_of_edges() == 8
    assert sorted(i for k in graph for i in graph.nodes[k]["regions"]) == list(range(len(part)))
    flat = merged.locate(np.array([[1.5, 1.5], [3.0, 0.0]])).tolist()
    assert flat[1] == -1 and graph.nodes[flat[0]]["volume"] == 14 and not graph.nodes[flat[0]]["convex"]
    assert not graph.nodes[flat[0]]["weight"].any() and graph.degree[flat[0]] == 4
    assert sorted(f for _, _, f in graph.edges(data="facets") if len(f) > 1) == []
    assert np.array_equal(merged.affine_maps()[0], np.stack([graph.nodes[k]["weight"] for k in range(5)]))


def test_generic_networks_are_merged_without_exact_arithmetic() -> None:
    part = cpwl.partition(mlp(0, [2, 16, 16, 1]), SQUARE)
    merged = part.merged(join="everywhere")
    assert len(merged) <= len(part) and merged.settled < len(part) / 4


def test_with_float_predicates_maps_are_compared_exactly_and_outlines_refused_while_regions_are_ambiguous() -> None:
    chosen = case(1)
    quick, sure = (cpwl.partition(chosen.network, chosen.domain, predicates=name) for name in ("float", "exact"))
    assert len(quick.ambiguous) and len(quick.merged()) == len(sure.merged())
    with pytest.raises(VerificationError, match="ambiguous regions, whose outlines cannot be decided"):
        _ = quick.merged().convex


def test_another_way_to_join_is_refused_by_name() -> None:
    part = cpwl.partition(XOR, SQUARE)
    with pytest.raises(ValueError, match="join must be 'connected' or 'everywhere', got 'all'"):
        part.merged(join="all")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"region must be a whole number from 0 to 2"):
        part.merged().polygons(3)
