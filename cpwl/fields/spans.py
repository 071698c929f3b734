"""The functions of a network on many regions of a slice at once, from one row for each unit that bends among them.

Regions differ in the pieces of a few units. On each of them every entry of the network is a combination of the rows of
the slice and of one row for each of these units, on the lowest pieces (proofs/, Lemma 11 (e)): these
rows go through the network once, whatever the number of regions. Numbers may be of any kind.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import islice
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..geometry.domain import Domain
from ..network.network import Network, Node, table
from ..network.operators import Piecewise
from ..runtime.budget import checkpoint
from .predicates import Names

Rows = NDArray[np.int64]

Field = TypeVar("Field")
"""Rows on their way through the network."""


Numbers = TypeVar("Numbers")
"""Arrays of numbers: of coefficients, and of what is read of rows."""


@dataclass(frozen=True, eq=False)
class Bent:
    """The units of one nonlinear node that bend among some regions."""

    node: int
    base: Rows
    """The lowest piece of every unit, (units,)."""
    units: Rows
    """Those that have several, increasing, (b,)."""
    highest: Rows
    """Their highest pieces, (b,)."""

    def columns(self, network: Network) -> Rows:
        """The entries of the argument by which it is known what these units are, increasing."""
        if not self._width(network):
            return self.units
        counts = self.highest - self.base[self.units] + 1
        first = self.argument(network, self.base[self.units])
        return np.repeat(first - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())

    def argument(self, network: Network, pieces: Rows) -> Rows:
        """The entries of the argument that these units are, up to an affine map, on given pieces (..., b)."""
        width = self._width(network)
        return self.units * width + pieces if width else np.broadcast_to(self.units, pieces.shape)

    def _width(self, network: Network) -> int:
        """How many arguments a unit has, if it is a maximum; else 0."""
        node = network.nodes[self.node]
        return 0 if isinstance(node.op, Piecewise) else network.nodes[node.inputs[0]].size // node.size


Ranges = Mapping[int, tuple[Rows, Rows]]
"""By nonlinear node the lowest and the highest piece of each unit."""


@dataclass(frozen=True, eq=False)
class Span:
    """What regions have in common: which pieces units have on all of them, and which units bend."""

    network: Network
    stages: tuple[Bent, ...]

    @classmethod
    def of(cls, network: Network, patterns: NDArray[np.int16], stop: int) -> Span:
        """That of regions (one or more) with the given patterns, of all units before stage ``stop`` at least."""
        parts = list(network.unit_columns.items())[:stop]
        low, high = (fold.reduce(patterns, axis=0).astype(np.int64) for fold in (np.minimum, np.maximum))
        return cls.between(network, {i: (low[part], high[part]) for i, part in parts})

    @classmethod
    def between(cls, network: Network, ranges: Ranges) -> Span:
        """That of regions on which units have pieces within these ranges, of the first nonlinear nodes."""
        stages = []
        for i in network.nonlinear[: len(ranges)]:
            low, high = ranges[i]
            units = np.flatnonzero(high > low)
            stages.append(Bent(i, low, units, high[units]))
        return cls(network, tuple(stages))

    @property
    def bending(self) -> int:
        """How many units bend."""
        return sum(len(stage.units) for stage in self.stages)

    def holds(self, patterns: NDArray[np.int16]) -> bool:
        """Whether regions with these patterns, of all units before one of the stages, are among those meant."""
        for bent, part in zip(self.stages, self.network.unit_columns.values(), strict=False):
            if part.start >= patterns.shape[1]:
                break
            highest = bent.base.copy()
            highest[bent.units] = bent.highest
            here = patterns[:, part]
            if (here < bent.base).any() or (here > highest).any():
                return False
        return True

    def kinds(self, patterns: NDArray[np.int16]) -> Kinds:
        """The pieces of the units that bend on regions with these patterns, of all units before one of the stages."""
        parts = [part for part in self.network.unit_columns.values() if part.stop <= patterns.shape[1]]
        bent = [part.start + stage.units for part, stage in zip(parts, self.stages, strict=False)]
        table = patterns[:, np.concatenate([np.zeros(0, np.int64), *bent])]
        rows, place = np.unique(table, axis=0, return_inverse=True)
        ends = np.cumsum([len(units) for units in bent])[:-1]
        return Kinds(tuple(np.split(rows.astype(np.int64), ends, axis=1)) if bent else (), place.reshape(-1), len(rows))

    def columns(self, names: Names, last: int | None = None) -> list[Rows]:
        """Of what each stage up to the ``last`` reads the entries that functions of these names are made of."""
        last, result = int(names.stage.max(initial=0)) if last is None else last, []
        for stage in range(last + 1):
            here = names.stage == stage
            columns = [names.first[here], names.second[here & (names.second >= 0)]]
            if stage < last:
                columns.append(self.stages[stage].columns(self.network))
            result.append(np.unique(np.concatenate(columns)))
        return result


@dataclass(frozen=True, eq=False)
class Kinds:
    """Regions by the pieces of the units of a span that bend."""

    pieces: tuple[Rows, ...]
    """Stage by stage the pieces on each kind of regions, (n, b), in increasing order of all of them."""
    place: Rows
    """The kind of each region."""
    count: int
    """How many kinds there are."""

    @property
    def before(self) -> Rows:
        """How many kinds differ in the stages before each stage, and in all of them: from 1 to ``count``."""
        differ = [(part[1:] != part[:-1]).any(axis=1) for part in self.pieces]
        so_far = np.logical_or.accumulate([np.zeros(max(self.count - 1, 0), np.bool_), *differ], axis=0)
        return np.asarray(1 + np.count_nonzero(so_far, axis=1))


@dataclass(frozen=True, eq=False)
class Read(Generic[Numbers]):
    """What has been read of the rows of a span, stage by stage."""

    columns: Sequence[Rows]
    """Which entries, increasing."""
    rows: Sequence[Numbers]
    """(D + 1 + units that bend before, columns)"""


class SpanRows(ABC, Generic[Field, Numbers]):
    """How the rows of a span go through a network, on a slice, in some kind of numbers."""

    together: ClassVar[bool]
    """Whether rows that begin at different units go on in one field."""
    most: int
    """Rows that go through the network at once."""

    def __init__(self, network: Network, domain: Domain) -> None:
        self._network, self._domain = network, domain

    def read(self, span: Span, columns: Sequence[Rows]) -> Read[Numbers]:
        """Some entries of what the first stages read, of the rows of a span: those of the slice, and of its units."""
        tables: list[list[Numbers]] = [[] for _ in columns]
        for births in self._batches(span, len(columns) - 1):
            for stage, pick in self._through(span, births, len(columns) - 1):
                tables[stage].append(pick(columns[stage]))
        return Read(columns, [self.joined(parts) for parts in tables])

    def stages(self, span: Span, columns: Sequence[Rows]) -> Iterator[tuple[int, Numbers]]:
        """The same stage by stage, where all rows go through the network at once."""
        return ((stage, pick(columns[stage])) for stage, pick in self.picks(span, len(columns) - 1))

    def picks(self, span: Span, stop: int) -> Iterator[tuple[int, Callable[[Rows], Numbers]]]:
        """Stage by stage, up to ``stop``, what gives entries of all rows, which go through the network at once.

        It is to be asked before the next stage is.
        """
        (births,) = self._batches(span, stop)
        return self._through(span, births, stop)

    def _batches(self, span: Span, stop: int) -> Iterator[dict[int, Rows]]:
        """Which rows go together: by stage the units that begin there, -1 for the slice."""
        batch: dict[int, Rows] = {-1: np.arange(self._domain.dim + 1)}
        for stage, bent in enumerate(span.stages[:stop]):
            for start in range(0, len(bent.units), self.most):
                units = bent.units[start : start + self.most]
                if not self.together or stage in batch or sum(map(len, batch.values())) + len(units) > self.most:
                    yield batch
                    batch = {}
                batch[stage] = units
        yield batch

    def _through(
        self, span: Span, births: dict[int, Rows], stop: int
    ) -> Iterator[tuple[int, Callable[[Rows], Numbers]]]:
        """A batch of rows on its way; where a row is zero all over a node, the field is left out."""
        network, count = self._network, 0
        live: dict[int, Field] = {}
        if -1 in births:
            count = self._domain.dim + 1
            live = self._linear({0: self.slice()}, 0, count)
        for stage in range(max(min(births), 0), stop + 1):
            argument = live.get(network.read_by(stage))
            if count:
                yield stage, partial(self.picked, argument, count=count)
            if stage == stop:
                return
            bent = span.stages[stage]
            node = network.nodes[bent.node]
            if argument is not None:
                live[bent.node] = self.on_pieces(node, argument, bent.base)
            if stage in births:
                begun = self.begun(node.size, births[stage])
                if count:
                    held = {bent.node: self.zeros(count, node.size), **live}
                    live = {i: self.followed(field, len(births[stage])) for i, field in held.items() if i != bent.node}
                    begun = self.stacked(held[bent.node], begun)
                live[bent.node], count = begun, count + len(births[stage])
            live = self._linear(self._without(live, bent.node), bent.node, count)

    def _linear(self, live: dict[int, Field], last: int, count: int) -> dict[int, Field]:
        """What is live before the next nonlinear node, or at the end, after the node ``last``."""
        nodes = self._network.nodes
        for i, node in enumerate(nodes[last + 1 :], start=last + 1):
            if node.is_nonlinear:
                break
            if any(j in live for j in node.inputs):
                checkpoint()
                inputs = [live[j] if j in live else self.zeros(count, nodes[j].size) for j in node.inputs]
                live[i] = self.linear(node, inputs)
            live = self._without(live, i)
        return live

    def _without(self, live: dict[int, Field], i: int) -> dict[int, Field]:
        """What is still read after node i."""
        kept = i, len(self._network.nodes) - 1
        return {j: field for j, field in live.items() if self._network.last_use[j] > i or j in kept}

    # ---- rows in some kind of numbers ------------------------------------------------------------------------------
    @abstractmethod
    def slice(self) -> Field:
        """The input at the origin of slice coordinates, a point, and along their axes, tangents."""

    @abstractmethod
    def begun(self, size: int, units: Rows) -> Field:
        """For each of the units a tangent that is 1 there and else 0, of so many entries."""

    @abstractmethod
    def zeros(self, count: int, size: int) -> Field:
        """Tangents that are zero."""

    @abstractmethod
    def linear(self, node: Node, inputs: Sequence[Field]) -> Field:
        """The output of a linear node."""

    @abstractmethod
    def on_pieces(self, node: Node, x: Field, pieces: Rows) -> Field:
        """The output of a nonlinear node on given pieces (units,), the same for all rows."""

    @abstractmethod
    def stacked(self, x: Field, y: Field) -> Field:
        """The rows of two fields; asked for only where rows go on ``together``."""

    def followed(self, x: Field, count: int) -> Field:
        """The rows and so many that are zero."""
        return self.stacked(x, self.zeros(count, self.size(x)))

    @abstractmethod
    def size(self, x: Field) -> int:
        """The number of entries of a row."""

    @abstractmethod
    def picked(self, x: Field | None, columns: Rows, count: int) -> Numbers:
        """Some entries, (count, m); None stands for rows that are zero."""

    @abstractmethod
    def joined(self, tables: Sequence[Numbers]) -> Numbers:
        """Tables one above the other."""


class SpanFunctions(ABC, Generic[Numbers]):
    """Combinations of what has been read of the rows of a span: the functions on regions."""

    def functions(self, span: Span, read: Read[Numbers], kinds: Kinds, place: Rows, names: Names) -> Numbers:
        """The functions names[i] on regions place[i]: (n, D + 1), constants first. All that they need has been read."""
        tables = islice(zip(read.columns, read.rows, strict=True), int(names.stage.max(initial=0)) + 1)
        return self.named(self.stages(span, kinds, tables), kinds.place[place], names)

    def named(self, stages: Iterable[tuple[Rows, Numbers, Numbers]], kinds: Rows, names: Names) -> Numbers:
        """The functions names[i] on the kinds[i], (n, D + 1), from what ``stages`` gives."""
        result = self.empty(len(kinds))
        for stage, (columns, rows, coefficients) in enumerate(stages):
            index = np.flatnonzero(names.stage == stage)
            if len(index):
                chosen, kind = names.take(index), kinds[index]
                values = self.entries(coefficients, rows, kind, np.searchsorted(columns, chosen.first))
                others = np.flatnonzero(chosen.second >= 0)
                second = np.searchsorted(columns, chosen.second[others])
                less = self.entries(coefficients, rows, kind[others], second)
                self.put(result, index, values, others, less, chosen.level)
        return result

    def stages(
        self, span: Span, kinds: Kinds, tables: Iterable[tuple[Rows, Numbers]]
    ) -> Iterator[tuple[Rows, Numbers, Numbers]]:
        """Stage by stage which entries have been read, of the rows of the span, and the coefficients of these rows."""
        coefficients = self.frame(kinds.count)
        for stage, (columns, rows) in enumerate(tables):
            checkpoint()
            yield columns, rows, coefficients
            if stage < len(kinds.pieces) and len(span.stages[stage].units):
                new = self._bent(span, stage, kinds.pieces[stage], coefficients, rows, columns)
                coefficients = self.extended(coefficients, new)

    def _bent(
        self, span: Span, stage: int, pieces: Rows, coefficients: Numbers, rows: Numbers, columns: Rows
    ) -> Numbers:
        """What the units that bend are over their base, on each kind of region: affine functions, (n, D + 1, b)."""
        bent = span.stages[stage]
        node = span.network.nodes[bent.node]
        read = bent.columns(span.network)
        arguments = self.combined(coefficients, rows, np.searchsorted(columns, read))
        if isinstance(node.op, Piecewise):
            return self.hinges(arguments, *self._steps(bent, node, pieces))
        here, base = (bent.argument(span.network, some) for some in (pieces, bent.base[bent.units]))
        return self.differences(arguments, np.searchsorted(read, here), np.searchsorted(read, base))

    def _steps(self, bent: Bent, node: Node, pieces: Rows) -> tuple[Numbers, Numbers]:
        """By how much slopes and intercepts differ from those of the base, on each kind of region, (n, b)."""
        op, unit, base = node.op, np.arange(len(bent.units)), bent.base[bent.units]
        assert isinstance(op, Piecewise)
        tables = (table(values, node)[:, bent.units] for values in (op.slopes, op.intercepts))
        exactly = (np.vectorize(Fraction, otypes=[object])(values) for values in tables)
        slopes, intercepts = (
            self.taken(self.constants(values - values[base, unit]), pieces, unit) for values in exactly
        )
        return slopes, intercepts

    # ---- in some kind of numbers ------------------------------------------------------------------------------------
    @abstractmethod
    def constants(self, values: NDArray[Any]) -> Numbers:
        """Fractions as numbers of the kind."""

    @abstractmethod
    def taken(self, values: Numbers, row: Rows, column: Rows) -> Numbers:
        """values[row, column]."""

    @abstractmethod
    def frame(self, count: int) -> Numbers:
        """The coefficients of the slice's own functions on so many kinds of regions: none, (count, D + 1, 0)."""

    @abstractmethod
    def extended(self, coefficients: Numbers, more: Numbers) -> Numbers:
        """Coefficients (n, D + 1, k), and more of them behind."""

    @abstractmethod
    def combined(self, coefficients: Numbers, rows: Numbers, columns: Rows) -> Numbers:
        """Entries on each kind of region, (n, D + 1, m): the slice's own rows, the first D + 1, plus a combination."""

    @abstractmethod
    def entries(self, coefficients: Numbers, rows: Numbers, kind: Rows, column: Rows) -> Numbers:
        """The entry column[i] on regions of kind[i], (n, D + 1)."""

    @abstractmethod
    def hinges(self, arguments: Numbers, slopes: Numbers, intercepts: Numbers) -> Numbers:
        """slopes (n, b) times arguments (n, D + 1, b), plus intercepts (n, b) in the constants."""

    @abstractmethod
    def differences(self, values: Numbers, columns: Rows, base: Rows) -> Numbers:
        """values[:, :, columns] - values[:, :, base]: columns (n, b) on each kind of region, base (b,)."""

    @abstractmethod
    def empty(self, count: int) -> Numbers:
        """An array (count, D + 1) to be filled."""

    @abstractmethod
    def put(
        self,
        result: Numbers,
        index: Rows,
        values: Numbers,
        others: Rows,
        less: Numbers,
        level: NDArray[np.float64],
    ) -> None:
        """Fills result[index] with values, from those at ``others`` ``less``, from the constants the levels."""
