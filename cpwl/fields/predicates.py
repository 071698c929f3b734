"""What lies exactly behind the walls and columns of a float arrangement: functions of a network, by name.

A float arrangement numbers its walls (pieces of chords and sides of the domain), and the caller of ``refine`` numbers
columns. ``Predicates`` remembers which function of the network vanishes on each wall, so that decisions that float64
leaves open can be made from exact affine functions, evaluated for the few regions concerned (proofs/, Lemma 8).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..arrays.pickled import Compact
from ..arrays.ragged import Ragged
from ..geometry.arrangement import ExactWalls, NewWalls
from ..geometry.ladder import INTEGERS, Functions, Lookup, Prompt
from ..geometry.separation import Separation
from ..numbers.exact import Exact

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
        return Names(*(np.concatenate([part[:start], new]) for part, new in zip(self._parts, more._parts, strict=True)))

    @classmethod
    def joined(cls, parts: Sequence[Names]) -> Names:
        """Those of several lists, one after the other."""
        return cls(*(np.concatenate(each) for each in zip(*(part._parts for part in parts), strict=True)))

    @classmethod
    def merged(cls, places: Rows, names: Names, others: Rows, more: Names) -> Names:
        """Those of two lists at these places of one list."""
        whole = [np.empty(len(places) + len(others), part.dtype) for part in names._parts]
        for target, own, new in zip(whole, names._parts, more._parts, strict=True):
            target[places], target[others] = own, new
        return cls(*whole)

    def take(self, index: Rows) -> Names:
        """Some of them."""
        return Names(self.stage[index], self.first[index], self.second[index], self.level[index])

    @property
    def _parts(self) -> tuple[NDArray[Any], ...]:
        return self.stage, self.first, self.second, self.level

    def at(self, index: int) -> tuple[int, int, int, float]:
        """Stage, first, second and level of one name."""
        return int(self.stage[index]), int(self.first[index]), int(self.second[index]), float(self.level[index])


class Oracle(Protocol):
    """From the patterns (n, units before a stage) of n regions to their functions, up to those that the stage reads.

    Numbers are ``Balls``, of ``parts`` parts or more, or, for ``INTEGERS``, ``Exact``: (n, D + 1), each function up to
    a positive factor.
    """

    def outputs(self, patterns: NDArray[np.int16], parts: int) -> Any:
        """The network's outputs on regions with patterns of all units, (n, m, D + 1): slopes and constants, as they
        are. ``INTEGERS`` stands for Fractions here; None where numbers of that length are not worth it."""
        ...

    def worth(self, stage: int, parts: int) -> bool:
        """Whether numbers of so many parts are worth it, for functions up to those that a stage reads."""
        ...

    def known(self, patterns: NDArray[np.int16], place: Rows, names: Names, parts: int) -> Callable[[Rows, Names], Any]:
        """What gives functions, as numbers of so many parts, by the places of regions, and names.

        Of stages before the one that comes next, only the functions names[i] on the regions place[i] can be asked for.
        """
        ...

    def exactly(self, patterns: NDArray[np.int16]) -> tuple[Callable[[Rows, Names], Exact], bool]:
        """What gives functions in integers by the places of regions, and names; whether that takes hardly any time."""
        ...

    def walls(self, patterns: NDArray[np.int16], place: Rows, names: Names, parts: int) -> Any:
        """The functions names[i], of any stages, on regions with the patterns[place[i]]."""
        ...

    def inside(self, patterns: NDArray[np.int16], points: NDArray[Any]) -> NDArray[np.bool_] | None:
        """Whether each of the points (n, D), Fractions, lies in the closed region with the i-th pattern, of all units:
        whether every unit is there on its piece. None where an exact evaluation costs no more."""
        ...

    def separation(self, stage: int, others: Names) -> Separation | None:
        """Of what a stage reads where some of the other functions vanish; None if any of these are not known to be
        short."""
        ...

    def central(self, names: Names) -> NDArray[np.bool_]:
        """Whether functions are known by name to be zero at the origin, on whatever region: they have no constant."""
        ...

    def vanish(self, names: Names, others: Names) -> NDArray[np.bool_]:
        """Whether names[i], of one stage, is known to be zero where others[i] is: by name alone."""
        ...

    def vanish_everywhere(self, patterns: NDArray[np.int16], place: Rows, names: Names) -> NDArray[np.bool_]:
        """Whether names[i], of the stage that comes next, is known to be zero on the region patterns[place[i]]."""
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

    def separation(self) -> Separation | None:
        """Of the functions of the stage, where walls of the arrangement meet."""
        return self.oracle.separation(self.stage, self.walls)

    def exactly(self, naming: Naming) -> Functions:
        """The functions behind the walls and columns of regions."""
        return _Named(self, naming)

    def exact_walls(self) -> ExactWalls:
        """The functions behind the walls of the arrangement alone."""
        return _Walls(self)

    def with_walls(self, cut: NewWalls | None, naming: Naming) -> Predicates:
        """The same, after a refinement that made new walls."""
        if cut is None:
            return self
        return replace(self, walls=self.walls.followed_by(cut.start, naming(cut.region, cut.column)))

    def inside(self, parents: Rows) -> Predicates:
        """The same, for an arrangement whose regions lie in the regions ``parents`` of this one."""
        return replace(self, patterns=lambda rows: self.patterns(parents[rows]))


@dataclass(frozen=True, eq=False)
class _Walls:
    """See ``ExactWalls``."""

    by: Predicates

    def __call__(self, region: Rows, wall: Rows, parts: int) -> Any:
        regions, place = np.unique(region, return_inverse=True)
        return self.by.oracle.walls(self.by.patterns(regions), place, self.by.walls.take(wall), parts)

    def nearest(self, dim: int) -> float:
        separation = self.by.separation()
        return 0.0 if separation is None else separation.nearest(dim)

    def central(self, walls: Rows) -> NDArray[np.bool_]:
        return self.by.oracle.central(self.by.walls.take(walls.ravel())).reshape(walls.shape)


@dataclass(frozen=True, eq=False)
class _Named:
    """Functions of a network, where each wall and column has a name; see ``ladder.Functions``."""

    by: Predicates
    naming: Naming

    def known(self, regions: Rows, walls: Ragged, parts: int) -> Lookup | None:
        oracle = self.by.oracle
        if parts == INTEGERS:
            exactly, at_once = oracle.exactly(self.by.patterns(regions))
            return Prompt(self._lookup(regions, exactly)) if at_once else self._lookup(regions, exactly)
        if not oracle.worth(self.by.stage, parts):
            return None
        closely = oracle.known(self.by.patterns(regions), walls.row_of, self.by.walls.take(walls.values), parts)
        return self._lookup(regions, closely)

    def _lookup(self, regions: Rows, by_names: Callable[[Rows, Names], Any]) -> Lookup:
        """What gives functions on these regions by walls and columns, from what gives them by names."""
        return lambda place, name: by_names(place, self._names(regions[place], name))

    def vanishing(self, regions: Rows, columns: Rows, others: Rows) -> NDArray[np.bool_]:
        names = self.naming(regions, columns)
        if not (names.second >= 0).any():
            return np.zeros(len(columns), np.bool_)  # by name alone only differences vanish
        return self.by.oracle.vanish(names, self._names(regions, others))

    def vanishing_everywhere(self, regions: Rows, columns: Rows) -> NDArray[np.bool_]:
        each, place = np.unique(regions, return_inverse=True)
        return self.by.oracle.vanish_everywhere(self.by.patterns(each), place, self.naming(regions, columns))

    def separation(self) -> Separation | None:
        return self.by.separation()

    def central(self, regions: Rows, names: Rows) -> NDArray[np.bool_]:
        return self.by.oracle.central(self._names(regions, names))

    def only(self, columns: Rows) -> Functions:
        return _Named(self.by, lambda regions, places: self.naming(regions, columns[places]))

    def _names(self, regions: Rows, name: Rows) -> Names:
        """Those of walls (name >= 0), and of columns -1 - name on the regions."""
        walls, columns = np.flatnonzero(name >= 0), np.flatnonzero(name < 0)
        if not len(columns):
            return self.by.walls.take(name)
        named = self.naming(regions[columns], -1 - name[columns])
        if not len(walls):
            return named
        return Names.merged(walls, self.by.walls.take(name[walls]), columns, named)
