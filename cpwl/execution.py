"""A network run in floating point against the same network in exact arithmetic, at points of a slice.

Rounding acts twice. A point of the slice is hardly ever an input that can be fed to the network: the nearest input of
the type lies beside it, perhaps in another region. And the run rounds after every operator. The two are kept apart:
everything that is said of the run is said against exact arithmetic *at the very input that was fed*.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from . import backends
from .arithmetic import Arithmetic, Forward
from .errors import ArgumentError
from .evaluation import batches
from .floats import FORMATS, points_inside
from .network import RELU, Conv, Dense, Gather, Max, Network, Node, Piecewise, Scale, Sum
from .partition import Partition

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Dtype = Literal["float16", "bfloat16", "float32", "float64"]
Masks = list[NDArray[np.bool_]]
"""For each nonlinear node, and at last the decision, which pieces fit (rows, units, pieces)."""

_SHARP = 2.0**-10
"""The part of an ulp of the type below which the float64 reference's bound must be; other rows are evaluated exactly."""

_COLUMNS, _MOST = 256, 4
"""How many numbers are looked through for inputs in a region that no other input reached, and how many inputs kept."""


@dataclass(frozen=True, eq=False)
class Run:
    """What a network in floating point does at M inputs, against exact arithmetic at the same inputs."""

    u: NDArray[np.float64]
    """The slice coordinates that were asked for, (M, D)."""
    inputs: NDArray[np.float64]
    """What was fed: the points of the input space, rounded to the type, (M, n)."""
    regions: NDArray[np.int64]
    """The region whose pattern the exact network has at the input, (M,); -1 where no region of the slice has it."""
    chosen: NDArray[np.int64]
    """The region whose pattern the run has, (M,); -1 where no region of the slice has it."""
    flips: NDArray[np.int64]
    """How many units the run has on a piece on which they are not, (M,). A tie on either side counts for no flip."""
    changed: NDArray[np.bool_]
    """Where the decision (the largest output; the sign of a single one) is another one than exactly, (M,)."""
    errors: NDArray[np.float64]
    """The largest distance of an output from the exact one, (M,); infinite where the run overflows."""

    def __len__(self) -> int:
        return len(self.u)

    def to_dict(self, ulp: float) -> dict[str, Any]:
        """The counts, and the quantiles of the errors in units of ``ulp``, as plain numbers."""
        shares = np.quantile(self.errors, (0.5, 0.99, 1.0), method="lower") / ulp if len(self) else np.zeros(3)
        return {
            "inputs": len(self),
            "with units on other pieces": int((self.flips > 0).sum()),
            "most units on other pieces": int(self.flips.max(initial=0)),
            "with another decision": int(self.changed.sum()),
            "output errors in ulps (50%, 99%, largest)": shares.tolist(),
        }


