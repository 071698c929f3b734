"""Lemma 5 of proofs/, checked against exact rationals: random instances, and instances that are nearly tight."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, isqrt, prod, sqrt

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from cpwl.backends.torch.fields.arithmetic import TorchArithmetic
from cpwl.backends.torch.fields.field import ROUND_UP, FloatField
from cpwl.backends.torch.fields.field import gamma as library_gamma
from cpwl.backends.torch.fields.norms import conv_norms
from cpwl.backends.torch.refinement.crossings import vanishing
from cpwl.backends.torch.refinement.kernels.choice import kernel_for
from cpwl.backends.torch.refinement.points import Points
from cpwl.backends.torch.refinement.prolong import Prolongation
from cpwl.network import RELU, Conv, Dense, Divide, Gather, Max, Node, Op, Piecewise, Scale, Sum
from cpwl.numbers.norms import spectral_bound
from tests.support.exact_conv import convolve, matrix_of
from tests.support.exact_model import Scalar

U = Fraction(1, 2**53)
Rows = NDArray[np.float64]
seeds = st.integers(0, 2**32 - 1)


def gamma(k: int) -> Fraction:
    return k * U / (1 - k * U)


def exact(values: Rows) -> list[Fraction]:
    return [Fraction(x) for x in np.ravel(values).tolist()]


def square(values: list[Fraction]) -> Fraction:
    return sum((x * x for x in values), Fraction(0))


def above_root(value: Fraction) -> Fraction:
    """A rational at least the square root, by at most 2^-1300."""
    scale = 2**1300
    return Fraction(isqrt(ceil(value * scale * scale)) + 1, scale)


def norm(values: list[Fraction]) -> Fraction:
    return above_root(square(values))


def _tensor(bound: Fraction) -> torch.Tensor:
    """A row's error bound, rounded up."""
    return torch.tensor([float(bound) * (1 + 2.0**-50)], dtype=torch.float64)


def wide(generator: np.random.Generator, *shape: int) -> Rows:
    """Numbers of both signs and of sizes over twelve binary orders."""
    return np.asarray(generator.standard_normal(shape) * np.exp2(generator.integers(-6, 7, shape)))


# ---- (a) -----------------------------------------------------------------------------------------------------------
def dense_entry(w: Rows, b: Rows, z: Rows, e: Fraction, j: int) -> Fraction:
    g = gamma(w.shape[1] + 1)
    return norm(exact(w[j])) * (e + g * norm(exact(z))) + g * abs(Fraction(float(b[j])))


@given(st.integers(1, 3000))
def test_lemma_5_the_librarys_gamma_bounds_that_many_roundings_and_is_no_tolerance(roundings: int) -> None:
    bound = Fraction(library_gamma(roundings)) * Fraction(ROUND_UP)
    assert (1 + U) ** roundings - 1 <= bound <= (1 + Fraction(1, 2**19)) * gamma(roundings)


@given(seeds, st.integers(1, 40))
def test_lemma_5a_dense_entries_are_within_their_bound(seed: int, inputs: int) -> None:
    generator = np.random.default_rng(seed)
    w, b, stored = wide(generator, 3, inputs), wide(generator, 3), wide(generator, inputs)
    shift = [Fraction(x) for x in wide(generator, inputs) * 2.0**-40]
    truth = [z + d for z, d in zip(exact(stored), shift, strict=True)]
    computed = w @ stored + b
    for j in range(3):
        y = sum((a * z for a, z in zip(exact(w[j]), truth, strict=True)), Fraction(float(b[j])))
        assert abs(Fraction(float(computed[j])) - y) <= dense_entry(w, b, stored, norm(shift), j)


def test_lemma_5a_the_entry_bound_is_attained_by_an_error_along_the_weights() -> None:
    w, stored = np.array([[3.0, 4.0]]), np.array([1.0, 1.0])
    shift = [Fraction(3, 2**20), Fraction(4, 2**20)]
    difference = sum(a * d for a, d in zip(exact(w[0]), shift, strict=True))
    bound = dense_entry(w, np.zeros(1), stored, norm(shift), 0)
    assert difference <= bound <= difference * (1 + Fraction(1, 2**30))


