"""The exact affine functions of a network on regions of a slice, from their activation patterns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...fields.arithmetic import Forward
from ...fields.predicates import Names
from ...geometry.arrangement import Form
from ...geometry.domain import Domain
from ...geometry.exact_lines import Line, domain_lines, line
from ...network.network import Network
from ...numbers.integers import Integer, fractions, rational
from ...runtime.budget import checkpoint
from .arithmetic import ExactArithmetic
from .entries import Entries
from .field import ExactField, Row
from .restrict import frame, restricted
from .short import ShortNetwork, ShortRows, may_be_short

_ENTRIES = 1 << 19
"""Entries of one exact field that are held at once: about a hundred bytes each."""


class SliceOracle:
    """The functions of a network on a slice; see ``predicates.Oracle``."""

    def __init__(self, network: Network, domain: Domain) -> None:
        self._whole, self._domain = network, domain
        self._sides = domain_lines(domain.polytope)
        self._ends = [0, *(columns.stop for columns in network.unit_columns.values())]
        self._short = ShortNetwork(network, domain) if may_be_short(network, domain) else None

    @cached_property
    def _network(self) -> Network:
        return restricted(self._whole, self._domain)

    @cached_property
    def _entries(self) -> Entries:
        return Entries(self._network, self._network.unit_columns)

    def quick(self, units: int) -> bool:
        """Whether the functions that the stage after so many units reads are short, and those of earlier stages."""
        return self._short is not None and self._short.reaches(self._ends.index(units))

    def __call__(self, patterns: NDArray[np.int16]) -> Regions:
        """The functions on regions with the given patterns (n, units before a stage)."""
        stage = self._ends.index(patterns.shape[1])
        widest = max(node.size for node in self._whole.nodes)
        step = max(1, _ENTRIES // (3 * widest))
        quick = self.quick(patterns.shape[1])
        entries = None if quick else self._entries
        return Regions(
            (
                RegionFunctions(entries, pattern, fields, 3 * row, self._sides)
                for start in range(0, len(patterns), step)
                for part in [patterns[start : start + step].astype(np.int64)]
                for fields in [Fields(partial(self._read, part, stage))]
                for row, pattern in enumerate(part)
            ),
            step if quick else 0,
        )

    def forms(self, patterns: NDArray[np.int16], place: NDArray[np.int64], names: Names) -> list[Line]:
        """The functions names[i] on regions with the patterns[place[i]], of all units before their stages at least."""
        found: dict[int, Line] = {}
        for stage in np.unique(names.stage).tolist():
            index = np.flatnonzero(names.stage == stage)
            regions, which = np.unique(place[index], return_inverse=True)
            functions = self(patterns[regions, : self._ends[max(stage, 0)]])
            found.update((i, functions[k].form(*names.at(i))) for i, k in zip(index.tolist(), which, strict=True))
        return [found[i] for i in range(len(place))]

    def _read(self, patterns: NDArray[np.int64], stage: int) -> Sequence[ExactField | ShortRows]:
        """What the stages up to the given one read: three rows a region, the constant and the two slopes."""
        if self._short is not None and self._short.reaches(stage):
            return self._short.read(patterns, stage)
        pieces = np.repeat(patterns, 3, axis=0)
        start = frame(2).take(np.tile(np.arange(3), len(patterns)))
        columns = self._network.unit_columns
        forward = Forward(self._network, ExactArithmetic(), start, lambda i: pieces[:, columns[i]])
        found = []
        for passed in forward:
            found.append(passed.argument)
            if len(found) > stage:
                return found
        return [*found, forward.output]


@dataclass(eq=False)
class Fields:
    """What the stages read on some regions, computed when it is first asked for."""

    make: Callable[[], Sequence[ExactField | ShortRows]]

    @cached_property
    def read(self) -> Sequence[ExactField | ShortRows]:
        """Stage by stage."""
        return self.make()


@dataclass(frozen=True, eq=False)
class RegionFunctions:
    """The exact functions on one region; see ``predicates.ExactFunctions``."""

    entries: Entries | None
    """What computes single entries; None where all are short."""
    pattern: NDArray[np.int64]
    fields: Fields
    row: int
    sides: Sequence[Line]

    def form(self, stage: int, first: int, second: int, level: float) -> Line:
        """Integers (a, b, c) without a common factor: the function is a x + b y + c, up to a positive factor."""
        if stage < 0:
            return self.sides[first]
        one = self._entry(stage, first)
        if second >= 0:
            return line(*_difference(one, self._entry(stage, second)))
        ((c, a, b), denominator), (p, q) = one, rational(level)
        return line(a * q, b * q, c * q - p * denominator)

    def _entry(self, stage: int, entry: int) -> Row:
        """An entry of what a stage reads: alone, if it comes from few others, or with all of these regions."""
        if self.entries is not None and self.entries.cheap(stage):
            return self.entries.at(stage, entry, self.pattern)
        return self.fields.read[stage].entry(self.row, entry)

    def output(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """The network's output A u + b: A (m, 2) and b (m,), Fractions."""
        rows = slice(self.row, self.row + 3)
        output = self.fields.read[-1]
        assert isinstance(output, ExactField)
        values = fractions(output.numerators[rows], output.denominators[rows, None])
        return values[1:].T, values[0]


class Regions(list[RegionFunctions]):
    """The exact functions on several regions."""

    def __init__(self, regions: Iterable[RegionFunctions], step: int) -> None:
        """``step``: so many regions each share their fields, if these are short; otherwise 0."""
        super().__init__(regions)
        self._step = step

    def forms(self, place: NDArray[np.int64], names: Names) -> list[Form]:
        """The functions of those names on the regions place[i]."""
        found: dict[int, Form] = {}
        if self._step:
            stages = int(names.stage.max(initial=0)) + 1
            group = np.where(names.stage < 0, -1, place // self._step * stages + names.stage)
            for number in np.unique(group[group >= 0]).tolist():
                found.update(self._short_forms(place, names, np.flatnonzero(group == number)))
        for i, k in enumerate(place.tolist()):
            if i not in found:
                checkpoint()
                found[i] = self[k].form(*names.at(i))
        return [found[i] for i in range(len(place))]

    def _short_forms(self, place: NDArray[np.int64], names: Names, index: NDArray[np.int64]) -> dict[int, Form]:
        """The functions at the indices, of one stage on regions that share their fields, as far as they are short."""
        rows = self[int(place[index[0]])].fields.read[int(names.stage[index[0]])]
        assert isinstance(rows, ShortRows)
        chosen = names.take(index)
        whole, forms = rows.forms(3 * (place[index] % self._step), chosen.first, chosen.second, chosen.level)
        return dict(zip(index[whole].tolist(), forms, strict=True))


def _difference(one: Row, other: Row) -> Sequence[Integer]:
    """The slopes and the constant of a difference, up to a positive factor."""
    ((c, a, b), p), ((r, s, t), q) = one, other
    return a * q - s * p, b * q - t * p, c * q - r * p
