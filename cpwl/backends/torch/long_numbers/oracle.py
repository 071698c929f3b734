"""The functions of a network on regions of a slice, up to a bound, for many regions at once (proofs/, Lemma 10)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from hashlib import sha256
from math import ceil, log2
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ....errors import InternalError
from ....fields.predicates import Names
from ....geometry.domain import Domain
from ....geometry.polytope import Polytope
from ....network.network import Network
from ....numbers.double_double import Balls
from ..complex.segments import as_numpy
from ..fields.arithmetic import TorchArithmetic
from ..fields.field import UNIT, FloatField
from .arithmetic import ExtendedArithmetic, ExtendedField
from .passes import Passes, arithmetic_of, of_regions

Rows = NDArray[np.int64]
Patterns = NDArray[np.int16]
Name = tuple[int, int, int, float]
Known = dict[Name, Balls]

_ENTRIES = 1 << 21
"""Rows times widest node that go through the network at once."""

_KEPT = 1 << 26
"""Numbers that are kept from one stage to the next, of each length: 512 MiB."""

_MOST = 8
"""Parts of a number."""

_ENOUGH = 2.0**-44
"""A bound of this share of a row's values will do; above it, more parts are taken."""


Place = tuple[int, int]
"""A state of those that are kept, and a region's place in it."""


@dataclass(frozen=True, eq=False)
class _Wanted:
    """A region, by its pattern before a stage, and the functions that are wanted there."""

    pattern: Patterns
    names: set[Name]


@dataclass(frozen=True, eq=False)
class _State:
    """What the nodes from a stage on read, D + 1 rows a region, and the functions of earlier lines of each region."""

    live: dict[int, Any]
    known: Sequence[Known]
    dim: int

    def take(self, regions: Rows) -> _State:
        """Those of some regions."""
        return _State(of_regions(self.live, regions, self.dim), [dict(self.known[k]) for k in regions], self.dim)

    @property
    def size(self) -> int:
        """How many numbers it holds."""
        return sum(part.numel() for field in self.live.values() for part in _parts(field))


