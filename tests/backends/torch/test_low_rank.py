"""Fields that a few rows span (proofs/, Lemma 11): the regions of the exact backend, from bounds that hold."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import cpwl
from cpwl import backends
from cpwl.backends.torch import TorchArrangement
from cpwl.backends.torch.low_rank import arithmetic as spanning
from cpwl.backends.torch.low_rank.arithmetic import LowRankArithmetic
from cpwl.backends.torch.low_rank.either import EitherArithmetic
from cpwl.backends.torch.low_rank.field import LowRankField, Recipe
from cpwl.network import RELU, Dense, Divide, Gather, Input, Max, Network, Node, Piecewise, Sum
from cpwl.tiling import blocks
from cpwl.tiling.blocks import Blocks
from cpwl.tiling.sweep import Sweep
from tests.support import local_networks
from tests.support.agreement import disagreements
from tests.support.families import FAMILIES, case
from tests.support.networks import layered, mlp, residual

SQUARE = cpwl.Domain.box([-1.0, -1.0], [1.0, 1.0])
seeds = st.integers(0, 2**32 - 1)


@pytest.fixture(autouse=True, scope="module")
def always() -> Iterator[None]:
    """Fields are spanned however narrow the network is, and however many units bend."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spanning, "_WIDE", 0)
        patch.setattr(spanning, "_MANY", np.inf)
        yield


def watched(monkeypatch: pytest.MonkeyPatch, see: Callable[[LowRankField], None]) -> None:
    """Shows every field by which an arrangement is refined."""
    truly = TorchArrangement._refined_within_reach

    def refined(self: TorchArrangement, values: LowRankField, *others: Any) -> Any:
        see(values)
        return truly(self, values, *others)

    monkeypatch.setattr(TorchArrangement, "_refined_within_reach", refined)


def spans(backend: backends.Backend, network: Network, domain: cpwl.Domain) -> bool:
    return isinstance(backend.sweeping(network, domain, exact=True), EitherArithmetic)


def patterns(part: cpwl.Partition) -> list[bytes]:
    return sorted(row.tobytes() for row in part.patterns())


# ---- regions -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("seed", range(300, 300 + 4 * len(FAMILIES)))
def test_lemma_11_degenerate_networks_have_the_regions_of_the_exact_backend(seed: int) -> None:
    chosen = case(seed)
    assert not disagreements(chosen.network, chosen.domain)


@pytest.mark.parametrize("seed", range(600, 600 + 2 * len(FAMILIES)))
def test_lemma_11_blocks_need_fewer_generators_and_have_the_same_regions(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "_MOST_SPANNED", 8)
    chosen = case(seed)
    assert not disagreements(chosen.network, chosen.domain)


@pytest.mark.parametrize("many", [0.3, 1.5])
@pytest.mark.parametrize("seed", range(800, 800 + len(FAMILIES)))
def test_fields_that_get_rows_of_their_own_on_the_way_have_the_same_regions(
    seed: int, many: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spanning, "_MANY", many)
    monkeypatch.setattr(blocks, "_MOST_SPANNED", 12)
    chosen = case(seed)
    assert not disagreements(chosen.network, chosen.domain)


