"""The tiling criterion (proofs/, Theorem 2): is a list of polygons exactly the partition of a domain by a network?

Every rule is decided on rational numbers from the polygons and the network alone, however they were found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from ..arrays.batches import batches
from ..arrays.ragged import Ragged
from ..backends.exact import ExactArithmetic, ExactField
from ..backends.exact.restrict import field_at, restricted
from ..claims.listing import Listing
from ..fields.arithmetic import Forward, Stage
from ..geometry.domain import Domain
from ..geometry.exact_lines import Polygon, at, domain_lines
from ..geometry.exact_points import Point, turn
from ..geometry.polytope import Polytope, winds_once
from ..network.network import Network
from ..network.operators import Piecewise
from ..numbers.integers import Integer, Integers, ratio_sum, rational, signs


@dataclass(frozen=True, eq=False)
class Findings:
    """What the rules say of each polygon of a list by itself, and the network's outputs at its points."""

    convex: NDArray[np.bool_]
    """Rule 1: strictly convex, winding once, inside the domain, (n,)."""
    patterns: NDArray[np.int16]
    """Rule 2: the canonical piece of every unit, (n, units); -1 where there is none."""
    outputs: ExactField

    @property
    def sound(self) -> NDArray[np.bool_]:
        """Which polygons satisfy rules 1 and 2, bool (n,)."""
        return self.convex & (self.patterns >= 0).all(axis=1)


def examine(
    network: Network, domain: Domain, listing: Listing, progress: Callable[[int, int], None] = lambda done, total: None
) -> Findings:
    """Rules 1 and 2 for every polygon of a list; ``progress`` is called with the numbers dealt with and of all."""
    inside = _inside(domain.polytope, listing.points)
    convex = np.array([is_convex(polygon) for polygon in listing.corners()], np.bool_)
    convex &= np.array([inside[row].all() for row in listing.polygons], np.bool_)
    return Findings(convex, *derived(network, domain, listing.points, listing.polygons, progress))


def derived(
    network: Network,
    domain: Domain,
    points: Sequence[Sequence[Integer]] | Integers,
    corners: Ragged,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[NDArray[np.int16], ExactField]:
    """The canonical pieces on regions, (n, units), -1 where there is none, and the network's outputs at points.

    Regions are given by their corners among the points, which are homogeneous integers.
    """
    patterns = np.full((len(corners), network.units), -1, np.int16)
    numerators, denominators = np.empty((len(points), network.outputs), object), np.empty(len(points), object)
    on_slice = restricted(network, domain)
    for rows in batches(len(corners), max(node.size for node in on_slice.nodes)):
        part = corners.take(np.arange(rows.start, rows.stop))
        used, values = np.unique(part.values, return_inverse=True)
        output = _derive(on_slice, [points[v] for v in used], Ragged(values, part.offsets), patterns[rows])
        numerators[used], denominators[used] = output.numerators, output.denominators
        progress(rows.stop, len(corners))
    return patterns, ExactField(numerators, denominators, np.ones(len(points), np.int64))


def is_convex(polygon: Sequence[Point]) -> bool:
    """Whether a polygon turns strictly left at every corner and its directions go round exactly once."""
    before, after = [*polygon[-1:], *polygon[:-1]], [*polygon[1:], *polygon[:1]]
    if len(polygon) < 3 or not all(turn(p, q, r) > 0 for p, q, r in zip(before, polygon, after, strict=True)):
        return False
    ends = zip(polygon, after, strict=True)
    return winds_once((q[0] * p[2] - p[0] * q[2], q[1] * p[2] - p[1] * q[2]) for p, q in ends)


def _inside(polytope: Polytope, points: Sequence[Point]) -> NDArray[np.bool_]:
    lines = domain_lines(polytope)
    return np.array([all(at(line, p) >= 0 for line in lines) for p in points], np.bool_)


def _derive(
    on_slice: Network, points: Sequence[Sequence[Integer]], corners: Ragged, patterns: NDArray[np.int16]
) -> ExactField:
    """Enters the canonical patterns of polygons; returns the outputs at the points of a network on the slice."""
    forward = Forward(on_slice, ExactArithmetic(), field_at(points))
    columns = on_slice.unit_columns
    for stage in forward:
        patterns[:, columns[stage.index]] = _canonical(stage, corners)
    return forward.output


def _canonical(stage: Stage[ExactField], corners: Ragged) -> NDArray[np.int16]:
    """The canonical piece of each unit on each polygon, from the arguments at the corners; -1 where none fits."""
    x, op = stage.argument, stage.node.op
    if isinstance(op, Piecewise):
        return _canonical_pieces(x, op, corners)
    arguments = x.numerators.reshape(x.rows, stage.node.size, -1)
    largest = np.asarray(arguments == arguments.max(axis=2, keepdims=True), np.bool_)
    fits = corners.reduce(np.logical_and, largest[corners.values])
    return np.where(fits.any(axis=2), fits.argmax(axis=2), -1).astype(np.int16)


def _canonical_pieces(x: ExactField, op: Piecewise, corners: Ragged) -> NDArray[np.int16]:
    """The number of breakpoints that the argument is not below; identically at one counts as not below it."""
    pieces = np.zeros((len(corners), x.columns), np.int16)
    fits = np.ones(pieces.shape, np.bool_)
    for breakpoint in op.breakpoints.tolist():
        p, q = rational(breakpoint)
        side = signs(x.numerators * q - p * x.denominators[:, None] if p else x.numerators)[corners.values]
        lowest, highest = corners.reduce(np.minimum, side), corners.reduce(np.maximum, side)
        pieces += lowest >= 0
        fits &= (lowest >= 0) | (highest <= 0)
    return np.where(fits, pieces, -1).astype(np.int16)


def repeated(patterns: NDArray[np.int16]) -> NDArray[np.bool_]:
    """Which rows equal another one: rule 3 forbids it, bool (n,)."""
    keys = [row.tobytes() for row in patterns]
    counts = Counter(keys)
    return np.array([counts[key] > 1 for key in keys], np.bool_)


Edge = tuple[Point, Point]


def loose_edges(polygons: Sequence[Polygon]) -> Counter[Edge]:
    """The directed edges of polygons, without those that meet their opposite; each as often as it is left."""
    counts = Counter(edge for polygon in polygons for edge in zip(polygon, (*polygon[1:], polygon[0]), strict=True))
    return Counter({(p, q): n - counts[q, p] for (p, q), n in counts.items() if n > counts[q, p]})


def total_area(loose: Counter[Edge]) -> Fraction:
    """The sum of the areas (rule 4) of polygons with the given loose edges: others cancel in the shoelace formula."""
    return ratio_sum([(n * _cross(p, q), 2 * p[2] * q[2]) for (p, q), n in loose.items()])


def _cross(p: Point, q: Point) -> Integer:
    return p[0] * q[1] - p[1] * q[0]


def within(domain: Polytope, loose: Counter[Edge]) -> list[Edge]:
    """The loose edges that do not lie on the domain's boundary: what is left open."""
    lines = domain_lines(domain)
    return [(p, q) for p, q in loose if not any(at(line, p) == 0 == at(line, q) for line in lines)]
