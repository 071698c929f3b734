"""Where a self-check fails, what is concerned is cut again by exact decisions: a wrong bound costs time, no region."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import cpwl
from cpwl.backends.torch.refinement.refine import InconsistentError, _Refinement
from cpwl.errors import InternalError
from cpwl.tiling.blocks import Blocks
from cpwl.tiling.sweep import Sweep
from tests.support.blocks import Here
from tests.support.families import Case, case
from tests.support.image_planes import plane

CASES = [case(seed) for seed in (4, 5, 8, 10, 17, 43)] + [plane(5)]
EACH = pytest.mark.parametrize("chosen", CASES, ids=lambda chosen: chosen.name)


def is_right(part: cpwl.Partition, chosen: Case) -> bool:
    exact = cpwl.partition(chosen.network, chosen.domain, backend="exact")
    mine, true = ({row.tobytes() for row in each.patterns()} for each in (part, exact))
    return mine == true and len(part) == len(exact) and bool(np.isfinite(part.outputs.errors()).all())


@EACH
def test_cells_in_which_a_check_fails_are_cut_again_and_counted(chosen: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    checked = _Refinement.check_euler

    def failing(self: _Refinement, *given: Any) -> None:
        checked(self, *given)
        odd = (torch.arange(self.old.cells) % 2 == 0) & ~self.suspects
        if bool(odd.any()):
            raise InconsistentError("planted", odd)

    monkeypatch.setattr(_Refinement, "check_euler", failing)
    part = cpwl.partition(chosen.network, chosen.domain)
    assert part.recut > 0 and "cut again" in repr(part)
    assert is_right(part, chosen)


@EACH
def test_where_that_does_not_mend_it_float64_decides_nothing_at_all(
    chosen: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = import_module("cpwl.backends.torch.arrangement")
    refined = module.refine

    def failing(old: Any, task: Any) -> Any:
        if bool(task.field.error.isfinite().all()):
            raise InternalError("planted")
        return refined(old, task)

    monkeypatch.setattr(module, "refine", failing)
    part = cpwl.partition(chosen.network, chosen.domain)
    assert part.recut == len(part) and is_right(part, chosen)


@pytest.mark.parametrize("kind", ["whole", "blocks", "workers"])
@EACH
def test_a_block_in_which_float64_was_wrong_is_refined_again_without_it(
    chosen: Case, kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As ``partition_blocks`` must do: the blocks before it have been handed over."""
    monkeypatch.setattr(Blocks, "within", classmethod(lambda cls, *sizes: Blocks(1 << 8, 1, 1, most_rows=5)))
    through, failed = Sweep._through, list[Any]()

    def failing(self: Sweep, task: Any, workers: int) -> Any:
        path = task.state.path
        if task.state.walls is not None and task.state.trusting and path and path[-1] % 3 == 1:
            failed.append(path)
            raise InternalError("planted")
        return through(self, task, workers)

    monkeypatch.setattr(Sweep, "_through", failing)
    exact = cpwl.partition(chosen.network, chosen.domain, backend="exact")
    if kind == "blocks":
        blocks = list(cpwl.partition_blocks(chosen.network, chosen.domain))
        rows = np.concatenate([block.patterns() for block in blocks])
        assert {row.tobytes() for row in rows} == {row.tobytes() for row in exact.patterns()} and len(rows) == len(
            exact
        )
        recut = sum(block.recut for block in blocks)
        assert bool(failed) == (recut > 0)
        assert cpwl.write_partition(chosen.network, chosen.domain, tmp_path / "folder").recut == recut
        assert all(np.isfinite(block.outputs.errors()).all() for block in blocks)
    else:
        part = cpwl.partition(chosen.network, chosen.domain, executor=Here() if kind == "workers" else None)
        assert is_right(part, chosen) and bool(failed) == (part.recut > 0)
