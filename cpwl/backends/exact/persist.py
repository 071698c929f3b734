"""Arrangements and fields of the exact backend as plain arrays, and back: integers as decimal numbers in a text."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ...arrays.ragged import Ragged
from ...errors import ArgumentError, FileFormatError
from ...geometry.exact_points import Point, primitive
from ...numbers.integers import Integer, array
from ...storage.named_arrays import Arrays, Stored, prefixed, ragged_arrays, words_array
from ..lattice.persist import is_lattice, lattice_from_arrays, lattice_to_arrays
from .arrangement import ExactArrangement
from .cutter import Cycle, Edge, edge
from .cycles import check_disjoint, sides
from .field import ExactField
from .lattice import ExactLatticeArrangement

Kind = ExactArrangement | ExactLatticeArrangement


def arrangement_to_arrays(arrangement: Kind) -> Arrays:
    """The arrays that ``arrangement_from_arrays`` reads."""
    if isinstance(arrangement, ExactLatticeArrangement):
        return {
            **lattice_to_arrays(arrangement.lattice),
            **prefixed("points", field_to_arrays(arrangement.coordinates())),
            "vertices": np.array(arrangement.lattice.vertices),
            "parents": arrangement.parents,
            "generation": np.array(arrangement.generation),
            **({} if arrangement.names is None else {"names": arrangement.names}),
        }
    facets = arrangement.facets()
    return {
        "points": _text(c for point in arrangement.points for c in point),
        "vertices": np.array(len(arrangement.points)),
        **ragged_arrays("cycles", Ragged.of(arrangement._cycles)),
        "parents": np.asarray(arrangement.parents, np.int64),
        "generation": np.array(arrangement.generation),
        "edges": facets.vertices.values.reshape(-1, 2),
        "edge_generation": facets.generation,
        "straight": np.array(sorted(arrangement._straight), np.int64),
    }


def arrangement_from_arrays(stored: Stored, device: str | None = None) -> Kind:
    """The arrangement (``device`` plays no part); ``FileFormatError`` if they are not those of a complex."""
    if is_lattice(stored):
        return _lattice_arrangement(stored)
    points = _points(stored)
    ragged = stored.ragged("cycles", shortest=3, below=len(points))
    cycles = [row.tolist() for row in ragged]
    return ExactArrangement(
        points,
        cycles,
        stored.integers("parents", len(cycles)),
        int(stored.integers("generation")),
        _generations(stored, cycles, len(points)),
        frozenset(stored.integers("straight", -1, below=len(points)).tolist()),
    )


def field_to_arrays(field: ExactField) -> Arrays:
    """The arrays that ``field_from_arrays`` reads."""
    return {
        "numerators": _text(field.numerators.ravel()),
        "denominators": _text(field.denominators),
        "weights": field.weights,
    }


def field_from_arrays(stored: Stored, rows: int, columns: int, device: str | None = None) -> ExactField:
    """The field (``device`` has no meaning here); ``FileFormatError`` for arrays of other shapes."""
    denominators = _integers(stored, "denominators", rows)
    if not all(d > 0 for d in denominators):
        raise FileFormatError("array denominators must hold positive numbers")
    numerators = array(_integers(stored, "numerators", rows * columns), (rows, columns))
    return ExactField(numerators, array(denominators, (rows,)), stored.integers("weights", rows, below=2))


def _lattice_arrangement(stored: Stored) -> ExactLatticeArrangement:
    lattice = lattice_from_arrays(stored, int(stored.integers("vertices")))
    points = field_from_arrays(stored.part("points"), lattice.vertices, lattice.dim)
    if (points.weights != 1).any():
        raise FileFormatError("array points.weights must hold ones")
    return ExactLatticeArrangement(
        points,
        lattice,
        stored.integers("parents", len(lattice)),
        int(stored.integers("generation")),
        names=stored.integers("names", lattice.vertices, low=-(2**63)) if "names" in stored else None,
    )


def _points(stored: Stored) -> list[Point]:
    count = int(stored.integers("vertices"))
    numbers = _integers(stored, "points", 3 * count)
    points = list(zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True))
    if not all(w > 0 and primitive(x, y, w) == (x, y, w) for x, y, w in points) or len(set(points)) < count:
        raise FileFormatError("array points must hold different points x, y, w in lowest terms, w > 0")
    return points


def _generations(stored: Stored, cycles: list[Cycle], vertices: int) -> dict[Edge, int]:
    try:
        check_disjoint(cycles)
    except ArgumentError as error:
        raise FileFormatError(f"arrays cycles must hold disjoint regions: {error}") from None
    ends = stored.integers("edges", -1, 2, below=vertices).tolist()
    listed = stored.integers("edge_generation", len(ends)).tolist()
    generations = {edge(a, b): g for (a, b), g in zip(ends, listed, strict=True)}
    if {edge(a, b) for cycle in cycles for a, b in sides(cycle)} != set(generations):
        raise FileFormatError("array edges must hold the sides of all regions, and no others")
    return generations


def _text(numbers: Iterable[Integer]) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    return words_array([str(n) for n in numbers])


def _integers(stored: Stored, name: str, count: int) -> list[Integer]:
    words = stored.words(name, count)
    if not all(word.removeprefix("-").isdigit() for word in words):
        raise FileFormatError(f"array {name} must hold decimal integers")
    return [Integer(word) for word in words]
