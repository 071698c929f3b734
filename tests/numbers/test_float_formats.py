"""Formats of floating-point numbers are those of numpy, and their points in polygons those that counting finds."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpwl.numbers.float_formats import FORMATS, Format, points_inside

TINY = Format(3, -2)
"""0, 1/16, ..., 7/16, 8/16, 10/16, ..., 1, 1.25, ..."""
NUMBERS = [TINY.number(rank) for rank in range(-12, 13)]
coordinates = st.fractions(Fraction(-3, 4), Fraction(3, 4), max_denominator=40)
points = st.tuples(coordinates, coordinates)


def turn(p: Any, q: Any, r: Any) -> Fraction:
    return Fraction((q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]))


@pytest.mark.parametrize("name", ["float16", "float32", "float64"])
@given(st.data())
def test_ranks_number_the_formats_of_numpy_in_order(name: str, data: st.DataObject) -> None:
    form, kind = FORMATS[name], np.dtype(name).type
    x = data.draw(st.floats(-6e4, 6e4, width=np.dtype(name).itemsize * 8))  # type: ignore[arg-type]
    rank = form.rank_above(Fraction(x))
    assert rank == form.rank_below(Fraction(x)) and form.number(rank) == Fraction(x)
    above = float(np.nextafter(kind(x), kind(np.inf)))
    assert form.number(rank + 1) == Fraction(above)
    between = (Fraction(x) + Fraction(above)) / 2
    assert (form.rank_below(between), form.rank_above(between)) == (rank, rank + 1)
    assert form.spacing == float(np.finfo(name).eps)


def test_bfloat16_has_the_exponents_of_float32_and_eight_digits() -> None:
    form = FORMATS["bfloat16"]
    assert form.number(1) == Fraction(2) ** -133 and form.number(form.rank_above(Fraction(1)) + 1) == 1 + Fraction(
        1, 128
    )


@given(points, points, points)
def test_points_in_a_triangle_are_found_exactly_when_there_are_some(p: Any, q: Any, r: Any) -> None:
    side = turn(p, q, r)
    if not side:
        return
    corners = [p, q, r] if side > 0 else [p, r, q]
    wanted = [x for x in product(NUMBERS, NUMBERS) if all(turn(corners[i - 1], corners[i], x) >= 0 for i in range(3))]
    found = points_inside(corners, TINY, columns=100, most=1000)
    assert found.complete and set(found.points) <= set(wanted)
    assert bool(found.points) == bool(wanted)
    assert len(points_inside(corners, TINY, columns=100, most=1).points) == min(len(wanted), 1)


def test_a_search_that_is_cut_short_says_so() -> None:
    strip = [(Fraction(0), Fraction(1, 3)), (Fraction(1), Fraction(1, 3)), (Fraction(1), Fraction(34, 100))]
    assert not points_inside(strip, FORMATS["float64"], columns=5, most=5).complete
    diagonal = [(Fraction(x), Fraction(x) + Fraction(y, 2**60)) for x, y in [(1, 1), (2, 1), (2, 2), (1, 2)]]
    assert not points_inside(diagonal, FORMATS["float32"], columns=5, most=5).complete
