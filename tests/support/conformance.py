"""What every backend's planar arrangements must do: laws, as functions of a backend; test_conformance.py runs them.

Inputs are float64 numbers and mean exactly those rationals, so every backend gets the same numbers. A float backend
proves its decisions by error bounds; so each law holds exactly, or within the bound of the fields that it reads
(``errors``), or, where counts and patterns are compared with the truth, unless the backend says that it could not
decide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cpwl.arrays.ragged import Ragged
from cpwl.backends import Backend
from cpwl.geometry.arrangement import Arrangement, FieldLike, Refinement
from cpwl.geometry.domain import exactly
from cpwl.geometry.polytope import Polytope
from cpwl.network import Dense, Gather, Network, Node
from tests.support.conformance_inputs import SQUARE, Functions

Point = tuple[Fraction, Fraction]
UNIT = Fraction(1, 2**53)


# ---- building ------------------------------------------------------------------------------------------------------
def functions_on(backend: Backend, coordinates: FieldLike, functions: Functions) -> Any:
    """The field of affine functions of the coordinates."""
    table = np.asarray(functions, np.float64).reshape(-1, 3)
    node = Node(Dense(table[:, :2], table[:, 2]), (0,), (len(table),))
    return backend.arithmetic.linear(node, [coordinates])


def columns(backend: Backend, field: FieldLike, chosen: Sequence[int]) -> Any:
    """The field of some columns of a field."""
    return backend.arithmetic.linear(Node(Gather(np.array(chosen, np.int64)), (0,), (len(chosen),)), [field])


def zero_levels(functions: int) -> Ragged:
    """The level 0 for each of K functions."""
    return Ragged.of([[0.0]] * functions, np.float64)


@dataclass(frozen=True)
class Cut:
    """An arrangement, functions on it, and what ``refine`` made of them."""

    backend: Backend
    before: Arrangement[Any]
    values: Any
    levels: Ragged
    refinement: Refinement[Any]

    @property
    def after(self) -> Arrangement[Any]:
        return self.refinement.arrangement

    def heights(self) -> NDArray[np.int8]:
        """Signs (V, C) of function minus level at the new vertices."""
        column = [[0.0] * len(self.levels) + [-b] for b in self.levels.values.tolist()]
        weight = np.zeros((len(column), len(self.levels)))
        weight[np.arange(len(column)), self.levels.row_of] = 1.0
        node = Node(Dense(weight, -self.levels.values), (0,), (len(column),))
        return np.asarray(self.backend.arithmetic.linear(node, [self.refinement.values]).signs())


def cut(backend: Backend, functions: Functions, polytope: Polytope = SQUARE, levels: Ragged | None = None) -> Cut:
    """A polygon cut by affine functions, all at once."""
    before = backend.arrangement(polytope)
    values = functions_on(backend, before.coordinates(), functions)
    levels = zero_levels(values.columns) if levels is None else levels
    return Cut(backend, before, values, levels, before.refine(values, levels))


def cut_again(previous: Cut, functions: Functions) -> Cut:
    """The arrangement after a cut, cut by more affine functions of the coordinates."""
    start = functions_on(previous.backend, previous.before.coordinates(), functions)
    values = previous.refinement.carry(start)
    levels = zero_levels(values.columns)
    return Cut(previous.backend, previous.after, values, levels, previous.after.refine(values, levels))


def network_cuts(backend: Backend, network: Network, polytope: Polytope = SQUARE) -> Iterator[Cut]:
    """The cuts that the stages of a chain of dense layers and activations make, one after the other."""
    arrangement: Arrangement[Any] = backend.arrangement(polytope)
    x: Any = arrangement.coordinates()
    for node in network.nodes[1:]:
        if not node.is_nonlinear:
            x = backend.arithmetic.linear(node, [x])
            continue
        levels = Ragged.of([node.op.breakpoints.tolist()] * node.size, np.float64)  # type: ignore[union-attr]
        made = Cut(backend, arrangement, x, levels, arrangement.refine(x, levels))
        yield made
        arrangement, x = made.after, backend.arithmetic.activate(node, made.refinement.values)


# ---- reading -------------------------------------------------------------------------------------------------------
def errors(field: Any) -> list[Fraction]:
    """For each row a bound on its distance from the exact one; 0 for an exact field."""
    bound = getattr(field, "error", None)
    return [Fraction(0)] * field.rows if bound is None else [Fraction(e) for e in bound.cpu().tolist()]


def corners(arrangement: Arrangement[Any]) -> list[Point]:
    """The vertices as stored, each a pair of rationals."""
    table = arrangement.vertices
    table = table if arrangement.exact else exactly(table)
    return [(x, y) for x, y in table.tolist()]


def polygons(arrangement: Arrangement[Any]) -> list[list[Point]]:
    """The corners of each region as stored."""
    points = corners(arrangement)
    return [[points[v] for v in region] for region in arrangement.regions]


def canonical(polygon: Sequence[Point]) -> tuple[Point, ...]:
    """The same polygon from its least corner on."""
    start = polygon.index(min(polygon))
    return (*polygon[start:], *polygon[:start])


def turn(p: Point, q: Point, r: Point) -> Fraction:
    """Twice the signed area of a triangle."""
    return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])


def area(polygon: Sequence[Point]) -> Fraction:
    """The signed area."""
    return sum((turn(polygon[0], p, q) for p, q in pairwise(polygon[1:])), Fraction(0)) / 2


def inside(polygon: Sequence[Point], q: Point, *, strictly: bool = True) -> bool:
    """Whether a point lies inside a convex polygon, strictly or not."""
    turns = [turn(a, b, q) for a, b in zip(polygon, [*polygon[1:], polygon[0]])]
    return min(turns) > 0 if strictly else min(turns) >= 0


def size(arrangement: Arrangement[Any]) -> Fraction:
    """The largest coordinate."""
    return max(abs(x) for point in corners(arrangement) for x in point)


def patterns(made: Cut) -> list[bytes]:
    """The pattern of each region."""
    return [row.tobytes() for row in made.refinement.below.dense()]


def by_pattern(made: Cut) -> dict[bytes, list[Point]]:
    """The polygon of each pattern; patterns of a cut of one region are distinct."""
    return dict(zip(patterns(made), polygons(made.after), strict=True))


def decided(*cuts: Cut) -> bool:
    """Whether the backend could prove all its decisions."""
    return not any(made.after.ambiguous.any() for made in cuts)


# ---- laws of one arrangement -----------------------------------------------------------------------------------------
def check_euler(arrangement: Arrangement[Any]) -> None:
    """V - E + F = 1 (bounded faces), and every vertex is used."""
    facets = arrangement.facets()
    assert len(arrangement.vertices) - len(facets.regions) + len(arrangement) == 1
    assert set(facets.vertices.values.tolist()) == set(range(len(arrangement.vertices)))


def check_areas(arrangement: Arrangement[Any], whole: Fraction) -> None:
    """Areas are positive, are those of the polygons, and add up to the whole.

    The float areas are shoelace sums: at most 8 roundings of terms below 4 M^2 a corner, M the largest coordinate. The
    sum of the polygons' exact areas is that inside the outer boundary. Its stored vertices lie within their errors e of
    the exact ones; each moves the area by at most e times the distance of its neighbours, below 8 M e.
    """
    areas = arrangement.volumes() if arrangement.exact else exactly(arrangement.volumes())
    bound = size(arrangement)
    rounding = [0 if arrangement.exact else len(polygon) * 32 * UNIT * bound**2 for polygon in polygons(arrangement)]
    moved = 8 * bound * sum(errors(arrangement.coordinates()))
    for value, polygon, slack in zip(areas.tolist(), polygons(arrangement), rounding, strict=True):
        assert abs(value - area(polygon)) <= slack
        assert value > 0 or not arrangement.exact
    assert abs(sum(areas.tolist()) - whole) <= sum(rounding) + moved


def check_convex(arrangement: Arrangement[Any]) -> None:
    """Regions list extreme vertices only, counter-clockwise: every turn is strictly left (float: unless e hides it)."""
    points, error = corners(arrangement), errors(arrangement.coordinates())
    reach = size(arrangement)
    for region in arrangement.regions:
        cycle = region.tolist()
        assert len(cycle) == len(set(cycle)) >= 3
        slack = 16 * reach * max(error[v] for v in cycle)
        for a, b, c in zip(cycle[-1:] + cycle[:-1], cycle, cycle[1:] + cycle[:1]):
            assert turn(points[a], points[b], points[c]) > -slack


def check_facets(arrangement: Arrangement[Any]) -> None:
    """A facet has a region on its left, another one or the outside on its right; each region's boundary is closed."""
    facets = arrangement.facets()
    ends = facets.vertices.values.reshape(-1, 2)
    assert (facets.regions[:, 0] >= 0).all() and (facets.regions[:, 0] != facets.regions[:, 1]).all()
    assert (facets.generation >= 0).all() and (facets.generation <= arrangement.generation).all()
    directed = [(region, a, b) for region, (a, b) in zip(facets.regions[:, 0].tolist(), ends.tolist())]
    directed += [(region, b, a) for region, (a, b) in zip(facets.regions[:, 1].tolist(), ends.tolist()) if region >= 0]
    following: list[dict[int, int]] = [{} for _ in range(len(arrangement))]
    for region, a, b in directed:
        assert a not in following[region]
        following[region][a] = b
    for steps, region in zip(following, arrangement.regions):
        walk = reduce(lambda path, _: [*path, steps[path[-1]]], range(len(steps) - 1), [int(region[0])])
        assert set(walk) == set(steps) and steps[walk[-1]] == walk[0]
        assert [v for v in walk if v in set(region.tolist())] == region.tolist()


