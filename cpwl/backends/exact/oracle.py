"""The exact affine functions of a network on regions of a slice, from their activation patterns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property, lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...fields.arithmetic import Forward
from ...fields.predicates import Names
from ...fields.spans import Ranges
from ...geometry.arrangement import Form
from ...geometry.bundle import Bundle
from ...geometry.domain import Domain
from ...geometry.separation import Separation
from ...network.network import Network
from ...numbers.exact import Exact
from ...numbers.integers import Integer, array, common_scale, fractions, primitive, rational
from ...numbers.norms import norms
from ...runtime.budget import checkpoint
from .arithmetic import ExactArithmetic
from .entries import Entries
from .field import ExactField, Row
from .residues import ResidueFunctions
from .restrict import frame, restricted
from .short import ShortForms, ShortNetwork, ShortRows, may_be_short

_ENTRIES = 1 << 19
"""Entries of one exact field that are held at once: about a hundred bytes each."""

_KEPT = 64
"""Segments whose exact functions are remembered."""

_DEAR = 1 << 20
"""In a network of so many products single entries are not asked for: what is before its units is much already."""


class SliceOracle:
    """The functions of a network on a slice; see ``predicates.Oracle``."""

    def __init__(self, network: Network, domain: Domain, ranges: Callable[[], Ranges] | None = None) -> None:
        """``ranges``, if given, tells the pieces of units on all regions that may be asked about."""
        self._whole, self._domain = network, domain
        self.rows = domain.dim + 1
        """D + 1."""
        self._ends = [domain.leading + end for end in (0, *(part.stop for part in network.unit_columns.values()))]
        self._short = ShortNetwork(network, domain) if may_be_short(network, domain) else None
        self._residues = ResidueFunctions(network, domain, ranges) if ResidueFunctions.serves(network, domain) else None

    @cached_property
    def _sides(self) -> list[Form]:
        return [side_form(side) for side in self._domain.polytope.sides]

    @cached_property
    def _short_sides(self) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        return short_sides(self._sides, self.rows)

    @cached_property
    def _network(self) -> Network:
        return restricted(self._whole, self._domain)

    @cached_property
    def _entries(self) -> Entries:
        return Entries(self._network, self._network.unit_columns)

    def quick(self, units: int) -> bool:
        """Whether the functions that the stage after so many units reads are short, and those of earlier stages."""
        return self.reaches(self._ends.index(units))

    def reaches(self, stage: int) -> bool:
        """Whether the functions up to those that a stage reads are short."""
        return self._short is not None and self._short.reaches(stage)

    def separation(self, stage: int, last: int) -> Separation | None:
        """See ``predicates.Oracle.separation``; the functions up to those of the ``last`` stage are short."""
        assert self._short is not None
        sides, long = self._short_sides
        return None if long.any() else self._short.separation(stage, last, float(norms(sides[:, :-1]).max()))

    def units_before(self, stage: int) -> int:
        """Of a pattern, what is known before a stage."""
        return int(self._ends[stage])

    def at_once(self, patterns: NDArray[np.int16]) -> RegionsAtOnce | None:
        """As a call, if all functions are short: they are then made many at a time."""
        return RegionsAtOnce(self, patterns, self._step) if self.quick(patterns.shape[1]) else None

    def short_forms(self, patterns: NDArray[np.int16]) -> ShortForms:
        """The functions on regions with these patterns, all of which are short."""
        assert self._short is not None
        stage = self._ends.index(patterns.shape[1])
        return ShortForms.of(self._short.read(patterns.astype(np.int64), stage), *self._short_sides)

    @property
    def _step(self) -> int:
        """Of so many regions the fields are held together."""
        return max(1, _ENTRIES // (self.rows * max(node.size for node in self._whole.nodes)))

    def __call__(self, patterns: NDArray[np.int16]) -> Regions:
        """The functions on regions with the given patterns (n, units before a stage)."""
        stage, step = self._ends.index(patterns.shape[1]), self._step
        short = self.reaches(stage)
        entries = None if short or self._whole.products >= _DEAR else self._entries
        regions = (
            RegionFunctions(entries, pattern, fields, slice(self.rows * row, self.rows * (row + 1)), self._sides)
            for start in range(0, len(patterns), step)
            for part in [patterns[start : start + step].astype(np.int64)]
            for fields in [Fields(partial(self._read, part, stage))]
            for row, pattern in enumerate(part)
        )
        return Regions(regions, None if short or self._residues is None else partial(self._residues.forms, patterns))

    def forms(self, patterns: NDArray[np.int16], place: NDArray[np.int64], names: Names) -> list[Form]:
        """The functions names[i] on regions with the patterns[place[i]], of all units before their stages at least."""
        if self._residues is not None:
            return self._with_sides(self._residues, patterns, place, names)
        forms: dict[int, Form] = {}
        for stage in np.unique(names.stage).tolist():
            index = np.flatnonzero(names.stage == stage)
            regions, which = np.unique(place[index], return_inverse=True)
            functions = self(patterns[regions, : self._ends[max(stage, 0)]])
            forms.update((i, functions[k].form(*names.at(i))) for i, k in zip(index.tolist(), which, strict=True))
        return [forms[i] for i in range(len(place))]

    def _with_sides(
        self, residues: ResidueFunctions, patterns: NDArray[np.int16], place: NDArray[np.int64], names: Names
    ) -> list[Form]:
        """The functions where those of sides are known, and all others are made together."""
        inner = np.flatnonzero(names.stage >= 0)
        forms: dict[int, Form] = {i: self._sides[names.first[i]] for i in np.flatnonzero(names.stage < 0).tolist()}
        if len(inner):
            forms.update(zip(inner.tolist(), residues.forms(patterns, place[inner], names.take(inner)), strict=True))
        return [forms[i] for i in range(len(place))]

    def maps(self, patterns: NDArray[np.int16]) -> tuple[NDArray[Any], NDArray[Any]]:
        """The network's output A u + b on regions with the given patterns: A (n, m, D) and b (n, m), Fractions."""
        if self._residues is not None:
            return self._residues.maps(patterns)
        maps = [functions.output() for functions in self(patterns)]
        count, outputs = len(maps), self._whole.outputs
        weights = array([x for weight, _ in maps for x in weight.ravel()], (count, outputs, self._domain.dim))
        return weights, array([x for _, bias in maps for x in bias], (count, outputs))

    def _read(self, patterns: NDArray[np.int64], stage: int) -> Sequence[ExactField | ShortRows]:
        """What the stages up to the given one read: D + 1 rows a region, the constant and the slopes."""
        if self._short is not None and self._short.reaches(stage):
            return self._short.read(patterns, stage)
        pieces = np.repeat(patterns, self.rows, axis=0)
        start = frame(self.rows - 1).take(np.tile(np.arange(self.rows), len(patterns)))
        columns = self._network.unit_columns
        forward = Forward(self._network, ExactArithmetic(), start, lambda i: pieces[:, columns[i]])
        arguments = []
        for passed in forward:
            arguments.append(passed.argument)
            if len(arguments) > stage:
                return arguments
        return [*arguments, forward.output]


