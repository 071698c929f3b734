"""What ``predicates="float"`` gets wrong without listing it, on small networks with maxima: nothing, or how."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

import cpwl
from cpwl.network import RELU, Dense, Gather, Input, Max, Network, Node
from cpwl.partitions.partition import Partition
from tests.support.families import FAMILIES, Case, case


def maxima(seed: int) -> Case:
    """A network of one or two layers, the first of maxima over two to five functions, of degenerate families."""
    random = np.random.default_rng(seed)
    family = FAMILIES[seed % len(FAMILIES)]
    nodes = [Node(Input(), (), (2,))]
    for layer in range(int(random.integers(1, 3))):
        units, width = int(random.integers(1, 4)), int(random.integers(2, 6))
        _dense(nodes, family(random, units * width, nodes[-1].size))
        if layer and random.random() < 0.5:
            nodes.append(Node(RELU, (len(nodes) - 1,), (units * width,)))
        index = random.permutation(units * width).reshape(units, width)
        if random.random() < 0.5:
            index = random.integers(units * width, size=index.shape)
        nodes.append(Node(Gather(index), (len(nodes) - 1,), index.shape))
        nodes.append(Node(Max(), (len(nodes) - 1,), (units,)))
    if random.random() < 0.5:
        _dense(nodes, family(random, int(random.integers(1, 4)), nodes[-1].size))
    return Case(f"maxima, {family.__name__}, seed {seed}", Network(tuple(nodes)), cpwl.Domain.box([-1, -1], [1, 1]))


def _dense(nodes: list[Node], table: Any) -> None:
    nodes.append(Node(Dense(table[:, :-1].copy(), table[:, -1].copy()), (len(nodes) - 1,), (len(table),)))


def any_case(seed: int) -> Case:
    """In turn one of ``maxima`` and one of all kinds of networks."""
    return maxima(seed // 2) if seed % 2 == 0 else case(seed // 2)


def unlisted(network: Network, domain: cpwl.Domain) -> list[str]:
    """False regions that are not ambiguous, and exact regions that are missing outside of ambiguous ones, in words."""
    quick = cpwl.partition(network, domain, predicates="float")
    exact = cpwl.partition(network, domain, backend="exact")
    true = {row.tobytes(): r for r, row in enumerate(exact.patterns())}
    certain = np.setdiff1d(np.arange(len(quick)), quick.ambiguous)
    names = [row.tobytes() for row in quick.patterns(certain)]
    found = [f"region {certain[k]} is none" for k, name in enumerate(names) if name not in true]
    found += [f"{count} regions are one" for count in Counter(names).values() if count > 1]
    kept = {name: int(r) for name, r in zip(names, certain, strict=True) if name in true}
    for name, r in kept.items():
        found += _misplaced(quick, exact, r, true[name])
    missing = [r for name, r in true.items() if name not in kept]
    if missing:
        found += _missing(quick, exact, missing)
    return found


@dataclass(frozen=True)
class _Polygon:
    corners: Any
    error: float

    def holds(self, point: Any) -> bool:
        """Whether a point is certainly inside: farther from all sides than corners may be off."""
        ahead = np.roll(self.corners, -1, axis=0) - self.corners
        away = point - self.corners
        cross = ahead[:, 0] * away[:, 1] - ahead[:, 1] * away[:, 0]
        return bool((cross > 4 * (self.error + 1e-15) * np.hypot(*ahead.T)).all())


def _misplaced(quick: Partition, exact: Partition, mine: int, its: int) -> list[str]:
    """A certain region has the corners of the exact one, each within its bound."""
    if len(quick.regions[mine]) != len(exact.regions[its]):
        return [f"region {mine} has {len(quick.regions[mine])} corners, {len(exact.regions[its])} exactly"]
    errors = quick.arrangement.coordinates().errors()
    places = exact.vertices[exact.regions[its]]
    for v in quick.regions[mine].tolist():
        here = np.array([Fraction(x) for x in quick.vertices[v].tolist()], dtype=object)
        if min(((places - here) ** 2).sum(axis=1)) > Fraction(errors[v]) ** 2:
            return [f"vertex {v} is not within its bound {errors[v]} of an exact one"]
    return []


def _missing(quick: Partition, exact: Partition, regions: list[int]) -> list[str]:
    """Exact regions whose middle lies well inside of a region that is said to be certain, of another pattern."""
    errors = quick.arrangement.coordinates().errors()
    certain = np.setdiff1d(np.arange(len(quick)), quick.ambiguous).tolist()
    polygons = [_Polygon(quick.vertices[quick.regions[r]], errors[quick.regions[r]].max()) for r in certain]
    found = []
    for r in regions:
        middle = (exact.vertices[exact.regions[r]].sum(axis=0) / len(exact.regions[r])).astype(np.float64)
        if any(polygon.holds(middle) for polygon in polygons):
            found.append(f"exact region {r} is missing, and not within ambiguous ones")
    return found
