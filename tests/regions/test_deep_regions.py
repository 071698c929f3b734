"""What is asked of a slice after it has been partitioned goes by the rows that span it, and is what it was by integers.

That the way is taken is counted, on small networks for which thresholds are lowered.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import cpwl
from cpwl.backends import rungs
from cpwl.backends.exact import ExactArithmetic, residues
from cpwl.backends.torch.long_numbers import lines
from cpwl.backends.torch.long_numbers.reckoning import Reckoning
from cpwl.backends.torch.long_numbers.spans import CloseRows
from cpwl.fields.arithmetic import embedding, evaluate
from cpwl.geometry.ladder import INTEGERS
from cpwl.network import RELU, Dense, Gather, Input, Max, Network, Node
from cpwl.regions.equal_maps import Comparison
from tests.support import local_networks
from tests.support.families import case
from tests.support.networks import ACTIVATIONS, mlp

SEEDS = range(2)
HARDTANH = ACTIVATIONS["hardtanh"]


def images(seed: int) -> tuple[Network, cpwl.Domain]:
    """Convolutions, maxima that overlap, a skip, on a small slice."""
    network = local_networks.images(seed)
    points = np.random.default_rng(seed).standard_normal((3, *network.input_shape))
    middle = points.mean(axis=0)
    return network, cpwl.Domain.through(*(middle + 0.02 * (point - middle) for point in points))


def degenerate(seed: int) -> tuple[Network, cpwl.Domain]:
    one = case(seed)
    return one.network, one.domain


def generic(seed: int) -> tuple[Network, cpwl.Domain]:
    return mlp(seed, [2, 8, 6, 2]), cpwl.Domain.box([-1.0, -1.0], [1.0, 1.0])


def huge(seed: int) -> tuple[Network, cpwl.Domain]:
    """Numbers that float64 does not hold, of units and of maxima: their signs are those of small ones."""
    random = np.random.default_rng(seed)
    nodes = [Node(Input(), (), (2,), "input")]
    for units, op in ((6, RELU), (5, HARDTANH), (4, RELU)):
        table = random.integers(-3, 4, (units, nodes[-1].size + 1)) * 2.0 ** (400 if op is RELU else 300)
        nodes.append(Node(Dense(table[:, :-1], table[:, -1]), (len(nodes) - 1,), (units,), "dense"))
        nodes.append(Node(op, (len(nodes) - 1,), (units,), "units"))
    table = random.integers(-3, 4, (4, 4)) * 2.0**1000
    nodes.append(Node(Dense(table, np.zeros(4)), (len(nodes) - 1,), (4,), "dense"))
    nodes.append(Node(Gather(np.arange(4).reshape(2, 2)), (len(nodes) - 1,), (2, 2), "pairs"))
    nodes.append(Node(Max(), (len(nodes) - 1,), (2,), "max"))
    return Network(tuple(nodes)), cpwl.Domain.box([-1.0, -1.0], [1.0, 1.0])


KINDS = {"images": images, "degenerate": degenerate}


@pytest.fixture
def deep(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Small networks are taken for large ones; the parts of the numbers in rows that have gone through a network."""
    monkeypatch.setattr(rungs, "_DEAR", 0)
    monkeypatch.setattr(rungs, "_CHEAP", 0)
    monkeypatch.setattr(rungs._Oracle, "_short", lambda *_: False)
    monkeypatch.setattr(residues, "_DEAR", 0)
    monkeypatch.setattr(Reckoning, "spanned", lambda *_: 0.0)
    monkeypatch.setattr(lines, "_PLAIN", 0.0)
    passes: list[int] = []
    truly = CloseRows.slice
    monkeypatch.setattr(CloseRows, "slice", lambda rows: passes.append(rows._close.grid.count) or truly(rows))
    return passes


@pytest.mark.parametrize("kind", [*KINDS, "huge"])
@pytest.mark.parametrize("seed", SEEDS)
def test_points_are_inside_exactly_the_closed_regions_on_which_every_unit_has_its_piece(
    kind: str, seed: int, deep: list[int]
) -> None:
    part = cpwl.partition(*(huge if kind == "huge" else KINDS[kind])(seed), backend="exact")
    chosen = np.random.default_rng(seed).permutation(len(part))[:12]
    points = np.concatenate([part.vertices[part.regions[i]] for i in chosen])
    patterns = part.patterns(chosen)
    near = np.array([[x + Fraction(1, 10**40) for x in point] for point in points[:4].tolist()], dtype=object)
    points = np.concatenate([points, near])
    for pattern, region in zip(patterns, chosen.tolist(), strict=True):
        found = part.oracle.inside(np.repeat(pattern[None], len(points), axis=0), points)
        corners = part.vertices[part.regions[region]]
        steps = np.roll(corners, -1, axis=0) - corners
        turns = [
            min(s[0] * (p - a)[1] - s[1] * (p - a)[0] for a, s in zip(corners, steps, strict=True)) for p in points
        ]
        domain = np.array([part.domain.polytope.contains(p) for p in points.tolist()])
        assert found is not None
        assert (found == np.array([turn >= 0 for turn in turns]))[domain].all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", SEEDS)
