"""Lemma 15 (d), (e): facets taken out again, parts, and blocks put together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpwl.errors import ArgumentError, BordersDifferError
from tests.support.lattices import BACKENDS, CASES, box, check, cut, polytopes


def faces(arrangement: Any) -> list[int]:
    """How many faces of each dimension there are."""
    return [arrangement.lattice.count(k) for k in range(arrangement.dim + 1)]


@settings(max_examples=60)
@given(CASES)
def test_what_a_cut_added_is_taken_out_again(case: Any) -> None:
    dim, first, second = case
    before = cut(box(dim, "exact"), first, "exact").arrangement
    after = cut(before, second, "exact").arrangement
    found = after.dissolve(np.flatnonzero(after.facets().generation == 2))
    check(found.arrangement, dim)
    assert faces(found.arrangement) == faces(before) and polytopes(found.arrangement) == polytopes(before)
    kept = [tuple(row) for row in found.carry(after.coordinates()).to_numpy().tolist()]
    assert kept == [tuple(row) for row in found.arrangement.vertices.tolist()]


@settings(max_examples=40)
@given(CASES, st.data())
def test_some_columns_are_taken_out_again(case: Any, data: Any) -> None:
    """Of columns cut at once the facets of some alone: what the others leave, which lie across them."""
    dim, first, second = case
    chosen = data.draw(st.lists(st.booleans(), min_size=len(second), max_size=len(second)))
    before = cut(box(dim, "exact"), first, "exact").arrangement
    after = cut(before, second, "exact")
    below = after.below.dense()[:, np.flatnonzero(chosen)]
    facets = after.arrangement.facets()
    inner = np.flatnonzero((facets.generation == 2) & (facets.regions[:, 1] >= 0))
    alike = (below[facets.regions[inner, 0]] == below[facets.regions[inner, 1]]).all(axis=1)
    found = after.arrangement.dissolve(inner[alike]).arrangement
    wanted = before if not any(chosen) else cut(before, second[np.flatnonzero(chosen)], "exact").arrangement
    check(found, dim)
    assert faces(found) == faces(wanted) and polytopes(found) == polytopes(wanted)


def test_facets_of_the_domain_can_not_be_taken_out() -> None:
    with pytest.raises(ArgumentError, match="a region on both sides"):
        box(3, "torch").dissolve(np.array([0]))


@pytest.mark.parametrize("backend", BACKENDS)
@settings(max_examples=40)
@given(CASES, st.integers(2, 4), st.randoms(use_true_random=False))
def test_blocks_that_are_cut_apart_fit_together(backend: str, case: Any, count: int, random: Any) -> None:
    dim, first, second = case
    whole = cut(box(dim, backend), first, backend).arrangement
    if whole.ambiguous.any():  # which needs a network to be decided
        return
    after = cut(whole, second, backend).arrangement
    if after.ambiguous.any():
        return
    block = [random.randrange(count) for _ in range(len(whole))]
    parts = [np.flatnonzero(np.array(block) == i) for i in range(count)]
    parts = [regions for regions in parts if len(regions)]
    blocks = [whole.block(regions, 7).arrangement for regions in parts]
    cuts = [cut(part, second, backend) for part in blocks]
    parents = np.concatenate([r[c.arrangement.parents] for r, c in zip(parts, cuts, strict=True)])
    glued = whole.joined([c.arrangement for c in cuts], [part.walls for part in blocks], parents)
    found = glued.arrangement
    check(found, dim)
    assert faces(found) == faces(after)
    assert np.array_equal(found.parents, after.parents)
    assert np.array_equal(found.facets().generation.sum(), after.facets().generation.sum())
    if backend == "exact":
        assert polytopes(found) == polytopes(after)
        mine, wanted = ([frozenset(map(tuple, a.vertices[r].tolist())) for r in a.regions] for a in (found, after))
        assert mine == wanted, "blocks do not change the order of regions"
    fields = glued.carry([c.arrangement.coordinates() for c in cuts])
    assert np.array_equal(fields.to_numpy(), found.vertices)


def test_blocks_that_were_not_cut_alike_do_not_fit() -> None:
    whole = cut(box(3, "torch"), np.array([[1.0, 0, 0, 0]]), "torch").arrangement
    blocks = [whole.block(np.array([i]), 1).arrangement for i in (0, 1)]
    cuts = [cut(part, np.array([[0, 1.0, 0, shift]]), "torch").arrangement for part, shift in zip(blocks, (0.1, 0.2))]
    with pytest.raises(BordersDifferError):
        whole.joined(cuts, [part.walls for part in blocks], np.array([0, 0, 1, 1]))


@settings(max_examples=30)
@given(CASES, st.randoms(use_true_random=False))
def test_a_part_has_the_faces_of_its_regions(case: Any, random: Any) -> None:
    dim, first, _ = case
    whole = cut(box(dim, "exact"), first, "exact").arrangement
    chosen = np.array(random.sample(range(len(whole)), random.randint(1, len(whole))))
    taken = whole.take(chosen)
    part = taken.arrangement
    regions = [frozenset(map(tuple, whole.vertices[whole.regions[r]].tolist())) for r in chosen.tolist()]
    assert [frozenset(map(tuple, part.vertices[corners].tolist())) for corners in part.regions] == regions
    assert list(part.volumes()) == [whole.volumes()[r] for r in chosen]
    assert set(part.facets().walls.tolist()) <= set(whole.facets().walls.tolist())
    assert [tuple(p) for p in whole.vertices[taken.vertices].tolist()] == [tuple(p) for p in part.vertices.tolist()]
