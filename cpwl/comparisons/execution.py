"""A network run in floating point against the same network in exact arithmetic, over a slice.

Rounding acts twice. A point of the slice is hardly ever an input that can be fed to the network: the nearest input of
the type lies beside it, perhaps in another region. And the run rounds after every operator. The two are kept apart:
everything that is said of the run is said against exact arithmetic *at the very input that was fed*.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError
from ..network.network import Network, Node
from ..network.operators import Conv, Dense, Scale
from ..numbers.float_formats import FORMATS, points_inside
from ..runtime.ieee import ieee
from ..runtime.inputs import instance, one_of, whole
from ..runtime.pictures import picture
from ..tiling.tiling import Tiling
from .judge import Judge, Run

Dtype = Literal["float16", "bfloat16", "float32", "float64"]

_COLUMNS, _MOST = 256, 4
"""How many numbers are looked through for inputs in a region that no other input reached, and how many inputs kept."""


@ieee
@dataclass(frozen=True, eq=False)
class ExecutionComparison:
    """How a network that runs in a floating-point type differs from itself in exact arithmetic, on one slice."""

    partition: Tiling
    dtype: Dtype
    device: str | None
    rounded: int
    """How many of the network's weights and biases are no numbers of the type: the run rounds them, the exact does not.
    """
    vertices: Run
    """At the partition's vertices."""
    interiors: Run
    """At one point inside each region (the mean of its vertices), in the order of the regions."""
    grid: Run
    """At the points of a square grid over the domain."""
    found: Run
    """At inputs that were searched for in the regions that none of the others reached."""
    reached: NDArray[np.bool_]
    """Regions whose pattern the run had at one of all these inputs, bool (R,)."""
    void: NDArray[np.bool_] | None
    """Regions that were not reached and are proved to hold no input of the type, bool (R,). None where nobody looked:
    unless inputs are the slice coordinates themselves, and the partition is exact."""

    def __repr__(self) -> str:
        part = "" if self.partition.complete else "INCOMPLETE, "
        reached = f"{int(self.reached.sum())} of {len(self.reached)} regions reached"
        return f"<ExecutionComparison: {part}{self.dtype}, {reached}>"

    @property
    def ulp(self) -> float:
        """The spacing of the type's numbers at the largest exact output met: the unit of errors."""
        largest = float(np.abs(self.partition.outputs.to_numpy().astype(np.float64)).max(initial=0.0))
        return FORMATS[self.dtype].spacing * 2.0 ** (np.frexp(largest)[1] - 1) if largest else 1.0

    @property
    def moved(self) -> NDArray[np.bool_]:
        """Regions whose inner point is, rounded to an input, no longer in the region, bool (R,)."""
        return np.asarray(self.interiors.regions != np.arange(len(self.partition)))

    def to_dict(self) -> dict[str, Any]:
        """The comparison as plain numbers and strings, for JSON."""
        runs = {name: getattr(self, name).to_dict(self.ulp) for name in ("interiors", "vertices", "grid", "found")}
        missed = ~self.reached
        return {
            "type": self.dtype,
            "device": self.device or "cpu",
            "weights rounded": self.rounded,
            "regions": len(self.partition),
            **({} if self.partition.complete else {"complete": False}),
            "regions whose inner point leaves them when rounded": int(self.moved.sum()),
            "regions not reached": int(missed.sum()),
            "of these proved to hold no input": None if self.void is None else int(self.void.sum()),
            "ulp of outputs": self.ulp,
            **runs,
        }

    def table(self) -> list[tuple[str, str, str]]:
        """Rows (what, how much, what that means) for people."""
        return [*self._general(), *self._runs(), *self._regions()]

    def report(self) -> str:
        """The comparison in lines for people."""
        return "\n".join(f"{what}: {value} ({meaning})" for what, value, meaning in self.table())

    __str__ = report

    def plot(self) -> Any:
        """A matplotlib figure of two pictures: where the run is on other pieces; which regions were not reached."""
        return picture("plot_execution")(self)

    # ---- private ---------------------------------------------------------------------------------------------------
    def _general(self) -> Iterator[tuple[str, str, str]]:
        if not self.partition.complete:
            yield "INCOMPLETE", f"{len(self.partition):,}", "regions, which do not cover the domain"
        yield "run", f"{self.dtype} on {self.device or 'cpu'}", "every operator rounded to the type"
        yield (
            "weights rounded",
            f"{self.rounded:,}",
            "no numbers of the type: part of the differences is theirs" if self.rounded else "all are of the type",
        )
        yield "one ulp of the outputs", f"{self.ulp:.3g}", f"spacing of {self.dtype} at the largest output"

    def _runs(self) -> Iterator[tuple[str, str, str]]:
        places = {"interiors": "inside the regions", "vertices": "at vertices", "grid": "on a grid over the slice"}
        for name, where in places.items():
            run: Run = getattr(self, name)
            numbers = list(run.to_dict(self.ulp).values())
            share = numbers[1] / max(len(run), 1)
            middle, high, largest = run.error_quantiles(self.ulp)
            yield f"inputs {where}", f"{len(run):,}", f"fed as {self.dtype}, judged exactly at what was fed"
            yield (
                "  units on other pieces",
                f"{numbers[1]:,} ({share:.2%})",
                f"inputs; at most {numbers[2]} units at one",
            )
            yield "  another decision", f"{numbers[3]:,}", "inputs where class (or sign) is not the exact one"
            yield (
                "  output error, ulps",
                f"{largest:.3g}",
                f"the largest; 99% below {high:.3g}, half below {middle:.3g}",
            )

    def _regions(self) -> Iterator[tuple[str, str, str]]:
        missed = ~self.reached
        yield (
            "inner points that move out",
            f"{int(self.moved.sum()):,}",
            f"of {len(missed):,} regions: the nearest input lies outside, before anything is run",
        )
        yield (
            "regions not reached",
            f"{int(missed.sum()):,}",
            f"of {len(missed):,}: no input tried made the run take the region's pattern",
        )
        if self.void is not None:
            proved = f"of these, proved in exact arithmetic to hold no {self.dtype} input at all"
            yield "  with no input in them", f"{int(self.void.sum()):,}", proved


