"""Which regions have one and the same affine map, decided exactly, by the ladder.

Structure says which are certainly the same (``relevance``), float64 with its error bounds, then long numbers, which
certainly differ, and the others are compared as rationals.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from ..geometry.ladder import Rung, climb
from ..local.evaluate import batches
from ..network.relevance import reduced
from ..tiling.tiling import Tiling
from .exact_maps import Forms

Rows = NDArray[np.int64]

Enclosures = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Numbers, and bounds on how far the exact ones are."""

_PARTS = (2, 5)
"""Of the long numbers in which maps are compared that float64 does not tell apart."""

_MARGIN = 2.0**-50
"""More than the rounding of a difference and a sum of two float64 numbers, relative to them: 2^-53 each."""


class Comparison:
    """Which regions of a partition have the same affine map.

    Regions are of one *kind* if structure tells that their maps are the same; only maps of kinds are computed.
    """

    def __init__(self, partition: Tiling) -> None:
        self._partition, self._forms = partition, Forms(partition)
        self._kinds, self._first = _kinds(partition)
        self._seen: dict[tuple[tuple[int, int], ...], int] = {}
        self.names: dict[int, int] = {}
        """A number for the exact map of each kind that was asked for: equal maps have equal numbers."""

    def equal(self, pairs: Rows) -> NDArray[np.bool_]:
        """For pairs of regions (n, 2) whether their maps are equal."""
        kinds, equal = self._kinds[pairs], np.zeros(len(pairs), np.bool_)

        def by_structure(some: Rows) -> NDArray[np.bool_]:
            equal[some] = kinds[some, 0] == kinds[some, 1]
            return ~equal[some]

        def by_rationals(some: Rows) -> NDArray[np.bool_]:
            self._name(np.unique(kinds[some]))
            equal[some] = [self.names[kind] == self.names[other] for kind, other in kinds[some].tolist()]
            return np.zeros(len(some), np.bool_)

        def by(known: Callable[[Rows], Enclosures | None]) -> Callable[[Rows], NDArray[np.bool_]]:
            return lambda some: self._undecided(kinds[some], known)

        by_bounds = Rung("float64", by(self._by_bounds))
        closer = (Rung("long number", by(partial(self._closely, parts))) for parts in _PARTS)
        climb([Rung("name", by_structure), by_bounds, *closer, Rung("integer", by_rationals)], len(pairs))
        return equal

    def classes(self, regions: Rows) -> Rows:
        """A number for each of the given regions, the same for those with equal maps."""
        kinds, place = np.unique(self._kinds[regions], return_inverse=True)
        groups = np.zeros(len(kinds), np.int64)
        rungs: list[Callable[[Rows], Enclosures | None]] = [self._by_bounds]
        rungs += [partial(self._closely, parts) for parts in _PARTS]
        for known in rungs:
            shared = np.flatnonzero(np.bincount(groups)[groups] > 1)
            table = known(kinds[shared])
            if len(shared) and table is not None:
                finer = np.stack([groups, np.zeros_like(groups)])
                finer[1, shared] = _groups(*table)
                groups = np.unique(finer, axis=1, return_inverse=True)[1].reshape(-1)
        shared = np.flatnonzero(np.bincount(groups)[groups] > 1)
        self._name(kinds[shared])
        numbers = np.arange(len(kinds)) + len(self._seen)
        numbers[shared] = [self.names[kind] for kind in kinds[shared].tolist()]
        return numbers[place]

    def _undecided(self, pairs: Rows, known: Callable[[Rows], Enclosures | None]) -> NDArray[np.bool_]:
        """The pairs of kinds whose maps are not told apart by what is known of them; all of them where nothing is."""
        used, place = np.unique(pairs, return_inverse=True)
        table = known(used)
        if table is None:
            return np.ones(len(pairs), np.bool_)
        values, errors = (part[place.reshape(pairs.shape)] for part in table)
        apart = np.abs(values[:, 0] - values[:, 1]) * (1 - _MARGIN)
        differ = apart > (errors[:, 0] + errors[:, 1]) * (1 + _MARGIN)
        return np.asarray(~differ.any(axis=1))

    def _by_bounds(self, kinds: Rows) -> Enclosures | None:
        """The entries of the maps of some kinds, and bounds on their errors; None where there are no float maps.

        In a large network they come from what spans them where few units bend, which costs less than a row a region.
        """
        closely = self._closely(1, kinds)
        if closely is not None or self._partition.arrangement.exact:
            return closely
        values, errors = self._enclosures
        return values[kinds], errors[kinds]

    def _closely(self, parts: int, kinds: Rows) -> Enclosures | None:
        """The same from long numbers of so many parts; None where these cost as much as rationals."""
        entries = self._partition.network.outputs * (self._partition.domain.dim + 1)
        values, errors = np.empty((2, len(kinds), entries))
        for some, maps in self._forms.outputs(self._first[kinds], parts):
            if maps is None:
                return None
            values[some], errors[some] = (table.reshape(-1, entries) for table in maps.rounded())
        return values, errors

    @cached_property
    def _enclosures(self) -> Enclosures:
        """The entries of the maps of all kinds in float64 and bounds on their errors, (kinds, K) each."""
        parts = self._partition.affine_maps(self._first), self._partition.map_errors(self._first)
        values, errors = (np.concatenate([a.reshape(len(b), -1), b], axis=1) for a, b in parts)
        return values, errors

    def _name(self, kinds: Rows) -> None:
        new = np.array([kind for kind in kinds.tolist() if kind not in self.names], np.int64)
        for kind, weight, bias in zip(new.tolist(), *self._forms.maps(self._first[new]), strict=True):
            entries = [*weight.ravel().tolist(), *bias.tolist()]
            key = tuple((x.numerator, x.denominator) for x in entries)
            self.names[kind] = self._seen.setdefault(key, len(self._seen))


def _groups(values: NDArray[np.float64], errors: NDArray[np.float64]) -> Rows:
    """A number for each row, certainly another one for those whose intervals are apart in some entry."""
    low, high = (np.nextafter(values + sign * errors, sign * np.inf) for sign in (-1, 1))
    order = np.argsort(low, axis=0)
    low, high = (np.take_along_axis(table, order, axis=0) for table in (low, high))
    gaps = low[1:] > np.maximum.accumulate(high, axis=0)[:-1]
    groups = np.zeros(values.shape, np.int64)
    np.put_along_axis(groups, order[1:], np.cumsum(gaps, axis=0), axis=0)
    return np.unique(groups, axis=0, return_inverse=True)[1].reshape(-1)


def _kinds(partition: Tiling) -> tuple[Rows, Rows]:
    """A number for each region, equal for those on which the same pieces are relevant; the first region of each."""
    network, known = partition.network, dict[bytes, int]()
    kinds = np.zeros(len(partition), np.int64)
    for part in batches(len(partition), network):
        patterns = reduced(network, partition.patterns(np.arange(part.start, part.stop)))
        kinds[part] = [known.setdefault(sha256(row.tobytes()).digest(), len(known)) for row in patterns]
    return kinds, np.unique(kinds, return_index=True)[1]