class BundleOracle(SliceOracle):
    """The same on many segments, the number of which is the first of a pattern."""

    def __init__(self, network: Network, bundle: Bundle) -> None:
        super().__init__(network, bundle)
        self._of_segment = lru_cache(_KEPT)(lambda i: SliceOracle(network, bundle.domain_of(i)))

    def __call__(self, patterns: NDArray[np.int16]) -> Regions:
        """The functions on regions with the given patterns."""
        if self.quick(patterns.shape[1]):
            return super().__call__(patterns)
        order = np.argsort(patterns[:, 0], kind="stable")
        segments, starts = np.unique(patterns[order, 0], return_index=True)
        functions: list[RegionFunctions] = []
        for i, rows in zip(segments.tolist(), np.split(order, starts[1:]), strict=True):
            functions += self._of_segment(i)(patterns[rows, 1:])
        back = np.argsort(order)
        return Regions(functions[k] for k in back.tolist())


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
    rows: slice
    """Of the fields, those of this region."""
    sides: Sequence[Form]

    def form(self, stage: int, first: int, second: int, level: float) -> Form:
        """Integers (a, ..., c) without a common factor: the function is a u + c, up to a positive factor."""
        if stage < 0:
            return self.sides[first]
        entry = self._entry(stage, first)
        if second >= 0:
            return primitive(_difference(entry, self._entry(stage, second)))
        ((c, *a), denominator), (p, q) = entry, rational(level)
        return primitive([*(x * q for x in a), c * q - p * denominator])

    def _entry(self, stage: int, entry: int) -> Row:
        """An entry of what a stage reads: alone, if it comes from few others, or with all of these regions."""
        if self.is_cheap(stage):
            assert self.entries is not None
            return self.entries.at(stage, entry, self.pattern)
        return self.fields.read[stage].entry(self.rows, entry)

    def is_cheap(self, stage: int) -> bool:
        """Whether single entries of what a stage reads cost little."""
        return self.entries is not None and self.entries.cheap(stage)

    def output(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """The network's output A u + b: A (m, D) and b (m,), Fractions."""
        output = self.fields.read[-1]
        assert isinstance(output, ExactField)
        values = fractions(output.numerators[self.rows], output.denominators[self.rows, None])
        return values[1:].T, values[0]


class Regions(list[RegionFunctions]):
    """The exact functions on several regions."""

    def __init__(
        self,
        regions: Iterable[RegionFunctions],
        together: Callable[[NDArray[np.int64], Names], list[Form]] | None = None,
    ) -> None:
        """``together``: what makes many functions, but for sides, at less cost than one by one."""
        super().__init__(regions)
        self._together = together

    def forms(self, place: NDArray[np.int64], names: Names) -> list[Form]:
        """The functions of those names on the regions place[i]."""
        forms: dict[int, Form] = {}
        if self._together is not None:
            index = np.flatnonzero([stage >= 0 and not self[0].is_cheap(stage) for stage in names.stage.tolist()])
            if len(index):
                forms.update(zip(index.tolist(), self._together(place[index], names.take(index)), strict=True))
        for i, k in enumerate(place.tolist()):
            if i not in forms:
                checkpoint()
                forms[i] = self[k].form(*names.at(i))
        return [forms[i] for i in range(len(place))]


@dataclass(eq=False)
class RegionsAtOnce:
    """The exact functions on several regions, if they are short."""

    oracle: SliceOracle
    patterns: NDArray[np.int16]
    step: int
    """Functions are made on so many regions at a time."""
    _made: dict[int, ShortForms] = field(default_factory=dict)
    _others: dict[int, Regions] = field(default_factory=dict)
    """Where some functions are long after all: levels off the grid, sides."""

    def forms(self, place: NDArray[np.int64], names: Names) -> Exact:
        """The functions of those names on the regions place[i], (n, D + 1)."""
        if len(self.patterns) <= self.step:
            return self._of_block(0, place, names)
        result, block = Exact.zeros((len(place), self.oracle.rows)), place // self.step
        for number in np.unique(block).tolist():
            index = np.flatnonzero(block == number)
            result.put(index, self._of_block(number, place[index] - number * self.step, names.take(index)))
        return result

    def _of_block(self, number: int, place: NDArray[np.int64], names: Names) -> Exact:
        checkpoint()
        patterns = self.patterns[number * self.step : (number + 1) * self.step]
        if number not in self._made:
            self._made[number] = self.oracle.short_forms(patterns)
        short, forms = self._made[number].forms(place, names)
        result, others = Exact.short(forms), np.flatnonzero(~short)
        if len(others):
            if number not in self._others:
                self._others[number] = self.oracle(patterns)
            exact = self._others[number].forms(place[others], names.take(others))
            result.put(others, Exact.of(exact, self.oracle.rows))
        return result


def short_sides(sides: Sequence[Form], width: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Sides in float64, (n, width), and which have integers that it does not hold: these are 0 there."""
    long = [any(abs(x) >= 1 << 53 for x in side) for side in sides]
    rows = [[0 if is_long else int(x) for x in side] for side, is_long in zip(sides, long, strict=True)]
    return np.array(rows, np.float64).reshape(len(rows), width), np.array(long, np.bool_)


def _difference(first: Row, second: Row) -> Sequence[Integer]:
    """The slopes and the constant of a difference, up to a positive factor."""
    (numbers, p), (others, q) = first, second
    c, *a = (x * q - y * p for x, y in zip(numbers, others, strict=True))
    return [*a, c]


def side_form(side: Sequence[Fraction]) -> Form:
    """A side of a domain, a u + c >= 0 inside, in integers."""
    return primitive(common_scale(array(side, (len(side),)))[0].tolist())
