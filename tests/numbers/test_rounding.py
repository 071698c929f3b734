"""Norms, roots and rounded numbers of any size are right, and their bounds are true."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from cpwl.numbers.norms import norms
from cpwl.numbers.rounding import nearest, root, rounded


@pytest.mark.parametrize("power", [-1040, -600, 0, 600, 1000])
def test_norms_and_roots_of_any_size(power: int) -> None:
    size = 2.0**power
    assert norms(np.array([[3.0, 4.0], [0.0, 0.0], [-1.0, 0.0]]) * size).tolist() == [5 * size, 0.0, size]
    assert norms(np.array([[[3.0, 0.0], [0.0, 4.0]]]) * size, axis=(1, 2)).tolist() == [5 * size]
    assert np.isnan(norms(np.array([[np.nan, 1.0], [3.0, 4.0]]))).tolist() == [True, False]
    assert root(Fraction(size) ** 2 * 9) == 3 * size


@pytest.mark.parametrize("exact", [Fraction(1, 3), Fraction(1, 10**320), Fraction(1, 10**400), Fraction(0)])
def test_rounded_numbers_have_true_bounds(exact: Fraction) -> None:
    found, error = rounded(exact)
    assert abs(Fraction(found) - exact) <= Fraction(error) and rounded(-exact) == (-found, error)
    assert rounded(Fraction(0.3)) == (0.3, 0.0)
    assert nearest(Fraction(-(10**400))) == -np.inf and rounded(Fraction(10**400)) == (np.inf, np.inf)