def test_vertices_from_spanned_walls_are_those_from_walls_of_each_region(
    kind: str, seed: int, deep: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    part = cpwl.partition(*KINDS[kind](seed))
    deep.clear()
    with monkeypatch.context() as patch:
        patch.setattr(lines.CloseLines, "_is_worth", lambda *_: True)
        spanned = part.sharpened()
    assert deep or len(part) == 1
    with monkeypatch.context() as patch:
        patch.setattr(lines.CloseLines, "_is_worth", lambda *_: False)
        count = len(deep)
        one_by_one = part.sharpened()
        assert len(deep) == count or len(part) == 1
    far = spanned.vertex_errors() + one_by_one.vertex_errors()
    assert (np.linalg.norm(spanned.vertices - one_by_one.vertices, axis=1) <= far).all()
    assert (spanned.vertices == one_by_one.vertices).mean() > 0.9


@pytest.mark.parametrize("kind", ["generic", "degenerate"])
@pytest.mark.parametrize("join", ["connected", "everywhere"])
def test_maps_that_float64_does_not_tell_apart_are_compared_in_long_numbers_before_integers(
    kind: str, join: str, deep: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    settled = [0, 0]
    for seed in SEEDS:
        part = cpwl.partition(*(generic if kind == "generic" else degenerate)(seed))
        with monkeypatch.context() as patch:
            patch.setattr(Comparison, "_by_bounds", lambda comparison, kinds: None)
            deep.clear()
            merged = part.merged(join=join)
            assert deep or merged.settled == 0
            patch.setattr(Comparison, "_closely", lambda comparison, parts, kinds: None)
            by_integers = part.merged(join=join)
        assert merged.labels.tolist() == by_integers.labels.tolist() == part.merged(join=join).labels.tolist()
        settled[0] += merged.settled
        settled[1] += by_integers.settled
    assert settled[0] < settled[1]


def test_regions_asked_one_by_one_are_those_asked_together_and_soon_cost_no_pass(
    deep: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    part = cpwl.partition(*images(0))
    passes: list[int] = []
    truly = residues.ModuloRows.read
    monkeypatch.setattr(residues.ModuloRows, "read", lambda rows, *given: passes.append(rows._p) or truly(rows, *given))
    maps = [part.region(i).exact_map for i in range(len(part))]
    assert len(part) > 20 and len(passes) < 20 * len(set(passes))
    again = part.oracle.outputs(part.patterns(), INTEGERS).values
    for (weight, bias), together in zip(maps, again, strict=True):
        assert np.column_stack([weight, bias]).tolist() == together.tolist()
    exact = cpwl.partition(part.network, part.domain, backend="exact")
    order = {row.tobytes(): i for i, row in enumerate(exact.patterns())}
    weights, biases = exact.affine_maps()
    for pattern, (weight, bias) in zip(part.patterns(), maps, strict=True):
        i = order[pattern.tobytes()]
        assert weights[i].tolist() == weight.tolist() and biases[i].tolist() == bias.tolist()
    for i in range(3):
        sides = part.region(i).halfspaces
        twin = exact.region(order[part.patterns([i])[0].tobytes()]).halfspaces
        mine, true = (sorted(map(str, zip(x.normals.tolist(), x.offsets.tolist(), strict=True))) for x in (sides, twin))
        assert mine == true


@pytest.mark.parametrize("seed", SEEDS)
def test_samples_of_a_boundary_lie_on_it_exactly(seed: int, deep: list[int]) -> None:
    network, domain = images(seed)
    part = cpwl.partition(network, domain)
    head = part.head(np.eye(network.outputs)[0])
    values = head.outputs.to_numpy()[:, 0]
    boundary = head.decision_boundary(level=float(np.round(values.mean(), 6)))
    assert len(boundary)
    samples = boundary.certify(20)
    assert len(samples) == 20 and deep
    arithmetic = ExactArithmetic()
    points = np.array([sample.u for sample in samples], dtype=object)
    start = arithmetic.linear(embedding(domain), [arithmetic.points(points)])
    outputs = evaluate(head.network, arithmetic, start).to_numpy()
    assert all(output[0] == Fraction(boundary.level) for output in outputs)
    assert all(sample.logits.tolist() == output.tolist() for sample, output in zip(samples, outputs, strict=True))
    assert all(sample.x.tolist() == domain.to_input(sample.u).tolist() for sample in samples)