def test_a_wide_network_of_which_all_units_bend_takes_no_more_memory_than_its_rows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Coefficients of all units at all vertices would be 600 MB."""
    monkeypatch.setattr(spanning, "_MANY", 1 / 4)
    seen: list[int] = []
    watched(monkeypatch, lambda field: seen.append(field.rows))
    part = cpwl.partition(mlp(0, [2, 400, 1]), SQUARE)
    assert len(part) > 50_000 and not seen


@settings(max_examples=15, deadline=None)
@given(pair=layered(outputs=3))
def test_lemma_11_layered_networks(pair: Any) -> None:
    assert not disagreements(pair.network, SQUARE)


@settings(max_examples=15, deadline=None)
@given(network=residual())
def test_lemma_11_residual_networks(network: Network) -> None:
    assert not disagreements(network, SQUARE)


@pytest.mark.parametrize("seed", range(12))
def test_lemma_11_maxima_over_many(seed: int) -> None:
    """In a tournament of three rounds, with some that wait."""
    random = np.random.default_rng(seed)
    size = int(random.integers(5, 8))
    nodes = (
        Node(Input(), (), (2,), "input"),
        Node(
            Dense(random.standard_normal((2 * size, 2)), random.standard_normal(2 * size)), (0,), (2 * size,), "dense"
        ),
        Node(Gather(np.arange(2 * size).reshape(2, size)), (1,), (2, size), "groups"),
        Node(Max(), (2,), (2,), "max"),
        Node(Dense(random.standard_normal((3, 2)), random.standard_normal(3)), (3,), (3,), "dense"),
        Node(RELU, (4,), (3,), "relu"),
    )
    assert not disagreements(Network(nodes), SQUARE)


def pooled(seed: int, pool: nn.Module, activation: nn.Module, share: float) -> tuple[Network, cpwl.Domain]:
    """A small convolutional network with some equal weights, and a slice of its inputs with a dark border."""
    torch.manual_seed(seed)
    layers = [nn.Conv2d(1, 3, 3, padding=1), activation, pool, nn.Conv2d(3, 4, 2), activation, nn.Flatten()]
    body = nn.Sequential(*layers).double()
    with torch.no_grad():
        for convolution in (body[0], body[3]):
            convolution.weight.copy_((convolution.weight * 8).round() / 8)
            convolution.bias.copy_((convolution.bias * 4).round() / 4)
        width = body(torch.zeros(1, 1, 8, 8, dtype=torch.float64)).shape[1]
    module = nn.Sequential(body, nn.Linear(width, 3).double()).eval()
    points = np.zeros((3, 1, 8, 8))
    points[:, :, 2:6, 2:6] = np.random.default_rng(seed).standard_normal((3, 1, 4, 4))
    network = cpwl.compile(module, example_input=torch.zeros(1, 1, 8, 8, dtype=torch.float64))
    middle = points.mean(axis=0)
    return network, cpwl.Domain.through(*(middle + share * (point - middle) for point in points))


POOLS = (nn.MaxPool2d(2), nn.MaxPool2d(3, 2, ceil_mode=True), nn.MaxPool2d(3, 1, padding=1), nn.AvgPool2d(2))


@pytest.mark.parametrize("pool", POOLS, ids=str)
@pytest.mark.parametrize("activation", [nn.ReLU(), nn.PReLU(init=0.25), nn.Hardtanh()], ids=str)
def test_lemma_11_convolutions_and_pools(pool: nn.Module, activation: nn.Module) -> None:
    network, domain = pooled(3, pool, activation, 0.05)
    assert not disagreements(network, domain)


@pytest.mark.parametrize("share", [0.01, 0.03])
@pytest.mark.parametrize("seed", range(2))
def test_arguments_that_another_exceeds_everywhere_do_not_play_and_nothing_changes(
    seed: int, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = pooled(seed, nn.MaxPool2d(3, stride=2), nn.ReLU(), share)
    counts = []
    truly = Sweep._arguments

    def noted(*given: Any) -> Any:
        groups = truly(*given)
        counts.append(len(groups.values) / len(groups))
        return groups

    monkeypatch.setattr(Sweep, "_arguments", noted)
    assert disagreements(*chosen) == []
    assert min(counts) < max(counts) == 9  # the exact backend plays all


def test_equal_pixels_and_windows_that_overlap_leave_few_decisions_open(monkeypatch: pytest.MonkeyPatch) -> None:
    network, domain = pooled(5, nn.MaxPool2d(3, 2, ceil_mode=True), nn.ReLU(), 0.3)
    part = cpwl.partition(network, domain)
    monkeypatch.setattr(spanning, "_WIDE", 1 << 30)
    held = cpwl.partition(network, domain)
    assert patterns(part) == patterns(held) and 10 * part.settled < held.settled


# ---- bounds --------------------------------------------------------------------------------------------------------
def exactly(field: LowRankField, rows: Any) -> Any:
    """Rows of long numbers, as Fractions."""
    return sum(np.vectorize(Fraction, otypes=[object])(part.numpy()) for part in rows.digits.parts)


def less_certain(field: LowRankField) -> LowRankField:
    """The same with bounds that rounding alone does not make as large."""
    coefficients = replace(field.coefficients, error=field.coefficients.error + 2.0**-12)
    rows = {key: replace(part, error=part.error + 2.0**-11) for key, part in field.generators.items()}
    constant = replace(field.constant, error=field.constant.error + 2.0**-13)
    return replace(field, coefficients=coefficients, generators=rows, constant=constant)


BOUNDED = [
    *(pytest.param(case(seed).network, case(seed).domain, id=case(seed).name) for seed in range(20)),
    *(pytest.param(mlp(seed, [2, 3, 5, 4, 1]), SQUARE, id=f"all bend, seed {seed}") for seed in range(4)),
    *(pytest.param(mlp(seed, [2, *[7] * 10, 1]), SQUARE, id=f"deep, seed {seed}") for seed in range(2)),
]


def test_the_bound_on_a_row_of_coefficients_covers_those_that_were_there_and_new_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The 2-norm of both distances; a bound on one of them says nothing of the other."""
    bounds: list[tuple[Any, Any, Any]] = []
    truly = LowRankArithmetic._with_generators

    def noted(self: LowRankArithmetic, base: LowRankField, units: Any, more: Any) -> LowRankField:
        extended = truly(self, base, units, more)
        if len(units):
            bounds.append((base.coefficients.error, more.error, extended.coefficients.error))
        return extended

    monkeypatch.setattr(LowRankArithmetic, "_with_generators", noted)
    network, domain = pooled(3, nn.AvgPool2d(2), nn.ReLU(), 0.05)
    cpwl.partition(network, domain)
    rows = [row for table in bounds for row in zip(*(part.tolist() for part in table), strict=True)]
    assert sum(new > 0 for _, new, _ in rows) > 10
    assert all(Fraction(old) ** 2 + Fraction(new) ** 2 <= Fraction(whole) ** 2 for old, new, whole in rows)


