"""The compiled loops of ``kernels`` on tensors. They serve on the CPU, where the module was built; else torch does.

Both give the same: the same combinatorics bit for bit, and numbers and bounds to rounding
(docs/decisions/compiled-loops.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

try:
    from . import kernels
except ImportError:  # built without a C compiler
    enabled = False
else:
    enabled = True


def serves(values: Tensor) -> bool:
    """Whether the compiled loops do the work on such a tensor."""
    return enabled and values.is_cpu


def _array(values: Tensor) -> NDArray[Any]:
    """A tensor as an array; truth values as bytes."""
    array = values.contiguous().numpy()
    return array.view(np.uint8) if array.dtype == np.bool_ else array


def _words(packed: Tensor) -> NDArray[Any]:
    """Packed bits (rows, bytes) as words."""
    return packed.contiguous().numpy().view(np.uint64)


def _packed(words: NDArray[Any]) -> Tensor:
    """Words as packed bits (rows, bytes)."""
    return torch.from_numpy(words.view(np.uint8))


def _flags(values: NDArray[Any]) -> Tensor:
    return torch.from_numpy(values.view(np.bool_))


def _tensors(*arrays: NDArray[Any]) -> list[Tensor]:
    return [torch.from_numpy(array) for array in arrays]


def sign_bits(values: Tensor, coarse: Tensor, bounds: Sequence[Tensor], known: Tensor | None) -> list[Tensor]:
    """Packed bits: above and below zero, and doubtful; ``bounds``: row, column, floor of the bound, and of zero."""
    zeros = np.zeros((0, 0), np.uint8) if known is None else _array(known)
    return [_packed(bits) for bits in kernels.sign_bits(_array(values), _array(coarse), *map(_array, bounds), zeros)]


def cell_bits(
    above: Tensor, below: Tensor, doubtful: Tensor, valid: Tensor, origin: Tensor, offsets: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Of each cell the columns below somewhere and those that cut, packed; and two flags (see the kernel)."""
    packed = (_words(bits) for bits in (above, below, doubtful))
    found = kernels.cell_bits(*packed, _words(valid)[0], _array(origin), _array(offsets))
    return _packed(found[0]), _packed(found[1]), _flags(found[2]), _flags(found[3])


def crossings(edges: Tensor, above: Tensor, below: Tensor, values: Tensor, bound: tuple[Tensor, ...]) -> list[Tensor]:
    """Edge, column, position, slack and doubt of each crossing, sorted; the undecided edges, and counts by edge."""
    bits = _words(above), _words(below)
    found = kernels.crossings(_array(edges), *bits, _array(values), *map(_array, bound))
    column, position, slack, doubtful, counts, undecided = found
    edge = np.repeat(np.arange(len(counts)), counts)
    return [*_tensors(edge, column, position, slack), _flags(doubtful), _flags(undecided), torch.from_numpy(counts)]


def visits(half_edge: Tensor, forward: Tensor, per_edge: Tensor) -> list[Tensor]:
    """The half-edge and crossing of each visit, and their number on each half-edge."""
    return _tensors(*kernels.visits(_array(half_edge), _array(forward), _array(per_edge)))


def chords(
    offsets: Tensor, counts: Tensor, crossing: Tensor, column: Tensor, regular: Tensor, columns: int
) -> list[Tensor]:
    """Start, end, cell and column of each chord; and the cells in which a column is not met exactly twice."""
    given = (_array(part) for part in (offsets, counts, crossing, column, regular))
    *parts, odd = kernels.chords(*given, columns)
    return [*_tensors(*parts), _flags(odd)]


def meets(*parts: Tensor) -> list[Tensor]:
    """Pairs, positions, slacks, their order along the chords, and the chords with an uncertain order (as flags)."""
    pairs, position, slack, order, tied = kernels.meets(*map(_array, parts))
    return [*_tensors(pairs, position.T, slack.T, order), _flags(tied)]


def assemble(parts: tuple[Tensor, ...], vertices: int, generation: int, lines: int) -> list[Tensor]:
    """Edges, marks; edge, direction, successor, parent of the half-edges."""
    found = kernels.assemble(*map(_array, parts), vertices, generation, lines)
    edges, marks, edge, forward, successor, parent = found
    return [*_tensors(edges, marks, edge), _flags(forward), *_tensors(successor, parent)]


def cycles(successor: Tensor, parent: Tensor, parents: int) -> list[Tensor] | None:
    """The half-edges cycle by cycle, the offsets of cycles, their parents; None when they do not close up."""
    found = kernels.cycles(_array(successor), _array(parent), parents)
    return None if found is None else _tensors(*found)


def below_bits(
    base: Tensor, parents: Tensor, offsets: Tensor, order: Tensor, parts: int, chord: Tensor, name: Tensor
) -> Tensor:
    """Packed bits of the old cells, turned over for the chords between each cell and its old cell's first vertex."""
    given = (_array(part) for part in (parents, offsets, order))
    return _packed(kernels.below_bits(_words(base), *given, parts, _array(chord), _array(name)))


def take(values: Tensor, rows: Tensor, columns: Tensor, target: Tensor, norms: Tensor) -> None:
    """Copies some columns of some rows, and finds the norms of what was copied."""
    kernels.take(*map(_array, (values, rows, columns, target, norms)))


def put(values: Tensor, rows: Tensor, columns: Tensor, function: Tensor, level: Tensor) -> None:
    """Puts ``level[columns[i]]`` at (rows[i], function[columns[i]])."""
    kernels.put(*map(_array, (values, rows, columns, function, level)))


def rectify(values: Tensor, norms: Tensor) -> None:
    """Puts 0 where values are below it, and finds the norms of the rows."""
    kernels.rectify(_array(values), _array(norms))


def interpolate(
    values: Tensor, error: Tensor, norms: Tensor, count: int, ends: tuple[Tensor, Tensor], where: tuple[Tensor, Tensor]
) -> None:
    """Fills rows from ``count`` on, at positions (with slacks) between two rows, and their bounds and norms."""
    kernels.interpolate(_array(values), _array(error), _array(norms), count, *map(_array, (*ends, *where)))


def largest_steps(values: Tensor, first: Tensor, second: Tensor, shares: Tensor) -> Tensor:
    """The largest difference of two rows, entries taken times their shares, for each pair; rounded up."""
    return torch.from_numpy(kernels.largest_steps(*map(_array, (values, first, second, shares))))


def rectified(
    old: tuple[Tensor, ...],
    points: tuple[Tensor, ...],
    zeros: tuple[Tensor, Tensor],
    start: int,
    target: Tensor,
    bounds: tuple[Tensor, ...],
) -> None:
    """Some rows of the positive parts of some columns, and their bounds (see the kernel)."""
    given = map(_array, (*old, *points, *zeros))
    kernels.rectified(*given, start, *map(_array, (target, *bounds)))
