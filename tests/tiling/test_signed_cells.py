"""Signs of outputs at the vertices of cells: those of rational arithmetic, cell by cell."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

import cpwl
from cpwl.network import Network
from cpwl.tiling.signed_cells import signed_cells


def decimal(seed: int, dim: int) -> Network:
    """A network whose weights are tenths, and whose outputs repeat each other up to factors, so that they vanish
    together, on faces that the same functions have cut already."""
    random = np.random.default_rng(seed)
    widths = [dim, 5, 5]
    tables = [random.integers(-10, 11, (n, m + 1)) / 10 for m, n in pairwise(widths)]
    last = random.integers(-10, 11, (2, widths[-1] + 1)) / 10
    tables.append(np.concatenate([last, 3 * last[:1], last[:1] + last[1:], -last[1:]]))
    return Network.mlp([table[:, :-1] for table in tables], [table[:, -1] for table in tables])


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_cells_have_the_signs_of_rational_arithmetic_at_their_vertices(dim: int) -> None:
    for seed in range(12):
        net, box = decimal(seed, dim), cpwl.Domain.box([-1] * dim, [1] * dim)
        found = []
        for backend in ("torch", "exact"):
            part = cpwl.partition(net, box, backend=backend)
            cells = signed_cells(part)
            assert (np.bincount(cells.regions, minlength=len(part)) > 0).all()
            tables = [cells.signs[cell] for cell in cells.arrangement.regions]
            assert not any({-1, 1} <= set(column) for table in tables for column in table.T.tolist())
            found.append(Counter(frozenset(Counter(map(tuple, table.tolist())).items()) for table in tables))
        assert found[0] == found[1]