@dataclass(frozen=True, eq=False)
class ExecutionComparison:
    """How a network that runs in a floating-point type differs from itself in exact arithmetic, on one slice."""

    partition: Partition
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
    """Regions that were not reached and are proved to hold no input of the type, bool (R,); None where that is not known:
    unless inputs are the slice coordinates themselves, and the partition is exact."""

    @property
    def ulp(self) -> float:
        """The spacing of the type's numbers at the largest exact output met: the unit of errors."""
        largest = float(np.abs(self.partition.outputs.to_numpy().astype(np.float64)).max(initial=0.0))
        return FORMATS[self.dtype].spacing * 2.0 ** (np.frexp(largest)[1] - 1) if largest else 1.0

    @property
    def moved(self) -> NDArray[np.bool_]:
        """Regions whose inner point is, rounded to an input, no longer in the region, bool (R,)."""
        return self.interiors.regions != np.arange(len(self.partition))

    def to_dict(self) -> dict[str, Any]:
        """The comparison as plain numbers and strings, for JSON."""
        runs = {name: getattr(self, name).to_dict(self.ulp) for name in ("interiors", "vertices", "grid", "found")}
        missed = ~self.reached
        return {
            "type": self.dtype,
            "device": self.device or "cpu",
            "weights rounded": self.rounded,
            "regions": len(self.partition),
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

    def plot(self) -> Figure:
        """A figure of two pictures of the slice: where the run is on other pieces, and the regions not reached."""
        from .plot_comparisons import plot_execution

        return plot_execution(self)

    # ---- private ---------------------------------------------------------------------------------------------------
    def _general(self) -> Iterator[tuple[str, str, str]]:
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
            middle, high, largest = numbers[4]
            yield f"inputs {where}", f"{len(run):,}", f"fed as {self.dtype}, judged exactly at what was fed"
            yield "  units on other pieces", f"{numbers[1]:,} ({share:.2%})", f"inputs; at most {numbers[2]} units at one"
            yield "  another decision", f"{numbers[3]:,}", "inputs where class (or sign) is not the exact one"
            yield "  output error, ulps", f"{largest:.3g}", f"the largest; 99% below {high:.3g}, half below {middle:.3g}"

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


def compare_execution(
    part: Partition, *, dtype: Dtype = "float32", device: str | None = None, grid: int = 200
) -> ExecutionComparison:
    """How the network of a partition, run in ``dtype`` on ``device``, differs from itself in exact arithmetic.

    It is run at the vertices, inside every region, and on a ``grid`` x ``grid`` raster of the domain, by this library's
    operators: one order of summation of many, on the CPU or GPU. Signs, patterns and decisions of the exact network are
    certain: from float64 with its error bound, and in rational arithmetic where that leaves something open (and for
    float64 runs always). Raises ``ArgumentError`` for another dtype, or a partition with ambiguous regions.
    """
    if not isinstance(part, Partition):
        raise ArgumentError(f"part must be a Partition, got {type(part).__name__}. Call cpwl.partition first.")
    if dtype not in get_args(Dtype):
        raise ArgumentError(f"dtype must be one of {', '.join(map(repr, get_args(Dtype)))}, got {dtype!r}.")
    if not isinstance(grid, int) or grid < 0:
        raise ArgumentError(f"grid must be a number of points a side, got {grid!r}.")
    if len(part.ambiguous):
        raise ArgumentError("part has ambiguous regions. Use predicates='exact', or certify(part).partition.")
    judge = _Judge(part, dtype, device)
    vertices, interiors, raster = (
        judge.at_slice(points)
        for points in (part.vertices.astype(np.float64), interior_points(part), raster_points(part, grid))
    )
    reached = np.zeros(len(part), np.bool_)
    for run in (vertices, interiors, raster):
        reached[run.chosen[run.chosen >= 0]] = True
    found, void = _searched(judge, part, dtype, np.flatnonzero(~reached))
    reached[found.chosen[found.chosen >= 0]] = True
    void = None if void is None else void & ~reached
    rounded = _weights_rounded(part.network, judge.rounded)
    return ExecutionComparison(part, dtype, device, rounded, vertices, interiors, raster, found, reached, void)


def interior_points(part: Partition) -> NDArray[np.float64]:
    """The mean of each region's vertices, in float64 (R, D)."""
    points, regions = part.vertices.astype(np.float64), part.regions
    return np.asarray(regions.reduce(np.add, points[regions.values]) / regions.counts[:, None])


def raster_points(part: Partition, side: int) -> NDArray[np.float64]:
    """The centres of the squares of a grid over the domain's bounding box that lie in the domain, (n, 2)."""
    corners = part.domain.polytope.vertices
    low, high = corners.min(axis=0), corners.max(axis=0)
    axes = [low[k] + (np.arange(side) + 0.5) / max(side, 1) * (high[k] - low[k]) for k in (0, 1)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    inside = np.ones(len(points), np.bool_)
    for p, q in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        (dx, dy), away = q - p, points - p
        inside &= dx * away[:, 1] - dy * away[:, 0] >= 0
    return points[inside]


def _weights_rounded(network: Network, rounded: Any) -> int:
    """How many weights, biases, factors and shifts are no numbers of the type."""
    tensors = [
        values
        for node in network.nodes
        for values in (
            (node.op.weight, node.op.bias)
            if isinstance(node.op, (Dense, Conv))
            else (node.op.factor, node.op.shift)
            if isinstance(node.op, Scale)
            else ()
        )
    ]
    return sum(int((rounded(values) != values).sum()) for values in tensors)


def _searched(
    judge: _Judge, part: Partition, dtype: Dtype, regions: NDArray[np.int64]
) -> tuple[Run, NDArray[np.bool_] | None]:
    """The run at inputs found inside the given regions, and which of all regions are proved to hold none."""
    domain = part.domain
    plain = np.array_equal(domain.basis, np.eye(2)) and not domain.origin.any()
    if not (plain and part.arrangement.exact):
        return judge.at_inputs(np.zeros((0, domain.dim)), np.zeros((0, part.network.inputs))), None
    void, points = np.zeros(len(part), np.bool_), []
    for r in regions.tolist():
        inside = points_inside(part.vertices[part.regions[r]].tolist(), FORMATS[dtype], columns=_COLUMNS, most=_MOST)
        void[r] = inside.complete and not inside.points
        points += inside.points
    inputs = np.array(points, np.float64).reshape(-1, 2)
    return judge.at_inputs(inputs, inputs), void


class _Judge:
    """Runs a network and judges the run by exact arithmetic."""

    def __init__(self, part: Partition, dtype: Dtype, device: str | None) -> None:
        self._part, self._network, self._dtype = part, part.network, dtype
        self._execution = backends.execution(dtype, device)
        self._known: dict[bytes, int] = {}
        for rows in batches(len(part), self._network):
            patterns = part.patterns(np.arange(rows.start, rows.stop))
            self._known.update({_key(row): rows.start + i for i, row in enumerate(patterns)})

    def rounded(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Numbers rounded to the type."""
        return self._execution.rounded(values)

    def at_slice(self, u: NDArray[np.float64]) -> Run:
        """The run at the inputs nearest to points of the slice."""
        return self.at_inputs(u, self.rounded(self._part.to_input(u).astype(np.float64).reshape(len(u), -1)))

    def at_inputs(self, u: NDArray[np.float64], inputs: NDArray[np.float64]) -> Run:
        """The run at inputs of the type."""
        parts = [self._judged(inputs[rows]) for rows in batches(len(inputs), self._network, _most_pieces(self._network))]
        none = np.zeros(0, np.int64)
        columns = zip(*parts, strict=True) if parts else [[none], [none], [none], [none.astype(bool)], [none * 1.0]]
        return Run(u, inputs, *(np.concatenate(list(column)) for column in columns))

    def _judged(self, inputs: NDArray[np.float64]) -> tuple[NDArray[Any], ...]:
        """The columns of a ``Run`` for some inputs."""
        ran, output = self._ran(inputs)
        exact, errors = self._reference(inputs, output)
        agreed = [one & other for one, other in zip(ran, exact, strict=True)]
        flipped = [~both.any(axis=2) for both in agreed]
        chosen = [np.where(both.any(axis=2, keepdims=True), both, one) for both, one in zip(agreed, ran, strict=True)]
        flips = sum((flip.sum(axis=1) for flip in flipped[:-1]), np.zeros(len(inputs), np.int64))
        return self._regions(exact), self._regions(chosen), np.asarray(flips), flipped[-1].any(axis=1), errors

    def _ran(self, inputs: NDArray[np.float64]) -> tuple[Masks, NDArray[np.float64]]:
        """The pieces that fit the arguments of the run, and its output."""
        masks, values = [], inputs
        for i, values in self._execution.run(self._network, inputs):
            node = _decision(self._network) if i < 0 else self._network.nodes[i]
            masks.append(_fitting(node, _float_sides(node, values)) & ~_unordered(node, values))
        return masks, values

    def _reference(self, inputs: NDArray[np.float64], output: NDArray[np.float64]) -> tuple[Masks, NDArray[np.float64]]:
        """The pieces that fit exactly, and the distance of the given output from the exact one."""
        if self._dtype == "float64":
            masks, _, errors = _judgement("exact", self._network, inputs, output)
            return masks, errors
        masks, open_, errors = _judgement("torch", self._network, inputs, output, FORMATS[self._dtype].spacing * _SHARP)
        rows = np.flatnonzero(open_)
        if len(rows):
            exactly, _, errors[rows] = _judgement("exact", self._network, inputs[rows], output[rows])
            for mask, part in zip(masks, exactly, strict=True):
                mask[rows] = part
        return masks, errors

    def _regions(self, masks: Masks) -> NDArray[np.int64]:
        """The region that has the pattern with the canonical ones of the pieces that fit, for each row."""
        columns = [_canonical(self._network.nodes[i], mask) for i, mask in zip(self._network.nonlinear, masks[:-1])]
        patterns = np.concatenate([np.zeros((len(masks[-1]), 0), np.int16), *columns], axis=1)
        return np.array([self._known.get(_key(row), -1) for row in patterns], np.int64)


def _key(pattern: NDArray[np.int16]) -> bytes:
    """A name of a pattern: no two are known to have the same."""
    return blake2b(np.ascontiguousarray(pattern, np.int16).tobytes(), digest_size=16).digest()


def _most_pieces(network: Network) -> int:
    """The largest number of pieces of a unit."""
    return max((_pieces(network, i) for i in network.nonlinear), default=1)


def _pieces(network: Network, i: int) -> int:
    node = network.nodes[i]
    if isinstance(node.op, Piecewise):
        return len(node.op.breakpoints) + 1
    return network.nodes[node.inputs[0]].shape[-1]


def _decision(network: Network) -> Node:
    """What is decided by the outputs, as a node: which is the largest, or whether a single one is above zero."""
    return Node(RELU, (), (1,)) if network.outputs == 1 else Node(Max(), (), (1,))


# ---- sides: each unit's signs, from which the pieces that fit it follow ---------------------------------------------
def _fitting(node: Node, sides: NDArray[np.int8]) -> NDArray[np.bool_]:
    """The pieces that fit, bool (rows, units, pieces): at a breakpoint both, and every one of tied arguments.

    ``sides`` are the signs of the argument minus each breakpoint, or of each argument of a maximum minus the largest.
    """
    if isinstance(node.op, Max):
        return np.asarray(sides == 0)
    low, high = (sides > 0).sum(axis=2)[:, :, None], (sides >= 0).sum(axis=2)[:, :, None]
    piece = np.arange(sides.shape[2] + 1)
    return np.asarray((low <= piece) & (piece <= high))


def _canonical(node: Node, fits: NDArray[np.bool_]) -> NDArray[np.int16]:
    """The canonical piece among those that fit, (rows, units): the last one, or the first of tied arguments."""
    if isinstance(node.op, Max):
        return np.where(fits.any(axis=2), fits.argmax(axis=2), -1).astype(np.int16)
    last = fits.shape[2] - 1 - fits[:, :, ::-1].argmax(axis=2)
    return np.where(fits.any(axis=2), last, -1).astype(np.int16)


def _float_sides(node: Node, values: NDArray[np.float64]) -> NDArray[np.int8]:
    """The sides of arguments that are floating-point numbers."""
    if isinstance(node.op, Max):
        groups = values.reshape(len(values), node.size, -1)
        return (groups == groups.max(axis=2, keepdims=True)).astype(np.int8) - np.int8(1)
    assert isinstance(node.op, Piecewise)
    entry = values[:, :, None]
    return (entry > node.op.breakpoints).astype(np.int8) - (entry < node.op.breakpoints).astype(np.int8)


def _unordered(node: Node, values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Units whose argument is not a number, after an overflow: no piece fits, (rows, units, 1)."""
    return np.asarray(np.isnan(values.reshape(len(values), node.size, -1)).any(axis=2, keepdims=True))


def _field_sides(arithmetic: Arithmetic[Any], node: Node, argument: Any) -> NDArray[np.int8]:
    """The sides of a field; 0 where they are zero or, for a float field, not certain."""
    if isinstance(node.op, Max):
        largest = arithmetic.activate(node, argument)
        index = np.repeat(np.arange(node.size), argument.columns // node.size)
        repeated = arithmetic.linear(Node(Gather(index), (), index.shape), [largest])
        below = arithmetic.linear(Node(Sum((1.0, -1.0)), (), index.shape), [argument, repeated])
        return np.asarray(below.signs().reshape(argument.rows, node.size, -1))
    assert isinstance(node.op, Piecewise)
    shifts = (Node(Scale(np.ones(1), np.full(1, -b)), (), (argument.columns,)) for b in node.op.breakpoints.tolist())
    return np.stack([arithmetic.linear(shift, [argument]).signs() for shift in shifts], axis=2)


def _judgement(
    backend: str, network: Network, inputs: NDArray[np.float64], output: NDArray[np.float64], sharp: float = 0.0
) -> tuple[Masks, NDArray[np.bool_], NDArray[np.float64]]:
    """The pieces that fit by one backend, the rows where it leaves something open, and the errors of an output.

    The errors are open where the backend's own bound is not below ``sharp`` times the largest output.
    """
    arithmetic = backends.get(backend).arithmetic
    forward = Forward(network, arithmetic, arithmetic.points(inputs))
    masks, open_ = [], np.zeros(len(inputs), np.bool_)

    def judge(node: Node, argument: Any) -> None:
        fits = _fitting(node, _field_sides(arithmetic, node, argument))
        masks.append(fits)
        np.logical_or(open_, (fits.sum(axis=2) > 1).any(axis=1), out=open_)

    for stage in forward:
        judge(stage.node, stage.argument)
    judge(_decision(network), forward.output)
    exact = forward.output.to_numpy()
    sizes = np.abs(exact.astype(np.float64)).max(axis=1, initial=0.0)
    open_ |= ~(forward.output.errors() <= sharp * sizes)
    return masks, open_, _distances(output, exact)


def _distances(output: NDArray[np.float64], exact: NDArray[Any]) -> NDArray[np.float64]:
    """The largest distance in each row, of Fractions rounded once; infinite where the output is not finite."""
    finite = np.isfinite(output)
    values: NDArray[Any] = np.where(finite, output, 0.0)
    if exact.dtype == object:
        values = np.vectorize(Fraction, otypes=[object])(values)
    distance = np.abs(values - exact).astype(np.float64)
    return np.asarray(np.where(finite, distance, np.inf).max(axis=1, initial=0.0))
