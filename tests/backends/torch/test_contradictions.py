"""Signs that contradict each other: any at all give the lattice of a tiling, and ``predicates="float"`` a valid one."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from cpwl.arrays.ragged import Ragged
from cpwl.backends.lattice.cut import Crossing, Outcome
from cpwl.backends.lattice.growing import Words, packed
from cpwl.backends.lattice.lattice import Lattice
from cpwl.backends.lattice.spheres import spheres
from cpwl.backends.torch.fields.field import FloatField
from cpwl.backends.torch.solid import arrangement as solid
from cpwl.backends.torch.solid.arrangement import TorchLatticeArrangement
from cpwl.backends.torch.solid.kernels.choice import KERNELS
from cpwl.backends.torch.solid.kernels.kernel import Kernel
from cpwl.errors import InternalError
from cpwl.geometry.polytope import Polytope
from tests.support import lattices

EACH = pytest.mark.parametrize("kernel", KERNELS, ids=[type(kernel).__name__ for kernel in KERNELS])


# ---- any signs at all ------------------------------------------------------------------------------------------------
class Drawn:
    """Signs that are drawn, of columns at vertices: no functions have them."""

    def __init__(self, seed: int, columns: int, zeros: float, *, certain: bool = False) -> None:
        self.certain, self._columns, self._zeros = certain, columns, zeros
        self._random = np.random.default_rng(seed)

    def signs(self, rows: int) -> tuple[Words, Words]:
        table = self._random.choice([-1, 1], size=(rows, self._columns))
        table[self._random.random(table.shape) < self._zeros] = 0
        return packed(table < 0), packed(table > 0)

    def cross(self, crossing: Crossing, open_: Words) -> tuple[Words, Words]:
        below, above = self.signs(len(crossing))
        return below & open_, above & open_


def cut(kernel: Kernel, lattice: Lattice, seed: int, columns: int, zeros: float, generation: int) -> Outcome:
    values = Drawn(seed, columns, zeros)
    return kernel.cut(lattice, *values.signs(lattice.vertices), columns, values, generation)


def check(lattice: Lattice) -> None:
    """All faces, and the whole, are balls as far as this tells: their boundaries are spheres."""
    assert lattice.euler == 1
    for k in range(1, lattice.dim + 1):
        assert spheres(lattice.members, k - 1, lattice.boundary[k - 1]).all()
        assert lattice.boundary[k - 1].counts.min() >= (2 if k == 1 else 3)
        assert np.array_equal(np.unique(lattice.boundary[k - 1].values), np.arange(lattice.count(k - 1)))
    assert np.bincount(lattice.boundary[-1].values).max() <= 2


@EACH
@pytest.mark.parametrize(("dim", "columns"), [(1, 9), (2, 12), (3, 8), (4, 5), (5, 3)])
@pytest.mark.parametrize("zeros", [0.0, 0.1, 0.5])
def test_any_signs_at_all_give_a_tiling(dim: int, columns: int, zeros: float, kernel: Kernel) -> None:
    whole = 0
    for seed in range(6):
        lattice = Lattice.of(Polytope.box([-1.0] * dim, [1.0] * dim))
        for again in range(2):
            found = cut(kernel, lattice, 10 * seed + again, columns, zeros, again + 1)
            check(found.lattice)
            assert np.array_equal(found.parents, np.sort(found.parents)) and len(found.parents) == len(found.lattice)
            assert len(found.region) == len(found.column) == found.lattice.walls - lattice.walls
            whole += len(found.contradicted)
            lattice = found.lattice
    assert (whole > 0) == (dim > 1), "a segment is cut by any signs; in all else drawn ones contradict each other"


@pytest.mark.parametrize(("dim", "columns"), [(2, 70), (3, 12), (4, 6), (5, 3)])
@pytest.mark.parametrize("zeros", [0.0, 0.3])
def test_kernels_leave_the_same_whole(dim: int, columns: int, zeros: float) -> None:
    for seed in range(4):
        lattice = Lattice.of(Polytope.box([-1.0] * dim, [1.0] * dim))
        one, other = (cut(kernel, lattice, seed, columns, zeros, 1) for kernel in KERNELS)
        for mine, theirs in zip(one.lattice.boundary, other.lattice.boundary, strict=True):
            assert np.array_equal(mine.values, theirs.values) and np.array_equal(mine.offsets, theirs.offsets)
        for name in ("parents", "region", "column", "contradicted"):
            assert np.array_equal(getattr(one, name), getattr(other, name)), name
        assert np.array_equal(one.lattice.wall, other.lattice.wall)
        assert np.array_equal(one.below.dense(), other.below.dense())


@EACH
def test_certain_signs_that_contradict_each_other_are_a_mistake(kernel: Kernel) -> None:
    """A square with its corners above and below by turns."""
    square = Lattice.of(Polytope.box([-1.0] * 2, [1.0] * 2))
    sign = np.ones((4, 1), np.int8)
    sign[square.cycles()[0][::2]] = -1
    given = kernel, square, packed(sign < 0), packed(sign > 0)
    with pytest.raises(InternalError, match="a polygon is cut at other than two places"):
        cut_by(*given, Drawn(0, 1, 0.0, certain=True))
    found = cut_by(*given, Drawn(0, 1, 0.0))
    assert len(found.lattice) == 1 and found.contradicted.tolist() == [0] and found.lattice.count(1) == 8
    assert not found.below.dense().any()


def cut_by(kernel: Kernel, lattice: Lattice, below: Words, above: Words, values: Drawn) -> Outcome:
    return kernel.cut(lattice, below, above, 1, values, 1)


def test_a_sphere_is_told_from_what_is_none() -> None:
    """The surface of a cube, that without a face, two squares of it; and the surface of a ring of blocks, a torus."""
    cube = Lattice.of(Polytope.box([0.0] * 3, [1.0] * 3))
    faces = Ragged.of([list(range(6)), list(range(5)), [0, 1]])
    assert spheres(cube.members, 2, faces).tolist() == [True, False, False]
    square = cube.boundary[1][0].tolist()
    edges = Ragged.of([square, square[:3], list(range(12))])
    assert spheres(cube.members, 1, edges).tolist() == [True, False, False]
    functions = [[1, 0, 0, 0.5], [1, 0, 0, -0.5], [0, 1, 0, 0.5], [0, 1, 0, -0.5]]
    blocks = lattices.cut(lattices.box(3, "torch"), np.array(functions), "torch").arrangement
    middle = np.array([blocks.vertices[c].mean(axis=0) for c in blocks.regions])
    ring = blocks.lattice.take(np.flatnonzero(np.abs(middle).max(axis=1) > 0.5))[0]
    for body, expected in ((blocks.lattice, True), (ring, False)):
        surface = np.flatnonzero(body.sides[:, 1] < 0)
        assert spheres(body.members, 2, Ragged.of([surface.tolist()])).tolist() == [expected]


# ---- values that are off ---------------------------------------------------------------------------------------------
@EACH
@pytest.mark.parametrize("dim", [2, 3, 4])
@pytest.mark.parametrize("off", [2.0**-40, 2.0**-7, 2.0**-4])
def test_what_is_not_listed_is_right_however_far_values_are_off(dim: int, off: float, kernel: Kernel) -> None:
    """Functions on a box that is cut already, of small integers or any numbers; values may be off by their bounds."""
    listed = right = 0
    for seed in range(8):
        random = np.random.default_rng((seed, dim))
        first, second = random.normal(size=(4, dim + 1)), random.normal(size=(4, dim + 1))
        if seed % 2:
            first, second = np.round(2 * first), np.round(2 * second)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(solid, "kernel_for", lambda values: kernel)
            start = lattices.cut(TorchLatticeArrangement.of(Polytope.box([-1] * dim, [1] * dim)), first, "torch")
            refined = start.arrangement.refine(
                noisy(start.arrangement, second, off, random), Ragged.of([[0.0]] * 4, np.float64)
            )
        exact = lattices.cut(lattices.cut(lattices.box(dim, "exact"), first, "exact").arrangement, second, "exact")
        check(refined.arrangement.lattice)
        lattices.check(refined.arrangement, dim)
        expected = Counter(signatures(exact))
        sure = ~refined.arrangement.ambiguous
        found = Counter(one for one, kept in zip(signatures(refined), sure, strict=True) if kept)
        assert not found - expected, "what is not listed is a region of exact arithmetic"
        listed, right = listed + int((~sure).sum()), right + int(sure.sum())
    assert listed and right


def noisy(arrangement: Any, functions: NDArray[np.float64], off: float, random: np.random.Generator) -> FloatField:
    """Affine functions at the vertices, each value off by no more than ``off``, with bounds that say so."""
    values = arrangement.vertices @ functions[:, :-1].T + functions[:, -1]
    noise = random.uniform(-off, off, values.shape)
    error = np.full(len(values), off * np.sqrt(values.shape[1]) * 1.001)
    return FloatField(torch.as_tensor(values + noise), torch.as_tensor(error))


def signatures(refined: Any) -> list[tuple[Any, ...]]:
    """Each region by what it comes from, the columns below there, and its number of corners."""
    arrangement = refined.arrangement
    below = refined.below.dense()
    return [
        (int(parent), row.tobytes(), len(corners))
        for parent, row, corners in zip(arrangement.parents, below, arrangement.regions, strict=True)
    ]
