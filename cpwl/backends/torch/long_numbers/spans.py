"""The functions of a network on many regions in long numbers, from a row for each unit that bends among them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ....fields.predicates import Names
from ....fields.spans import Rows, Span, SpanFunctions, SpanRows
from ....geometry.domain import Domain
from ....network.network import Network, Node
from ....numbers.double_double import Balls
from ..complex.segments import as_numpy
from .arithmetic import ExtendedArithmetic, ExtendedField

MORE = 2
"""Parts that the slice's own rows have more: other rows are multiplied by coefficients, which are small."""

_MOST = 8
"""Parts of a number."""


@dataclass(frozen=True, eq=False)
class _Blocks:
    """Rows by the number of the batch in which they began; a batch that is left out is zero."""

    rows: Mapping[int, ExtendedField]
    size: int


class CloseRows(SpanRows[_Blocks, Balls]):
    """Rows in numbers of so many parts."""

    together = True
    most = 1 << 62

    def __init__(self, network: Network, domain: Domain, parts: int) -> None:
        super().__init__(network, domain)
        self._close = ExtendedArithmetic.of(network, min(parts, _MOST))
        self._closest = ExtendedArithmetic.of(network, min(parts + MORE, _MOST))
        self._counts: list[int] = []
        """Rows of each batch; the first one is the slice's."""

    def slice(self) -> _Blocks:
        (frame,) = self._domain.frames
        self._counts = [len(frame)]
        return _Blocks({0: self._closest.rows(frame, np.eye(1, len(frame))[0])}, frame.shape[1])

    def begun(self, size: int, units: Rows) -> _Blocks:
        values = np.zeros((len(units), size))
        values[np.arange(len(units)), units] = 1.0
        self._counts.append(len(units))
        return _Blocks({len(self._counts) - 1: self._close.rows(values, np.zeros(len(units)))}, size)

    def zeros(self, count: int, size: int) -> _Blocks:
        return _Blocks({}, size)

    def linear(self, node: Node, inputs: Sequence[_Blocks]) -> _Blocks:
        present = sorted({key for x in inputs for key in x.rows})
        result: dict[int, ExtendedField] = {}
        for keys, arithmetic in (([0], self._closest), ([key for key in present if key], self._close)):
            many = [[self._block(x, key, arithmetic) for x in inputs] for key in keys if key in present]
            result.update(zip(keys, arithmetic.linear_of_all(node, many) if many else [], strict=False))
            arithmetic.forget(node.op)
        return _Blocks(result, node.size)

    def _block(self, x: _Blocks, key: int, arithmetic: ExtendedArithmetic) -> ExtendedField:
        known = x.rows.get(key)
        if known is not None:
            return known
        return arithmetic.rows(np.zeros((self._counts[key], x.size)), np.zeros(self._counts[key]))

    def on_pieces(self, node: Node, x: _Blocks, pieces: Rows) -> _Blocks:
        index = torch.as_tensor(pieces)[None]
        rows = {key: self._arithmetic(key).on_pieces(node, part, index) for key, part in x.rows.items()}
        return _Blocks(rows, node.size)

    def _arithmetic(self, key: int) -> ExtendedArithmetic:
        return self._close if key else self._closest

    def stacked(self, x: _Blocks, y: _Blocks) -> _Blocks:
        return _Blocks({**x.rows, **y.rows}, x.size)

    def size(self, x: _Blocks) -> int:
        return x.size

    def picked(self, x: _Blocks | None, columns: Rows, count: int) -> Balls:
        parts = [self._picked(None if x is None else x.rows.get(key), columns, n) for key, n in enumerate(self._counts)]
        return Balls.joined(parts)

    def _picked(self, x: ExtendedField | None, columns: Rows, count: int) -> Balls:
        if x is None:
            return Balls.zeros((count, len(columns)))
        at = torch.as_tensor(columns)
        radius = x.error[:, None].expand(-1, len(columns)).masked_fill(x.zeros[:, at], 0.0)
        return Balls.sums(np.stack([as_numpy(part[:, at]) for part in x.digits.parts]), as_numpy(radius))

    def joined(self, tables: Sequence[Balls]) -> Balls:
        return Balls.joined(tables)


