"""Some properties of ACAS Xu, as the tools of VNN-COMP 2021 have decided them; all 186: benchmarks/acasxu.py."""

from __future__ import annotations

import numpy as np
import pytest

import cpwl
from cpwl.compiler.onnx_files.runtime import runner
from tests.support.real_data import FOLDER, needs

ACAS = FOLDER / "acasxu"


@needs("acasxu")
@pytest.mark.parametrize(
    ("number", "network", "status"),
    [
        (1, "1_1", "holds"),
        (2, "1_2", "violated"),
        (3, "1_7", "violated"),
        (3, "2_1", "holds"),
        (4, "5_3", "holds"),
        (7, "1_9", "violated"),
        (8, "2_9", "violated"),
        (10, "4_5", "holds"),
    ],
)
def test_verdicts_are_those_of_the_competition(number: int, network: str, status: str) -> None:
    path = ACAS / f"ACASXU_run2a_{network}_batch_2000.onnx"
    net, spec = cpwl.compile(path), cpwl.Specification.read(ACAS / f"prop_{number}.vnnlib")
    found = cpwl.verify(net, spec, run=runner(path))
    assert found.status == status
    if status == "violated":
        assert found.counterexample is not None
        x = found.counterexample.x
        assert spec.is_unsafe(x, cpwl.evaluate(net, x, backend="exact"))
        assert found.counterexample.float32 is not None
        assert spec.is_unsafe(found.counterexample.float32, np.ravel(runner(path)(found.counterexample.float32[None])))
