"""Polyhedra of any dimension in exact rationals, by the double description method of cddlib.

A halfspace is a row [offset, normal] that stands for offset + normal . x >= 0 (cddlib's own convention: Fukuda, cddlib
reference manual, "polyhedra H-format"). cddlib keeps process-wide state: use processes, not threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ArgumentError, MissingDependencyError, ShapeError


def vertices_of(halfspaces: ArrayLike) -> NDArray[Any]:
    """The vertices, Fractions (N, D), of the bounded polyhedron that is the intersection of halfspaces (M, 1 + D).

    None (shape (0, D)) when it is empty. Raises ``ArgumentError`` when it is unbounded.
    """
    rows = _rows("halfspaces", halfspaces)
    cdd = _cdd()
    matrix = cdd.matrix_from_array(rows, rep_type=cdd.RepType.INEQUALITY)
    generators = cdd.copy_generators(cdd.polyhedron_from_matrix(matrix)).array
    if any(row[0] == 0 for row in generators):
        raise ArgumentError("halfspaces must bound a polytope; their intersection is unbounded. Add those of a box.")
    return _table([row[1:] for row in generators], len(rows[0]) - 1)


def halfspaces_of(vertices: ArrayLike) -> NDArray[Any]:
    """The irredundant halfspaces, Fractions (M, 1 + D), of the convex hull of points (N, D).

    Raises ``ArgumentError`` when the hull has no interior.
    """
    points = _rows("vertices", vertices)
    cdd = _cdd()
    matrix = cdd.matrix_from_array([[Fraction(1), *point] for point in points], rep_type=cdd.RepType.GENERATOR)
    hull = cdd.copy_inequalities(cdd.polyhedron_from_matrix(matrix))
    if hull.lin_set:
        raise ArgumentError("vertices must span a polytope with an interior; these lie in a hyperplane.")
    return _table(hull.array, len(points[0]) + 1)


def irredundant(halfspaces: ArrayLike) -> NDArray[np.int64]:
    """Indices of halfspaces (M, 1 + D) that have the same intersection as all of them, none of which can be left out.

    Of equal ones one is kept. The intersection must have an interior, otherwise ``ArgumentError``.
    """
    table = _rows("halfspaces", halfspaces)
    places = [i for i, row in enumerate(table) if any(row)]  # cddlib takes 0 >= 0 for an equation
    if not places:
        return np.zeros(0, np.int64)
    rows = [table[i] for i in places]
    cdd = _cdd()
    matrix = cdd.matrix_from_array(rows, rep_type=cdd.RepType.INEQUALITY)
    equations, redundant, _ = cdd.matrix_canonicalize(matrix)
    if equations:
        raise ArgumentError(
            "halfspaces must have an intersection with an interior; theirs is empty or lies in a hyperplane."
        )
    return np.array([place for i, place in enumerate(places) if i not in redundant], np.int64)


def edges_of(halfspaces: ArrayLike) -> NDArray[np.int64]:
    """Pairs of vertices of a polytope (in the order of ``vertices_of``) that an edge joins, i < j: int64 (E, 2)."""
    cdd = _cdd()
    matrix = cdd.matrix_from_array(_rows("halfspaces", halfspaces), rep_type=cdd.RepType.INEQUALITY)
    joined = cdd.copy_adjacency(cdd.polyhedron_from_matrix(matrix))
    pairs = sorted((i, j) for i, others in enumerate(joined) for j in others if i < j)
    return np.array(pairs, np.int64).reshape(-1, 2)


def dimension_of(halfspaces: ArrayLike) -> int:
    """The dimension of the polytope that is the intersection of halfspaces (M, 1 + D); -1 when it is empty."""
    vertices = vertices_of(halfspaces).tolist()
    if not vertices:
        return -1
    cdd = _cdd()
    points = [[Fraction(1), *vertex] for vertex in vertices]
    rank: int = cdd.matrix_rank(cdd.matrix_from_array(points, rep_type=cdd.RepType.GENERATOR))[-1]
    return rank - 1


def maximum(halfspaces: ArrayLike, objective: ArrayLike) -> tuple[Fraction, NDArray[Any]]:
    """The largest value of c + g . x, ``objective`` = [c, g] (1 + D,), on an intersection of halfspaces, and where.

    By linear programming (the criss-cross method) in rationals. Raises ``ArgumentError`` when the intersection is
    empty, or unbounded in the direction of the objective.
    """
    rows, (goal,) = _rows("halfspaces", halfspaces), _rows("objective", np.asarray(objective)[None])
    if len(goal) != len(rows[0]):
        raise ShapeError(f"objective must have {len(rows[0])} entries, as the halfspaces have, got {len(goal)}.")
    cdd = _cdd()
    program = cdd.linprog_from_array([*rows, goal], obj_type=cdd.LPObjType.MAX)
    cdd.linprog_solve(program, solver=cdd.LPSolverType.CRISS_CROSS)
    if program.status != cdd.LPStatusType.OPTIMAL:
        raise ArgumentError(
            f"halfspaces must be where the objective has a maximum; here it has none: {program.status.name.lower()}."
        )
    return program.obj_value, _table([program.primal_solution], len(goal) - 1)[0]


def _cdd() -> Any:
    try:
        import cdd.gmp
    except ImportError as error:
        raise MissingDependencyError(
            'polyhedra of dimension 3 and more need pycddlib with exact rationals (cdd.gmp): pip install "cpwl[cdd]", '
            "after its system headers (Debian and Ubuntu: apt-get install libcdd-dev libgmp-dev; "
            "macOS: brew install cddlib gmp)."
        ) from error
    return cdd.gmp


def _rows(name: str, values: ArrayLike) -> list[list[Fraction]]:
    table = np.asarray(values)
    if table.ndim != 2 or 0 in table.shape:
        raise ShapeError(f"{name} must be a non-empty table of rows of one length, got shape {table.shape}.")
    return [[Fraction(x) for x in row] for row in table.tolist()]


def _table(rows: Sequence[Sequence[Fraction]], columns: int) -> NDArray[Any]:
    result = np.empty((len(rows), columns), dtype=object)
    for i, row in enumerate(rows):
        result[i] = row
    return result