def check_locate(arrangement: Arrangement[Any]) -> None:
    """A point inside region i is located there, a vertex in the lowest region around it, a far point outside."""
    table = polygons(arrangement)
    means = [(sum(x for x, _ in p) / len(p), sum(y for _, y in p) / len(p)) for p in table]
    if not arrangement.exact:
        means = [(Fraction(float(x)), Fraction(float(y))) for x, y in means]
    witnessed = [i for i, (polygon, mean) in enumerate(zip(table, means)) if inside(polygon, mean)]
    assert len(witnessed) == len(table) or not arrangement.exact
    if witnessed:
        assert arrangement.locate(_array(arrangement, [means[i] for i in witnessed])).tolist() == witnessed
    far = 3 * size(arrangement) + 1
    assert arrangement.locate(_array(arrangement, [(far, far), (-far, Fraction(0))])).tolist() == [-1, -1]
    if arrangement.exact:
        around = [[i for i, p in enumerate(table) if inside(p, v, strictly=False)] for v in corners(arrangement)]
        assert arrangement.locate(arrangement.vertices).tolist() == [min(regions) for regions in around]


def _array(arrangement: Arrangement[Any], points: Sequence[Point]) -> NDArray[Any]:
    table = np.empty((len(points), 2), dtype=object)
    for i, point in enumerate(points):
        table[i] = point
    return table if arrangement.exact else table.astype(np.float64)