@ieee
def compare_execution(
    part: Tiling, *, dtype: Dtype = "float32", device: str | None = None, grid: int = 200
) -> ExecutionComparison:
    """How the network of a partition, run in ``dtype`` on ``device``, differs from itself in exact arithmetic.

    It is run at the vertices, inside every region, and on a ``grid`` x ``grid`` raster of the domain (about as many
    points when D is not 2), by this library's operators: one order of summation of many, on the CPU or GPU. Signs,
    patterns and decisions of the exact network are certain: from float64 with its error bound, and from long numbers
    and rational ones where that leaves something open (and for float64 runs always). Raises ``ArgumentError`` for
    another dtype, or a partition with ambiguous regions.
    """
    instance("part", part, Tiling, "Call cpwl.partition first.", "Partition")
    one_of("dtype", dtype, get_args(Dtype))
    grid = whole("grid", grid, 0)
    if len(part.ambiguous):
        raise ArgumentError("part has ambiguous regions. Use predicates='exact', or certify(part).partition.")
    judge = Judge(part, dtype, device)
    vertices, interiors, raster = (
        judge.at_slice(points)
        for points in (part.vertices.astype(np.float64), interior_points(part), raster_points(part, grid))
    )
    reached = np.zeros(len(part), np.bool_)
    for run in (vertices, interiors, raster):
        reached[run.chosen[run.chosen >= 0]] = True
    searched, void = _searched(judge, part, dtype, np.flatnonzero(~reached))
    reached[searched.chosen[searched.chosen >= 0]] = True
    void = None if void is None else void & ~reached
    rounded = _weights_rounded(part.network, judge.rounded)
    return ExecutionComparison(part, dtype, device, rounded, vertices, interiors, raster, searched, reached, void)


def interior_points(part: Tiling) -> NDArray[np.float64]:
    """The mean of each region's vertices, in float64 (R, D)."""
    points, regions = part.vertices.astype(np.float64), part.regions
    return np.asarray(regions.reduce(np.add, points[regions.values]) / regions.counts[:, None])


def raster_points(part: Tiling, side: int) -> NDArray[np.float64]:
    """The centres of the cubes of a grid over the domain's bounding box that lie in the domain, (n, D).

    Along each axis there are ``side`` of them, when D is not 2 so many that all are about ``side`` squared.
    """
    corners, dim = part.domain.polytope.vertices, part.domain.dim
    side = side if dim == 2 else round(side ** (2 / dim))
    low, high = corners.min(axis=0), corners.max(axis=0)
    axes = [low[k] + (np.arange(side) + 0.5) / max(side, 1) * (high[k] - low[k]) for k in range(dim)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, dim)
    inside = np.ones(len(points), np.bool_)
    for *normal, offset in part.domain.polytope.sides if dim != 2 else ():
        inside &= points @ np.array(normal, np.float64) + float(offset) >= 0
    for p, q in zip(corners, np.roll(corners, -1, axis=0), strict=True) if dim == 2 else ():
        (dx, dy), away = q - p, points - p
        inside &= dx * away[:, 1] - dy * away[:, 0] >= 0
    return points[inside]


def _weights_rounded(network: Network, rounded: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> int:
    """How many weights, biases, factors and shifts are no numbers of the type."""
    return sum(int((rounded(values) != values).sum()) for node in network.nodes for values in _weights(node))


def _weights(node: Node) -> tuple[NDArray[np.float64], ...]:
    if isinstance(node.op, (Dense, Conv)):
        return node.op.weight, node.op.bias
    return (node.op.factor, node.op.shift) if isinstance(node.op, Scale) else ()


def _searched(
    judge: Judge, part: Tiling, dtype: Dtype, regions: NDArray[np.int64]
) -> tuple[Run, NDArray[np.bool_] | None]:
    """The run at inputs found inside the given regions, and which of all regions are proved to hold none."""
    domain = part.domain
    plain = np.array_equal(domain.basis, np.eye(2)) and not domain.origin.any()  # of planes, polygons are searched
    if not (plain and part.arrangement.exact):
        return judge.at_inputs(np.zeros((0, domain.dim)), np.zeros((0, part.network.inputs))), None
    void, points = np.zeros(len(part), np.bool_), []
    for r in regions.tolist():
        inside = points_inside(part.vertices[part.regions[r]].tolist(), FORMATS[dtype], columns=_COLUMNS, most=_MOST)
        void[r] = inside.complete and not inside.points
        points += inside.points
    inputs = np.array(points, np.float64).reshape(-1, 2)
    return judge.at_inputs(inputs, inputs), void
