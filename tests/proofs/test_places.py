"""Lemma 17: rows at their places, with places that are far off, so that every term of its bounds is needed."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from cpwl.arrays.ragged import Ragged
from cpwl.backends.torch.fields.field import FloatField
from cpwl.backends.torch.line.cut import LineCut
from cpwl.backends.torch.line.decide import Decisions
from cpwl.backends.torch.line.places import Places
from cpwl.backends.torch.refinement.kernels.compiled import CompiledLoops
from cpwl.geometry.ladder import Functions
from cpwl.numbers.exact import Exact
from cpwl.numbers.integers import Integer

Line = tuple[Fraction, Fraction]
"""Slope and constant."""


class Given:
    """Functions on pieces, and walls at vertices, that are known exactly; see ``ladder.Functions``."""

    def __init__(self, pieces: Sequence[Sequence[Line]], places: Sequence[Fraction]) -> None:
        self._pieces, self._places = pieces, places

    def known(self, regions: NDArray[np.int64], walls: Ragged, parts: int) -> Any:
        if parts:
            return None

        def lookup(place: NDArray[np.int64], names: NDArray[np.int64]) -> Exact:
            rows = []
            for region, name in zip(regions[place].tolist(), names.tolist(), strict=True):
                a, c = self._pieces[region][-1 - name] if name < 0 else (Fraction(1), -self._places[name])
                scale = a.denominator * c.denominator
                rows.append((Integer(int(a * scale)), Integer(int(c * scale))))
            return Exact.of(rows, 2)

        return lookup

    def vanishing(self, regions: NDArray[np.int64], columns: Any, others: Any) -> NDArray[np.bool_]:
        return np.zeros(len(regions), np.bool_)

    def vanishing_everywhere(self, regions: NDArray[np.int64], columns: Any) -> NDArray[np.bool_]:
        return np.zeros(len(regions), np.bool_)

    def only(self, columns: NDArray[np.int64]) -> Functions:
        raise NotImplementedError


class Case:
    """A segment in a few pieces with functions on them, and rows at places that are off."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        inner = sorted(rng.choice(np.arange(1, 16), int(rng.integers(1, 4)), replace=False).tolist())
        self.exact = [Fraction(0), *(Fraction(k, 16) for k in inner), Fraction(1)]
        count = int(rng.integers(1, 6))
        spread = Fraction(1, int(rng.choice([1, 8, 64])))
        at = [[Fraction(int(rng.integers(-2, 3))) * spread for _ in self.exact] for _ in range(count)]
        if count > 1 and rng.random() < 0.5:
            at[1] = [-3 * x for x in at[0]]
        if rng.random() < 0.5:  # lines that do not turn where others do
            at[0] = [at[0][0] + (at[0][-1] - at[0][0]) * t for t in self.exact]
        self.pieces = [[_through(s, t, f[i], f[i + 1]) for f in at] for i, (s, t) in enumerate(pairwise(self.exact))]
        far = float(rng.choice([2.0**-7, 2.0**-12, 2.0**-40]))
        moved = [0.0, *(rng.uniform(-far, far, len(inner))).tolist(), 0.0]
        self.places = np.array([float(t) + m for t, m in zip(self.exact, moved, strict=True)])
        self.off = np.array(
            [abs(Fraction(p) - t) for p, t in zip(self.places.tolist(), self.exact, strict=True)], float
        )
        self.off[self.off > 0] *= 1 + 2.0**-40
        beside = [self.beside(v) for v in range(len(self.exact))]
        self.rows = np.empty((len(self.exact), count))
        self.errors = np.empty(len(self.exact))
        for v, pieces in enumerate(beside):
            extended = [self.extended(i, Fraction(float(self.places[v]))) for i in pieces]
            weight = rng.random()
            self.rows[v] = [
                float(a) * weight + float(b) * (1 - weight) for a, b in zip(extended[0], extended[-1], strict=True)
            ]
            if v not in (0, len(beside) - 1):
                self.rows[v] += rng.uniform(-1, 1, count) * far * rng.choice([0, 0.1])
            self.errors[v] = max(distance(self.rows[v], extension) for extension in extended)
        self.edges = np.stack([np.arange(len(self.pieces)), np.arange(1, len(self.exact))], axis=1)

    def beside(self, vertex: int) -> list[int]:
        """The pieces on both sides of a vertex."""
        return [i for i in (vertex - 1, vertex) if 0 <= i < len(self.pieces)]

    def extended(self, piece: int, t: Fraction) -> list[Fraction]:
        """The affine functions of a piece at t, on it or beyond."""
        return [a * t + c for a, c in self.pieces[piece]]

    def cut(self) -> tuple[LineCut, Places]:
        place = Places(_field(self.places[:, None], self.off), torch.as_tensor(self.off), True)
        count = self.rows.shape[1]
        decisions = Decisions(Given(self.pieces, self.exact), self.edges, np.arange(len(self.exact)))
        field, function = _field(self.rows, self.errors), torch.arange(count)
        return LineCut(field, function, torch.zeros(count, dtype=torch.float64), self.edges, place, decisions), place

    def crossings(self, piece: int) -> dict[Fraction, list[int]]:
        """Where functions vanish inside of a piece, in order."""
        found: dict[Fraction, list[int]] = {}
        for k, (a, c) in enumerate(self.pieces[piece]):
            if a and self.exact[piece] < -c / a < self.exact[piece + 1]:
                found.setdefault(-c / a, []).append(k)
        return dict(sorted(found.items()))


