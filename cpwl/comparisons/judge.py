"""What a network run in floating point does at single inputs, judged by exact arithmetic at the same inputs.

Units are compared by the pieces that *fit* them: at a breakpoint both pieces do, and every one of tied arguments of a
maximum. The run is on another piece where none fits both its argument and the exact one; a tie accuses nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import backends
from ..backends import rungs
from ..fields.arithmetic import Forward
from ..geometry.ladder import Kind, Rung, climb
from ..local.evaluate import batches
from ..network.network import Network, Node
from ..network.operators import RELU, Gather, Max, Piecewise, Scale, Sum
from ..numbers.double_double import Balls
from ..numbers.float_formats import FORMATS, plain
from ..tiling.tiling import Tiling

Masks = list[NDArray[np.bool_]]
"""For each nonlinear node, and at last the decision, which pieces fit (rows, units, pieces)."""

_SHARP = 2.0**-10
"""The reference must be known to this part of an ulp of the type; other rows are evaluated more closely."""

_PARTS = (3, 8)
"""How long the numbers are, in float64 numbers, that decide what float64 leaves open, before rational ones do."""

_ENTRIES = 1 << 21
"""Rows times widest node and pieces that are evaluated at once in long numbers."""


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
        """The counts, and quantiles of the errors in units of ``ulp``, as plain numbers; None for infinity."""
        return {
            "inputs": len(self),
            "with units on other pieces": int((self.flips > 0).sum()),
            "most units on other pieces": int(self.flips.max(initial=0)),
            "with another decision": int(self.changed.sum()),
            "output errors in ulps (50%, 99%, largest)": [plain(x) for x in self.error_quantiles(ulp)],
        }

    def error_quantiles(self, ulp: float) -> list[float]:
        """The errors that half and 99% of the inputs do not exceed, and the largest, in units of ``ulp``."""
        shares = np.quantile(self.errors, (0.5, 0.99, 1.0), method="lower") if len(self) else np.zeros(3)
        return [float(x) / ulp for x in shares]


class Judge:
    """Runs a network and judges the run by exact arithmetic."""

    def __init__(self, part: Tiling, dtype: str, device: str | None) -> None:
        self._part, self._network, self._dtype = part, part.network, dtype
        self._execution = backends.get("torch", device).execution(dtype)
        self._known: dict[bytes, int] = {}
        for rows in batches(len(part), self._network):
            patterns = part.patterns(np.arange(rows.start, rows.stop))
            self._known.update({_key(row): rows.start + i for i, row in enumerate(patterns)})

    def rounded(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Numbers rounded to the type."""
        return self._execution.rounded(values)

    def at_slice(self, u: NDArray[np.float64]) -> Run:
        """The run at the inputs nearest to points of the slice."""
        return self.at_inputs(
            u, self.rounded(self._part.to_input(u).astype(np.float64).reshape(len(u), self._network.inputs))
        )

    def at_inputs(self, u: NDArray[np.float64], inputs: NDArray[np.float64]) -> Run:
        """The run at inputs of the type."""
        parts = [self._judged(inputs[rows]) for rows in batches(len(inputs), self._network, most_pieces(self._network))]
        none = np.zeros(0, np.int64)
        columns = zip(*parts, strict=True) if parts else [[none], [none], [none], [none.astype(bool)], [none * 1.0]]
        return Run(u, inputs, *(np.concatenate(list(column)) for column in columns))

    def _judged(self, inputs: NDArray[np.float64]) -> tuple[NDArray[Any], ...]:
        """The columns of a ``Run`` for some inputs."""
        ran, output = self._ran(inputs)
        exact, errors = self._reference(inputs, output)
        agreed = [run & reference for run, reference in zip(ran, exact, strict=True)]
        chosen = [np.where((_count(both) > 0)[:, :, None], both, run) for both, run in zip(agreed, ran, strict=True)]
        flips = np.zeros(len(inputs), np.int64)
        for both in agreed[:-1]:
            flips += (_count(both) == 0).sum(axis=1)
        changed = ~np.asarray(agreed[-1].any(axis=(1, 2)))
        return self._regions(exact), self._regions(chosen), flips, changed, errors

    def _ran(self, inputs: NDArray[np.float64]) -> tuple[Masks, NDArray[np.float64]]:
        """The pieces that fit the arguments of the run, and its output."""
        masks, values = [], inputs
        for i, values in self._execution.run(self._network, inputs):
            node = _decision(self._network) if i < 0 else self._network.nodes[i]
            masks.append(_fitting(node, _float_sides(node, values)) & ~_unordered(node, values))
        return masks, values

    def _reference(self, inputs: NDArray[np.float64], output: NDArray[np.float64]) -> tuple[Masks, NDArray[np.float64]]:
        """The pieces that fit exactly, and the distance of the given output from the exact one."""
        masks: Masks = []
        errors = np.zeros(len(inputs))

        def by(reference: _Reference) -> Callable[[NDArray[np.int64]], NDArray[np.bool_]]:
            def ask(rows: NDArray[np.int64]) -> NDArray[np.bool_]:
                still_open = np.zeros(len(rows), np.bool_)
                for start in range(0, len(rows), reference.most):
                    part = slice(start, start + reference.most)
                    some = rows[part]
                    fitting_pieces, still_open[part], errors[some] = reference.judgement(inputs[some], output[some])
                    if not masks:
                        masks.extend(np.zeros((len(inputs), *mask.shape[1:]), np.bool_) for mask in fitting_pieces)
                    for mask, fitting in zip(masks, fitting_pieces, strict=True):
                        mask[some] = fitting
                return still_open

            return ask

        climb([Rung(reference.kind, by(reference)) for reference in self._references], len(inputs))
        return masks, errors

    @cached_property
    def _references(self) -> list[_Reference]:
        """From the quickest on, each for the rows that those before leave open: float64, long numbers, rationals.

        For a run in float64 itself float64 is never close enough.
        """
        network, sharp = self._network, FORMATS[self._dtype].spacing * _SHARP
        torch, exact = (backends.get(name).arithmetic for name in ("torch", "exact"))
        quick = [] if self._dtype == "float64" else [_Reference(network, torch, sharp, "float64")]
        close = [
            _CloseReference(network, rungs.close_arithmetic(network, count), sharp, "long number") for count in _PARTS
        ]
        return [*quick, *close, _Reference(network, exact, sharp, "integer")]

    def _regions(self, masks: Masks) -> NDArray[np.int64]:
        """The region that has the pattern with the canonical ones of the pieces that fit, for each row."""
        columns = [
            _canonical(self._network.nodes[i], mask)
            for i, mask in zip(self._network.nonlinear, masks[:-1], strict=True)
        ]
        patterns = np.concatenate([np.zeros((len(masks[-1]), 0), np.int16), *columns], axis=1)
        return np.array([self._known.get(_key(row), -1) for row in patterns], np.int64)