class CloseFunctions(SpanFunctions[Balls]):
    """Functions up to a bound."""

    def __init__(self, dim: int) -> None:
        """``dim``: of the slice."""
        self._own = dim + 1

    def constants(self, values: NDArray[Any]) -> Balls:
        return Balls.of_fractions(values.ravel().tolist()).reshaped(*values.shape)

    def taken(self, values: Balls, row: Rows, column: Rows) -> Balls:
        return values[row, column]

    def frame(self, count: int) -> Balls:
        return Balls.zeros((count, self._own, 0))

    def extended(self, coefficients: Balls, more: Balls) -> Balls:
        names = ("high", "low", "radius")
        return Balls(*(np.concatenate([getattr(coefficients, x), getattr(more, x)], axis=2) for x in names))

    def combined(self, coefficients: Balls, rows: Balls, columns: Rows) -> Balls:
        own, kinds = self._own, len(coefficients)
        chosen = rows[:, columns]
        total = Balls.zeros((kinds, own, len(columns)))
        total.put(slice(None), chosen[:own])
        for k in range(coefficients.shape[2]):
            there = np.flatnonzero(~coefficients[:, :, k].is_zero().all(axis=1))
            if len(there):
                total.put(there, total[there] + coefficients[there, :, k, None] * chosen[own + k])
        return total

    def entries(self, coefficients: Balls, rows: Balls, kind: Rows, column: Rows) -> Balls:
        own = self._own
        total = Balls.zeros((len(kind), own))
        total.put(slice(None), rows[np.arange(own)[None], column[:, None]])
        for k in range(coefficients.shape[2]):
            there = np.flatnonzero(~np.asarray(coefficients[:, :, k].is_zero().all(axis=1))[kind])
            if len(there):
                more = coefficients[kind[there], :, k] * rows[own + k, column[there], None]
                total.put(there, total[there] + more)
        return total

    def hinges(self, arguments: Balls, slopes: Balls, intercepts: Balls) -> Balls:
        result = arguments * slopes[:, None]
        result.put((slice(None), 0), result[:, 0] + intercepts)
        return result

    def differences(self, values: Balls, columns: Rows, base: Rows) -> Balls:
        index = np.arange(len(values))[:, None]
        names = ("high", "low", "radius")
        here = Balls(*(np.moveaxis(getattr(values, x)[index, :, columns], 2, 1) for x in names))
        return here - values[:, :, base]

    def empty(self, count: int) -> Balls:
        return Balls.zeros((count, self._own))

    def put(
        self, result: Balls, index: Rows, values: Balls, others: Rows, less: Balls, level: NDArray[np.float64]
    ) -> None:
        values.put(others, values[others] - less)
        zero = np.zeros_like(level)
        values.put((slice(None), 0), values[:, 0] - Balls(level, zero, zero))
        result.put(index, values)


@dataclass(frozen=True, eq=False)
class SpannedStage:
    """The functions of a stage on regions, and of earlier stages some, from rows that span them."""

    span: Span
    before: Sequence[tuple[Rows, Balls]]
    """Which entries of what the stages before this one read are known, and these entries of the rows."""
    entries: Callable[[Rows], Balls]
    """Some entries of what the stage reads, of the rows."""

    @classmethod
    def of(cls, rows: CloseRows, span: Span, names: Names) -> SpannedStage:
        """The stage after those of a span; ``names``: what may be asked for of earlier ones."""
        stop = len(span.stages)
        columns, before, entries = span.columns(names, stop), [], None
        for stage, entries in rows.picks(span, stop):
            if stage < stop:
                before.append((columns[stage], entries(columns[stage])))
        assert entries is not None
        return cls(span, before, entries)

    def serves(self, patterns: NDArray[np.int16], names: Names) -> bool:
        """Whether regions with these patterns are among those meant, and what is asked for is known."""
        columns = self.span.columns(names, len(self.span.stages))[:-1]
        known = all(np.isin(more, there).all() for more, (there, _) in zip(columns, self.before, strict=True))
        return known and self.span.holds(patterns)

    def on(self, functions: CloseFunctions, patterns: NDArray[np.int16]) -> Callable[[Rows, Names], Balls]:
        """What gives functions on regions with these patterns by the places of regions, and names: constants first."""
        kinds, stop, nothing = self.span.kinds(patterns), len(self.span.stages), np.zeros(0, np.int64)
        tables = [*self.before, (nothing, self.entries(nothing))]
        *before, (_, _, coefficients) = functions.stages(self.span, kinds, tables)

        def named(place: Rows, names: Names) -> Balls:
            here = names.stage == stop
            columns = np.unique(np.concatenate([names.first[here], names.second[here & (names.second >= 0)]]))
            read = columns, self.entries(columns), coefficients
            return functions.named([*before, read], kinds.place[place], names)

        return named