# ---- laws of one cut -------------------------------------------------------------------------------------------------
def check_tiling(arrangement: Arrangement[Any], whole: Fraction) -> None:
    """All laws of one arrangement."""
    check_euler(arrangement)
    check_areas(arrangement, whole)
    check_convex(arrangement)
    check_facets(arrangement)
    check_locate(arrangement)


def check_patterns(made: Cut) -> None:
    """Bits are the functions' signs on the region (not below when zero) and differ within a parent; parents hold."""
    below, signs, after = made.refinement.below.dense(), made.heights(), made.after
    assert below.shape == (len(after), len(made.levels.values))
    keys = list(zip(after.parents.tolist(), patterns(made), strict=True))
    assert len(set(keys)) == len(keys)
    assert set(after.parents.tolist()) == set(range(len(made.before)))
    for bits, region, doubtful in zip(below, after.regions, after.ambiguous.tolist()):
        at = signs[region]
        assert doubtful or not (((at > 0) & bits) | ((at < 0) & ~bits)).any()
        assert doubtful or not after.exact or (bits == (at < 0).any(axis=0)).all()


def check_differences(made: Cut) -> None:
    """Only columns that are at their level along a facet differ across it; some column does if the parents are one."""
    below, signs, after = made.refinement.below.dense(), made.heights(), made.after
    facets = after.facets()
    for (a, b), (left, right) in zip(facets.vertices.values.reshape(-1, 2), facets.regions):
        if right < 0 or after.ambiguous[[left, right]].any():
            continue
        differ = below[left] != below[right]
        assert differ.any() or after.parents[left] != after.parents[right]
        assert not signs[[a, b]][:, differ].any()


def check_created(made: Cut) -> None:
    """New vertices follow the old ones, each made from two older ones where its column is at its level."""
    created, old, signs = made.refinement.created, len(made.before.vertices), made.heights()
    index = old + np.arange(len(created.column))
    assert len(made.after.vertices) == old + len(index)
    assert (created.first < index).all() and (created.second < index).all()
    assert not signs[index, created.column].any()
    if made.before.exact:
        assert corners(made.after)[:old] == corners(made.before)