@given(seeds, st.integers(1, 9), st.integers(1, 9))
def test_lemma_5a_the_spectral_bound_is_above_the_norm_and_near_it(seed: int, rows: int, columns: int) -> None:
    matrix = wide(np.random.default_rng(seed), rows, columns)
    bound = spectral_bound(torch.as_tensor(matrix), 5)
    _, singular, vectors = np.linalg.svd(matrix)
    direction = exact(vectors[0])
    image = [sum((a * d for a, d in zip(exact(row), direction, strict=True)), Fraction(0)) for row in matrix]
    assert square(image) <= Fraction(bound) ** 2 * square(direction)
    assert bound <= singular[0] * min(rows, columns) ** (1 / 64) * (1 + 1e-4)


# ---- (a), (b): the library's operators ------------------------------------------------------------------------------
LEAKY = Piecewise(np.array([0.3]), np.array([0.1, 1.7]), value=0.7)
TWO_BREAKS = Piecewise(np.array([-1.0, 1.0]), np.array([0.0, 1.0, 0.0]), value=-1.0)


CONVOLUTIONS: dict[str, tuple[int, tuple[int, ...], tuple[int, ...], int, int, int]] = {
    "conv 1d": (2, (3,), (2,), 1, 1, 1),
    "strided conv of two images": (1, (3,), (3,), 2, 1, 1),
    "grouped conv": (2, (3,), (2,), 1, 1, 2),
    "dilated conv": (1, (6,), (3,), 2, 2, 1),
    "conv 2d": (1, (2, 3), (2, 2), 1, 1, 1),
    "conv 3d": (1, (1, 2, 3), (1, 2, 2), 1, 1, 1),
}
"""Of six entries: channels, spatial shape, kernel, stride, dilation, groups."""


def conv(
    generator: np.random.Generator,
    channels: int,
    spatial: tuple[int, ...],
    kernel: tuple[int, ...],
    stride: int,
    dilation: int,
    groups: int,
) -> Conv:
    """Two outputs a group, one zero before and two after each axis."""
    d, weight = len(spatial), wide(generator, 2 * groups, channels // groups, *kernel)
    return Conv(weight, wide(generator, 2 * groups), spatial, (stride,) * d, ((1, 2),) * d, (dilation,) * d, groups)


def stretch(matrix: list[list[Fraction]], direction: list[Fraction]) -> Fraction:
    """The square of |matrix direction| / |direction|."""
    image = [sum((a * d for a, d in zip(row, direction, strict=True)), Fraction(0)) for row in matrix]
    return square(image) / square(direction)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["plain", "ones", "same sign"]), seeds, st.integers(1, 2), st.integers(1, 3), st.integers(1, 4),
    st.integers(1, 3), st.integers(1, 3), st.integers(1, 2),
)  # fmt: skip
def test_lemma_5a_the_bounds_of_a_convolution_are_above_its_norms(
    kind: str, seed: int, outputs: int, inputs: int, kernel: int, stride: int, dilation: int, groups: int
) -> None:
    weight = wide(np.random.default_rng(seed), outputs * groups, inputs, kernel)
    weight = {"plain": weight, "ones": np.ones_like(weight), "same sign": abs(weight)}[kind]
    zeros, reach = np.zeros(len(weight)), dilation * (kernel - 1)
    op = Conv(weight, zeros, (7,), (stride,), ((reach, reach),), (dilation,), groups)
    norms = conv_norms(op, torch.as_tensor(weight))
    for bound, sign in ((norms.spectral, False), (norms.absolute, True)):
        matrix = [[abs(a) if sign else a for a in row] for row in matrix_of(op)]
        direction = exact(np.linalg.svd(np.array(matrix, dtype=float))[2][0])
        assert stretch(matrix, direction) <= Fraction(bound) ** 2


def test_lemma_5a_the_bounds_of_a_convolution_are_nearly_attained() -> None:
    """By a long box filter, and by a convolution of a single tap, which is a dense layer at every place."""
    box = Conv(np.ones((1, 1, 3)), np.zeros(1), (30,), (1,), ((0, 0),), (1,))
    point = Conv(wide(np.random.default_rng(0), 5, 4, 1), np.zeros(5), (3,), (1,), ((0, 0),), (1,))
    for op in (box, point):
        norm_of = np.linalg.norm(np.array(matrix_of(op), dtype=float), 2)
        assert norm_of <= conv_norms(op, torch.as_tensor(op.weight)).spectral <= norm_of * 1.03


