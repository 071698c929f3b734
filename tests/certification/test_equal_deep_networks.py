"""That two deep networks are equal is proved with named vertices: what is near zero at one is told from exact rows."""

from __future__ import annotations

import copy
import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpwl import certify, certify_equal, checker
from cpwl import compile as compiled
from cpwl.certification import prove
from cpwl.certification.extrema_and_equality import DifferentNetworks, EqualNetworks
from cpwl.claims.entries import network_entry
from cpwl.geometry.domain import Domain
from cpwl.network import Dense, Network
from cpwl.network.joint import joined
from cpwl.partitions.compute import partition
from tests.support.certify_inputs import SQUARE
from tests.support.checker_inputs import Document, encoded, permuted, replaced, small_network
from tests.support.equal_pairs import (
    WAYS,
    clipped,
    clipped_in_two,
    equality,
    image_pair,
    in_another_order,
    layers,
    on_a_grid,
    plain,
)
from tests.support.named_inputs import OF_NAMES, named, output_at, with_coordinates
from tests.support.real_data import FOLDER, images, needs
from tests.support.solid_inputs import CUBE

LINE = Domain.box([-1.0], [1.0])
CASES = [(SQUARE, [2, 5, 4, 2]), (LINE, [1, 6, 4, 2]), (CUBE, [3, 4, 3, 2])]
IDS = ["plane", "line", "solid"]