def check_generations(made: Cut) -> None:
    """A facet between two regions of one parent is of this cut, all others are older."""
    facets, after = made.after.facets(), made.after
    assert after.generation == made.before.generation + 1
    inner = facets.regions[:, 1] >= 0
    sides = after.parents[facets.regions]
    new = inner & (sides[:, 0] == sides[:, 1])
    assert (facets.generation[new] == after.generation).all()
    assert (facets.generation[~new] < after.generation).all()
    assert (facets.generation[~inner] == 0).all()


def check_carry(made: Cut, functions: Functions) -> None:
    """``carry`` takes an affine function to the same one on the new vertices, the coordinates to the coordinates.

    In float within the bound of the carried field and the displacement of the stored vertex times the gradient.
    """
    carry, points = made.refinement.carry, corners(made.after)
    table = exactly(np.asarray(functions, np.float64))
    carried = carry(functions_on(made.backend, made.before.coordinates(), functions))
    values = carried.to_numpy() if made.after.exact else exactly(carried.to_numpy())
    slack, moved = errors(carried), errors(made.after.coordinates())
    for v, (x, y) in enumerate(points):
        for k, (p, q, r) in enumerate(table.tolist()):
            assert abs(values[v, k] - (p * x + q * y + r)) <= slack[v] + moved[v] * (abs(p) + abs(q))
    again = carry(made.before.coordinates()).to_numpy()
    assert (again == made.after.vertices).all()


def check_cut(made: Cut, whole: Fraction) -> None:
    """All laws of one cut."""
    check_tiling(made.after, whole)
    check_patterns(made)
    check_differences(made)
    check_created(made)
    check_generations(made)


# ---- laws that compare cuts ------------------------------------------------------------------------------------------
def check_same(left: Cut, right: Cut, key: Callable[[bytes], bytes] = bytes) -> None:
    """Two cuts have the same patterns (after ``key``) and, within the vertices' errors, the same polygons."""
    if not decided(left, right):
        return
    a, b = by_pattern(left), {key(p): polygon for p, polygon in by_pattern(right).items()}
    assert a.keys() == b.keys()
    if left.after.exact:
        assert all(canonical(a[p]) == canonical(b[p]) for p in a)
        return
    slack = 2 * max([*errors(left.after.coordinates()), *errors(right.after.coordinates())])
    for p in a:
        assert len(a[p]) == len(b[p]) and all(min(_distance(u, v) for v in b[p]) <= slack for u in a[p])


def _distance(u: Point, v: Point) -> Fraction:
    return max(abs(u[0] - v[0]), abs(u[1] - v[1]))


def check_one_after_another(backend: Backend, functions: Functions, polytope: Polytope) -> None:
    """K functions at once cut as they do one after another."""
    at_once = cut(backend, functions, polytope)
    arrangement = at_once.before
    values, bits = at_once.values, np.zeros((1, 0), np.bool_)
    for k in range(len(functions)):
        step = arrangement.refine(columns(backend, values, [k]), zero_levels(1))
        arrangement, values = step.arrangement, step.carry(values)
        bits = np.concatenate([bits[arrangement.parents], step.below.dense()], axis=1)
    if not decided(at_once) or arrangement.ambiguous.any():
        return
    found = {row.tobytes(): polygon for row, polygon in zip(bits, polygons(arrangement), strict=True)}
    expected = by_pattern(at_once)
    assert found.keys() == expected.keys()
    if arrangement.exact:
        assert all(canonical(found[p]) == canonical(expected[p]) for p in found)


def check_permutation(backend: Backend, functions: Functions, order: Sequence[int], polytope: Polytope) -> None:
    """The functions in another order give the same regions, with columns permuted."""
    inverse = np.argsort(order)
    check_same(
        cut(backend, functions, polytope),
        cut(backend, functions[list(order)], polytope),
        lambda p: np.frombuffer(p, np.bool_)[inverse].tobytes(),
    )


def check_scaling(backend: Backend, functions: Functions, factors: NDArray[np.float64], polytope: Polytope) -> None:
    """Functions times positive numbers give the same regions."""
    check_same(cut(backend, functions, polytope), cut(backend, functions * factors[:, None], polytope))


