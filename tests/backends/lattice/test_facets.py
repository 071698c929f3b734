"""Vertices of some facets are listed as those of all are."""

from __future__ import annotations

import numpy as np
import pytest

import cpwl
from tests.support.networks import mlp


@pytest.mark.parametrize("backend", ["torch", "exact"])
@pytest.mark.parametrize("dim", [1, 2, 3, 4])
def test_the_vertices_of_some_facets_are_those_that_they_have_among_all(dim: int, backend: str) -> None:
    net = mlp(dim, [dim, 5, 4, 1], 0.3)
    facets = cpwl.partition(net, cpwl.Domain.box([-1.0] * dim, [1.0] * dim), backend=backend).facets()
    some = np.random.default_rng(dim).permutation(len(facets.regions))[: max(1, len(facets.regions) // 3)]
    chosen, wanted = facets.corners(some), facets.vertices.take(some)
    np.testing.assert_array_equal(chosen.values, wanted.values)
    np.testing.assert_array_equal(chosen.offsets, wanted.offsets)
