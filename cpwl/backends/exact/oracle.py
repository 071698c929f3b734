"""The exact affine functions of a network on regions of a slice, from their activation patterns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
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
from ...network.network import Network
from ...numbers.integers import Integer, array, common_scale, fractions, primitive, rational
from ...runtime.budget import checkpoint
from .arithmetic import ExactArithmetic
from .entries import Entries
from .field import ExactField, Row
from .residues import ResidueFunctions
from .restrict import frame, restricted
from .short import ShortNetwork, ShortRows, may_be_short

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
        self._sides = [side_form(side) for side in domain.polytope.sides]
        self._rows = domain.dim + 1
        self._ends = [domain.leading + end for end in (0, *(part.stop for part in network.unit_columns.values()))]
        self._short = ShortNetwork(network, domain) if may_be_short(network, domain) else None
        self._residues = ResidueFunctions(network, domain, ranges) if ResidueFunctions.serves(network, domain) else None

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
        step = max(1, _ENTRIES // (self._rows * widest))
        quick = self.quick(patterns.shape[1])
        entries = None if quick or self._whole.products >= _DEAR else self._entries
        return Regions(
            (
                RegionFunctions(entries, pattern, fields, slice(self._rows * row, self._rows * (row + 1)), self._sides)
                for start in range(0, len(patterns), step)
                for part in [patterns[start : start + step].astype(np.int64)]
                for fields in [Fields(partial(self._read, part, stage))]
                for row, pattern in enumerate(part)
            ),
            step if quick else 0,
            None if quick or self._residues is None else partial(self._residues.forms, patterns),
        )

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
        pieces = np.repeat(patterns, self._rows, axis=0)
        start = frame(self._rows - 1).take(np.tile(np.arange(self._rows), len(patterns)))
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
        return Regions((functions[k] for k in back.tolist()), 0)


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
        step: int,
        together: Callable[[NDArray[np.int64], Names], list[Form]] | None = None,
    ) -> None:
        """``step``: so many regions each share their fields, if these are short; otherwise 0.

        ``together``: what makes many functions, but for sides, at less cost than one by one.
        """
        super().__init__(regions)
        self._step, self._together = step, together

    def forms(self, place: NDArray[np.int64], names: Names) -> list[Form]:
        """The functions of those names on the regions place[i]."""
        forms: dict[int, Form] = {}
        if self._step:
            stages = int(names.stage.max(initial=0)) + 1
            group = np.where(names.stage < 0, -1, place // self._step * stages + names.stage)
            for number in np.unique(group[group >= 0]).tolist():
                forms.update(self._short_forms(place, names, np.flatnonzero(group == number)))
        if self._together is not None:
            index = np.flatnonzero([stage >= 0 and not self[0].is_cheap(stage) for stage in names.stage.tolist()])
            if len(index):
                forms.update(zip(index.tolist(), self._together(place[index], names.take(index)), strict=True))
        for i, k in enumerate(place.tolist()):
            if i not in forms:
                checkpoint()
                forms[i] = self[k].form(*names.at(i))
        return [forms[i] for i in range(len(place))]

    def _short_forms(self, place: NDArray[np.int64], names: Names, index: NDArray[np.int64]) -> dict[int, Form]:
        """The functions at the indices, of one stage on regions that share their fields, as far as they are short."""
        rows = self[int(place[index[0]])].fields.read[int(names.stage[index[0]])]
        assert isinstance(rows, ShortRows)
        chosen = names.take(index)
        whole, forms = rows.forms(place[index] % self._step, chosen.first, chosen.second, chosen.level)
        return dict(zip(index[whole].tolist(), forms, strict=True))


def _difference(first: Row, second: Row) -> Sequence[Integer]:
    """The slopes and the constant of a difference, up to a positive factor."""
    (numbers, p), (others, q) = first, second
    c, *a = (x * q - y * p for x, y in zip(numbers, others, strict=True))
    return [*a, c]


def side_form(side: Sequence[Fraction]) -> Form:
    """A side of a domain, a u + c >= 0 inside, in integers."""
    return primitive(common_scale(array(side, (len(side),)))[0].tolist())