def _key(pattern: NDArray[np.int16]) -> bytes:
    """A name of a pattern: no two are known to have the same."""
    return blake2b(np.ascontiguousarray(pattern, np.int16).tobytes(), digest_size=16).digest()


def most_pieces(network: Network) -> int:
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
    low, high = _count(sides > 0)[:, :, None], _count(sides >= 0)[:, :, None]
    piece = np.arange(sides.shape[2] + 1)
    return np.asarray((low <= piece) & (piece <= high))


def _count(bits: NDArray[np.bool_]) -> NDArray[np.int16]:
    """How many bits are set along the last of three axes, which is short: numpy's sums are slow there."""
    total = np.zeros(bits.shape[:2], np.int16)
    for k in range(bits.shape[2]):
        total += bits[:, :, k]
    return total


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
        return np.asarray((groups == groups.max(axis=2, keepdims=True)).astype(np.int8) - np.int8(1))
    assert isinstance(node.op, Piecewise)
    entry = values[:, :, None]
    return np.asarray((entry > node.op.breakpoints).astype(np.int8) - (entry < node.op.breakpoints).astype(np.int8))


def _unordered(node: Node, values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Units whose argument is not a number, after an overflow: no piece fits, (rows, units, 1)."""
    return np.asarray(np.isnan(values.reshape(len(values), node.size, -1)).any(axis=2, keepdims=True))


class _Reference:
    """A network evaluated with bounds, by which a run is judged."""

    def __init__(self, network: Network, arithmetic: Any, sharp: float, kind: Kind) -> None:
        """An output is open where its bound is not below ``sharp`` times the largest output."""
        self._network, self._arithmetic, self._sharp, self.kind = network, arithmetic, sharp, kind
        self.most = _ENTRIES // (max(node.size for node in network.nodes) * most_pieces(network)) + 1
        """Rows that are evaluated at once."""

    def judgement(
        self, inputs: NDArray[np.float64], output: NDArray[np.float64]
    ) -> tuple[Masks, NDArray[np.bool_], NDArray[np.float64]]:
        """The pieces that fit, the rows where something is left open, and the distances of ``output`` (see ``Run``)."""
        masks: Masks = []
        pieces: dict[int, NDArray[np.int64]] = {}
        open_ = np.zeros(len(inputs), np.bool_)

        def judge(node: Node, argument: Any) -> NDArray[np.bool_]:
            sides, doubtful = self._sides(node, argument)
            masks.append(_fitting(node, sides))
            several = (_count(masks[-1]) != 1) & (_count(doubtful) > 0)
            np.logical_or(open_, several.any(axis=1), out=open_)
            return masks[-1]

        forward = self._forward(inputs, pieces)
        for stage in forward:
            pieces[stage.index] = _canonical(stage.node, judge(stage.node, stage.argument)).astype(np.int64)
        judge(_decision(self._network), forward.output)
        values, errors = self._values(forward.output)
        open_ |= ~(errors <= self._sharp * np.abs(values[0].astype(np.float64)).max(axis=1, initial=0.0))
        return masks, open_, _distances(output, values)

    def _sides(self, node: Node, argument: Any) -> tuple[NDArray[np.int8], NDArray[np.bool_]]:
        """The sides of a field, and which of them are not certain: they are 0."""
        if isinstance(node.op, Max):
            largest = self._largest(node, argument)
            index = np.repeat(np.arange(node.size), argument.columns // node.size)
            repeated = self._arithmetic.linear(Node(Gather(index), (), index.shape), [largest])
            below = self._arithmetic.linear(Node(Sum((1.0, -1.0)), (), index.shape), [argument, repeated])
            signs, doubtful = (part.reshape(len(part), node.size, -1) for part in self._signs(below))
            return np.minimum(signs, 0).astype(np.int8), np.asarray(doubtful | (signs > 0), np.bool_)
        assert isinstance(node.op, Piecewise)
        shifts = (
            Node(Scale(np.ones(1), np.full(1, -b)), (), (argument.columns,)) for b in node.op.breakpoints.tolist()
        )
        at_levels = [self._signs(self._arithmetic.linear(shift, [argument])) for shift in shifts]
        return np.stack([signs for signs, _ in at_levels], axis=2), np.stack([open_ for _, open_ in at_levels], axis=2)

    # ---- float64 and rational fields -------------------------------------------------------------------------------
    def _forward(self, inputs: NDArray[np.float64], pieces: dict[int, NDArray[np.int64]]) -> Forward[Any]:
        return Forward(self._network, self._arithmetic, self._arithmetic.points(inputs))

    def _largest(self, node: Node, argument: Any) -> Any:
        """The values of maxima, or of arguments about as large as they."""
        return self._arithmetic.activate(node, argument)

    def _signs(self, field: Any) -> tuple[NDArray[np.int8], NDArray[np.bool_]]:
        """Signs, and which are not certain."""
        signs = field.signs()
        return signs, (signs == 0) & (field.limits() > 0)

    def _values(self, field: Any) -> tuple[list[NDArray[Any]], NDArray[np.float64]]:
        """The values (rows, columns), as numbers to be added up, and a bound for each row."""
        return [field.to_numpy()], field.errors()


class _CloseReference(_Reference):
    """The same in long numbers, which are evaluated on given pieces. Where these are not certain a row is open."""

    def _forward(self, inputs: NDArray[np.float64], pieces: dict[int, NDArray[np.int64]]) -> Forward[Any]:
        return Forward(self._network, self._arithmetic, self._arithmetic.points(inputs), pieces.__getitem__)

    def _largest(self, node: Node, argument: Any) -> Any:
        values: Balls = rungs.balls(argument).reshaped(argument.rows, node.size, -1)
        first = values.high == values.high.max(axis=2, keepdims=True)
        return self._arithmetic.on_pieces(node, argument, np.where(first, values.low, -np.inf).argmax(axis=2))

    def _signs(self, field: Any) -> tuple[NDArray[np.int8], NDArray[np.bool_]]:
        values: Balls = rungs.balls(field)
        signs = values.signs()
        return signs, (signs == 0) & ~values.is_zero()

    def _values(self, field: Any) -> tuple[list[NDArray[Any]], NDArray[np.float64]]:
        values: Balls = rungs.balls(field)
        return [values.high, values.low], values.radius.max(axis=1, initial=0.0)


def _distances(output: NDArray[np.float64], exact: Sequence[NDArray[Any]]) -> NDArray[np.float64]:
    """The largest distance in each row from a sum, of Fractions rounded once; infinite where an output is not finite.

    Of a sum of two float64 numbers the first is subtracted first: an output near it leaves no rounding.
    """
    finite = np.isfinite(output)
    distance: NDArray[Any] = np.where(finite, output, 0.0)
    if exact[0].dtype == object:
        distance = np.vectorize(Fraction, otypes=[object])(distance)
    for part in exact:
        distance = distance - part
    distance = np.abs(distance).astype(np.float64)
    return np.asarray(np.where(finite, distance, np.inf).max(axis=1, initial=0.0))
