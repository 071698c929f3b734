"""The tables that partitions keep: bits, pieces, winners, steps; each against the plain array that it stands for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import nn

import cpwl
from cpwl.arrays.bits import BitMatrix
from cpwl.network import Network
from cpwl.tiling.blocks import Blocks
from cpwl.tiling.history import Step, flattened, patterns_after, ranges_after, roots
from cpwl.tiling.maximum import Winners
from cpwl.tiling.pieces import LevelPieces, NoPieces, Pieces, WinnerPieces

SEEDS = st.integers(0, 2**32)


def bits(generator: np.random.Generator, rows: int, columns: int) -> NDArray[np.bool_]:
    """Columns of which some are the same in all rows."""
    dense: NDArray[np.bool_] = generator.random((rows, columns)) < 0.5
    constant = generator.random(columns) < 0.5
    dense[:, constant] = dense[:1, constant]
    return dense


def some(generator: np.random.Generator, count: int) -> NDArray[np.int64]:
    """Indices in any order, perhaps more than once; at least one."""
    return generator.integers(0, count, generator.integers(1, 2 * count + 1))


# ---- bits ----------------------------------------------------------------------------------------------------------
@given(seed=SEEDS, rows=st.integers(1, 20), columns=st.integers(1, 30))
def test_a_bit_matrix_is_the_boolean_matrix_that_was_packed(seed: int, rows: int, columns: int) -> None:
    generator = np.random.default_rng(seed)
    dense = bits(generator, rows, columns)
    packed = BitMatrix.pack(dense)
    here, there = some(generator, rows), some(generator, columns)
    np.testing.assert_array_equal(packed.dense(), dense)
    np.testing.assert_array_equal(packed.dense(here), dense[here])
    np.testing.assert_array_equal(packed.take(here).dense(), dense[here])
    np.testing.assert_array_equal(packed.at(there), dense[:, there])
    np.testing.assert_array_equal(packed.varying(), np.flatnonzero((dense != dense[0]).any(axis=0)))


@given(seed=SEEDS, rows=st.integers(1, 20), columns=st.integers(1, 30))
def test_rows_of_a_bit_matrix_that_are_alike_but_for_some_columns(seed: int, rows: int, columns: int) -> None:
    generator = np.random.default_rng(seed)
    base = generator.random(columns) < 0.5
    chosen = generator.permutation(columns)[: generator.integers(0, columns + 1)]
    new = generator.random((rows, len(chosen))) < 0.5
    expected = np.tile(base, (rows, 1))
    expected[:, chosen] = new
    np.testing.assert_array_equal(BitMatrix.alike_but(base, chosen, new).dense(), expected)


# ---- winners -------------------------------------------------------------------------------------------------------
def winners(generator: np.random.Generator, rows: int, columns: int) -> tuple[Winners, NDArray[np.int16]]:
    varying = np.flatnonzero(generator.random(columns) < 0.5)
    base = generator.integers(0, 5, columns).astype(np.int16)
    values = generator.integers(0, 5, (rows, len(varying))).astype(np.int16)
    dense = np.tile(base, (rows, 1))
    dense[:, varying] = values
    return Winners(base, varying, values), dense


@given(seed=SEEDS, rows=st.integers(1, 12), columns=st.integers(1, 15))
def test_a_table_of_winners_is_the_dense_one(seed: int, rows: int, columns: int) -> None:
    generator = np.random.default_rng(seed)
    table, dense = winners(generator, rows, columns)
    other, also = winners(generator, rows, columns)
    match = generator.integers(0, 4, columns)
    below = bits(generator, rows, 4)
    here, there = some(generator, rows), some(generator, columns)
    pairs = generator.integers(0, rows, len(there)), there
    np.testing.assert_array_equal(table.dense(), dense)
    np.testing.assert_array_equal(table.take(here).dense(), dense[here])
    np.testing.assert_array_equal(table.chosen(there).dense(), dense[:, there])
    np.testing.assert_array_equal(table.columns(there), dense[:, there])
    np.testing.assert_array_equal(table.at(*pairs), dense[pairs])
    met = table.met(other, BitMatrix.pack(below), match)
    np.testing.assert_array_equal(met.dense(), np.where(below[:, match], also, dense))
    np.testing.assert_array_equal(table.beside(other).dense(), np.concatenate([dense, also], axis=1))
    equal = Winners.equal(rows, dense[0])
    np.testing.assert_array_equal(equal.dense(), np.tile(dense[0], (rows, 1)))
    assert len(equal.varying) == 0


# ---- pieces and steps ----------------------------------------------------------------------------------------------
def levels(generator: np.random.Generator, regions: int) -> tuple[Pieces, NDArray[Any]]:
    """Units with three breakpoints, and their pieces: the number of breakpoints that a unit does not lie below."""
    pieces = generator.integers(0, 4, (regions, 7))
    pieces[:, generator.random(7) < 0.4] = 2
    below = pieces[:, :, None] <= np.arange(3)
    return LevelPieces(BitMatrix.pack(below.reshape(regions, -1)), 3), pieces


def maxima(generator: np.random.Generator, regions: int) -> tuple[Pieces, NDArray[Any]]:
    """Units of which one of four arguments wins."""
    pieces = generator.integers(0, 4, (regions, 5)).astype(np.int16)
    return WinnerPieces(pieces), pieces


def none(generator: np.random.Generator, regions: int) -> tuple[Pieces, NDArray[Any]]:
    """No units."""
    return NoPieces(regions), np.zeros((regions, 0), np.int64)


KINDS = [levels, maxima, none]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@given(seed=SEEDS, regions=st.integers(1, 12))
def test_pieces_are_those_of_the_plain_table(kind: Any, seed: int, regions: int) -> None:
    generator = np.random.default_rng(seed)
    table, pieces = kind(generator, regions)
    more, others = kind(generator, regions + 1)
    chosen = some(generator, regions)
    np.testing.assert_array_equal(table.take(chosen), pieces[chosen])
    np.testing.assert_array_equal(table.some(chosen).take(np.arange(len(chosen))), pieces[chosen])
    lowest, highest = table.range(chosen)
    np.testing.assert_array_equal(lowest, pieces[chosen].min(axis=0))
    np.testing.assert_array_equal(highest, pieces[chosen].max(axis=0))
    both = table.with_others([more])
    assert len(both) == 2 * regions + 1
    np.testing.assert_array_equal(both.take(np.arange(len(both))), np.concatenate([pieces, others]))


@given(seed=SEEDS)
def test_what_steps_did_to_regions_is_told_by_their_patterns_ranges_and_roots(seed: int) -> None:
    generator = np.random.default_rng(seed)
    counts = [2, 4, 6, 9]
    steps, patterns, root = [], np.zeros((2, 0), np.int64), np.arange(2)
    for node, (before, after, kind) in enumerate(zip(counts, counts[1:], (levels, none, maxima), strict=False)):
        parents = np.concatenate([np.arange(before), generator.integers(0, before, after - before)])
        table, pieces = kind(generator, after)
        steps.append(Step(-1 if kind is none else node, parents, table))
        patterns, root = np.concatenate([patterns[parents], pieces], axis=1), root[parents]
    chosen = some(generator, counts[-1])
    np.testing.assert_array_equal(patterns_after(steps, chosen), patterns[chosen])
    np.testing.assert_array_equal(roots(steps), root)
    ranges = ranges_after(steps, chosen)
    assert sorted(ranges) == [0, 2]
    for bound, fold in ((0, np.min), (1, np.max)):
        found = np.concatenate([ranges[0][bound], ranges[2][bound]])
        np.testing.assert_array_equal(found, fold(patterns[chosen], axis=0))
    short = flattened(steps, chosen)
    assert all(len(step.parents) == len(chosen) for step in short) and not roots(short).any()
    np.testing.assert_array_equal(patterns_after(short, np.arange(len(chosen))), patterns[chosen])


# ---- how many blocks -----------------------------------------------------------------------------------------------
def test_a_pattern_takes_a_bit_a_breakpoint_and_a_short_a_winner() -> None:
    def compiled(*layers: nn.Module) -> Network:
        return cpwl.compile(nn.Sequential(nn.Linear(2, 12), *layers).eval(), torch.zeros(1, 2))

    assert compiled(nn.ReLU()).pattern_bytes == 2
    assert compiled(nn.Hardtanh()).pattern_bytes == 3
    assert compiled(nn.Unflatten(1, (1, 12)), nn.MaxPool1d(3)).pattern_bytes == 8
    assert compiled(nn.Hardtanh(), nn.Unflatten(1, (1, 12)), nn.MaxPool1d(3)).pattern_bytes == 11


def test_fewer_vertices_go_together_the_more_memory_each_takes() -> None:
    sizes = Blocks.within(1 << 30)
    few = {"vertices": 50_000, "rank": 20, "entries": 5_000, "pattern": 1_000}
    wanted = sizes.wanted_low_rank(**few)
    assert wanted == 4  # a block has 16,384 vertices at most
    assert sizes.wanted_low_rank(**few | {"vertices": 16_384}) == 1
    for name, many in (("rank", 20_000), ("entries", 10**8), ("pattern", 10**6)):
        assert sizes.wanted_low_rank(**few | {name: many}) > wanted, name
        assert Blocks.within(1 << 38).wanted_low_rank(**few | {name: many}) == wanted, name
    # The patterns of a block take half of the memory at most.
    assert sizes.wanted_low_rank(**few | {"pattern": 10**6}) >= 50_000 * 10**6 / (1 << 29)
    assert sizes.wanted_low_rank(**few | {"pattern": 1 << 60}) == 50_000


def test_each_worker_gets_a_block_if_it_is_worth_it() -> None:
    sizes = Blocks()
    assert sizes.wanted_low_rank_apart(5_000, 1 << 40, 3) == 3
    assert sizes.wanted_low_rank_apart(5_000, 1 << 20, 3) == 1
    assert sizes.wanted_low_rank_apart(100, 1 << 40, 3) == 1
