"""Partitions of domains of every dimension: float64 with exact decisions, rationals, and programs that count."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import prod

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import cpwl
from cpwl.geometry.domain import exactly
from cpwl.tiling.blocks import Blocks
from tests.support.agreement import disagreements
from tests.support.families import solid
from tests.support.sign_vectors import network, patterns

ROUNDS = 40


@pytest.mark.parametrize("dim", [1, 3, 4, 5])
@settings(max_examples=ROUNDS)
@given(seed=st.integers(0, 1 << 20))
def test_degenerate_networks_have_the_partition_of_exact_arithmetic(dim: int, seed: int) -> None:
    """All families and kinds of units: regions by pattern, vertices within their bounds, outputs."""
    found = solid(seed, dim)
    assert disagreements(found.network, found.domain) == [], found.name


@pytest.mark.parametrize("backend", ["torch", "exact"])
@pytest.mark.parametrize("dim", [1, 2, 3, 4])
@settings(max_examples=12)
@given(st.randoms(use_true_random=False), st.sampled_from([1, 2, 3]))
def test_regions_are_those_that_linear_programs_find(backend: str, dim: int, random: object, size: int) -> None:
    """Networks with small integers: an independent count, by exact programs for each unit on each region."""
    numbers = np.random.default_rng(random.getrandbits(32))  # type: ignore[attr-defined]
    widths = (dim, 4, 3, 1) if dim < 4 else (dim, 3, 2, 1)
    layers = [
        (numbers.integers(-size, size + 1, (b, a)).astype(float), numbers.integers(-size, size + 1, b).astype(float))
        for a, b in pairwise(widths)
    ]
    part = cpwl.partition(network(layers), cpwl.Domain.box([-1] * dim, [1] * dim), backend=backend)
    assert sorted(map(tuple, part.patterns().tolist())) == patterns(layers, [-1] * dim, [1] * dim)


@pytest.mark.parametrize("dim", [1, 3, 4, 5])
@settings(max_examples=15)
@given(seed=st.integers(0, 1 << 20))
def test_volumes_places_and_maps_are_those_of_exact_regions(dim: int, seed: int) -> None:
    found = solid(seed, dim)
    quick, exact = (cpwl.partition(found.network, found.domain, backend=name) for name in ("torch", "exact"))
    assume(len(exact) <= 300)
    number = {row.tobytes(): i for i, row in enumerate(quick.patterns())}
    same = np.array([number[row.tobytes()] for row in exact.patterns()])
    volumes, errors = quick.volumes()[same], quick.volume_errors()[same]
    for mine, error, true in zip(volumes.tolist(), errors.tolist(), exact.volumes().tolist(), strict=True):
        assert abs(Fraction(mine) - true) <= Fraction(error)
        assert error <= 2.0**-7 * float(true) * (1 + 2.0**-40) or true < 2.0**-1000
    assert sum(exact.volumes()) == found.domain.polytope.exact_volume
    low, high = found.domain.polytope.vertices.min(axis=0), found.domain.polytope.vertices.max(axis=0)
    points = np.random.default_rng(seed).uniform(low, high, (30, dim))
    place = exact.locate(points)
    assert (place >= 0).all() and np.array_equal(same[place], quick.locate(points))
    for vertex in exact.vertices[:8]:
        at = {same[r] for r in np.flatnonzero([holds(exact, r, vertex) for r in range(len(exact))])}
        assert quick.locate(vertex[None])[0] == min(at)
    outside = high + (high - low)
    assert quick.locate(outside[None])[0] == exact.locate(outside[None])[0] == -1


def holds(part: cpwl.Partition, region: int, vertex: np.ndarray[tuple[int], np.dtype[np.object_]]) -> bool:
    """Whether a vertex of the partition is one of a region: partitions are face to face (Lemma 7)."""
    return any((part.vertices[v] == vertex).all() for v in part.regions[region])


@pytest.mark.parametrize("backend", ["torch", "exact"])
@pytest.mark.parametrize("dim", [1, 3, 4])
def test_blocks_make_no_difference(backend: str, dim: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(0, 40 if backend == "torch" else 12):
        chosen = solid(seed, dim)
        whole = cpwl.partition(chosen.network, chosen.domain, backend=backend)
        with monkeypatch.context() as patch:
            patch.setattr(Blocks, "within", lambda *_: Blocks(1 << 9, 1 << 10, 1 << 11))
            part = cpwl.partition(chosen.network, chosen.domain, backend=backend)
            apart = list(cpwl.partition_blocks(chosen.network, chosen.domain, backend=backend))
        names = [sorted(row.tobytes() for row in p.patterns()) for p in (whole, part)]
        assert names[0] == names[1] == sorted(row.tobytes() for p in apart for row in p.patterns()), chosen.name
        faces = [[p.arrangement.lattice.count(k) for k in range(dim + 1)] for p in (whole, part)]  # type: ignore[attr-defined]
        assert faces[0] == faces[1], chosen.name


@pytest.mark.parametrize("dim", [1, 3, 4])
def test_float_predicates_list_what_they_leave_open(dim: int) -> None:
    """A valid tiling; what is not listed is right (Lemma 5)."""
    for seed in range(60):
        chosen = solid(seed, dim)
        part = cpwl.partition(chosen.network, chosen.domain, predicates="float")
        exact = cpwl.partition(chosen.network, chosen.domain, backend="exact")
        true = {row.tobytes() for row in exact.patterns()}
        certain = np.setdiff1d(np.arange(len(part)), part.ambiguous)
        assert {row.tobytes() for row in part.patterns(certain)} <= true, chosen.name
        assert part.arrangement.lattice.euler == 1  # type: ignore[attr-defined]
        volume = prod((part.domain.polytope.vertices.max(axis=0) - part.domain.polytope.vertices.min(axis=0)).tolist())
        assert part.volumes().sum() == pytest.approx(volume, rel=1e-6)


def test_a_line_of_a_solid_has_the_pieces_of_the_solid_along_it() -> None:
    """Restriction: the partition of a segment is that of the box, cut by the line."""
    random = np.random.default_rng(3)
    layers = [(random.standard_normal((8, 3)), random.standard_normal(8)), (random.standard_normal((1, 8)), np.ones(1))]
    net = network(layers)
    solid_ = cpwl.partition(net, cpwl.Domain.box([-1] * 3, [1] * 3))
    start, end = random.uniform(-1, 1, (2, 3))
    line = cpwl.Domain(cpwl.Domain.box([0], [1]).polytope, start, (end - start)[:, None], (3,))
    pieces = cpwl.partition(net, line, backend="exact")
    middle = np.array([(pieces.vertices[ends].sum(axis=0) / 2)[0] for ends in pieces.regions])
    points = exactly(start) + middle[:, None] * exactly(end - start)
    found = solid_.locate(points)
    assert np.array_equal(solid_.patterns(found), pieces.patterns())
    assert len(set(found.tolist())) == len(pieces)


@pytest.mark.parametrize("dim", [1, 3, 4])
@settings(max_examples=15)
@given(seed=st.integers(0, 1 << 20))
def test_sharpened_vertices_are_rounded_exact_ones(dim: int, seed: int) -> None:
    """Also those that were computed anew, but less closely, by the partition itself."""
    found = solid(seed, dim)
    part = cpwl.partition(found.network, found.domain)
    exact = cpwl.partition(found.network, found.domain, backend="exact")
    assume(len(exact) <= 300)
    sharp = part.sharpened()
    assert sharp.arrangement.is_sharp
    true = np.array(exact.vertices.tolist(), dtype=object)
    largest = float(np.abs(part.vertices).max())
    for vertex in sharp.vertices:
        off = np.abs(np.array([Fraction(x) for x in vertex.tolist()], dtype=object) - true)
        allowed = [Fraction(0.501 * float(np.spacing(abs(x))) + 2.0**-63 * largest) for x in vertex.tolist()]
        assert (off <= np.array(allowed, dtype=object)).all(axis=1).any()
