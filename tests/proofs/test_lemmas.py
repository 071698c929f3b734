"""The executable counterparts of proofs/ (Lemma 5 has its own file, test_error_bound.py)."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise, permutations, product

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.exact_model import (
    RELU,
    Affine,
    Layer,
    Net,
    Point,
    Polygon,
    Scalar,
    area,
    at,
    clip,
    evaluate,
    is_convex,
    is_partition,
    minus,
    partition,
    patterns,
    preactivations,
)

SQUARE: Polygon = [(Fraction(x), Fraction(y)) for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
HARD_TANH = Scalar((Fraction(-1), Fraction(1)), (Fraction(0), Fraction(1), Fraction(0)), Fraction(-1))
LEAKY = Scalar((Fraction(0),), (Fraction(1, 4), Fraction(1)))

small = st.integers(-2, 2).map(Fraction)


@st.composite
def layers(draw: st.DrawFn, inputs: int) -> Layer:
    """A layer with small-integer weights: zero, dead, duplicated units and concurrent lines are the usual case."""
    activation = draw(st.sampled_from([RELU, LEAKY, HARD_TANH, 2]))
    outputs = draw(st.sampled_from([2, 4])) if activation == 2 else draw(st.integers(1, 3))
    weight = [[draw(small) for _ in range(inputs)] for _ in range(outputs)]
    return Layer(weight, [draw(small) / 2 for _ in range(outputs)], activation)


@st.composite
def nets(draw: st.DrawFn, depth: int = 2) -> Net:
    """A random network on the plane, as a rule degenerate, with an affine last layer."""
    net: Net = []
    inputs = 2
    for _ in range(depth):
        net.append(draw(layers(inputs)))
        outputs = len(net[-1].bias)
        inputs = outputs // 2 if net[-1].activation == 2 else outputs
    return [*net, Layer([[draw(small) for _ in range(inputs)] for _ in range(3)], [draw(small) for _ in range(3)])]


def centroid(polygon: Polygon) -> Point:
    count = len(polygon)
    return sum((p[0] for p in polygon), Fraction(0)) / count, sum((p[1] for p in polygon), Fraction(0)) / count


def crossing(a: Point, b: Point, f: Affine) -> Point:
    t = at(f, a) / (at(f, a) - at(f, b))
    return a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])


# ---- Lemma 1 -------------------------------------------------------------------------------------------------------
def test_lemma_1_the_product_formula_of_a_chain_is_its_composition_for_every_choice_of_pieces() -> None:
    def matrix(name: str, rows: int, columns: int) -> sympy.Matrix:
        return sympy.Matrix(rows, columns, lambda i, j: sympy.Symbol(f"{name}{i}{j}"))

    basis, origin, u = matrix("B", 3, 2), matrix("c", 3, 1), matrix("u", 2, 1)
    first, second = (matrix("W", 2, 3), matrix("v", 2, 1)), (matrix("X", 2, 2), matrix("w", 2, 1))
    slopes, intercepts = sympy.diag(*sympy.symbols("s0 s1")), matrix("d", 2, 1)

    def frozen(x: sympy.Matrix) -> sympy.Matrix:
        return second[0] * (slopes * (first[0] * x + first[1]) + intercepts) + second[1]

    product_formula = second[0] * slopes * first[0] * basis
    assert sympy.expand(frozen(origin + basis * u) - (product_formula * u + frozen(origin))) == sympy.zeros(2, 1)


@given(nets())
def test_lemma_1_the_network_equals_the_affine_map_of_its_pattern_at_vertices_and_inside(net: Net) -> None:
    for cell in partition(net, SQUARE):
        [(_, functions)] = patterns(net, cell)
        for u in [*cell, centroid(cell)]:
            assert [at(f, u) for f in functions] == evaluate(net, u)


def test_lemma_1_the_intercepts_make_an_activation_continuous() -> None:
    for scalar in (RELU, LEAKY, HARD_TANH):
        for k, b in enumerate(scalar.breakpoints):
            (s, c), (s_next, c_next) = scalar.piece(k), scalar.piece(k + 1)
            assert s * b + c == s_next * b + c_next == scalar(b)


# ---- Lemma 2 -------------------------------------------------------------------------------------------------------
@given(nets())
def test_lemma_2_values_at_three_corners_give_a_unit_on_the_whole_region(net: Net) -> None:
    *hidden, last = net
    for cell in partition(hidden, SQUARE):
        [(_, functions)] = patterns(hidden, cell)
        for j, h in enumerate(preactivations(last, functions)):
            values = [evaluate(net, u)[j] for u in cell[:3]]
            rows = sympy.Matrix([[*u, 1] for u in cell[:3]])
            assert rows.det() != 0
            assert list(rows.LUsolve(sympy.Matrix(values))) == list(h)


def test_lemma_2_the_level_set_is_a_line_empty_or_everything() -> None:
    net = [Layer([[Fraction(1), Fraction(0)]], [Fraction(0)], RELU), Layer([[Fraction(1)]], [Fraction(0)])]
    left, right = partition(net, SQUARE)
    [(_, [on_left])], [(_, [on_right])] = list(patterns(net, left)), list(patterns(net, right))
    assert on_left == (0, 0, 0)
    assert on_right == (1, 0, 0)


@given(nets())
def test_lemma_2_neighbouring_regions_agree_at_shared_vertices(net: Net) -> None:
    cells = partition(net, SQUARE)
    seen: dict[Point, list[Fraction]] = {}
    for cell in cells:
        [(_, functions)] = patterns(net, cell)
        for u in cell:
            values = [at(f, u) for f in functions]
            assert seen.setdefault(u, values) == values


# ---- Lemma 3 -------------------------------------------------------------------------------------------------------
@st.composite
def polygons(draw: st.DrawFn) -> Polygon:
    """A convex polygon with few small coordinates."""
    polygon = SQUARE
    for _ in range(draw(st.integers(0, 4))):
        polygon = clip(polygon, (draw(small), draw(small), draw(small) / 2)) or polygon
    return polygon


@given(polygons(), small, small, small)
def test_lemma_3_both_parts_have_an_interior_iff_there_are_vertices_strictly_on_both_sides(
    polygon: Polygon, p: Fraction, q: Fraction, r: Fraction
) -> None:
    f = (p, q, r / 2)
    values = [at(f, u) for u in polygon]
    parts = [clip(polygon, f), clip(polygon, minus((Fraction(0),) * 3, f))]
    if any(values):
        assert all(parts) == (min(values) < 0 < max(values))
    if min(values) < 0 < max(values):
        assert all(is_convex(part) for part in parts)
        assert sum(map(area, parts)) == area(polygon)
        zeros = [u for part in parts for u in part if at(f, u) == 0]
        assert len(zeros) == 4
        assert len(set(zeros)) == 2


# ---- Lemma 4 -------------------------------------------------------------------------------------------------------
def traced_cells(chords: list[tuple[int, int]], orders: dict[int, list[int]]) -> int:
    """Cells inside a disk with 2C boundary points: cycles of the map "turn left-most", outer one left out.

    ``orders[i]`` lists the chords that chord i crosses, from its first end to its second.
    """
    rotation: dict[object, list[object]] = {}
    paths = {i: [chords[i][0], *(frozenset((i, j)) for j in orders[i]), chords[i][1]] for i in range(len(chords))}
    boundary = sorted(end for chord in chords for end in chord)
    size = len(boundary)
    for i, (a, b) in enumerate(chords):
        for end, inner in ((a, paths[i][1]), (b, paths[i][-2])):
            rotation[end] = [("next", (end + 1) % size), ("inner", inner), ("previous", (end - 1) % size)]
        for before, node, after in zip(paths[i], paths[i][1:], paths[i][2:]):
            rotation.setdefault(node, []).extend([(i, before), (i, after)])
    for node in list(rotation):
        if isinstance(node, frozenset):
            rotation[node] = _around(node, paths, chords)
        else:
            rotation[node] = [target for _, target in rotation[node]]
    return _cycles(rotation) - 1


def _around(node: frozenset[int], paths: dict[int, list[object]], chords: list[tuple[int, int]]) -> list[object]:
    """Neighbours of a crossing counter-clockwise, which is the order of the four chord ends on the boundary."""
    ends = []
    for i in node:
        k = paths[i].index(node)
        ends += [(chords[i][0], paths[i][k - 1]), (chords[i][1], paths[i][k + 1])]
    return [neighbour for _, neighbour in sorted(ends, key=lambda end: end[0])]


def _cycles(rotation: dict[object, list[object]]) -> int:
    half_edges = {(node, k) for node, targets in rotation.items() for k in range(len(targets))}
    count = 0
    while half_edges:
        count += 1
        start = node, k = half_edges.pop()
        while True:
            target = rotation[node][k]
            back = rotation[target].index(node)
            node, k = target, (back - 1) % len(rotation[target])
            if (node, k) == start:
                break
            half_edges.remove((node, k))
    return count


HEXAGON_CHORDS = [(0, 3), (1, 4), (2, 5)]


def test_lemma_4_a_flipped_triangle_is_planar_and_any_other_wrong_order_is_not() -> None:
    counts = {}
    for orders in product(permutations((1, 2)), permutations((0, 2)), permutations((0, 1))):
        counts[orders] = traced_cells(HEXAGON_CHORDS, dict(enumerate(map(list, orders))))
    assert sorted(counts.values()) == [3] * 6 + [7] * 2
    one, other = (orders for orders, count in counts.items() if count == 7)
    assert all(a == b[::-1] for a, b in zip(one, other))


def test_lemma_4_two_crossing_chords_make_four_cells() -> None:
    assert traced_cells([(0, 2), (1, 3)], {0: [1], 1: [0]}) == 1 + 2 + 1


@given(st.lists(st.tuples(small, small, small), max_size=5))
def test_lemma_4_cells_are_one_plus_chords_plus_crossings_with_multiplicity(lines: list[Affine]) -> None:
    halves = [(p, q, r / 2) for p, q, r in lines]
    kept: list[Affine] = []
    for f in halves:
        if all(sympy.Matrix([f, g]).rank() == 2 for g in kept) and len(chord(f)) == 2:
            kept.append(f)
    net = [Layer([[f[0], f[1]] for f in kept], [f[2] for f in kept], RELU)]
    points = {meet(f, g) for i, f in enumerate(kept) for g in kept[:i]} - {None}
    inside = [u for u in points if u is not None and all(abs(x) < 1 for x in u)]
    crossings = sum(sum(at(f, u) == 0 for f in kept) - 1 for u in inside)
    assert len(partition(net, SQUARE)) == 1 + len(kept) + crossings


def chord(f: Affine) -> set[Point]:
    """The ends of the chord that a line cuts out of the square; fewer than two points if it does not cut."""
    if not min(at(f, u) for u in SQUARE) < 0 < max(at(f, u) for u in SQUARE):
        return set()
    return {u for u in clip(SQUARE, f) if at(f, u) == 0}


def meet(f: Affine, g: Affine) -> Point | None:
    """The point where two lines meet, None if they are parallel."""
    det = f[0] * g[1] - f[1] * g[0]
    return ((f[1] * g[2] - f[2] * g[1]) / det, (f[2] * g[0] - f[0] * g[2]) / det) if det else None


# ---- Lemma 6 -------------------------------------------------------------------------------------------------------
def test_lemma_6_the_replayed_crossing_of_a_chord_is_the_meeting_point_of_two_lines() -> None:
    p1, q1, r1, p2, q2, r2 = sympy.symbols("p1 q1 r1 p2 q2 r2")
    f, g = sympy.Matrix([p1, q1, r1]), sympy.Matrix([p2, q2, r2])
    ends = [f.cross(sympy.Matrix(edge)) for edge in ([1, 0, 1], [1, 0, -1])]  # the chord of f between x = -1 and x = 1
    a, b = (sympy.Matrix([end[0], end[1]]) / end[2] for end in ends)
    value_a, value_b = (g.dot(sympy.Matrix([*end, 1])) for end in (a, b))
    lifted = a + (b - a) * value_a / (value_a - value_b)
    expected = f.cross(g)
    assert sympy.simplify(lifted - sympy.Matrix([expected[0], expected[1]]) / expected[2]) == sympy.zeros(2, 1)


@given(nets(depth=1), st.data())
def test_lemma_6_the_network_evaluated_at_the_ends_gives_the_exact_zero_of_a_unit(
    net: Net, data: st.DataObject
) -> None:
    cells = partition(net, SQUARE)
    cell = data.draw(st.sampled_from(cells))
    a, b = cell[0], data.draw(st.sampled_from(cell[1:]))
    values = [evaluate(net, a)[0], evaluate(net, b)[0]]
    if values[0] * values[1] < 0:
        t = values[0] / (values[0] - values[1])
        assert 0 < t < 1
        lifted = (a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1]))
        assert evaluate(net, lifted)[0] == 0


# ---- Lemma 7 -------------------------------------------------------------------------------------------------------
def inside(edge: tuple[Point, Point], v: Point) -> bool:
    """Whether a point lies strictly between the ends of a segment."""
    (ax, ay), (bx, by) = edge
    on_line = (bx - ax) * (v[1] - ay) == (by - ay) * (v[0] - ax)
    return on_line and 0 < (v[0] - ax) * (bx - ax) + (v[1] - ay) * (by - ay) < (bx - ax) ** 2 + (by - ay) ** 2


@given(nets())
@settings(max_examples=50)
def test_lemma_7_no_vertex_lies_inside_an_edge_of_another_cell(net: Net) -> None:
    cells = partition(net, SQUARE)
    vertices = {v for cell in cells for v in cell}
    edges = [edge for cell in cells for edge in pairwise([*cell, cell[0]])]
    assert not [(edge, v) for edge in edges for v in vertices if inside(edge, v)]
    counts = {edge: edges.count(edge) + edges.count(edge[::-1]) for edge in edges}
    on_side = {edge: any(abs(edge[0][i]) == 1 and edge[0][i] == edge[1][i] for i in (0, 1)) for edge in edges}
    assert all(count == (1 if on_side[edge] else 2) for edge, count in counts.items())


# ---- Theorem 1 -----------------------------------------------------------------------------------------------------
def as_maximum(net: Net) -> Net:
    """The network followed by the maximum of its logits, as one max unit."""
    *hidden, last = net
    return [*hidden, Layer(last.weight, last.bias, len(last.bias))]


def on_boundary(logits: list[Fraction], i: int, j: int) -> bool:
    return logits[i] == logits[j] == max(logits)


@given(nets())
@settings(max_examples=50)
def test_theorem_1_each_pairs_tie_set_in_a_cell_of_the_maximum_is_a_face_of_it(net: Net) -> None:
    for cell in partition(as_maximum(net), SQUARE):
        for i, j in ((0, 1), (0, 2), (1, 2)):
            tied = [on_boundary(evaluate(net, u), i, j) for u in cell]
            edges = sum(a and b for a, b in pairwise([*tied, tied[0]]))
            assert on_boundary(evaluate(net, centroid(cell)), i, j) == all(tied)
            assert all(tied) or sum(tied) <= 1 or (sum(tied) == 2 and edges == 1)


@given(nets())
@settings(max_examples=50)
def test_theorem_1_the_boundary_on_a_line_is_found_at_the_faces(net: Net) -> None:
    """Along a generic line the points where two logits tie as largest are exactly those on the faces of the theorem."""
    cells = partition(as_maximum(net), SQUARE)
    line = (Fraction(7, 5), Fraction(-3, 11), Fraction(1, 13))
    predicted = set()
    for cell in cells:
        for a, b in pairwise([*cell, cell[0]]):
            shared = [k for k in ((0, 1), (0, 2), (1, 2)) if all(on_boundary(evaluate(net, u), *k) for u in (a, b))]
            if shared and at(line, a) * at(line, b) < 0:
                predicted.add(crossing(a, b, line))
    found = set()
    for cell in partition(net, SQUARE):
        [(_, logits)] = patterns(net, cell)
        for i, j in ((0, 1), (0, 2), (1, 2)):
            u = meet(line, minus(logits[i], logits[j]))
            inside = u is not None and all(area([a, b, u]) >= 0 for a, b in pairwise([*cell, cell[0]]))
            if u is not None and inside and on_boundary(evaluate(net, u), i, j):
                found.add(u)
    assert found <= predicted
    assert all(any(on_boundary(evaluate(net, u), *k) for k in ((0, 1), (0, 2), (1, 2))) for u in predicted)


def test_theorem_1_a_pairwise_difference_cuts_where_a_third_logit_is_larger() -> None:
    logits = Layer(
        [[Fraction(1), Fraction(0)], [Fraction(-1), Fraction(0)], [Fraction(0), Fraction(0)]],
        [Fraction(0)] * 2 + [Fraction(2)],
    )
    assert len(partition(as_maximum([logits]), SQUARE)) == 1
    difference = Layer([[Fraction(2), Fraction(0)]], [Fraction(0)], RELU)
    assert len(partition([difference], SQUARE)) == 2


# ---- Theorem 2 -----------------------------------------------------------------------------------------------------
@given(nets())
def test_theorem_2_the_partition_satisfies_the_rules(net: Net) -> None:
    assert is_partition(partition(net, SQUARE), net, SQUARE)


def mutilations(cells: list[Polygon]) -> dict[str, list[Polygon]]:
    """Wrong lists made from a right one that has at least two cells."""
    first, *others = cells
    middle = centroid(first)
    return {
        "a cell is missing": others,
        "a cell is listed twice": [*cells, first],
        "a cell stands for another": [first, first, *others[1:]],
        "a cell is cut in two": [*fan(first, middle), *others],
        "a vertex is moved": [[middle, *first[1:]], *others],
        "a cell is clockwise": [first[::-1], *others],
        "the whole domain": [SQUARE],
        "a cell of another place": [[(x + 2, y) for x, y in first], *others],
    }


def fan(polygon: Polygon, u: Point) -> list[Polygon]:
    return [[a, b, u] for a, b in pairwise([*polygon, polygon[0]])]


@given(nets().filter(lambda net: 2 <= len(partition(net, SQUARE)) <= 20))
@settings(max_examples=50)
def test_theorem_2_every_mutilated_list_is_rejected(net: Net) -> None:
    for attack, cells in mutilations(partition(net, SQUARE)).items():
        assert not is_partition(cells, net, SQUARE), attack


ZERO_ON_THE_LEFT = [
    Layer([[Fraction(1), Fraction(0)]], [Fraction(0)], RELU),
    Layer([[Fraction(1)], [Fraction(2)]], [Fraction(0)] * 2, 2),
]


@pytest.mark.parametrize(
    "net",
    [
        [Layer([[Fraction(1), Fraction(0)]], [Fraction(0)], RELU), Layer([[Fraction(1)]], [Fraction(0)], RELU)],
        ZERO_ON_THE_LEFT,
    ],
    ids=["activation", "maximum"],
)
def test_theorem_2_without_the_canonical_choice_a_wrong_list_would_pass(net: Net) -> None:
    half = [(Fraction(x), Fraction(y)) for x, y in ((-1, -1), (0, -1), (0, 1), (-1, 1))]
    wrong = [half, half]
    fitting = {pattern for pattern, _ in patterns(net, half, any_piece=True) if pattern[0] == 0}
    assert len(fitting) == 2
    assert all(is_convex(cell) for cell in wrong)
    assert sum(map(area, wrong)) == area(SQUARE)
    assert not is_partition(wrong, net, SQUARE)
    assert is_partition(partition(net, SQUARE), net, SQUARE)
    assert len(partition(net, SQUARE)) == 2


PENTAGRAM = [(Fraction(x, 10), Fraction(y, 10)) for x, y in ((10, 0), (-8, 6), (3, -9), (3, 9), (-8, -6))]
TIPS = [PENTAGRAM[i] for i in (0, 3, 1, 4, 2)]


def test_theorem_2_a_pentagram_turns_only_left_but_winds_twice() -> None:
    assert is_convex(PENTAGRAM, winding=False)
    assert not is_convex(PENTAGRAM)
    assert is_convex(TIPS)
    assert area(PENTAGRAM) > area(star_body())


def star_body() -> Polygon:
    """The outline of the pentagram, in which the core counts once."""
    outline: Polygon = []
    for i in range(5):
        outline += [TIPS[i], _meeting(TIPS[i], TIPS[(i + 2) % 5], TIPS[(i + 1) % 5], TIPS[(i - 1) % 5])]
    return outline


def _meeting(a: Point, b: Point, c: Point, d: Point) -> Point:
    lines = [(p[1] - q[1], q[0] - p[0], p[0] * q[1] - p[1] * q[0]) for p, q in ((a, b), (c, d))]
    result = meet(*lines)
    assert result is not None
    return result


def test_the_model_agrees_with_numpy_on_a_random_network() -> None:
    generator = np.random.default_rng(0)
    weights = [generator.integers(-8, 8, shape) / 4 for shape in ((5, 2), (3, 5))]
    net = [
        Layer([[Fraction(x) for x in row] for row in weights[0]], [Fraction(1, 4)] * 5, RELU),
        Layer([[Fraction(x) for x in row] for row in weights[1]], [Fraction(0)] * 3),
    ]
    u = np.array([0.25, -0.5])
    expected = weights[1] @ np.maximum(weights[0] @ u + 0.25, 0)
    assert [float(y) for y in evaluate(net, [Fraction(x) for x in u])] == expected.tolist()
