"""The ladder of decisions: what float64 leaves open is asked of one rung after the other, each for what is still open.

A decision is about affine functions on regions: the sign of one where D others vanish (at a vertex), or whether one
vanishes where another does. A rung knows the functions as numbers with a radius, or exactly; a predicate is written
once, for all numbers, and says what the numbers decide and what they leave open. Then ``climb`` is all there is to it.
So do the filtered predicates of CGAL (Bronnimann, Burnikel, Pion 2001, Discrete Applied Mathematics 109): one template,
evaluated in intervals and, where that is not sure, in exact numbers. Here there are more rungs, since a pass through a
network costs far more than the predicate, and all decisions of a kind are made at once.

Before the rungs, where functions are short: what is less than a separation bound is zero (``Separation``). The rungs:
names (which functions are known to vanish together, without arithmetic), numbers of 1, 2 and 5 float64 parts
with a bound (proofs/, Lemma 10), structure (which functions are known to be zero on a region), integers (Lemma 8).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import reduce
from itertools import combinations
from operator import add
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..arrays.ragged import Ragged
from ..errors import InternalError
from ..numbers.double_double import Balls
from ..numbers.exact import Exact, Numbers
from ..runtime.budget import checkpoint
from .separation import Separation

Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]

PARTS = (1, 2, 5)
"""Of the numbers in which functions are known, one after the other where a decision is still open."""

INTEGERS = 0
"""In place of how many parts numbers have: they are integers."""

_SAMPLE = 256
"""Decisions by which it is judged, where there are many, whether a rung is worth asking."""

_FUTILE = 3 / 4
"""It is not where it leaves more than this share open."""

_BLOCK = 1 << 18
"""Values computed at a time."""

_SURE = 2.0**-24
"""A position on an edge must be known as closely as this."""

Question = Literal["sign", "order", "cut", "place", "tie"]
"""A sign at a vertex before any cell is cut; the order of crossings by their positions; a sign at a crossing, on which
side of another it lies or whether both are one point; the place of a new vertex; whether two functions are one, on a
region or along a wall."""

Kind = Literal["float64", "separation", "name", "long number", "integer"]
"""What is at hand; the same, less than what is not zero; a function that is known by name to vanish; numbers with a
bound, computed anew; integers."""

Lookup: TypeAlias = Callable[[Rows, Rows], Any]
"""From places in a list of regions, and names, to the functions: ``Balls`` or ``Exact`` (n, D + 1), a and c of a u + c.
A name >= 0 is the number of a wall: a function, of either sign, that vanishes on the facets of the region on it. Others
are -1 - column: the function of a column minus its level, up to a positive factor."""


@dataclass(frozen=True, eq=False)
class Prompt:
    """A lookup that makes a function as fast as it would be remembered."""

    find: Lookup

    def __call__(self, place: Rows, name: Rows) -> Any:
        """See ``Lookup``."""
        return self.find(place, name)


class Functions(Protocol):
    """How the affine functions behind walls and columns are known, on the regions of an arrangement."""

    def known(self, regions: Rows, walls: Ragged, parts: int) -> Lookup | None:
        """The functions on regions, asked for at once: of all columns, and of the ``walls`` of each.

        In numbers of so many ``parts`` at least, with a bound, or in ``INTEGERS``. None where numbers of so many parts
        cost as much as integers; never for these.
        """
        ...

    def vanishing(self, regions: Rows, columns: Rows, others: Rows) -> Mask:
        """Whether columns[i] is known by name to be zero on regions[i] where others[i] is, a wall or a column."""
        ...

    def vanishing_everywhere(self, regions: Rows, columns: Rows) -> Mask:
        """Whether columns[i] is known by structure to be zero on all of regions[i]."""
        ...

    def central(self, regions: Rows, names: Rows) -> Mask:
        """Whether names[i] (see ``Lookup``), on regions[i], is known by name to be zero at the origin, on whatever
        region."""
        ...

    def separation(self) -> Separation | None:
        """How far from zero the columns are where they are not zero, if all functions are short; else None."""
        ...

    def only(self, columns: Rows) -> Functions:
        """The same where only some of the columns are asked for: by their places among these."""
        ...


class Counts(Counter[tuple[Question, Kind]]):
    """How many answers to each question came from each kind of rung."""

    def note(self, question: Question, settled: Counter[Kind]) -> None:
        """Adds the answers to one question."""
        self.update({(question, kind): number for kind, number in settled.items()})

    @property
    def decisions(self) -> int:
        """How many signs and orders were asked for: all but places, which decide nothing."""
        return sum(number for (question, _), number in self.items() if question != "place")


# ---- the loop --------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, eq=False)
class Rung:
    """One way to decide. ``ask``, given the numbers of some decisions, notes answers and says which stay open."""

    kind: Kind
    ask: Callable[[Rows], Mask]
    sampled: bool = False
    """Whether it is tried on a sample first where many decisions are open, and passed over if it settles little."""


def climb(rungs: Iterable[Rung], count: int) -> Counter[Kind]:
    """Decides ``count`` things; says how many of them each kind of rung settled. None may be open after the last."""
    left, settled = np.arange(count), Counter[Kind]()
    for rung in rungs:
        if not len(left):
            break
        if rung.sampled and len(left) > 16 * _SAMPLE and rung.ask(left[:: len(left) // _SAMPLE]).mean() > _FUTILE:
            continue
        still_open = rung.ask(left)
        settled[rung.kind] += int(np.count_nonzero(~still_open))
        left = left[still_open]
    if len(left):
        raise InternalError(f"{len(left):,} decisions are open after the last rung")
    return settled


# ---- predicates, for numbers of every kind ---------------------------------------------------------------------------
def meeting(walls: list[Numbers]) -> Numbers:
    """The points where D functions vanish, each (n, D + 1), as homogeneous coordinates (n, D + 1); 0 if they are many.

    Coordinate i is the minor of the D x (D + 1) matrix without column i, of alternating sign. Minors of the first k + 1
    rows are expanded along row k, D 2^D products in all: no quotients, so no pivots, and a radius is as that of any
    sum of products (proofs/, Lemma 10 (c)). The functions times positive numbers give the same point.
    """
    width = len(walls) + 1
    minors = walls[0]
    for k in range(1, len(walls)):
        smaller = {columns: i for i, columns in enumerate(combinations(range(width), k))}
        larger = list(combinations(range(width), k + 1))
        terms = []
        for t in range(k + 1):
            rest = [smaller[columns[:t] + columns[t + 1 :]] for columns in larger]
            term = walls[k][:, [columns[t] for columns in larger]] * minors[:, rest]
            terms.append(-term if (k + t) % 2 else term)
        minors = reduce(add, terms)
    # Minors are in the order of the columns that they have: the first has no last one.
    return minors[:, ::-1].times((-1) ** np.arange(width, dtype=np.int8))


def dot(form: Numbers, point: Numbers) -> Numbers:
    """The values (n,) of functions (n, D + 1) at homogeneous points (n, D + 1), times their last coordinates."""
    products = form * point
    return reduce(add, (products[:, k] for k in range(products.shape[1])))


def vanishing(form: Numbers) -> tuple[Mask, Mask]:
    """Whether functions are identically zero, for those of which it is certain; and of which it is not."""
    zero = np.asarray(form.is_zero().all(axis=1))
    return zero, np.asarray(~zero & (form.signs() == 0).all(axis=1))


def vanishing_along(form: Numbers, wall: Numbers) -> tuple[Mask, Mask]:
    """The same of functions where others, not constant, are zero: all minors of the two rows are zero then."""
    first, second = np.array(list(combinations(range(form.shape[1]), 2))).T
    return vanishing(form[:, first] * wall[:, second] - form[:, second] * wall[:, first])


def positions(
    first: tuple[Numbers, Numbers], second: tuple[Numbers, Numbers]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where a function with the values p / v and q / w, of opposite sign, vanishes between them, with a bound.

    The bound is infinite where the functions are not known closely enough.
    """
    start, end = first[0] * second[1], second[0] * first[1]
    if isinstance(start, Exact):
        exact = [_position(*pair) for pair in zip(start.values.tolist(), end.values.tolist(), strict=True)]
        return np.array(exact, np.float64), np.full(len(exact), 2.0**-53)
    start, end = _turned(start), _turned(end)
    total = start + end
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        guess = start.high / total.high
        zero = np.zeros_like(guess)
        missing = start - Balls(guess, zero, zero) * total
        slack = (start.radius + end.radius + missing.radius) / (total.high - total.radius) * (1 + 2.0**-20) + 2.0**-53
        sure = (start.signs() > 0) & (end.signs() > 0) & (slack <= _SURE)
        return guess + missing.high / total.high, np.where(sure, slack, np.inf)


