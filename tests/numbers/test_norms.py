"""Bounds on spectral norms."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cpwl.numbers.norms import spectral_bound


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (64, 64), (100, 30), (5, 200)])
@pytest.mark.parametrize("scale", [1.0, 1e-200, 1e200])
def test_the_bound_is_at_least_the_norm_and_near_it(shape: tuple[int, int], scale: float) -> None:
    random = np.random.default_rng(shape[0])
    for rank in (1, min(shape)):
        matrix = random.standard_normal((shape[0], rank)) @ random.standard_normal((rank, shape[1]))
        norm = np.linalg.norm(matrix, 2)
        most = norm * (1.01 * rank ** (1 / 16) + 2.0**-18)
        for kind in (np.asarray, torch.as_tensor):
            assert norm <= spectral_bound(kind(matrix * scale), 3) / scale <= most


def test_the_bound_holds_where_it_is_the_norm() -> None:
    """Of what has one singular value alone nothing is lost but what rounding may have taken."""
    for width in (1, 2, 64, 500):
        assert 1.0 <= spectral_bound(np.full((width, width), 1.0) / width, 3) <= 1 + 1e-4
    assert spectral_bound(np.zeros((3, 4)), 3) == 0.0 and spectral_bound(np.zeros((0, 4)), 3) == 0.0
    assert spectral_bound(np.full((2, 2), np.inf), 3) == np.inf
    assert np.isnan(spectral_bound(np.array([[1.0, np.nan]]), 3)), "no bound is known, so none is given"


def test_one_that_takes_too_many_products_is_a_frobenius_norm() -> None:
    matrix = np.random.default_rng(0).standard_normal((30, 20))
    assert spectral_bound(matrix, 3, 30 * 20 * 20 - 1) == pytest.approx(np.linalg.norm(matrix), rel=1e-5)
    assert spectral_bound(matrix, 3, 30 * 20 * 20) < 0.6 * np.linalg.norm(matrix)
