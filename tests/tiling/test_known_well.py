"""Between stages vertices that are known poorly, and the rows there, are computed anew: what comes out stays right."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import cpwl
from cpwl.backends.torch.fields.field import FloatField
from cpwl.backends.torch.solid.arrangement import TorchLatticeArrangement
from cpwl.tiling import stages
from tests.support.agreement import disagreements
from tests.support.families import solid
from tests.support.networks import mlp

ALL = 2.0**-60
"""Vertices that float64 holds are not known as closely as this: all are computed anew."""


@pytest.mark.parametrize("dim", [3, 4])
@pytest.mark.parametrize("seed", range(0, 40, 3))
def test_vertices_and_rows_that_are_all_computed_anew_are_within_their_bounds_of_exact_ones(
    seed: int, dim: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stages, "POOR_TO_GO_ON", ALL)
    monkeypatch.setattr(stages, "FEW", -1.0)
    case = solid(seed, dim)
    assert not disagreements(case.network, case.domain), case.name


def _before_each_stage(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, float]]:
    """By how much vertices may be off, relative to their distances from the origin, and rows: the most at each
    refinement."""
    found: list[tuple[float, float]] = []
    refine = TorchLatticeArrangement.refine

    def watched(self: TorchLatticeArrangement, values: FloatField, *args: Any, **options: Any) -> Any:
        far = np.linalg.norm(self.vertices, axis=1)
        found.append((float((self.coordinates().errors() / far).max()), float(values.errors().max())))
        return refine(self, values, *args, **options)

    monkeypatch.setattr(TorchLatticeArrangement, "refine", watched)
    return found


def test_bounds_do_not_grow_from_stage_to_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    network, cube = mlp(0, [3, *[8] * 14, 1], 0.5), cpwl.Domain.box([-1.0] * 3, [1.0] * 3)
    errors = _before_each_stage(monkeypatch)
    monkeypatch.setattr(stages, "FEW", 0.0)
    part = cpwl.partition(network, cube)
    places, rows = zip(*errors, strict=True)
    assert len(places) == 14 and max(places) <= stages.POOR_TO_GO_ON
    monkeypatch.setattr(stages, "POOR_TO_GO_ON", np.inf)
    errors.clear()
    same = cpwl.partition(network, cube)
    far, wide = zip(*errors, strict=True)
    assert max(far) > 8 * max(places) and max(wide) > 8 * max(rows)
    assert sorted(map(bytes, same.patterns())) == sorted(map(bytes, part.patterns()))


@pytest.mark.parametrize("dim", [3, 4])
def test_in_the_end_vertices_are_known_as_closely_as_is_promised(dim: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where float64 leaves some far off, though nothing is computed anew before."""
    network, cube = mlp(0, [dim, *[6 if dim == 4 else 8] * 14, 1], 0.5), cpwl.Domain.box([-1.0] * dim, [1.0] * dim)
    promised = stages.POOR
    monkeypatch.setattr(stages, "FEW", np.inf)

    def farthest() -> float:
        part = cpwl.partition(network, cube)
        return float((part.vertex_errors() / np.linalg.norm(part.vertices, axis=1)).max())

    assert farthest() <= promised
    monkeypatch.setattr(stages, "POOR", np.inf)
    assert farthest() > 2 * promised