def operator(name: str, generator: np.random.Generator) -> Node:
    size = 6
    index = generator.integers(0, size, 8)
    ops: dict[str, Op] = {
        "dense": Dense(wide(generator, 4, size), wide(generator, 4)),
        "sliced dense": Dense(wide(generator, 4, 3), wide(generator, 4)),
        "scale": Scale(wide(generator, size), wide(generator, size)),
        "divide": Divide(wide(generator, size)),
        "gather": Gather(index),
        "padding gather": Gather(np.where(generator.random(8) < 0.4, -1, index)),
        **{name: conv(generator, *shape) for name, shape in CONVOLUTIONS.items()},
        "sum": Sum((0.3, -1.7)),
        "difference": Sum((1.0, -1.0)),
        "relu": RELU,
        "leaky": LEAKY,
        "two breakpoints": TWO_BREAKS,
        "max": Max(),
    }
    shapes = {"dense": (4,), "sliced dense": (2, 4), "gather": (8,), "padding gather": (8,), "max": (3,)}
    for kind, (channels, spatial, *_) in CONVOLUTIONS.items():
        op = ops[kind]
        assert isinstance(op, Conv)
        shapes[kind] = (size // (channels * prod(spatial)), len(op.bias), *op.output_spatial)
    return Node(ops[name], (0, 1) if isinstance(ops[name], Sum) else (0,), shapes.get(name, (size,)))


def apply_exactly(node: Node, rows: list[list[Fraction]]) -> list[Fraction]:
    x, op = rows[0], node.op
    if isinstance(op, Dense):
        width = op.weight.shape[1]
        slices = [x[i : i + width] for i in range(0, len(x), width)]
        pairs = [(exact(row), Fraction(float(b))) for row, b in zip(op.weight, op.bias, strict=True)]
        return [sum((w * z for w, z in zip(row, s, strict=True)), b) for s in slices for row, b in pairs]
    if isinstance(op, Scale):
        return [f * z + s for f, z, s in zip(exact(op.factor), x, exact(op.shift), strict=True)]
    if isinstance(op, Conv):
        size = op.channels * prod(op.spatial)
        return [y for i in range(0, len(x), size) for y in convolve(op, x[i : i + size])]
    if isinstance(op, Divide):
        return [z / d for d, z in zip(exact(op.divisor), x, strict=True)]
    if isinstance(op, Gather):
        return [x[i] if i >= 0 else Fraction(0) for i in op.index.tolist()]
    if isinstance(op, Sum):
        a, b = map(Fraction, op.coefficients)
        return [a * p + b * q for p, q in zip(*rows, strict=True)]
    if isinstance(op, Max):
        size = len(x) // node.size
        return [max(x[i : i + size]) for i in range(0, len(x), size)]
    assert isinstance(op, Piecewise)
    scalar = Scalar(tuple(exact(op.breakpoints)), tuple(exact(op.slopes)), Fraction(op.value))
    return [scalar(z) for z in x]


EVERY = [
    "dense", "sliced dense", "scale", "divide", "gather", "padding gather", "sum", "difference", "relu", "leaky",
    "two breakpoints", "max", *CONVOLUTIONS,
]  # fmt: skip


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("size_of_error", [0.0, 2.0**-50, 2.0**-30])
@given(seed=seeds)
def test_lemma_5ab_every_operator_of_the_library_keeps_its_bound(name: str, size_of_error: float, seed: int) -> None:
    generator = np.random.default_rng(seed)
    node = operator(name, generator)
    stored = [wide(generator, 6) for _ in node.inputs]
    shifts = [exact(wide(generator, 6) * size_of_error) for _ in node.inputs]
    truth = [[z + d for z, d in zip(exact(s), shift, strict=True)] for s, shift in zip(stored, shifts, strict=True)]
    fields = [FloatField(torch.as_tensor(s[None]), _tensor(norm(d))) for s, d in zip(stored, shifts, strict=True)]
    arithmetic = TorchArithmetic(torch.device("cpu"))
    result = arithmetic.activate(node, fields[0]) if node.is_nonlinear else arithmetic.linear(node, fields)
    assert_within_bounds(result, apply_exactly(node, truth))


def assert_within_bounds(result: FloatField, truth: list[Fraction]) -> None:
    """The row's bound holds, and that of every entry."""
    errors = [a - b for a, b in zip(exact(result.to_numpy()), truth, strict=True)]
    assert square(errors) <= Fraction(float(result.error[0])) ** 2
    columns = torch.arange(len(errors))
    for error, limit in zip(errors, result.bound().at(torch.zeros_like(columns), columns).tolist(), strict=True):
        assert abs(error) <= Fraction(limit)


@pytest.mark.parametrize("second", ["scale", "divide", "padding gather"])
@pytest.mark.parametrize("size_of_error", [0.0, 2.0**-30])
@given(seed=seeds)
def test_lemma_5b_entry_bounds_pass_through_entrywise_operators(second: str, size_of_error: float, seed: int) -> None:
    generator = np.random.default_rng(seed)
    small = np.exp2(generator.integers(-40, 3, (6, 1)))  # rows of weights, and so entry bounds, of many sizes
    first = Node(Dense(wide(generator, 6, 6) * small, wide(generator, 6) * small[:, 0]), (0,), (6,))
    nodes = [first, operator(second, generator), operator("scale", generator)]
    if second == "padding gather":
        nodes[2] = Node(Scale(wide(generator, 8), wide(generator, 8)), (0,), (8,))
    stored, shift = wide(generator, 6), exact(wide(generator, 6) * size_of_error)
    truth = [z + d for z, d in zip(exact(stored), shift, strict=True)]
    field = FloatField(torch.as_tensor(stored[None]), _tensor(norm(shift)))
    for node in nodes:
        field, truth = TorchArithmetic(torch.device("cpu")).linear(node, [field]), apply_exactly(node, [truth])
        assert field.sharp is not None
        assert_within_bounds(field, truth)


def test_lemma_5b_an_entry_that_is_no_inputs_is_exactly_zero() -> None:
    field = FloatField(torch.ones(1, 2, dtype=torch.float64), torch.ones(1, dtype=torch.float64))
    arithmetic = TorchArithmetic(torch.device("cpu"))
    sharp = arithmetic.linear(Node(Dense(np.eye(2), np.ones(2)), (0,), (2,)), [field])
    result = arithmetic.linear(Node(Gather(np.array([-1, 1, -1])), (0,), (3,)), [sharp])
    assert result.values.tolist() == [[0.0, 2.0, 0.0]]
    assert result.bound().at(torch.zeros(3, dtype=torch.int64), torch.arange(3)).tolist()[::2] == [0.0, 0.0]


# ---- (c) -----------------------------------------------------------------------------------------------------------
def parameter_bound(t: Fraction, distance: Fraction, e_a: Fraction, e_b: Fraction) -> Fraction:
    return ((1 - t + 3 * U) * e_a + t * (1 + 3 * U) * e_b) / (distance - e_a - e_b) + 3 * U


def stored_parameter(h_a: float, h_b: float) -> Fraction:
    return Fraction(h_a / (h_a - h_b))


@given(seeds, st.floats(0, 1, exclude_max=True), st.floats(0, 1, exclude_max=True), st.integers(-60, 60))
def test_lemma_5c_the_parameter_of_a_crossing_is_within_its_bound(
    seed: int, part_a: float, part_b: float, exponent: int
) -> None:
    generator = np.random.default_rng(seed)
    h_a, h_b = float(abs(generator.standard_normal())), -float(abs(generator.standard_normal())) * 2.0**exponent
    e_a, e_b = Fraction(part_a) * Fraction(h_a), Fraction(part_b) * Fraction(-h_b)
    t = stored_parameter(h_a, h_b)
    assert 0 <= t <= 1
    bound = parameter_bound(t, Fraction(h_a) - Fraction(h_b), e_a, e_b)
    for sign_a in (-1, 1):
        for sign_b in (-1, 1):
            a, b = Fraction(h_a) + sign_a * e_a, Fraction(h_b) + sign_b * e_b
            assert abs(t - a / (a - b)) <= bound


@given(
    seeds,
    st.tuples(st.integers(-40, 20), st.integers(-40, 20)),
    st.integers(-60, 60),
    st.sampled_from([0.0, 1.0, -3.0]),
)
def test_lemma_5c_the_librarys_parameter_is_within_its_bound_also_for_a_level(
    seed: int, closeness: tuple[int, int], exponent: int, level: float
) -> None:
    """Signs are barely certain when ``closeness`` is large; the level is subtracted with a rounding of its own."""
    generator = np.random.default_rng(seed)
    sizes = abs(generator.standard_normal(2)) * [1.0, 2.0**exponent]
    stored = np.array([level + sizes[0], level - sizes[1]])
    values = stored - level
    assume(values[0] > 0 > values[1])
    bounds = abs(values) * [1 - 2.0**-k if k > 0 else 2.0**k for k in closeness]
    arguments = [torch.tensor([x], dtype=torch.float64) for x in (*values, *bounds)]
    position, slack = (Fraction(float(x)) for x in vanishing(*arguments))
    raw = [Fraction(float(x)) / (1 + Fraction(1, 2**20)) for x in bounds]
    for signs in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
        a, b = (Fraction(float(x)) - Fraction(level) + s * r for x, s, r in zip(stored, signs, raw))
        if a > 0 > b:
            assert abs(position - a / (a - b)) <= slack


@given(seeds, st.integers(-30, 30), st.tuples(st.integers(-40, 3), st.integers(-40, 3)))
def test_lemma_5c_the_parameter_is_within_its_bound_whatever_signs_the_computed_values_have(
    seed: int, exponent: int, sizes: tuple[int, int]
) -> None:
    """The exact values have opposite signs; errors are up to eight times as large as they."""
    random = np.random.default_rng(seed)
    true = [Fraction(float(x)) for x in abs(random.standard_normal(2)) * [1.0, 2.0**exponent]]
    a, b = true[0], -true[1]
    assume(a > 0 > b)
    errors = [Fraction(2) ** k * size for k, size in zip(sizes, true, strict=True)]
    shares = [Fraction(float(x)) for x in random.uniform(-1, 1, 2)]
    values = [float(x + s * e) for x, s, e in zip((a, b), shares, errors, strict=True)]
    bounds = [float(e) * (1 + 2.0**-40) + 2.0**-50 * abs(x) for e, x in zip(errors, values, strict=True)]
    position, slack = (x.item() for x in vanishing(*(torch.tensor(x, dtype=torch.float64) for x in (*values, *bounds))))
    assert 0 <= position <= 1 and abs(Fraction(position) - a / (a - b)) <= Fraction(slack)


def test_lemma_5c_the_parameter_bound_is_attained() -> None:
    """Ends 1 and -3, each too far from 0 or too near by 1/4, in the direction that moves the crossing most."""
    e_a = e_b = Fraction(1, 4)
    t, truth = Fraction(1, 4), (1 + e_a) / (1 + e_a + 3 - e_b)
    assert truth - t == Fraction(1, 16)
    assert parameter_bound(t, Fraction(4), e_a, e_b) == Fraction(1, 14) + 3 * U + (
        Fraction(3, 4) * U + 3 * U / 16
    ) / Fraction(7, 2)
    one_sided_truth = (1 - e_a) / (4 - e_a)
    assert t - one_sided_truth == parameter_bound(t, Fraction(4), e_a, Fraction(0)) - 3 * U - 3 * U * e_a / (4 - e_a)


def test_lemma_5c_without_the_roundings_the_parameter_bound_is_false() -> None:
    generator = np.random.default_rng(0)
    worst = max(
        abs(stored_parameter(a, -b) - Fraction(a) / (Fraction(a) + Fraction(b))) for a, b in generator.random((3000, 2))
    )
    assert U < worst <= 3 * U


def test_lemma_5c_near_the_far_end_the_rounded_weight_needs_its_own_rounding_term() -> None:
    h_a, h_b = 1.0, -(2.0**-54)
    e_a, t = 1 - Fraction(1, 2**60), stored_parameter(1.0, -(2.0**-54))
    assert t == 1
    truth = (h_a - e_a) / (h_a - e_a - Fraction(h_b))
    distance = Fraction(h_a) - Fraction(h_b)
    assert t - truth > ((1 - t) * e_a) / (distance - e_a) + 3 * U
    assert t - truth <= parameter_bound(t, distance, e_a, Fraction(0))


def one_sided(a: Rows, b: Rows, t: float) -> Rows:
    return np.asarray(a + t * (b - a))


def two_sided(a: Rows, b: Rows, t: float) -> Rows:
    return np.asarray(a + t * (b - a) if t < 0.5 else b - (b - a) * (1 - t))


def library_lerp(a: Rows, b: Rows, t: float) -> Rows:
    return np.asarray(torch.lerp(torch.as_tensor(a), torch.as_tensor(b), torch.tensor(t, dtype=torch.float64)).numpy())


@pytest.mark.parametrize(
    ("form", "constant"),
    [(one_sided, Fraction(3)), (two_sided, Fraction(3, 2)), (library_lerp, Fraction(3, 2))],
)
@given(seeds, st.floats(0, 1), st.floats(0, 2.0**-8))
def test_lemma_5c_an_interpolated_row_is_within_its_bound(form, constant, seed: int, t: float, spread: float) -> None:  # type: ignore[no-untyped-def]
    generator = np.random.default_rng(seed)
    a, b = wide(generator, 4), wide(generator, 4)
    shift_a, shift_b = exact(wide(generator, 4) * 2.0**-30), exact(wide(generator, 4) * 2.0**-12)
    truth_t = Fraction(t) + Fraction(spread)
    e_a, e_b = norm(shift_a), norm(shift_b)
    rows = zip(exact(a), exact(b), shift_a, shift_b, exact(form(a, b, t)), strict=True)
    errors = [z - ((1 - truth_t) * (p + d) + truth_t * (q + s)) for p, q, d, s, z in rows]
    difference = norm([q - p for p, q in zip(exact(a), exact(b), strict=True)])
    dt = truth_t - Fraction(t)
    rounding = constant * (1 + 2 * U) * U * (norm(exact(a)) + norm(exact(b)))
    if truth_t <= 1:
        bound = (1 - Fraction(t)) * e_a + Fraction(t) * e_b + dt * (difference + abs(e_b - e_a)) + rounding
        assert square(errors) <= bound**2


def test_lemma_5c_without_the_difference_of_the_ends_errors_the_row_bound_is_false() -> None:
    t, truth_t, e_b = Fraction(1, 2), Fraction(3, 4), Fraction(1)
    stored_a = stored_b = exact_a = Fraction(0)
    error = abs((1 - truth_t) * exact_a + truth_t * e_b - (1 - t) * stored_a - t * stored_b)
    without = t * e_b + (truth_t - t) * abs(stored_b - stored_a)
    assert error > without
    assert error <= without + (truth_t - t) * e_b


def test_lemma_5c_the_rounding_constants_are_not_idle() -> None:
    generator = np.random.default_rng(1)
    worst = {one_sided: Fraction(0), two_sided: Fraction(0)}
    for a, b, t in generator.uniform(0.5, 1, (4000, 3)).tolist():
        for form in worst:
            for p, q in ((a, -b), (-b, a)):
                truth = (1 - Fraction(t)) * Fraction(p) + Fraction(t) * Fraction(q)
                error = abs(Fraction(float(form(np.float64(p), np.float64(q), t))) - truth)
                worst[form] = max(worst[form], error / (U * (abs(Fraction(p)) + abs(Fraction(q)))))
    assert Fraction(1, 2) < worst[two_sided] <= Fraction(3, 2)
    assert Fraction(1, 2) < worst[one_sided] <= 3


# ---- (d) -----------------------------------------------------------------------------------------------------------
@given(seeds, st.integers(-50, -2))
def test_lemma_5d_crossings_whose_parameters_differ_by_more_than_their_bounds_are_in_that_order(
    seed: int, exponent: int
) -> None:
    generator = np.random.default_rng(seed)
    h_a, h_b = abs(generator.standard_normal(2)), -abs(generator.standard_normal(2))
    e = [Fraction(2) ** exponent * Fraction(float(min(a, -b))) for a, b in zip(h_a, h_b, strict=True)]
    found, bounds, truths = [], [], []
    for a, b, limit in zip(h_a.tolist(), h_b.tolist(), e, strict=True):
        found.append(stored_parameter(a, b))
        bounds.append(parameter_bound(found[-1], Fraction(a) - Fraction(b), limit, limit))
        moved_a, moved_b = (Fraction(x) + limit * Fraction(generator.uniform(-1, 1)) for x in (a, b))
        truths.append(moved_a / (moved_a - moved_b))
    if abs(found[0] - found[1]) > sum(bounds):
        assert (found[0] < found[1]) == (truths[0] < truths[1])


# ---- (e) -----------------------------------------------------------------------------------------------------------
@given(seeds, st.floats(0, 1))
def test_lemma_5e_the_residual_of_a_sample_of_a_float_segment_is_within_the_running_bound(
    seed: int, part: float
) -> None:
    """Logits 0 and 1 of relu(W u + v) tie exactly on a segment on which all units are active."""
    generator = np.random.default_rng(seed)
    w, v = generator.standard_normal((4, 2)), np.full(4, 16.0)
    top = generator.standard_normal(4)
    ends = [_tie(w, v, top, Fraction(x)) for x in (-1, 1)]
    assume(all((w @ np.array([float(x) for x in end]) + v).min() > 1 for end in ends))
    level = _tie_level(w, v, top)
    second = Dense(np.stack([top, np.zeros(4)]), np.array([-level, 0.0]))
    stored = [np.array([float(x) for x in end]) for end in ends]
    errors = [
        norm([a - Fraction(float(b)) for a, b in zip(*pair, strict=True)]) for pair in zip(ends, stored, strict=True)
    ]
    u = two_sided(stored[0], stored[1], part)
    sizes = norm(exact(stored[0])) + norm(exact(stored[1]))
    e_u = (1 - Fraction(part)) * errors[0] + Fraction(part) * errors[1] + Fraction(3, 2) * (1 + 2 * U) * U * sizes
    arithmetic = TorchArithmetic(torch.device("cpu"))
    field = FloatField(torch.as_tensor(u[None]), _tensor(e_u))
    hidden = arithmetic.linear(Node(Dense(w, v), (0,), (4,)), [field])
    active = arithmetic.activate(Node(RELU, (0,), (4,)), hidden)
    logits = arithmetic.linear(Node(second, (0,), (2,)), [active])
    residual = abs(float(logits.values[0, 0] - logits.values[0, 1]))
    assert residual <= sqrt(2) * float(logits.error[0]) * (1 + 2.0**-50)


def _tie_level(w: Rows, v: Rows, top: Rows) -> float:
    return float(top @ v)


def _tie(w: Rows, v: Rows, top: Rows, x: Fraction) -> list[Fraction]:
    """The exact point (x, y) with top . (W u + v) equal to the stored level."""
    slopes = [
        sum((t * Fraction(float(row[k])) for t, row in zip(exact(top), w, strict=True)), Fraction(0)) for k in (0, 1)
    ]
    constant = sum((a * b for a, b in zip(exact(top), exact(v), strict=True)), Fraction(0))
    level = Fraction(_tie_level(w, v, top))
    return [x, (level - constant - slopes[0] * x) / slopes[1]]


# ---- (f) -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("exponent", [-1060, -800, -600, -540, -300])
@pytest.mark.parametrize("name", ["dense", "sliced dense", "scale", "divide", "sum", "leaky", *CONVOLUTIONS])
def test_lemma_5f_the_bounds_hold_when_products_underflow(name: str, exponent: int) -> None:
    generator = np.random.default_rng(0)
    node = operator(name, generator)
    op = node.op
    if isinstance(op, Dense):
        op = Dense(op.weight * 2.0**exponent, np.zeros_like(op.bias))
    elif isinstance(op, Scale):
        op = Scale(op.factor * 2.0**exponent, np.zeros_like(op.shift))
    elif isinstance(op, Conv):
        weight, zeros = op.weight * 2.0**exponent, np.zeros_like(op.bias)
        op = Conv(weight, zeros, op.spatial, op.stride, op.padding, op.dilation, op.groups)
    elif isinstance(op, Divide):
        op = Divide(op.divisor * 2.0 ** min(-exponent, 1000))
    elif isinstance(op, Piecewise):
        op = Piecewise(np.zeros(1), np.array([2.0**exponent, 1.0]))
    node = Node(op, node.inputs, node.shape)
    stored = [-abs(wide(generator, 6)) * 2.0**exponent for _ in node.inputs]
    arithmetic = TorchArithmetic(torch.device("cpu"))
    fields = [FloatField.exactly(s[None], torch.device("cpu")) for s in stored]
    result = arithmetic.activate(node, fields[0]) if node.is_nonlinear else arithmetic.linear(node, fields)
    truth = apply_exactly(node, [exact(s) for s in stored])
    assert_within_bounds(result, truth)


def scaled_bound(field: FloatField) -> tuple[list[list[Fraction]], list[list[Fraction]]]:
    """Row by row what is said of each entry: the bound on its error, and on its size."""
    assert field.scaled is not None
    scale = exact(field.scaled.scale.numpy())
    sides = (exact(part.numpy()) for part in (field.scaled.error, field.scaled.size))
    errors, sizes = ([[row * s for s in scale] for row in side] for side in sides)
    return errors, sizes


def within(field: FloatField, true: list[list[Fraction]]) -> bool:
    errors, sizes = scaled_bound(field)
    values = [exact(row) for row in field.values.numpy()]
    return all(
        abs(x - y) <= e * (1 + U) and abs(x) <= s * (1 + U)
        for rows in zip(values, true, errors, sizes, strict=True)
        for x, y, e, s in zip(*rows, strict=True)
    )


@given(seed=seeds)
@settings(max_examples=60)
def test_g_bounds_of_entries_hold_through_all_that_does_not_mix_them(seed: int) -> None:
    random = np.random.default_rng(seed)
    arithmetic, n, m = TorchArithmetic(torch.device("cpu")), int(random.integers(1, 6)), 6
    weight, bias, points = wide(random, m, n), wide(random, m), wide(random, 3, n)
    weight *= np.exp2(random.integers(-60, 10, m))[:, None]
    bias *= np.exp2(random.integers(-60, 10, m)) * random.integers(0, 2, m)
    true = [
        [sum((Fraction(w) * Fraction(x) for w, x in zip(row, point)), Fraction(b)) for row, b in zip(weight, bias)]
        for point in points
    ]
    dense = arithmetic.linear(Node(Dense(weight, bias), (), (m,), ""), [arithmetic.points(points)])
    field = arithmetic.by_entries(dense)
    assert within(field, true)
    for _ in range(4):
        field, true = changed(random, arithmetic, field, true)
        assert within(field, true)


def changed(
    random: np.random.Generator, arithmetic: TorchArithmetic, field: FloatField, true: list[list[Fraction]]
) -> tuple[FloatField, list[list[Fraction]]]:
    """The field and its exact values after one operator that mixes no entries, or at points between its rows."""
    m, kind = field.columns, random.integers(6)
    if kind == 0:
        factor, shift = wide(random, m), wide(random, m) * random.integers(0, 2)
        made = arithmetic.linear(Node(Scale(factor, shift), (), (m,), ""), [field])
        return made, [[Fraction(f) * x + Fraction(s) for f, x, s in zip(factor, row, shift)] for row in true]
    if kind == 1:
        leaky = random.integers(2)
        op = Piecewise(np.array([0.0]), np.array([0.3, 1.0])) if leaky else RELU
        low = Fraction(0.3) if leaky else Fraction(0)
        return arithmetic.activate(Node(op, (), (m,), ""), field), [[max(x, low * x) for x in row] for row in true]
    index = random.integers(0, m, m)
    other = arithmetic.linear(Node(Gather(index), (), (m,), ""), [field])
    chosen = [[row[k] for k in index.tolist()] for row in true]
    if kind == 2:
        return other, chosen
    if kind == 3:
        return arithmetic.difference(field, other), [
            [x - y for x, y in zip(*rows)] for rows in zip(true, chosen, strict=True)
        ]
    if kind == 4:
        return arithmetic.maximum(field, other, None), [
            [max(x, y) for x, y in zip(*rows)] for rows in zip(true, chosen, strict=True)
        ]
    first, second = torch.tensor([0, 1, 2]), torch.tensor([1, 2, 0])
    position, slack = torch.as_tensor(random.random(3)), torch.as_tensor(random.random(3) * 1e-9)
    true_place = [
        Fraction(p) + Fraction(s) * int(random.integers(-1, 2)) for p, s in zip(position.tolist(), slack.tolist())
    ]
    points = [Points.of(first, second, first, position, slack)]
    plan = Prolongation.of(3, points, kernel_for(field.values))
    made = plan.carry_to(field, torch.arange(3, 6))
    between = [
        [x + t * (y - x) for x, y in zip(true[a], true[b])]
        for a, b, t in zip(first.tolist(), second.tolist(), true_place, strict=True)
    ]
    return made, between