def _position(start: Any, end: Any) -> float:
    """Where a function vanishes between ends with values that are as two integers, of opposite sign, are."""
    start, end = abs(int(start)), abs(int(end))
    return float(start / (start + end))


def _turned(x: Balls) -> Balls:
    """The magnitudes."""
    return x.times(np.where(x.high < 0, -1, 1).astype(np.int8))


# ---- what a rung knows -----------------------------------------------------------------------------------------------
@dataclass(frozen=True, eq=False)
class Vertices:
    """Vertices as the points where D functions on a region vanish, by their names (see ``Lookup``)."""

    region: Rows
    names: Rows
    """int64 (n, D)"""
    number: Rows | None = None
    """One of its own for each point, near 0 (tables are as long): what is found out of it is kept. None: nothing is."""

    def take(self, index: Rows) -> Vertices:
        """Some of them."""
        return Vertices(self.region[index], self.names[index], None if self.number is None else self.number[index])


class Values:
    """Values of columns at vertices in numbers of one length: quotients of two, all with their bounds."""

    def __init__(self, functions: Functions, walls: Ragged, parts: int) -> None:
        """``walls``: the numbers of the walls of each region; ``parts``: of a number, at least, or ``INTEGERS``."""
        self._functions, self._walls, self.parts = functions, walls, parts
        self._batches: list[Lookup] = []
        self._home: Rows = np.zeros((0, 2), np.int64)
        """The batch of each region and its place there; -1 before it is asked for."""
        self._place: Rows = np.zeros(0, np.int64)
        """For the key of a vertex (see ``_key``) its place among the points that are kept; -1 before it is."""
        self._points: Any = None
        self._count = 0
        self._known = True

    def fetch(self, regions: Rows) -> bool:
        """Asks for the functions on some regions, all at once; says whether numbers of this length know them at all."""
        if not self._known:
            return False
        if not len(self._home):
            self._home = np.full((len(self._walls), 2), -1)
        wanted = regions[self._home[regions, 0] < 0]
        if len(wanted):
            wanted = np.unique(wanted)
            functions = self._functions.known(wanted, self._walls.take(wanted), self.parts)
            self._known = functions is not None
            if functions is not None:
                self._home[wanted, 0], self._home[wanted, 1] = len(self._batches), np.arange(len(wanted))
                prompt = self.parts or isinstance(functions, Prompt)
                self._batches.append(functions if prompt else remembering(functions))
        return self._known

    def signs(self, at: Vertices, regions: Rows, columns: Rows) -> tuple[NDArray[np.int8], Mask]:
        """The signs of columns on regions at vertices, int8; and which of them are open: 0, or perhaps not."""
        signs, zero = np.zeros(len(columns), np.int8), np.zeros(len(columns), np.bool_)
        for start in range(0, len(columns), _BLOCK):
            block = np.arange(start, min(start + _BLOCK, len(columns)))
            value, over = self.values(at.take(block), regions[block], columns[block])
            signs[block], zero[block] = value.signs() * over.signs(), value.is_zero()
        return signs, (signs == 0) & ~zero

    def values(self, at: Vertices, regions: Rows, columns: Rows) -> tuple[Any, Any]:
        """The values, as quotients, up to a positive factor common to one region and column."""
        key = None if at.number is None else _key(at.number)
        new, place = _each_once(at) if key is None else (self._unknown(key), None)
        of_walls, count = at.names[new].T, len(columns)
        where = np.concatenate([regions, np.tile(at.region[new], len(of_walls))])
        forms = self.forms(where, np.concatenate([-1 - columns, of_walls.ravel()]))
        if len(new):
            starts = range(count, len(where), len(new))
            points = _surely_there(meeting([forms[start : start + len(new)] for start in starts])).scaled()
            if key is not None:
                self._keep(key[new], points)
        at_vertices = points[place] if key is None else self._points[self._place[key]]
        return dot(forms[:count], at_vertices), at_vertices[:, -1]

    def forms(self, regions: Rows, names: Rows) -> Any:
        """Functions, one at least, on regions that have been asked for, (n, D + 1)."""
        home, place = self._home[regions].T
        if len(self._batches) == 1:
            return self._batches[0](place, names).scaled()
        result: Any = None
        for batch, lookup in enumerate(self._batches):
            index = np.flatnonzero(home == batch)
            if len(index):
                some = lookup(place[index], names[index]).scaled()
                result = some.zeros((len(regions), some.shape[1])) if result is None else result
                result.put(index, some)
        return result

    def _unknown(self, key: Rows) -> Rows:
        """Vertices, by their keys, whose points have to be computed, each once."""
        above = int(key.max(initial=-1)) + 1
        if above > len(self._place):
            self._place = np.concatenate([self._place, np.full(max(above, 2 * len(self._place)), -1)])
        missing = np.flatnonzero(self._place[key] < 0)
        return missing[np.unique(key[missing], return_index=True)[1]]

    def _keep(self, key: Rows, points: Any) -> None:
        """Notes the points of vertices that are not known, each once."""
        place = np.arange(self._count, self._count + len(key))
        if self._points is None or place[-1] >= len(self._points):
            larger = points.zeros((2 * self._count + len(key), points.shape[1]))
            if self._points is not None:
                larger.put(slice(self._count), self._points[: self._count])
            self._points = larger
        self._points.put(place, points)
        self._place[key] = place
        self._count += len(key)


