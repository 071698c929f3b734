"""What lies exactly behind the walls and columns of a float arrangement: functions of a network, by name.

A float arrangement numbers its walls (pieces of chords and sides of the domain), and the caller of ``refine`` numbers
columns. ``Predicates`` remembers which function of the network vanishes on each wall, so that decisions that float64
leaves open can be made from exact affine functions, evaluated for the few regions concerned (proofs/, Lemma 8).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..arrays.pickled import Compact
from ..arrays.ragged import Ragged
from ..geometry.arrangement import CloseRegions, Exactly, ExactRegions, ExactWalls, Form, NewWalls
from ..numbers.double_double import Balls

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Names(Compact):
    """Affine functions on regions: entry ``first`` of what a stage reads, minus entry ``second`` (if >= 0) or a level.

    Stage k reads the argument of the network's k-th nonlinear node, the last stage the network's output; stage -1
    stands for the sides of the domain. int64 (n,), the level float64.
    """

    stage: Rows
    first: Rows
    second: Rows
    level: NDArray[np.float64]

    @classmethod
    def of(cls, names: Sequence[tuple[int, int, int, float]]) -> Names:
        """Names given one by one, each as ``at`` gives it."""
        stage, first, second, level = zip(*names, strict=True)
        return cls(np.array(stage), np.array(first), np.array(second), np.array(level))

    @classmethod
    def levels(cls, stage: int, function: Rows, level: NDArray[np.float64]) -> Names:
        """Single entries minus levels."""
        return cls(np.full(len(function), stage), function, np.full(len(function), -1), level)

    @classmethod
    def differences(cls, stage: int, first: Rows, second: Rows) -> Names:
        """Differences of two entries."""
        return cls(np.full(len(first), stage), first, second, np.zeros(len(first)))

    @classmethod
    def sides(cls, count: int) -> Names:
        """The sides of a domain."""
        return cls.levels(-1, np.arange(count), np.zeros(count))

    def followed_by(self, start: int, more: Names) -> Names:
        """The first ``start`` names, then ``more``."""
        return Names(*(np.concatenate([getattr(self, f.name)[:start], getattr(more, f.name)]) for f in fields(self)))

    @classmethod
    def joined(cls, parts: Sequence[Names]) -> Names:
        """Those of several lists, one after the other."""
        return cls(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(cls)))

    def take(self, index: Rows) -> Names:
        """Some of them."""
        return Names(*(getattr(self, f.name)[index] for f in fields(self)))

    def at(self, index: int) -> tuple[int, int, int, float]:
        """Stage, first, second and level of one name."""
        return int(self.stage[index]), int(self.first[index]), int(self.second[index]), float(self.level[index])


class Functions(Protocol):
    """The exact functions of a network on one region."""

    def form(self, stage: int, first: int, second: int, level: float) -> Form:
        """The function of that name, up to a positive factor."""
        ...

    def output(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """The network's output A u + b: A (m, D) and b (m,), Fractions; where the pattern is that of all units."""
        ...


class RegionsFunctions(Protocol):
    """The exact functions of a network on several regions."""

    def __getitem__(self, place: int) -> Functions:
        """Those on one region."""
        ...

    def __iter__(self) -> Iterator[Functions]:
        """Those on one region after the other."""
        ...

    def forms(self, place: Rows, names: Names) -> Sequence[Form]:
        """The functions of those names on the regions place[i], each up to a positive factor."""
        ...


class CloseFunctions(Protocol):
    """The functions of a network on several regions, up to a bound."""

    def forms(self, place: Rows, names: Names) -> Balls:
        """The functions of those names on the regions place[i], each up to a positive factor, (n, D + 1)."""
        ...


class Oracle(Protocol):
    """From the patterns (n, units before a stage) of n regions to their functions, up to those that the stage reads."""

    def __call__(self, patterns: NDArray[np.int16]) -> RegionsFunctions:
        """The exact functions on each region."""
        ...

    def closely(self, patterns: NDArray[np.int16], place: Rows, names: Names, parts: int) -> CloseFunctions | None:
        """The functions up to a bound, in numbers of ``parts`` parts or more; None where those are not worth it.

        Of stages before the one that comes next, only the functions names[i] on the regions place[i] can be asked for.
        """
        ...

    def vanish(self, names: Names, others: Names) -> NDArray[np.bool_]:
        """Whether names[i], of one stage, is known to be zero where others[i] is: by name alone."""
        ...

    def vanish_everywhere(self, patterns: NDArray[np.int16], place: Rows, names: Names) -> NDArray[np.bool_]:
        """Whether names[i], of the stage that comes next, is known to be zero on the region patterns[place[i]]."""
        ...

    def walls_closely(self, patterns: NDArray[np.int16], place: Rows, names: Names, parts: int) -> Balls:
        """The functions names[i] on regions with the patterns[place[i]], in numbers of ``parts`` parts, (n, D + 1)."""
        ...

    def walls_exactly(self, patterns: NDArray[np.int16], place: Rows, names: Names) -> Sequence[Form]:
        """The same exactly."""
        ...


