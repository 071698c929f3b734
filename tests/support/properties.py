"""Properties of small degenerate networks by seed, and whether they hold, by vertex enumeration of each region."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

import numpy as np

import cpwl
from cpwl.geometry.polyhedra import vertices_of
from cpwl.network import Network
from cpwl.properties.cases import Case
from cpwl.properties.problem import Problem
from cpwl.properties.specification import Specification

Random = np.random.Generator


def integer_network(random: Random, inputs: int, outputs: int) -> Network:
    """A perceptron with small whole numbers: planes coincide, and outputs are equal on whole faces."""
    widths = [inputs, *random.integers(2, 6, int(random.integers(1, 3))).tolist(), outputs]
    tables = [random.integers(-2, 3, (n, m + 1)).astype(float) for m, n in pairwise(widths)]
    return Network.mlp([table[:, :-1] for table in tables], [table[:, -1] for table in tables])


def random_box(random: Random, inputs: int) -> tuple[list[Fraction], list[Fraction]]:
    """Bounds with one denominator; decimals and thirds among them, and inputs that are fixed."""
    denominator = int(random.choice([1, 2, 3, 10]))
    low = [Fraction(-int(random.integers(0, denominator + 1)), denominator) for _ in range(inputs)]
    high = [Fraction(int(random.integers(0, denominator + 1)), denominator) for _ in range(inputs)]
    return low, high


def random_specification(random: Random, inputs: int, outputs: int) -> Specification:
    """One to two conjunctions of one or two constraints with whole numbers, of outputs and now and then of inputs."""
    unsafe = []
    for _ in range(int(random.integers(1, 3))):
        rows = int(random.integers(1, 3))
        mixed = random.integers(-1, 2, (rows, inputs)) if random.random() < 0.3 else np.zeros((rows, inputs), int)
        unsafe.append((random.integers(-1, 2, (rows, outputs)), random.integers(-6, 3, rows), mixed))
    return Specification.box(*random_box(random, inputs), unsafe, strict=bool(random.random() < 0.4))


def is_violated(net: Network, spec: Specification) -> bool:
    """Whether some region has an unsafe point: from the vertices of each region with the constraints, by cddlib."""
    return any(_is_unsafe(net, case) for case in spec.cases)


def _is_unsafe(net: Network, case: Case) -> bool:
    problem = Problem.of(net, case)
    if not problem.dim:
        x = list(case.lower)
        return case.is_unsafe(x, problem.exact_outputs(x))
    part = cpwl.partition(problem.network, problem.domain, backend="exact")
    for region in part:
        rows = region.halfspaces
        sides = [[c, *normal] for c, normal in zip(rows.offsets.tolist(), rows.normals.tolist())]
        weight, bias = region.exact_map
        for group in problem.groups:
            constraints = [[bias[k], *weight[k]] for k in group]
            corners = vertices_of([*sides, *constraints])
            if len(corners):
                middle = corners.sum(axis=0) / Fraction(len(corners))
                values = [bias[k] + weight[k] @ middle for k in group[problem.strict[group]]]
                if all(value > 0 for value in values):
                    return True
    return False


def largest_value(net: Network, lo: list[int], hi: list[int], row: list[int]) -> Fraction:
    """The exact maximum of a function of the outputs on a box: that at a vertex of the exact partition."""
    part = cpwl.partition(net, cpwl.Domain.box(lo, hi), backend="exact")
    return max(part.outputs.to_numpy() @ np.array(row, dtype=object))


def seeds(count: int) -> Iterator[Random]:
    """Generators of random numbers."""
    return (np.random.default_rng(seed) for seed in range(count))
