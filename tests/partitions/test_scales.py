"""A network and a domain times a power of two: the same answers, times one, or an error that says why there is none."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cpwl
from cpwl.analysis import agreement, contours
from cpwl.errors import CpwlError, NumericalRangeError
from cpwl.network import Network
from cpwl.network.equilibrate import equilibrated
from cpwl.numbers.rounding import floats
from cpwl.partitions.partition import Partition

POWERS = (-1070, -1060, -1000, -700, -540, -515, -500, -300, 0, 300, 470, 520, 700, 1015)
BACKENDS = ("torch", "exact")


@cache
def network(power: int, outputs: int = 3) -> Network:
    random = np.random.default_rng(1)
    first, bias = random.integers(-4, 5, (6, 2)) * 1.0, random.integers(-3, 4, 6) * 0.375
    last, ends = random.integers(-3, 4, (outputs, 6)) * 1.0, random.integers(-3, 4, outputs) * 1.0
    return Network.mlp([first, last], [bias * 2.0**power, ends * 2.0**power])


def domain(power: int) -> cpwl.Domain:
    half = 3 * 2.0**power
    return cpwl.Domain.box([-half, -half], [half, half])


@cache
def part(power: int, backend: str) -> Partition:
    return cpwl.partition(network(power), domain(power), backend=backend)


def of_regions(p: Partition, values: Any) -> Any:
    """Numbers of regions, in the order of their patterns: that of the regions differs."""
    return np.asarray(values)[np.lexsort(p.patterns().T)]


def lengths_by_pair(p: Partition) -> Any:
    return p.decision_boundary().table().sort_index()["length"].to_numpy()


def of_blocks(p: Partition) -> dict[str, float]:
    return cpwl.statistics_of_blocks(cpwl.partition_blocks(p.network, p.domain, backend=p.backend)).summary


def share_apart(p: Partition) -> float:
    other = Network.mlp([np.array([[1.0, 1.0], [0.0, 0.0]])], [np.zeros(2)])
    return agreement(p.network, other, p.domain, backend=p.backend).share


ANSWERS: dict[str, tuple[int, Callable[[Partition], Any]]] = {
    "areas": (2, lambda p: of_regions(p, floats(p.volumes()))),
    "ARV": (2, lambda p: p.statistics().summary["ARV"]),
    "density": (-2, lambda p: p.statistics().summary["density"]),
    "ARE": (0, lambda p: p.statistics().summary["ARE"]),
    "mean slope": (0, lambda p: p.statistics().summary["mean slope"]),
    "slopes": (0, lambda p: of_regions(p, p.statistics().slopes)),
    "ARV of blocks": (2, lambda p: of_blocks(p)["ARV"]),
    "mean slope of blocks": (0, lambda p: of_blocks(p)["mean slope"]),
    "lengths": (1, lengths_by_pair),
    "shares of lengths": (0, lambda p: p.decision_boundary().table().sort_index()["share"].to_numpy()),
    "a nearest point": (1, lambda p: p.decision_boundary().nearest(p.domain.polytope.vertices[:2] / 3).distances),
    "contours": (1, lambda p: sorted(line.length for line in contours(p.decision_boundary()))),
    "lengths of the dual graph": (1, lambda p: sorted(length for *_, length in p.dual_graph().edges(data="length"))),
    "share apart": (0, share_apart),
    "largest coordinate": (1, lambda p: np.abs(floats(p.vertices)).max()),
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", ANSWERS)
def test_answers_are_those_of_size_one_times_a_power_of_two_or_an_error(name: str, backend: str) -> None:
    degree, answer = ANSWERS[name]
    wanted = np.asarray(answer(part(0, backend)), float)
    given = 0
    for power in POWERS:
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            try:
                found = np.asarray(answer(part(power, backend)), float)
            except CpwlError:
                continue
        with np.errstate(over="ignore", under="ignore"):
            exact = np.ldexp(wanted, degree * power)
        usual = np.isfinite(exact) & (np.abs(exact) > 2.0**-1000)
        if degree == 0 and power < -1000:  # of subnormal coordinates, which have few digits
            continue
        assert found.shape == exact.shape, power
        if name == "a nearest point":  # whose bound is never below 2^-500
            usual &= np.abs(exact) > 2.0**-450
        assert np.allclose(found[usual], exact[usual], rtol=1e-9), power
        given += bool(usual.all())
    assert given >= 3


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("power", POWERS)
def test_every_verb_answers_or_says_what_is_the_matter(power: int, backend: str, tmp_path: Path) -> None:
    verbs: list[Callable[[Partition], Any]] = [
        lambda p: p.view(tmp_path / "view.html"),
        lambda p: p.plot(color="area"),
        lambda p: p.plot(color="class"),
        lambda p: p.decision_boundary().sample(3),
        lambda p: p.decision_boundary().nearest(p.domain.polytope.vertices),
        lambda p: p.locate(p.vertices),
        lambda p: p.sharpened().vertex_errors(),
        lambda p: p.volumes(accuracy=2.0**-40),
        lambda p: p.merged().volumes(),
        lambda p: cpwl.certify(p).report(),
        lambda p: cpwl.compare(p, part(power, "exact")).report(),
        lambda p: p.statistics().to_frame(),
        lambda p: repr((p, p.region(0), p.domain, p.statistics())),
        lambda p: agreement(p.network, p.network, p.domain, backend=p.backend).__repr__(),
        lambda p: (p.save(tmp_path / "part.npz"), cpwl.load(tmp_path / "part.npz")),
    ]
    for verb in verbs:
        try:
            verb(part(power, backend))
        except NumericalRangeError:
            assert abs(power) >= 300


@pytest.mark.parametrize("power", [-1060, -540, -500])
def test_points_of_a_tiny_domain_are_located_and_its_boundary_is_there(power: int) -> None:
    quick, exact = (part(power, name) for name in BACKENDS)
    points = np.concatenate([quick.vertices, quick.domain.polytope.vertices / 2])
    assert (quick.locate(points) >= 0).all()
    inner = np.array([exact.vertices[row].sum(axis=0) / len(row) for row in exact.regions], dtype=object)
    assert (quick.patterns(quick.locate(inner)) == exact.patterns()).all()
    boundary = quick.decision_boundary()
    assert len(boundary) == 9 and np.abs(boundary.sample_slice(20)[0]).max() > 0


@pytest.mark.parametrize("power", [-1074, -1060, -1022, 1020])
def test_points_of_one_region_of_any_size_are_located(power: int) -> None:
    size = 2.0**power
    linear = Network.mlp([np.ones((1, 2))], [np.zeros(1)])
    whole = cpwl.partition(linear, cpwl.Domain.box([-size, -size], [size, size]))
    beyond = np.nextafter(-size, -np.inf)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert whole.locate([[0.0, 0.0], [size, -size], [2 * size, 0.0], [beyond, 0.0]]).tolist() == [0, 0, -1, -1]


def test_subnormal_weights_do_not_warn() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for rows in ([[1.0, 2.0], [2.0**-1072, 0.0]], [[3 * 2.0**-1072, 2.0**-1070], [2.0**900, 1.0]]):
            chosen = Network.mlp([np.array(rows), np.ones((1, 2))], [np.array([0.0, 2.0**-1073]), np.zeros(1)])
            assert equilibrated(chosen).outputs == 1
            assert len(cpwl.partition(chosen, cpwl.Domain.box([-1, -1], [1, 1]))) >= 2


@pytest.mark.parametrize("dim", [3, 4])
@pytest.mark.parametrize("power", [-700, -560, -480, -200, 0, 400])
def test_vertices_of_solids_of_any_size_are_within_their_bounds_of_the_exact_ones(power: int, dim: int) -> None:
    random, size = np.random.default_rng(1), 2.0**power
    first, last = random.standard_normal((5, dim)), random.standard_normal((2, 5))
    net = Network.mlp([first, last], [random.standard_normal(5) * size / 3, np.zeros(2)])
    dom = cpwl.Domain.box([-size] * dim, [size] * dim)
    rounded, exact = (cpwl.partition(net, dom, backend=backend) for backend in BACKENDS)
    places = np.array([[float(x / Fraction(size)) for x in row] for row in exact.vertices.tolist()])
    for vertex, error in zip(rounded.vertices, rounded.vertex_errors().tolist(), strict=True):
        nearest = exact.vertices[((places - vertex / size) ** 2).sum(axis=1).argmin()]
        apart = sum((Fraction(a) - b) ** 2 for a, b in zip(vertex.tolist(), nearest.tolist(), strict=True))
        assert apart <= Fraction(error) ** 2