Naming = Callable[[Rows, Rows], Names]
"""The names of columns c[i] on regions r[i]."""


@dataclass(frozen=True, eq=False)
class Predicates:
    """How decisions about the functions of one stage are made exactly."""

    oracle: Oracle
    walls: Names
    """The function that vanishes on each wall of the arrangement."""
    stage: int
    patterns: Callable[[Rows], NDArray[np.int16]]
    """The patterns of regions of the arrangement, with all units before the stage."""

    def exactly(self, naming: Naming) -> Exactly:
        """For given regions the exact functions behind their walls and columns."""

        def regions(rows: Rows) -> ExactRegions:
            return _ExactRegions(self.oracle(self.patterns(rows)), self.walls, naming, rows)

        def closely(rows: Rows, walls: Ragged, parts: int) -> CloseRegions | None:
            wanted = walls.row_of, self.walls.take(walls.values)
            functions = self.oracle.closely(self.patterns(rows), *wanted, parts)
            return None if functions is None else _CloseRegions(functions, self.walls, naming, rows)

        def vanishing(rows: Rows, column: Rows, other: Rows) -> NDArray[np.bool_]:
            names, result = naming(rows, column), np.zeros(len(rows), np.bool_)
            wall, own = np.flatnonzero(other >= 0), np.flatnonzero(other < 0)
            result[wall] = self.oracle.vanish(names.take(wall), self.walls.take(other[wall]))
            result[own] = self.oracle.vanish(names.take(own), naming(rows[own], -1 - other[own]))
            return result

        def vanishing_everywhere(rows: Rows, column: Rows) -> NDArray[np.bool_]:
            regions, place = np.unique(rows, return_inverse=True)
            return self.oracle.vanish_everywhere(self.patterns(regions), place, naming(rows, column))

        def only(chosen: Rows) -> Exactly:
            return self.exactly(lambda rows, columns: naming(rows, chosen[columns]))

        return Exactly(regions, only, closely, vanishing, vanishing_everywhere)

    def exact_walls(self) -> ExactWalls:
        """The functions behind the walls of the arrangement alone."""
        return _Walls(self.oracle, self.walls, self.patterns)

    def functions(self, regions: Rows) -> dict[int, Functions]:
        """The functions on each of the given regions."""
        names = np.unique(regions)
        return dict(zip(names.tolist(), self.oracle(self.patterns(names)), strict=True))

    def with_walls(self, cut: NewWalls | None, naming: Naming) -> Predicates:
        """The same, after a refinement that made new walls."""
        if cut is None:
            return self
        return replace(self, walls=self.walls.followed_by(cut.start, naming(cut.region, cut.column)))

    def inside(self, parents: Rows) -> Predicates:
        """The same, for an arrangement whose regions lie in the regions ``parents`` of this one."""
        return replace(self, patterns=lambda rows: self.patterns(parents[rows]))


def vanishes(form: Form) -> bool:
    """Whether a function is identically zero."""
    return not any(form)


def vanishes_along(form: Form, wall: Form) -> bool:
    """Whether a function is zero wherever another, not constant, is."""
    (a, b, c), (p, q, r) = form, wall
    return not (a * q - b * p or b * r - c * q or c * p - a * r)


@dataclass(frozen=True, eq=False)
class _Walls:
    oracle: Oracle
    names: Names
    patterns: Callable[[Rows], NDArray[np.int16]]

    def closely(self, region: Rows, wall: Rows, parts: int) -> Balls:
        regions, place = np.unique(region, return_inverse=True)
        return self.oracle.walls_closely(self.patterns(regions), place, self.names.take(wall), parts)

    def forms(self, region: Rows, wall: Rows) -> Sequence[Form]:
        regions, place = np.unique(region, return_inverse=True)
        return self.oracle.walls_exactly(self.patterns(regions), place, self.names.take(wall))


@dataclass(frozen=True, eq=False)
class _CloseRegions:
    functions: CloseFunctions
    known: Names
    naming: Naming
    regions: Rows

    def columns(self, place: Rows, column: Rows) -> Balls:
        return self.functions.forms(place, self.naming(self.regions[place], column))

    def walls(self, place: Rows, wall: Rows) -> Balls:
        return self.functions.forms(place, self.known.take(wall))


@dataclass(frozen=True, eq=False)
class _ExactRegions:
    functions: RegionsFunctions
    walls: Names
    naming: Naming
    regions: Rows

    def forms(self, place: Rows, name: Rows) -> Sequence[Form]:
        is_line = name >= 0
        columns = self.naming(self.regions[place[~is_line]], -1 - name[~is_line])
        order = np.argsort(np.concatenate([np.flatnonzero(is_line), np.flatnonzero(~is_line)]))
        return self.functions.forms(place, Names.joined([self.walls.take(name[is_line]), columns]).take(order))
