"""A hyperplane's section of a partition, from its own regions: nothing goes through the network again.

The hyperplane is the level set of one more affine function of the inputs. So its cut through the regions is decided as
all others are, exactly.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ArgumentError, ShapeError
from ..fields.arithmetic import embedding
from ..fields.predicates import Names
from ..geometry.arrangement import Form
from ..geometry.domain import Domain, exactly
from ..geometry.ladder import INTEGERS
from ..network.network import Network, Node
from ..network.operators import Dense, Gather, Piecewise
from ..numbers.rounding import floats
from ..runtime.ieee import ieee
from ..runtime.inputs import instance, unrounded, unrounded_number
from ..runtime.pictures import picture
from ..tiling.cells import cut_at_level
from ..tiling.history import flattened
from ..tiling.tiling import Tiling
from .boundary import assembled
from .faces import BoundaryFaces

if TYPE_CHECKING:
    from .boundary import DecisionBoundary


@ieee
@dataclass(frozen=True, eq=False)
class Section:
    """The S regions in which a hyperplane {x: normal . x = offset} of the input space cuts the regions of a partition.

    Polygons of a solid (D = 3), segments of a plane. They are those of the partition of that hyperplane.
    """

    partition: Tiling
    normal: NDArray[np.float64]
    """(n,), of flattened inputs."""
    offset: float
    faces: BoundaryFaces
    """The polygons, in the slice coordinates of the partition: ``faces.vertices``, ``faces.faces``, ``measures()``."""
    sides: NDArray[np.int64]
    """The regions of the partition below and above each polygon (S, 2): one region twice, if the hyperplane cuts it;
    -1 beyond the domain's border."""

    def __len__(self) -> int:
        return len(self.faces)

    def __repr__(self) -> str:
        part = "" if self.partition.complete else "INCOMPLETE, "
        return f"<Section: {part}{len(self)} {self.faces.kind}, {int(self.along.sum())} of them along facets>"

    @property
    def regions(self) -> NDArray[np.int64]:
        """The region of the partition of which each polygon is a part, or a facet (of two the one above), (S,)."""
        return np.where(self.sides[:, 1] >= 0, self.sides[:, 1], self.sides[:, 0])

    @property
    def along(self) -> NDArray[np.bool_]:
        """Polygons that are facets of regions: the hyperplane runs along them, bool (S,)."""
        return np.asarray(self.sides[:, 0] != self.sides[:, 1])

    def patterns(self) -> NDArray[np.int16]:
        """The activation patterns on the polygons, int16 (S, network.units).

        On facets along which the hyperplane runs, units that are at a breakpoint throughout, or maxima that tie, have
        the canonical piece, as everywhere: not below the breakpoint, the lowest index. Which these are is decided from
        exact functions.
        """
        patterns = self.partition.patterns(self.regions)
        for k in np.flatnonzero(self.along).tolist():
            patterns[k] = self._canonical(patterns[k])
        return patterns

    def _canonical(self, pattern: NDArray[np.int16]) -> NDArray[np.int16]:
        """The pattern on the hyperplane of a region that has a facet in it."""
        part, result = self.partition, pattern.copy()
        names, columns, pieces = _next_pieces(part.network, pattern)
        functions = part.oracle.walls(pattern[None], np.zeros(len(columns), np.int64), names, INTEGERS)
        zero = np.array([form in self._zeros for form in functions.primitive()], np.bool_)
        columns, first = np.unique(columns[zero], return_index=True)
        result[columns] = pieces[zero][first]
        return result

    @cached_property
    def _zeros(self) -> tuple[Form, Form]:
        """The function of the hyperplane and its negative, in integers without a common factor."""
        from ..numbers.integers import primitive

        plane = primitive(self._plane)
        return plane, tuple(-x for x in plane)

    @cached_property
    def _plane(self) -> list[Any]:
        """The function normal . x - offset of slice coordinates: integers (a, ..., c), up to a positive factor."""
        from ..numbers.integers import common_scale

        domain, normal = self.partition.domain, exactly(self.normal)
        constant = normal @ exactly(domain.origin) - Fraction(self.offset)
        row = np.concatenate([_slope(domain, self.normal), [constant]])
        return list(common_scale(row)[0])

    def measures(self) -> NDArray[np.float64]:
        """The area (length) of each polygon in slice coordinates, (S,)."""
        return self.faces.measures()

    @cached_property
    def frame(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """A point of the hyperplane in slice coordinates (D,), and orthonormal axes along it (D, D - 1), rounded.

        For a hyperplane orthogonal to a slice coordinate the axes are the other coordinates, in their order.
        """
        domain = self.partition.domain
        exact = _slope(domain, self.normal)
        rest = Fraction(self.offset) - exactly(self.normal) @ exactly(domain.origin)
        slope = floats(exact / max(abs(exact)))
        axes = np.linalg.svd(slope[None])[2][1:].T
        single = np.flatnonzero(slope)
        if len(single) == 1:
            axes = np.delete(np.eye(domain.dim), single, axis=1)
        return floats(exact * (rest / (exact @ exact))), axes

    def places(self) -> NDArray[np.float64]:
        """The vertices (V, D - 1) by their coordinates in ``frame``, rounded."""
        point, axes = self.frame
        return np.asarray((floats(self.faces.vertices) - point) @ axes)

    def plot(self, ax: Any = None, **options: Any) -> Any:
        """Draws the polygons and returns the axes; options: ``help(cpwl.plots.plot_section)``."""
        return picture("plot_section")(self, ax, **options)


@ieee
def section(part: Tiling, normal: ArrayLike, offset: float = 0.0) -> Section:
    """The section of a partition's regions by the hyperplane {x: normal . x = offset} of the input space.

    ``normal`` has the input's shape. Only the edges that it crosses are cut; which these are is decided exactly, as all
    of the partition's decisions are (with ``predicates="float"`` from float64 numbers). Raises ``ShapeError`` for a
    normal of another shape, ``ArgumentError`` for one that is zero along the whole slice.
    """
    instance("part", part, Tiling, "Use cpwl.partition.", "Partition")
    direction, level = unrounded("normal", normal), unrounded_number("offset", offset)
    if direction.shape != part.domain.shape and direction.shape != (prod(part.domain.shape),):
        raise ShapeError(f"normal must have the shape of an input, {part.domain.shape}, got {direction.shape}.")
    direction = direction.ravel()
    if not _slope(part.domain, direction).any():
        raise ArgumentError(
            "normal must not be orthogonal to the whole slice: normal . x is constant on this domain. Choose another."
        )
    net, fields = _with_function(part, direction)
    near = _near(part, fields, level)
    taken = part.arrangement.take(near)
    some = replace(
        part,
        network=net,
        arrangement=taken.arrangement,
        steps=flattened(part.steps, near),
        outputs=taken.carry(fields),
        complete=False,
    )
    name = Names.levels(len(net.nonlinear), np.zeros(1, np.int64), np.array([level]))
    cells, refinement = cut_at_level(some, some.outputs, level, name)
    facets, below = cells.arrangement.facets(), refinement.below.dense()[:, 0]
    at_level = refinement.values.to_numpy()[:, 0] == level
    touches = facets.vertices.reduce(np.logical_and, at_level[facets.vertices.values])
    region, neighbour = facets.regions.T
    chosen = np.flatnonzero(touches & ((neighbour < 0) | (below[region] != below[neighbour])))
    empty = np.zeros((len(chosen), 2), np.int64) - 1
    faces = assembled(
        cells, chosen, empty, (), neighbour[chosen] < 0, np.zeros(len(cells.arrangement), np.bool_), level
    )
    sides = _sides(cells.regions, below, facets.regions[chosen], near)
    return Section(part, direction, level, _placed(faces, part, near), sides)


def _slope(domain: Domain, normal: NDArray[np.float64]) -> NDArray[Any]:
    """How normal . x grows along each slice coordinate, Fractions (D,)."""
    return np.asarray(exactly(normal) @ exactly(domain.basis), dtype=object)


def _next_pieces(net: Network, pattern: NDArray[np.int16]) -> tuple[Names, NDArray[np.int64], NDArray[np.int64]]:
    """The functions at whose zeros units would have other canonical pieces than a pattern's, with the column and that
    piece of each: of a maximum the lowest first."""
    names, columns, pieces = [Names.sides(0)], [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for stage, (node, part) in enumerate(net.unit_columns.items()):
        op, here = net.nodes[node].op, pattern[part].astype(np.int64)
        if isinstance(op, Piecewise):
            unit = np.flatnonzero(here < len(op.breakpoints))
            names.append(Names.levels(stage, unit, op.breakpoints[here[unit]]))
            after = here[unit] + 1
        else:
            width = net.nodes[net.nodes[node].inputs[0]].size // net.nodes[node].size
            unit = np.repeat(np.arange(len(here)), here)
            after = np.arange(len(unit)) - np.repeat(np.cumsum(here) - here, here)
            names.append(Names.differences(stage, unit * width + after, unit * width + here[unit]))
        columns.append(part.start + unit)
        pieces.append(after)
    return Names.joined(names), np.concatenate(columns), np.concatenate(pieces)


def _with_function(part: Tiling, normal: NDArray[np.float64]) -> tuple[Network, Any]:
    """The network with the affine function as its output, and the function at the vertices."""
    nodes, n = part.network.nodes, part.network.inputs
    flat, dense = Node(Gather(np.arange(n)), (0,), (n,), "inputs"), Dense(normal[None], np.zeros(1))
    net = Network((*nodes, flat, Node(dense, (len(nodes),), (1,), "hyperplane")))
    arithmetic = part.arithmetic()
    inputs = arithmetic.linear(embedding(part.domain), [part.arrangement.coordinates()])
    return net, arithmetic.linear(net.nodes[-1], [inputs])


def _near(part: Tiling, field: Any, level: float) -> NDArray[np.int64]:
    """The regions that are not certainly on one side of the level."""
    values, off = floats(field.to_numpy())[:, 0] - level, field.limits()[:, 0] + 2.0**-50 * abs(level)
    off = off + 2.0**-50 * np.abs(values)
    sure_below, sure_above = values < -off, values > off
    at = part.regions.values
    one_side = part.regions.reduce(np.logical_and, sure_below[at]) | part.regions.reduce(np.logical_and, sure_above[at])
    return np.flatnonzero(~one_side)


def _sides(
    regions: NDArray[np.int64], below: NDArray[np.bool_], cells: NDArray[np.int64], near: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The regions of the whole partition below and above facets between cells; -1 for none."""
    neighbours = np.where(cells >= 0, near[regions[cells]], -1)
    turned = ~below[cells[:, 0]]
    return np.where(turned[:, None], neighbours[:, ::-1], neighbours)


def _placed(faces: DecisionBoundary, part: Tiling, near: NDArray[np.int64]) -> BoundaryFaces:
    """The faces with the regions of the whole partition."""
    return replace(faces, partition=part, regions=near[faces.regions], undecided=near[faces.undecided])
