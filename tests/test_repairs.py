"""Where a self-check fails, what is concerned is cut again by exact decisions: a wrong bound costs time, no region."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
import pytest
import torch
from families import Case, case
from image_planes import plane

import cpwl
from cpwl.backends.torch.refine import InconsistentError, _Refinement
from cpwl.errors import InternalError

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