@pytest.fixture(params=["flint", "pure"])
def arithmetic(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With python-flint and without it."""
    if request.param == "pure":
        monkeypatch.setattr(checker.Matrix, "flint", None)
    return str(request.param)


@pytest.fixture
def deep(monkeypatch: pytest.MonkeyPatch) -> None:
    """All networks count as deep."""
    monkeypatch.setattr(prove, "_DEEP", 0)


@pytest.mark.usefixtures("deep")
@pytest.mark.parametrize("seed", range(3))
def test_convolutions_with_pools_on_images(seed: int) -> None:
    """Channels in another order, and one that is off, or scaled: equal; with another last weight not."""
    net, other, plane = image_pair(seed)
    for same in (other, in_another_order(net, 1, 3, scaled=True)):
        claim = certify_equal(net, same, plane)
        assert isinstance(claim, EqualNetworks) and claim.partition.vertices == "named" and claim.check()
        assert claim.partition.regions == len(partition(net, plane))
    file, last = certify_equal(net, other, plane).document(), other.nodes[-1].op
    assert isinstance(last, Dense)
    changed = replaced(other, {len(other.nodes) - 1: Dense(np.nextafter(last.weight, 9.0), last.bias)})
    assert isinstance(certify_equal(net, changed, plane), DifferentNetworks)
    assert verdict(with_network(file, changed)).startswith("rule 19")


@needs("convnets/cntk_mnist_opt.onnx")
@needs("mnist")
@pytest.mark.parametrize("scaled", [False, True], ids=["", "scaled"])
def test_a_trained_network_with_its_channels_in_another_order(scaled: bool) -> None:
    net = compiled(FOLDER / "convnets" / "cntk_mnist_opt.onnx")
    points = images("mnist", 3).reshape(3, *net.input_shape)
    middle = points.mean(axis=0)
    plane = Domain.through(*(middle + 0.003 * (point - middle) for point in points), margin=0.1)
    claim = certify_equal(net, in_another_order(net, 1, 5, scaled=scaled), plane)
    assert isinstance(claim, EqualNetworks) and claim.partition.regions == 145
    assert claim.check().startswith("equal-networks: ")


def verdict(document: Document) -> str:
    try:
        return checker.check(encoded(document))
    except checker.Rejected as error:
        return str(error)


@pytest.mark.usefixtures("deep")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("domain", "sizes"), CASES, ids=IDS)
def test_networks_that_are_one_function_are_proved_equal_by_names(way: str, domain: Domain, sizes: list[int]) -> None:
    made = layers(len(way), sizes)
    claim = certify_equal(plain(made), WAYS[way](made), domain)
    assert isinstance(claim, EqualNetworks) and claim.partition.vertices == "named"
    assert claim.check().startswith("equal-networks: the two networks are equal")
    document = claim.document()
    assert document["version"] == 3
    assert verdict(with_coordinates(document)).startswith("equal-networks: ")


@pytest.mark.usefixtures("deep")
@pytest.mark.parametrize(("domain", "sizes"), CASES, ids=IDS)
def test_breakpoints_other_than_0(domain: Domain, sizes: list[int], arithmetic: str) -> None:
    made = layers(11, sizes)
    claim = certify_equal(clipped(made), clipped_in_two(made), domain)
    assert isinstance(claim, EqualNetworks) and claim.partition.vertices == "named" and claim.check()
    assert verdict(with_coordinates(claim.document())).startswith("equal-networks: ")


@pytest.mark.parametrize("way", WAYS)
def test_every_unit_on_its_own_is_proved_too(way: str, arithmetic: str) -> None:
    """The file names functions of both networks; with and without python-flint."""
    made = layers(7, [2, 4, 3, 2])
    document = equality(plain(made), WAYS[way](made), SQUARE)
    assert verdict(document).startswith("equal-networks: ")


@pytest.mark.usefixtures("deep")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("domain", "sizes"), CASES, ids=IDS)
def test_a_weight_that_is_off_by_one_bit_is_told(way: str, domain: Domain, sizes: list[int]) -> None:
    """In any layer: as exact vertices say, and the file for the networks as they were is rejected."""
    made = layers(3 + len(way), sizes)
    first, second = plain(made), WAYS[way](made)
    dense = [i for i, node in enumerate(second.nodes) if isinstance(node.op, Dense)]
    file, told = equality(first, second, domain), 0
    for i in dense:
        weight = second.nodes[i].op.weight.copy()
        weight[-1, -1] = np.nextafter(weight[-1, -1], 9.0)
        other = replaced(second, {i: Dense(weight, second.nodes[i].op.bias)})
        claim = certify_equal(first, other, domain)
        part = partition(joined(first, other), domain)
        differs = bool(certify(part, vertices="exact").values.any())
        assert isinstance(claim, DifferentNetworks if differs else EqualNetworks) and claim.check()
        if differs:
            told += 1
            a, b = (output_at(net, domain, [claim.u])[0, claim.output] for net in (first, other))
            assert a - b == claim.difference != 0
            assert verdict(with_network(file, other)).startswith("rule ")
    assert told


def with_network(document: Document, network: Network) -> Document:
    """The file about another second network."""
    return {**document, "networks": [document["networks"][0], network_entry(network)]}


@pytest.mark.parametrize("power", [70, 100, 122, 126, 140, 300])
@pytest.mark.parametrize("bits", [128, 256])
def test_walls_that_nearly_coincide_are_not_taken_for_one(power: int, bits: int) -> None:
    """A bias that is off by 2^-power: below what so many bits tell it may be supposed to be none, but is not proved."""
    assert verdict(beside(2.0**-power, bits)).startswith("rule ")


def beside(step: float, bits: int = 128) -> Document:
    """The proof that a network is itself with its units in another order, about one in which a wall is moved a bit."""
    net = small_network()
    first = net.nodes[1].op
    assert isinstance(first, Dense) and first.bias[2] == 0  # beside others float64 does not hold a number so small
    other = replaced(net, {1: Dense(first.weight, first.bias + np.array([0.0, 0.0, step]))})
    return with_network(equality(net, permuted(net), SQUARE, bits), permuted(other))


def test_a_false_zero_asks_for_more_bits() -> None:
    told = verdict(beside(2.0**-140))
    assert "rule 29" in told and "more bits may tell it" in told


@settings(max_examples=30)
@given(st.integers(0, 2**16), st.sampled_from(sorted(WAYS)))
def test_changed_files_are_accepted_only_if_true(seed: int, way: str) -> None:
    rng, made = random.Random(seed), layers(seed % 5, [2, 4, 3, 2])
    document = equality(plain(made), WAYS[way](made), SQUARE)
    changed = copy.deepcopy(document)
    rng.choice(OF_NAMES)(changed, rng)
    try:
        accepted = checker.check(encoded(changed))
    except (checker.Rejected, checker.Malformed):
        return
    assert accepted and verdict(with_coordinates(changed)).startswith("equal-networks: ")


@pytest.mark.parametrize("step", [0.25, 0.5, 1.0])
def test_vertices_where_more_functions_vanish_by_chance_are_proved_by_names(step: float) -> None:
    """Weights on a grid: what vanishes beside what a vertex is named by is supposed, and proved."""
    kinds = []
    for seed in range(12):
        net = on_a_grid(seed, step, 4)
        part = partition(net, SQUARE)
        claim = certify(part, vertices="named")
        assert claim.check() and claim.regions == len(part)
        kinds.append(claim.vertices)
        if claim.vertices == "named":
            assert verdict(with_coordinates(claim.document())).startswith("partition: ")
    assert kinds.count("named") > 8


def test_walls_that_meet_in_one_line_of_a_solid_are_told_apart() -> None:
    """Grids in three dimensions: edges that lie in walls by which their vertices must not be named."""
    for seed in range(30):
        rng = np.random.default_rng(seed)
        numbers = lambda *shape: rng.integers(-2, 3, shape) * 0.5  # noqa: E731, B023
        net = plain([(numbers(m, n), numbers(m)) for n, m in pairwise([3, 3 + seed % 2, 3, 2])])
        claim = certify(partition(net, CUBE), vertices="named")
        assert claim.vertices == "named" and claim.check()


def test_independent_rows_are_found() -> None:
    rng = random.Random(0)
    for _ in range(200):
        base = [[rng.randrange(-3, 4) for _ in range(4)] for _ in range(rng.randrange(4))]
        rows = [
            [sum(c * x for c, x in zip(mix, column, strict=True)) for column in zip(*base, strict=True)]
            for mix in ([rng.randrange(-2, 3) for _ in base] for _ in range(rng.randrange(6)))
        ]
        wanted = np.linalg.matrix_rank(np.array([*base, *rows], np.float64)) if base else 0
        known = checker.Independent(4, checker.Work())
        known.extend([*base, *rows])
        assert len(known._rows) == wanted


def test_functions_on_pieces_are_those_of_exact_arithmetic(arithmetic: str) -> None:
    """The exact rows of the checker: on every region the outputs that the library's exact maps say, up to a factor."""
    for name, net, domain in [
        ("clipped", clipped(layers(5, [2, 5, 4, 2])), SQUARE),
        *((way, WAYS[way](layers(5, [2, 5, 4, 2])), SQUARE) for way in WAYS),
        ("solid", plain(layers(2, [3, 4, 3, 2])), CUBE),
    ]:
        proven = named(net, domain)
        network = checker.Network.of(proven.document()["networks"][0], {})
        place = checker.Domain.of(proven.document()["domain"], [network], 3)
        tiling = checker.named_tiling(network, place, proven.document()["proof"])
        stages = tiling.passage.stages
        forms = checker.Forms(network.nodes, place, stages, checker.Work())
        masks = [vertex.masks for vertex in tiling.passage.vertices]
        for vertex, (functions, outputs) in enumerate(forms.on(masks)):
            u = np.array([1, *proven.near(vertex)], dtype=object)
            exact = output_at(net, domain, [u[1:]])[0]
            values = u @ np.array([[int(x) for x in row] for row in outputs], dtype=object)
            factors = {value / x for value, x in zip(values, exact, strict=True) if abs(x) > 2**-20}
            assert all(abs(f / next(iter(factors)) - 1) < 2**-60 for f in factors), name
            assert functions or not stages