@pytest.mark.parametrize(("network", "domain"), BOUNDED)
def test_lemma_11_entries_are_within_their_bounds(
    network: Network, domain: cpwl.Domain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the stored combination, with rows and coefficients that are off by as much as their bounds allow."""
    found: list[LowRankField] = []
    watched(monkeypatch, found.append)
    cpwl.partition(network, domain)
    generator = np.random.default_rng(0)

    def moved(values: Any, errors: Any, zeros: Any = False) -> Any:
        directions = np.where(zeros, 0.0, generator.standard_normal(values.shape))
        lengths = np.maximum(np.linalg.norm(directions, axis=1, keepdims=True), 1e-300)
        step = np.nextafter(directions / lengths * errors.numpy()[:, None] * (1 - 1e-9), 0.0)
        return values + np.vectorize(Fraction, otypes=[object])(step)

    assert found
    for field in (*found, *map(less_certain, found)):
        coefficients = np.vectorize(Fraction, otypes=[object])(field.coefficients.values.numpy())
        known = field.recipe.known_zeros.numpy()
        coefficients = moved(coefficients, field.coefficients.error, known)
        total = moved(exactly(field, field.constant), field.constant.error, field.constant.zeros.numpy())
        for part in field.placed():
            rows = moved(exactly(field, part.rows), part.rows.error, part.rows.zeros.numpy())
            total = total + coefficients[:, part.columns] @ rows
        plain = field.whole()
        off = np.abs(np.vectorize(Fraction, otypes=[object])(plain.values.numpy()) - total)
        assert (off <= np.vectorize(Fraction, otypes=[object])(plain.limits())).all()
        assert ((off**2).sum(axis=1) <= [Fraction(e) ** 2 for e in plain.error.tolist()]).all()
        if plain.zeros is not None:
            assert not total[plain.zeros.numpy()].any()
        centre, radius = (
            np.vectorize(Fraction, otypes=[object])(part.numpy())
            for part in (field.enclosure.centre, field.enclosure.radius)
        )
        assert (np.abs(total - centre) <= radius).all()
        assert not total[:, field.enclosure.zero.numpy()].any()


def test_numbers_get_longer_when_bounds_are_large_and_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    network = mlp(4, [2, 12, 10, 8, 6, 2])
    before = patterns(cpwl.partition(network, SQUARE))
    monkeypatch.setattr(spanning, "_ENOUGH", 2.0**-72)
    seen: list[int] = []
    watched(monkeypatch, lambda field: seen.append(field.constant.digits.count))
    assert patterns(cpwl.partition(network, SQUARE)) == before
    assert max(seen) > spanning._FEWEST + spanning._MORE


# ---- functions that are the same -----------------------------------------------------------------------------------
def sequence(*ops: Any, inputs: int = 2) -> Network:
    return Network.sequential(inputs, list(ops))


def test_units_with_one_argument_and_other_slopes_are_not_the_same() -> None:
    """They share the slope of their lowest piece alone."""
    slopes = np.array([[0.5, 0.5], [1.0, 3.0]])
    first = Dense(np.array([[1.0, 0.3], [1.0, 0.3]]), np.zeros(2))
    windows = [Node(Gather(np.array([[0, 1]])), (2,), (1, 2), "pair"), Node(Max(), (3,), (1,), "max")]
    nodes = (
        Node(Input(), (), (2,), "input"),
        Node(first, (0,), (2,), "dense"),
        Node(Piecewise(np.zeros(1), slopes), (1,), (2,), "two slopes"),
        *windows,
        Node(Dense(np.ones((1, 1)), np.array([-0.7])), (4,), (1,), "shift"),
        Node(RELU, (5,), (1,), "relu"),
    )
    assert not disagreements(Network(nodes), SQUARE)


def test_branches_that_are_numbered_alike_do_not_cancel() -> None:
    """Numbers of two nodes have nothing to do with each other."""
    nodes = (
        Node(Input(), (), (2,), "input"),
        Node(Dense(np.array([[1.0, 0.2], [0.3, 1.0]]), np.zeros(2)), (0,), (2,), "one"),
        Node(Dense(np.array([[-0.5, 0.9], [1.0, -0.7]]), np.array([0.1, 0.2])), (0,), (2,), "other"),
        Node(RELU, (1,), (2,), "relu of one"),
        Node(RELU, (2,), (2,), "relu of other"),
        Node(Sum((1.0, -1.0)), (3, 4), (2,), "difference"),
        Node(RELU, (5,), (2,), "relu"),
    )
    assert not disagreements(Network(nodes), SQUARE)
    assert len(cpwl.partition(Network(nodes), SQUARE)) > 6


def test_duplicated_units_are_cut_by_once(monkeypatch: pytest.MonkeyPatch) -> None:
    row = np.array([[1.0, 0.3]])
    network = sequence(Dense(np.repeat(row, 40, axis=0), np.full(40, 0.25)), RELU, Dense(np.ones((1, 40)), np.zeros(1)))
    asked: list[int] = []
    truly = LowRankField.on
    monkeypatch.setattr(LowRankField, "on", lambda field, which: asked.append(len(which)) or truly(field, which))
    part = cpwl.partition(network, SQUARE)
    assert len(part) == 2 and asked[0] == 1
    assert sorted(part.patterns().sum(axis=1).tolist()) == [0, 40]


def test_one_operator_in_nodes_of_several_shapes() -> None:
    random = np.random.default_rng(1)
    thirds = Divide(np.array([[3.0], [70.0]]))
    nodes = (
        Node(Input(), (), (2,), "input"),
        Node(Dense(random.standard_normal((6, 2)), random.standard_normal(6)), (0,), (6,), "dense"),
        Node(Gather(np.arange(6).reshape(2, 3)), (1,), (2, 3), "two rows"),
        Node(thirds, (2,), (2, 3), "divided"),
        Node(RELU, (3,), (2, 3), "relu"),
        Node(Gather(np.arange(6).reshape(3, 2, 1)), (4,), (3, 2, 1), "three pairs"),
        Node(thirds, (5,), (3, 2, 1), "divided again"),
        Node(Dense(np.array([[2.3]]), np.array([-0.1])), (6,), (3, 2, 1), "shifted"),
        Node(RELU, (7,), (3, 2, 1), "relu again"),
    )
    assert not disagreements(Network((*nodes, Node(Gather(np.arange(6)), (8,), (6,), "flat"))), SQUARE)


# ---- blocks, workers, budgets --------------------------------------------------------------------------------------
@pytest.fixture
def cut_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "_MOST_SPANNED", 100)


def test_a_block_leaves_generators_out_and_its_bounds_are_no_larger(
    cut_up: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, int]] = []
    watched(monkeypatch, lambda field: seen.append((field.rows, field.coefficients.columns)))
    network = mlp(2, [2, 20, 16, 12, 1])
    part = cpwl.partition(network, SQUARE)
    assert len(part) == len(cpwl.partition(network, SQUARE, backend="exact"))
    monkeypatch.setattr(blocks, "_MOST_SPANNED", 1 << 14)
    in_blocks = max(columns for rows, columns in seen[2:])
    seen.clear()
    assert len(cpwl.partition(network, SQUARE)) == len(part)
    assert in_blocks < max(columns for rows, columns in seen)


def test_what_travels_is_a_recipe() -> None:
    found: list[LowRankField] = []
    with pytest.MonkeyPatch.context() as patch:
        watched(patch, found.append)
        cpwl.partition(mlp(2, [2, 20, 16, 1]), SQUARE)
    sent = pickle.loads(pickle.dumps(found[-1]))
    assert isinstance(sent, Recipe)
    assert torch.equal(sent.coefficients.values, found[-1].coefficients.values)
    assert [making.node for making in sent.makings] == [making.node for making in found[-1].makings]


def test_a_job_of_workers_has_the_same_regions(cut_up: None) -> None:
    network = mlp(2, [2, 20, 16, 12, 1])
    with ThreadPoolExecutor(2) as pool:
        found = cpwl.partition(network, SQUARE, executor=pool)
    assert patterns(found) == patterns(cpwl.partition(network, SQUARE, backend="exact"))
    assert found.complete


def test_streamed_blocks_have_every_region_once(cut_up: None) -> None:
    network = mlp(2, [2, 20, 16, 12, 1])
    found = [row for block in cpwl.partition_blocks(network, SQUARE) for row in patterns(block)]
    assert sorted(found) == patterns(cpwl.partition(network, SQUARE, backend="exact"))


def test_a_run_that_goes_on_divides_as_before_whatever_bounds_it_met(monkeypatch: pytest.MonkeyPatch) -> None:
    """How long numbers have become in one block must not tell how another one is divided."""
    generator = np.random.default_rng(7)
    widths = [2, *generator.integers(6, 10, 5).tolist(), 1]
    network = mlp(7, widths, bias=0.3)
    monkeypatch.setattr(spanning, "_ENOUGH", 2.0**-66)
    sizes = blocks.Blocks(limit=8 * 9 * 12)

    def rows(done: set[Any], stop: int | None = None) -> Iterator[bytes]:
        for k, block in enumerate(cpwl.partition_blocks(network, SQUARE, sizes=sizes, done=done)):
            if k == stop:
                return
            yield from patterns(block)

    done: set[Any] = set()
    whole = sorted(rows(done))
    assert len(done) > 20 and whole == patterns(cpwl.partition(network, SQUARE, backend="exact"))
    for stop in (1, len(done) // 4, len(done) // 2):
        begun: set[Any] = set()
        assert sorted([*rows(begun, stop), *rows(begun)]) == whole


def test_a_budget_holds() -> None:
    part = cpwl.partition(mlp(2, [2, 40, 40, 1]), SQUARE, max_regions=300)
    assert not part.complete and 100 < len(part) < 1000


def test_little_memory_makes_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    watched(monkeypatch, lambda field: seen.append(field.rows))
    torch.manual_seed(0)
    layers = [nn.Conv1d(1, 4, 5, padding=2), nn.ReLU(), nn.Conv1d(4, 4, 5, padding=2), nn.ReLU()]
    module = nn.Sequential(*layers, nn.Flatten(), nn.Linear(4 * 60, 1)).double().eval()
    network = cpwl.compile(module, example_input=torch.zeros(1, 1, 60, dtype=torch.float64))
    points = np.random.default_rng(0).standard_normal((3, 1, 60))
    middle = points.mean(axis=0)
    domain = cpwl.Domain.through(*(middle + 0.1 * (point - middle) for point in points))
    whole = cpwl.partition(network, domain)
    assert len(seen) == 2
    monkeypatch.setattr(blocks.Blocks, "within", classmethod(lambda kind, *_: kind(limit=1 << 15)))
    assert patterns(cpwl.partition(network, domain)) == patterns(whole) and len(seen) > 6


# ---- when ----------------------------------------------------------------------------------------------------------
def test_wide_networks_are_spanned_where_decisions_are_exact_and_others_never(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spanning, "_WIDE", 1 << 11)
    torch_backend = backends.get("torch")
    wide, narrow = mlp(0, [2, 1 << 11, 1]), mlp(0, [2, 1000, 1])
    periodic = Network.sequential(
        2,
        [
            Dense(np.ones((1 << 11, 2)), np.zeros(1 << 11)),
            cpwl.network.Periodic(2.0, np.array([0.0, 1.0]), np.array([1.0, -1.0])),
        ],
    )
    assert spans(torch_backend, wide, SQUARE)
    for network, exact in ((wide, False), (narrow, True), (periodic, True)):
        arithmetic = torch_backend.sweeping(network, SQUARE, exact=exact)
        assert not isinstance(arithmetic, EitherArithmetic)
    assert not spans(backends.get("exact"), wide, SQUARE)


def test_networks_beyond_the_range_of_digits_or_with_a_node_that_stands_twice_have_rows_of_their_own() -> None:
    torch_backend = backends.get("torch")
    steep = sequence(Dense(np.full((4, 2), 1e30), np.zeros(4)), RELU, Dense(np.full((1, 4), 1e-30), np.zeros(1)))
    relu = Node(RELU, (1,), (4,), "relu")
    dense = Node(Dense(np.ones((4, 2)), np.zeros(4)), (0,), (4,), "dense")
    twice = Network((Node(Input(), (), (2,), "input"), dense, relu, relu, Node(Sum((1.0, 1.0)), (2, 3), (4,), "sum")))
    for network in (steep, twice):
        assert not spans(torch_backend, network, SQUARE)
        assert not disagreements(network, SQUARE)


TURN = np.array([[1.0, 0.5], [-0.5, 1.0]])
FAR = {
    "large biases": [
        Dense(np.ones((3, 2)), np.array([1e150, -1e150, 0.5])),
        RELU,
        Dense(TURN @ np.ones((2, 3)), np.ones(2)),
    ],
    "steep units": [
        Dense(np.eye(2), np.zeros(2)),
        Piecewise(np.zeros(1), np.array([0.0, 1e150])),
        Dense(TURN, -np.ones(2)),
    ],
    "vanishing layers": [op for _ in range(10) for op in (Dense(TURN * 2.0**-55, np.zeros(2)), RELU)],
}


@pytest.mark.parametrize("ops", FAR.values(), ids=FAR)
def test_what_leaves_the_range_of_digits_on_the_way_is_done_with_rows(ops: list[Any]) -> None:
    network = sequence(*ops, RELU)
    assert spans(backends.get("torch"), network, SQUARE)
    part, exact = (cpwl.partition(network, SQUARE, backend=name) for name in ("torch", "exact"))
    blocks = cpwl.partition_blocks(network, SQUARE, sizes=Blocks(1 << 10, 1 << 62, 1 << 62, most_rows=5))
    assert patterns(part) == patterns(exact) == sorted(name for block in blocks for name in patterns(block))


@pytest.mark.parametrize("seed", [0, 4, 8])
def test_random_images(seed: int) -> None:
    network = local_networks.images(seed)
    assert spans(backends.get("torch"), network, SQUARE)
    points = np.random.default_rng(seed).standard_normal((3, *network.input_shape))
    middle = points.mean(axis=0)
    domain = cpwl.Domain.through(*(middle + 0.02 * (point - middle) for point in points))
    assert not disagreements(network, domain)