class CloseOracle:
    """See ``predicates.Oracle.known``.

    Regions go through the network from where the regions that they lie in have come, as far as that was kept.
    """

    def __init__(self, network: Network, domain: Domain, plain: TorchArithmetic, parts: int) -> None:
        """``parts``: of a number, at least; with one they stay float64 numbers, and ``plain`` computes."""
        self._network, self._domain, self._plain = network, domain, plain
        self._sides = sides_of(domain.polytope)
        self._ends = [domain.leading + end for end in (0, *(part.stop for part in network.unit_columns.values()))]
        self._most = max(1, _ENTRIES // ((domain.dim + 1) * max(node.size for node in network.nodes)))
        self._begin(parts)

    def _begin(self, parts: int) -> None:
        self._parts = parts
        self._passes: Passes[Any] = Passes(
            self._network, self._domain, arithmetic_of(self._network, parts, self._plain)
        )
        slices = len(self._domain.frames)
        start = _State(self._passes.start(), [{} for _ in range(slices)], self._domain.dim)
        names = np.arange(slices * self._domain.leading or 1, dtype=np.int16)[:, None][:, : self._domain.leading]
        self._states: dict[int, list[_State]] = {0: [start]}
        self._places: dict[int, dict[bytes, Place]] = {0: {_key(name): (0, i) for i, name in enumerate(names)}}

    def __call__(self, patterns: Patterns, place: Rows, names: Names) -> CloseStage:
        """The functions on regions with the given patterns (n, units before a stage)."""
        stage = self._ends.index(patterns.shape[1])
        regions: dict[bytes, _Wanted] = {}
        for row in patterns:
            regions.setdefault(_key(row), _Wanted(row, set()))
        keys = [_key(row) for row in patterns]
        for k, i in enumerate(place.tolist()):
            regions[keys[i]].names.add(names.at(k))
        self._drop(stage)
        homes = self._reach(regions, stage)
        while missing := self._missing(stage):
            self._begin(self._parts + missing)
            homes = self._reach(regions, stage)
        places = np.array([homes[key] for key in keys])
        return CloseStage(self._states[stage], self._network.read_by(stage), stage, places, self._sides)

    def _drop(self, stage: int) -> None:
        """Forgets later stages, which come anew with every block of a sweep, and the first ones when there is much."""
        between = [old for old in sorted(self._states) if 0 < old < stage - 1]
        later = [old for old in self._states if old > stage]
        while later or (between and sum(state.size for kept in self._states.values() for state in kept) > _KEPT):
            old = (later or between).pop(0)
            del self._states[old]
            self._places.pop(old, None)

    def _reach(self, regions: dict[bytes, _Wanted], stage: int) -> dict[bytes, Place]:
        """Takes regions to a stage, and says where they are found there."""
        starts: dict[tuple[int, int], list[tuple[bytes, int]]] = {}
        homes = {}
        for key, wanted in regions.items():
            start, (chunk, row) = self._start(key, wanted, stage)
            if start == stage:
                homes[key] = chunk, row
            else:
                starts.setdefault((start, chunk), []).append((key, row))
        kept = self._states.setdefault(stage, [])
        for (start, chunk), members in starts.items():
            for first in range(0, len(members), self._most):
                part = members[first : first + self._most]
                state = self._states[start][chunk].take(np.array([row for _, row in part]))
                state = self._advanced(state, [regions[key] for key, _ in part], start, stage)
                new = {key: (len(kept), row) for row, (key, _) in enumerate(part)}
                homes.update(new)
                self._keep(state, new, stage)
        return homes

    def _start(self, key: bytes, wanted: _Wanted, stage: int) -> tuple[int, Place]:
        """The last stage from which a region can be taken on, and where it is found there."""
        for start in sorted(self._states, reverse=True):
            name = key if start == stage else _key(wanted.pattern[: self._ends[start]])
            place = self._places.get(start, {}).get(name)
            if place is not None:
                known = self._states[start][place[0]].known[place[1]]
                if all(name in known or not 0 <= name[0] < start for name in wanted.names):
                    return start, place
        raise InternalError("every region can be reached from the first stage")

    def _keep(self, state: _State, places: dict[bytes, Place], stage: int) -> None:
        """Adds regions at a stage; once there are many, they cannot be taken on from there."""
        kept = self._states[stage]
        if sum(other.size for other in kept) + state.size <= _KEPT:
            self._places.setdefault(stage, {}).update(places)
        else:
            argument = self._network.read_by(stage)
            state = replace(state, live={argument: state.live[argument]})
        kept.append(state)

    def _advanced(self, state: _State, wanted: Sequence[_Wanted], start: int, stop: int) -> _State:
        """The state at a later stage."""
        live, known = dict(state.live), state.known
        patterns = np.stack([each.pattern for each in wanted])
        for stage in range(start, stop):
            _learn(live[self._network.read_by(stage)], stage, wanted, known, state.dim)
            live = self._passes.after(live, stage, patterns[:, self._ends[stage] : self._ends[stage + 1]])
        return replace(state, live=live)

    def _missing(self, stage: int) -> int:
        """How many parts more a number should have for the bounds to be small next to the values."""
        if self._parts == 1:
            return 0
        worst, each, bits = 0.0, self._domain.dim + 1, ExtendedArithmetic.of(self._network, self._parts).grid.bits
        for state in self._states[stage]:
            field = state.live[self._network.read_by(stage)]
            sizes = (field.digits.parts[0] + field.digits.parts[1])[::each].square().mean(1).sqrt()
            ratio = (field.error[::each] / sizes)[(sizes > 0) & field.error[::each].isfinite()]
            worst = max(worst, float(ratio.max()) if len(ratio) else 0.0)
        more = ceil(log2(worst / _ENOUGH) / bits) if worst > _ENOUGH else 0
        return min(more, _MOST - self._parts)


@dataclass(frozen=True, eq=False)
class CloseStage:
    """The functions of a stage on regions, and of the earlier lines that were asked for."""

    states: Sequence[_State]
    argument: int
    stage: int
    homes: Rows
    """The state of each region and its place there, (n, 2)."""
    sides: Balls

    def forms(self, place: Rows, names: Names) -> Balls:
        """The functions of those names on the regions place[i]: a and c of a u + c, (n, D + 1)."""
        result = Balls.zeros((len(place), self.sides.shape[1]))
        chunk, row = self.homes[place].T
        for k, state in enumerate(self.states):
            index = np.flatnonzero((chunk == k) & (names.stage == self.stage))
            if len(index):
                result.put(index, entries(state.live[self.argument], row[index], names.take(index), state.dim))
        for i in np.flatnonzero(names.stage != self.stage).tolist():
            name = names.at(i)
            result.put(i, self.sides[name[1]] if name[0] < 0 else self.states[chunk[i]].known[row[i]][name])
        return result


@np.errstate(over="ignore", invalid="ignore")
def entries(field: ExtendedField | FloatField, region: Rows, names: Names, dim: int) -> Balls:
    """Entry ``first`` minus ``second`` (if >= 0) minus a level, as functions a u + c on regions of D + 1 rows each.

    What overflows has an infinite radius: see ``Balls``.
    """
    rows = (dim + 1) * region[:, None] + np.roll(np.arange(dim + 1), -1)
    parts, radius = _picked(field, rows, names.first)
    other, error = _picked(field, rows, np.maximum(names.second, 0))
    second = (names.second >= 0)[:, None]
    rest = UNIT * (np.abs(parts[-1]) + np.abs(other[-1]))
    level = np.where(rows % (dim + 1) == 0, -names.level[:, None], 0.0)
    parts = np.concatenate([np.where(second, parts - other, parts), level[None]])
    return Balls.sums(parts, radius + np.where(second, error + 2 * rest, 0.0))


def _picked(
    field: ExtendedField | FloatField, rows: Rows, columns: Rows
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Parts of some entries (K, n, D + 1), and bounds on their errors."""
    at = torch.as_tensor(rows), torch.as_tensor(columns)[:, None]
    if isinstance(field, FloatField):
        return as_numpy(field.values[at])[None], as_numpy(field.bound().at(*at))
    known = field.zeros[at]
    parts = np.stack([as_numpy(part[at]) for part in field.digits.parts])
    return parts, as_numpy(field.error[at[0]].masked_fill(known, 0.0))


def _parts(field: ExtendedField | FloatField) -> Sequence[torch.Tensor]:
    return [field.values] if isinstance(field, FloatField) else field.digits.parts


def _learn(
    argument: ExtendedField | FloatField, stage: int, wanted: Sequence[_Wanted], known: Sequence[Known], dim: int
) -> None:
    """Notes the functions of a stage that are wanted on regions."""
    asked = [(k, name) for k, each in enumerate(wanted) for name in each.names if name[0] == stage]
    if asked:
        rows = np.array([k for k, _ in asked])
        functions = entries(argument, rows, Names.of([name for _, name in asked]), dim)
        for i, (k, name) in enumerate(asked):
            known[k][name] = functions[i]


def _key(pattern: Patterns) -> bytes:
    """What stands for a pattern."""
    return sha256(np.ascontiguousarray(pattern).tobytes()).digest()


def sides_of(polytope: Polytope) -> Balls:
    """The functions of a polytope's sides, (n, D + 1), each up to a positive factor, in their order."""
    flat = Balls.of_fractions([number for row in polytope.sides for number in _of_size_one(row)])
    return flat.reshaped(-1, polytope.dim + 1)


def _of_size_one(row: Sequence[Fraction]) -> list[Fraction]:
    """The numbers times a power of two by which the largest is about 1: products of coordinates may be huge or tiny."""
    largest = max(map(abs, row))
    exponent = largest.numerator.bit_length() - largest.denominator.bit_length()
    return [x / Fraction(2) ** exponent for x in row]