def check_levels(backend: Backend, function: NDArray[np.float64], levels: Sequence[float], polytope: Polytope) -> None:
    """One function at several levels cuts as several functions at level zero do."""
    several = cut(backend, function[None], polytope, Ragged.of([list(levels)], np.float64))
    shifted = np.array([[function[0], function[1], function[2] - b] for b in levels])
    check_cut(several, polytope.exact_volume)
    check_same(several, cut(backend, shifted, polytope))


def check_count(made: Cut, expected: int) -> None:
    """The number of regions is the true one, or the backend says that it could not decide."""
    assert len(made.after) == expected or not decided(made)


def lines_count(functions: Functions, polytope: Polytope) -> int:
    """How many regions lines cut a convex polygon into: 1 + lines + (lines through it - 1) for each inner crossing.

    Each line adds one region for each of the segments into which the earlier lines cut it (Stanley 2007, Lecture 1).
    """
    polygon = [(x, y) for x, y in exactly(polytope.vertices).tolist()]
    lines = {_direction(row) for row in exactly(np.asarray(functions)).tolist()} - {None}
    lines = {line for line in lines if _straddles(line, polygon)}
    count = 1
    done: list[Any] = []
    for line in sorted(lines):
        meets = {_meet(line, other) for other in done}
        count += 1 + sum(point is not None and inside(polygon, point) for point in meets)
        done.append(line)
    return count


def _direction(row: Sequence[Fraction]) -> Any:
    lead = next((x for x in row[:2] if x), None)
    return None if lead is None else tuple(x / lead for x in row)


def _straddles(line: Any, polygon: Sequence[Point]) -> bool:
    values = [line[0] * x + line[1] * y + line[2] for x, y in polygon]
    return min(values) < 0 < max(values)


def _meet(a: Any, b: Any) -> Point | None:
    det = a[0] * b[1] - a[1] * b[0]
    return None if det == 0 else ((a[1] * b[2] - a[2] * b[1]) / det, (a[2] * b[0] - a[0] * b[2]) / det)


# ---- laws of take and dissolve ---------------------------------------------------------------------------------------
def check_dissolve_undoes(made: Cut) -> None:
    """Without the facets that a cut made, the regions are those before it, and fields are carried to their vertices."""
    facets = made.after.facets()
    change = made.after.dissolve(np.flatnonzero(facets.generation == made.after.generation))
    back = change.arrangement
    whole = sum(map(area, polygons(made.before)))
    check_tiling(back, whole)
    assert (len(back), len(back.vertices)) == (len(made.before), len(made.before.vertices))
    if back.exact:
        assert sorted(map(canonical, polygons(back))) == sorted(map(canonical, polygons(made.before)))
    assert (change.carry(made.after.coordinates()).to_numpy() == back.vertices).all()
    assert back.parents.tolist() == sorted({made.after.parents.tolist().index(p) for p in range(len(made.before))})


def check_dissolve_some(made: Cut, column: int) -> None:
    """Without the facets on which only one column differs, the regions are those of a cut by the other columns."""
    below, facets = made.refinement.below.dense(), made.after.facets()
    inner = facets.regions[:, 1] >= 0
    differ = below[facets.regions[:, 0]] != below[facets.regions[:, 1]]
    alone = inner & differ[:, column] & (differ.sum(axis=1) == 1) & (facets.generation == made.after.generation)
    back = made.after.dissolve(np.flatnonzero(alone)).arrangement
    check_euler(back)
    check_facets(back)
    check_convex(back)
    others = [k for k in range(below.shape[1]) if k != column]
    expected = made.before.refine(columns(made.backend, made.values, others), zero_levels(len(others))).arrangement
    if decided(made) and not expected.ambiguous.any():
        assert (len(back), len(back.vertices)) == (len(expected), len(expected.vertices))
        if back.exact:
            assert sorted(map(canonical, polygons(back))) == sorted(map(canonical, polygons(expected)))


def check_take(made: Cut, chosen: Sequence[int]) -> None:
    """A part of an arrangement has the chosen regions in their order, its own vertices only, and carries fields."""
    change = made.after.take(np.array(chosen, np.int64))
    part, table = change.arrangement, polygons(made.after)
    assert polygons(part) == [table[r] for r in chosen]
    assert part.parents.tolist() == list(chosen)
    assert set(part.facets().vertices.values.tolist()) == set(range(len(part.vertices)))
    check_facets(part)
    assert (change.carry(made.after.coordinates()).to_numpy() == part.vertices).all()