def _key(number: Rows) -> Rows:
    """The numbers 0, -1, 1, -2, ... as 0, 1, 2, 3, ...: places in a table."""
    return np.where(number < 0, -1 - 2 * number, 2 * number)


def _each_once(at: Vertices) -> tuple[Rows, Rows]:
    """The first of each of the vertices, and for each vertex which of these it is."""
    keys = np.concatenate([at.region[:, None], at.names], axis=1)
    _, first, which = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    return first, which.ravel()


def _surely_there(points: Numbers) -> Numbers:
    """The same points; ``InternalError`` where exact ones are at infinity, or everywhere."""
    if points.certain and points[:, -1].is_zero().any():
        raise InternalError("walls that meet in a vertex are parallel: an earlier decision was wrong")
    return points


def remembering(lookup: Lookup) -> Lookup:
    """The same, by which each function is made once."""
    known: dict[tuple[int, int], Any] = {}

    def find(place: Rows, name: Rows) -> Exact:
        wanted = list(zip(place.tolist(), name.tolist(), strict=True))
        new = list(set(wanted) - known.keys())
        if new:
            known.update(zip(new, lookup(*np.array(new).T).values.tolist(), strict=True))
        checkpoint()
        rows = [known[pair] for pair in wanted]
        return Exact.of(rows, len(rows[0]) if rows else 0)

    return find