def _through(s: Fraction, t: Fraction, a: Fraction, b: Fraction) -> Line:
    slope = (b - a) / (t - s)
    return slope, a - slope * s


def _field(values: NDArray[np.float64], errors: NDArray[np.float64]) -> FloatField:
    return FloatField(torch.as_tensor(values), torch.as_tensor(errors).clone())


def distance(row: NDArray[np.float64], exact: Sequence[Fraction]) -> float:
    """A little more than the 2-norm of the difference, 0 for 0."""
    square = sum((Fraction(x) - y) ** 2 for x, y in zip(row.tolist(), exact, strict=True))
    return float(square) ** 0.5 * (1 + 2.0**-30)


@pytest.mark.parametrize("loops", [True, False])
def test_lemma_17_places(loops: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not loops:
        monkeypatch.setattr(CompiledLoops, "serves", lambda kernel, values: False)
    for seed in range(400):
        check(Case(seed))


def check(case: Case) -> None:
    found, places = case.cut()
    old = len(case.exact)
    exact, piece_of = list(case.exact), [case.beside(v) for v in range(old)]
    for i in range(len(case.pieces)):
        crossings = case.crossings(i)
        made = [found.sorted.column[(found.sorted.edge == i) & (found.sorted.vertex == v)] for v in
                np.unique(found.sorted.vertex[found.sorted.edge == i])]  # fmt: skip
        assert [sorted(columns.tolist()) for columns in made] == list(crossings.values())
        exact += crossings
        piece_of += [[i]] * len(crossings)
    unclean = torch.as_tensor(np.bincount(found.sorted.vertex, found.sorted.unclean) > 0)
    points = places.with_new(found.points, unclean)
    for t, at, off in zip(exact, points.values[:, 0].tolist(), points.error.tolist(), strict=True):
        assert abs(Fraction(at) - t) <= Fraction(off)
    check_rows(case, found, exact, piece_of, points)


def check_rows(
    case: Case, found: LineCut, exact: list[Fraction], piece_of: list[list[int]], points: FloatField
) -> None:
    at = [Fraction(t) for t in points.values[:, 0].tolist()]
    cutting = found.cutting
    rows, rectified = cutting.values(), cutting.rectified().whole()
    for v, pieces in enumerate(piece_of):
        for i in pieces:
            far = distance(rows.values[v].numpy(), case.extended(i, at[v]))
            assert far <= float(rows.error[v]) * (1 + 2.0**-20) + 2.0**-60
    for before, (first, second) in zip(found.parents.tolist(), found.pieces.tolist(), strict=True):
        middle = (exact[first] + exact[second]) / 2
        on = [value > 0 for value in case.extended(before, middle)]
        for v in (first, second):
            wanted = [x if k else Fraction(0) for x, k in zip(case.extended(before, at[v]), on, strict=True)]
            far = distance(rectified.values[v].numpy(), wanted)
            assert far <= float(rectified.error[v]) * (1 + 2.0**-20) + 2.0**-60
    below = np.unpackbits(found.below(), axis=1, bitorder="little")[:, : case.rows.shape[1]].astype(bool)
    for before, (first, second), bits in zip(found.parents.tolist(), found.pieces.tolist(), below, strict=True):
        middle = case.extended(before, (exact[first] + exact[second]) / 2)
        assert bits.tolist() == [value < 0 for value in middle]
    after = Places(points, points.error, True)
    moved = after.moved(rows.values, rows.bound(), found.pieces)
    for v, pieces in enumerate(piece_of):
        for k, value in enumerate(case.extended(pieces[0], exact[v])):
            off = abs(Fraction(float(rows.values[v, k])) - value)
            reach = float(rows.error[v] + moved[v])
            assert not np.isfinite(reach) or off <= Fraction(reach) * (1 + Fraction(1, 2**20)) + Fraction(1, 2**60)
