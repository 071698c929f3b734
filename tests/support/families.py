"""Degenerate networks by family and seed: what structured weights do to an arrangement, on purpose and often.

Every family takes a random generator and gives the table [weight, bias] of a layer; networks are one to three such
layers with all kinds of units, on a domain that may itself be thin, large, tiny or a slice of a larger space.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

import cpwl
from cpwl.geometry.polytope import Polytope
from cpwl.network import RELU, Dense, Gather, Input, Max, Network, Node, Piecewise, Sum
from tests.support.networks import ACTIVATIONS

Table = NDArray[np.float64]
Random = np.random.Generator


def integer(random: Random, rows: int, columns: int) -> Table:
    """Integers from -3 to 3."""
    return random.integers(-3, 4, (rows, columns + 1)).astype(float)


def ternary(random: Random, rows: int, columns: int) -> Table:
    """-1, 0 and 1."""
    return random.integers(-1, 2, (rows, columns + 1)).astype(float)


def quantised(random: Random, rows: int, columns: int) -> Table:
    """Multiples of 1/32."""
    return random.integers(-32, 33, (rows, columns + 1)) / 32


def tenths(random: Random, rows: int, columns: int) -> Table:
    """Multiples of 1/10: decimal, so that coincidences of decimals are near misses of the rationals they stand for."""
    return random.integers(-10, 11, (rows, columns + 1)) / 10


def generic(random: Random, rows: int, columns: int) -> Table:
    """Normally distributed numbers."""
    return random.standard_normal((rows, columns + 1))


def duplicated(random: Random, rows: int, columns: int) -> Table:
    """Rows that repeat, negate, scale or kill others."""
    table = generic(random, rows, columns)
    for i in range(1, rows):
        if random.random() < 0.6:
            table[i] = table[random.integers(i)] * random.choice([1, -1, 3, 1 / 3, 0, 0.7])
    return table


def dead(random: Random, rows: int, columns: int) -> Table:
    """A layer in which some or all units are off everywhere, or constant."""
    table = integer(random, rows, columns)
    off = random.random(rows) < 0.6
    table[off, :-1] *= random.integers(0, 2)
    table[off, -1] = -100
    return table


def bias_free(random: Random, rows: int, columns: int) -> Table:
    """All lines of the first layer go through the origin."""
    table = integer(random, rows, columns) if random.random() < 0.5 else generic(random, rows, columns)
    table[:, -1] = 0
    return table


def corner(random: Random, rows: int, columns: int) -> Table:
    """Lines through corners of the square, and along its sides."""
    table = generic(random, rows, columns)
    if random.random() < 0.5:
        table = np.round(table * 8) / 8
    for i in range(rows):
        if random.random() < 0.3:
            table[i] = 0
            table[i, random.integers(columns)] = 1
            table[i, -1] = random.integers(-1, 2)
        else:
            table[i, -1] = -table[i, :-1] @ random.choice([-1.0, 1.0], columns)
    return table


def concurrent(random: Random, rows: int, columns: int) -> Table:
    """Many lines through one point."""
    point = random.integers(-4, 5, columns) / 8 if random.random() < 0.7 else random.standard_normal(columns)
    table = generic(random, rows, columns)
    chosen = random.random(rows) < 0.8
    table[chosen, :-1] = random.integers(-4, 5, (chosen.sum(), columns))
    table[chosen, -1] = -table[chosen, :-1] @ point
    return table


def parallel(random: Random, rows: int, columns: int) -> Table:
    """Parallel lines with gaps of 1e-6 to 1e-13, some of them turned round or scaled."""
    table = generic(random, rows, columns)
    for i in range(1, rows):
        if random.random() < 0.7:
            table[i] = table[i - 1]
            table[i, -1] += random.choice([-1, 1]) * 10.0 ** -random.integers(6, 14)
            table[i] *= random.choice([1, -1, 0.5, 3, 1 / 3])
    return table


def triangle(random: Random, rows: int, columns: int) -> Table:
    """Lines that enclose triangles of size 1e-6 to 1e-12."""
    size, point = 10.0 ** -random.integers(6, 13), random.uniform(-0.8, 0.8, columns)
    table = generic(random, rows, columns)
    chosen = random.random(rows) < 0.8
    table[chosen, -1] = -table[chosen, :-1] @ point + random.uniform(-1, 1, chosen.sum()) * size
    return table


def scales(random: Random, rows: int, columns: int) -> Table:
    """Weights of size 1e-12 to 1e12, of one size in the layer or another one in every row."""
    size = (1, 1) if random.random() < 0.5 else (rows, 1)
    table = generic(random, rows, columns) if random.random() < 0.5 else integer(random, rows, columns)
    return table * 10.0 ** random.integers(-12, 13, size)


def int8(random: Random, rows: int, columns: int) -> Table:
    """Integers of eight bits: on a large domain many lines are nearly parallel."""
    return random.integers(-128, 128, (rows, columns + 1)).astype(float)


Family = Callable[[Random, int, int], Table]
FAMILIES: tuple[Family, ...] = (
    integer,
    ternary,
    quantised,
    tenths,
    generic,
    duplicated,
    dead,
    bias_free,
    corner,
    concurrent,
    parallel,
    triangle,
    scales,
    int8,
)
MIXTURES = ("plain", "two layers that coincide", "skip")


@dataclass(frozen=True)
class Case:
    """A network on a domain, and where it comes from."""

    name: str
    network: Network
    domain: cpwl.Domain


def case(seed: int) -> Case:
    """The degenerate network of that number: all families and mixtures take turns."""
    random = np.random.default_rng(seed)
    family, mixture = FAMILIES[seed % len(FAMILIES)], MIXTURES[seed // len(FAMILIES) % len(MIXTURES)]
    inputs = int(random.choice([2, 2, 2, 5]))
    network = _network(random, family, mixture, inputs)
    return Case(f"{family.__name__}, {mixture}, seed {seed}", network, _domain(random, inputs))


def solid(seed: int, dim: int) -> Case:
    """A degenerate network on a domain of dimension D: a box, thin and large ones among them, or a slice."""
    random = np.random.default_rng((seed, dim))
    family, mixture = FAMILIES[seed % len(FAMILIES)], MIXTURES[seed // len(FAMILIES) % len(MIXTURES)]
    inputs = dim if random.random() < 0.75 else 6
    size = np.full(dim, 10.0 ** random.integers(-4, 7)) if random.random() < 0.15 else np.ones(dim)
    if random.random() < 0.15:
        size[random.integers(dim)] *= 10.0 ** -random.integers(6, 10)
    box = Polytope.box(-size, size)
    if inputs == dim:
        domain = cpwl.Domain(box, np.zeros(dim), np.eye(dim), (dim,))
    else:
        basis = random.integers(-2, 3, (inputs, dim)) + 3.0 * np.eye(inputs, dim) * (1 + np.arange(dim))
        domain = cpwl.Domain(box, random.integers(-2, 3, inputs) / 2, basis, (inputs,))
    most = {1: 8, 3: 5, 4: 4}.get(dim, 3)
    network = _network(random, family, mixture, inputs, most)
    return Case(f"{family.__name__}, {mixture}, seed {seed} in {dim} dimensions", network, domain)


def _network(
    random: Random, family: Family, mixture: str, inputs: int, most: int = 8, layers: int | None = None
) -> Network:
    """``most``: units of a layer are fewer; ``layers``: how many there are, at most three if None."""
    nodes = [Node(Input(), (), (inputs,), "input")]
    for _ in range(random.integers(1, 4) if layers is None else layers):
        chosen = family if random.random() < 0.8 else FAMILIES[random.integers(5)]
        _layer(random, chosen, mixture, nodes, most)
    outputs = int(random.choice([1, 3]))
    _dense(nodes, family(random, outputs, nodes[-1].size), len(nodes) - 1)
    return Network(tuple(nodes))


def _layer(random: Random, family: Family, mixture: str, nodes: list[Node], most: int) -> None:
    """A layer of units of one kind; with a sum of what two of its kind give, or of its own input, in a mixture."""
    start, columns = len(nodes) - 1, nodes[-1].size
    kind = str(random.choice([*ACTIVATIONS, "relu", "relu", "relu", "max"]))
    group = int(random.integers(2, 5)) if kind == "max" else 1
    units = int(random.integers(1, min(4, most) if group > 1 else most))
    if mixture == "skip" and random.random() < 0.5:
        units = columns if columns < most else units
    table = family(random, units * group, columns)
    end = _units(random, nodes, table, start, kind, units)
    if mixture == "two layers that coincide" and units < 6:
        other = _units(random, nodes, -table, start, kind, units)
        nodes.append(Node(Sum((1.0, -1.0)), (end, other), (units,), "difference"))
        nodes.append(Node(RELU, (len(nodes) - 1,), (units,), "relu"))
    elif mixture == "skip" and units == columns:
        nodes.append(Node(Sum((1.0, float(random.choice([1, -1, 0.5])))), (end, start), (units,), "skip"))


def _units(random: Random, nodes: list[Node], table: Table, start: int, kind: str, units: int) -> int:
    """Appends a dense operator and its units; returns the index of the last node."""
    _dense(nodes, table, start)
    if kind == "max":
        index = np.arange(len(table)).reshape(units, -1)
        if random.random() < 0.5:  # windows that overlap, and arguments that repeat
            index = np.where(random.random(index.shape) < 0.4, random.integers(len(table), size=index.shape), index)
        nodes.append(Node(Gather(index), (len(nodes) - 1,), index.shape, "windows"))
        nodes.append(Node(Max(), (len(nodes) - 1,), (units,), "max"))
    else:
        nodes.append(Node(ACTIVATIONS[kind], (len(nodes) - 1,), (units,), kind))
    return len(nodes) - 1


def _dense(nodes: list[Node], table: Table, start: int) -> None:
    nodes.append(Node(Dense(table[:, :-1].copy(), table[:, -1].copy()), (start,), (len(table),), "dense"))


def spread(seed: int, dim: int) -> Case:
    """A degenerate network on a domain of another dimension than two: a box, a simplex, a slice of points."""
    random = np.random.default_rng((seed, dim))
    family, mixture = FAMILIES[seed % len(FAMILIES)], MIXTURES[seed // len(FAMILIES) % len(MIXTURES)]
    inputs = dim if random.random() < 0.7 else dim + 2
    network = _network(random, family, mixture, inputs, layers=int(random.integers(1, 5 if dim == 1 else 3)))
    return Case(
        f"{family.__name__}, {mixture}, seed {seed}, D = {dim}", network, _domain_of_points(random, inputs, dim)
    )


def _domain_of_points(random: Random, inputs: int, dim: int) -> cpwl.Domain:
    points = random.integers(-4, 5, (dim + 1, inputs)) / 4
    while np.linalg.matrix_rank(points[1:] - points[0]) < dim:
        points = random.integers(-4, 5, (dim + 1, inputs)) / 4
    kind = random.choice(["box", "box", "tiny", "thin", "simplex"])
    if inputs > dim and kind != "simplex":
        return cpwl.Domain.through(*points)
    if kind == "simplex":
        return cpwl.Domain.simplex(*points)
    low, high = -np.ones(dim), np.ones(dim)
    if kind == "thin":
        high[0] = low[0] + 2.0 ** -int(random.integers(5, 25))
    return cpwl.Domain.box(*(side * (1e-6 if kind == "tiny" else 1.0) for side in (low, high)))


def moved(seed: int) -> Case:
    """The same network on another domain, the larger and the farther the better: side 2e6, tiny, or far away."""
    random, found = np.random.default_rng((seed, 1)), case(seed)
    if found.network.inputs != 2:
        corners = np.stack([found.domain.to_input(u) for u in found.domain.polytope.vertices[:3]])
        return Case(
            f"{found.name}, enlarged", found.network, cpwl.Domain.through(*(corners * 10.0 ** random.choice([6, -6])))
        )
    domain = cpwl.Domain.box([-1e6, -1e6], [1e6, 1e6]) if random.random() < 0.5 else far(random)
    return Case(f"{found.name}, moved", found.network, domain)


def far(random: Random) -> cpwl.Domain:
    """A rectangle of size 1e-9 to 1e3, up to 1e6 away."""
    corner = random.choice([-1, 1], 2) * 10.0 ** random.uniform(-3, 6, 2)
    size = 10.0 ** random.uniform(-3, 3, 2) if random.random() < 0.5 else np.full(2, 10.0 ** random.uniform(-9, 0))
    return cpwl.Domain.box(corner, corner + np.maximum(size, 2.0**-40 * np.abs(corner)))


def tied(seed: int) -> Case:
    """The same network with outputs that are nearly one function: where they are equal hangs by their last bits."""
    random, found = np.random.default_rng((seed, 2)), case(seed)
    nodes, last = list(found.network.nodes), found.network.nodes[-1].op
    assert isinstance(last, Dense)
    count, gap = int(random.integers(2, 4)), 2.0 ** -random.integers(25, 51)
    row = np.append(last.weight[0] + 0.5, last.bias[0] + 0.25)
    table = row * (1 + gap * random.integers(-2, 3, (count, len(row))))
    table[:, -1] += gap * random.standard_normal(count)
    nodes[-1] = Node(Dense(table[:, :-1].copy(), table[:, -1].copy()), nodes[-1].inputs, (count,), "dense")
    return Case(f"{found.name}, tied", Network(tuple(nodes)), found.domain)


SHRUNK = (300, 420, 500, 511, 540, 700, 900, 1000)
"""Powers of 1/2 at which products of coordinates, their squares, or they themselves underflow."""


def shrunk(seed: int) -> Case:
    """The same network 2^-300 to 2^-1000 times as large, all of it or about the middle of a square of size 1."""
    random, found = np.random.default_rng((seed, 3)), case(seed)
    size = 2.0 ** -int(random.choice(SHRUNK))
    network = Network(tuple(_times(node, size) for node in found.network.nodes))
    if found.network.inputs != 2 or random.random() < 0.5:
        domain = cpwl.Domain.polygon(
            found.domain.polytope.vertices * size, found.domain.origin * size, found.domain.basis
        )
    else:
        domain = cpwl.Domain.box([-1, -1], [1, 1])
    return Case(f"{found.name}, times {size:.1e}", network, domain)


def _times(node: Node, size: float) -> Node:
    """The operator g with g(size x) = size f(x), for that of a node, f."""
    if isinstance(node.op, Dense):
        return replace(node, op=Dense(node.op.weight, node.op.bias * size))
    if isinstance(node.op, Piecewise):
        return replace(node, op=replace(node.op, breakpoints=node.op.breakpoints * size, value=node.op.value * size))
    return node


def _domain(random: Random, inputs: int) -> cpwl.Domain:
    if inputs != 2:
        return cpwl.Domain.through(*random.standard_normal((3, inputs)))
    kind = random.random()
    if kind < 0.6:
        return cpwl.Domain.box([-1, -1], [1, 1])
    if kind < 0.7:
        size = 10.0 ** random.integers(-4, 7)
        return cpwl.Domain.box([-size, -size], [size, size])
    if kind < 0.8:
        return cpwl.Domain.box([-1, -(10.0 ** -random.integers(6, 10))], [1, 1e-9])
    if kind < 0.85:
        return cpwl.Domain.polygon([[-1, -1], [1, 1], [1 - 1e-9, 1 + 1e-9]])
    if kind < 0.9:
        return far(random)
    return cpwl.Domain.polygon([[-1, -1], [1.5, -0.5], [0.7, 0.9], [0, 1]])


def in_dimension(seed: int, dim: int) -> Case:
    """A degenerate network with ``dim`` inputs on a box: all families and mixtures take turns."""
    random = np.random.default_rng((seed, dim))
    family, mixture = FAMILIES[seed % len(FAMILIES)], MIXTURES[seed // len(FAMILIES) % len(MIXTURES)]
    domain = cpwl.Domain.box([-1.0] * dim, [1.0] * dim)
    return Case(f"{family.__name__}, {mixture}, D = {dim}, seed {seed}", _network(random, family, mixture, dim), domain)