# ---- decisions -------------------------------------------------------------------------------------------------------
class Ladder:
    """Exact decisions about the functions on the regions of an arrangement; in any dimension D."""

    def __init__(self, functions: Functions, walls: Ragged, counts: Counts | None = None) -> None:
        """``walls``: the numbers of the walls of each region, which are asked for together with its functions."""
        self._functions = functions
        self._closely = [Values(functions, walls, parts) for parts in PARTS]
        self._exactly = Values(functions, walls, INTEGERS)
        self.counts = Counts() if counts is None else counts

    def signs(
        self,
        regions: Rows,
        columns: Rows,
        walls: Rows,
        vertices: Rows | None = None,
        question: Question = "sign",
    ) -> NDArray[np.int8]:
        """The sign of columns[i] on regions[i] at the vertex of this region where D functions vanish, int8 (n,).

        ``walls`` (n, D) are their names, a wall's number or -1 - column, and ``vertices``, if given, a number for each
        point, by which what is found out of it is kept from call to call. Raises ``InternalError`` where the D
        functions have no single zero in common.
        """
        at = Vertices(regions, walls, vertices)
        signs = np.zeros(len(columns), np.int8)

        def by_name(some: Rows) -> Mask:
            still_open = np.ones(len(some), np.bool_)
            for wall in walls.T:
                here = some[still_open]
                still_open[still_open] = ~self._functions.vanishing(regions[here], columns[here], wall[here])
            return still_open

        def by(values: Values) -> Callable[[Rows], Mask]:
            def ask(some: Rows) -> Mask:
                if not values.fetch(regions[some]):
                    return np.ones(len(some), np.bool_)
                signs[some], still_open = values.signs(at.take(some), regions[some], columns[some])
                return still_open

            return ask

        def by_structure(some: Rows) -> Mask:
            return ~self._zero_by_structure(regions[some], columns[some])

        self.counts.note(question, climb(self._rungs(question, by_name, by, by_structure), len(columns)))
        return signs

    def positions(
        self, first: Vertices, second: Vertices, regions: Rows, columns: Rows, question: Question = "place"
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The parameter between two vertices at which columns[i], on regions[i], vanishes; and its error bound.

        At the two ends the column has opposite signs.
        """
        position, slack = np.zeros(len(columns)), np.full(len(columns), np.inf)

        def by(values: Values) -> Callable[[Rows], Mask]:
            def ask(some: Rows) -> Mask:
                ends = first.take(some), second.take(some)
                if not values.fetch(np.concatenate([ends[0].region, ends[1].region, regions[some]])):
                    return np.ones(len(some), np.bool_)
                at_ends = [values.values(end, regions[some], columns[some]) for end in ends]
                position[some], slack[some] = positions(at_ends[0], at_ends[1])
                return np.asarray(np.isinf(slack[some]))

            return ask

        rungs = [
            *(Rung("long number", by(values)) for values in self._asked(question)),
            Rung("integer", by(self._exactly)),
        ]
        self.counts.note(question, climb(rungs, len(columns)))
        return position, slack

    def vanish(self, regions: Rows, columns: Rows, walls: Rows | None = None) -> Mask:
        """Whether columns[i] is zero on all of regions[i] or (walls given) wherever walls[i] is; bool (n,)."""
        zero = np.zeros(len(columns), np.bool_)

        def by_name(some: Rows) -> Mask:
            if walls is not None:
                zero[some] = self._functions.vanishing(regions[some], columns[some], walls[some])
            return ~zero[some]

        def by_structure(some: Rows) -> Mask:
            zero[some] = self._zero_by_structure(regions[some], columns[some])
            return ~zero[some]

        def by(values: Values) -> Callable[[Rows], Mask]:
            def ask(some: Rows) -> Mask:
                if not values.fetch(regions[some]):
                    return np.ones(len(some), np.bool_)
                form = values.forms(regions[some], -1 - columns[some])
                zero[some], still_open = (
                    vanishing(form)
                    if walls is None
                    else vanishing_along(form, values.forms(regions[some], walls[some]))
                )
                return still_open

            return ask

        self.counts.note("tie", climb(self._rungs("tie", by_name, by, by_structure), len(columns)))
        return zero

    def fetch(self, regions: Rows) -> None:
        """Asks for the functions on some regions at once, about which many decisions will be made one by one."""
        if not self._asked("cut")[0].fetch(regions):
            self._exactly.fetch(regions)

    def _asked(self, question: Question) -> list[Values]:
        """Numbers with a bound, by length. Those of one part are tried where many decisions come together."""
        return [values for values in self._closely if values.parts > 1 or question in ("sign", "order")]

    def _rungs(
        self,
        question: Question,
        by_name: Callable[[Rows], Mask],
        by: Callable[[Values], Callable[[Rows], Mask]],
        by_structure: Callable[[Rows], Mask],
    ) -> list[Rung]:
        """The rungs of the ladder, from the one that costs least. Structure costs as much as a pass."""
        *closely, closest = self._asked(question)
        return [
            Rung("name", by_name),
            *(Rung("long number", by(values), sampled=True) for values in closely),
            Rung("long number", by(closest)),
            Rung("name", by_structure),
            Rung("integer", by(self._exactly)),
        ]

    def _zero_by_structure(self, regions: Rows, columns: Rows) -> Mask:
        """Which columns are known by structure to be zero on whole regions, of those that the longest numbers allow."""
        values = self._closely[-1]
        if not values.fetch(regions):
            return np.zeros(len(columns), np.bool_)
        pairs, which = np.unique(np.stack([regions, columns]), axis=1, return_inverse=True)
        result = (values.forms(pairs[0], -1 - pairs[1]).signs() == 0).all(axis=1)
        result[result] = self._functions.vanishing_everywhere(*pairs[:, result])
        return np.asarray(result[which.ravel()])
