"""No regions, or no points, chosen: answers of length 0, whatever operators the network has."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import cpwl
from cpwl.analysis import local_maps

LAYERS: dict[str, list[nn.Module]] = {
    "dense": [nn.Flatten(), nn.Linear(16, 4), nn.ReLU(), nn.Linear(4, 2)],
    "conv": [nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(32, 2)],
    "groups": [nn.Conv2d(1, 2, 2), nn.LeakyReLU(), nn.Conv2d(2, 4, 2, groups=2), nn.Flatten(), nn.Linear(16, 2)],
    "pool": [nn.Conv2d(1, 2, 3, padding=1), nn.MaxPool2d(2), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(2, 2)],
    "pieces": [nn.Flatten(), nn.Linear(16, 4), nn.Hardtanh(), nn.Linear(4, 2), nn.Softshrink()],
}


@pytest.mark.parametrize("backend", ["torch", "exact"])
@pytest.mark.parametrize("kind", LAYERS)
def test_no_region_and_no_point_has_an_empty_answer(kind: str, backend: str) -> None:
    torch.manual_seed(0)
    net = cpwl.compile(nn.Sequential(*LAYERS[kind]).double().eval(), torch.zeros(1, 1, 4, 4, dtype=torch.float64))
    corners = np.random.default_rng(0).standard_normal((3, 1, 4, 4))
    part = cpwl.partition(net, cpwl.Domain.through(*corners), backend=backend)
    none = np.zeros(0, np.int64)
    for frame, inputs in (("slice", 2), ("input", 16)):
        maps, shifts = part.affine_maps(none, frame=frame)  # type: ignore[arg-type]
        assert maps.shape == (0, 2, inputs) and shifts.shape == (0, 2)
        assert part.jacobians(none, frame=frame).shape == (0, 2, inputs)  # type: ignore[arg-type]
    assert part.map_errors(none)[0].shape[0] == part.patterns(none).shape[0] == len(part.volumes(none)) == 0
    assert part.locate(np.zeros((0, 2))).shape == (0,)
    assert cpwl.evaluate(net, np.zeros((0, 1, 4, 4)), backend=backend).shape == (0, 2)
    if backend == "torch":
        assert len(local_maps(net, np.zeros((0, 1, 4, 4)))) == 0


@pytest.mark.parametrize("seed", range(4, 10))
def test_solids_of_small_convolutions_are_cut_as_exact_ones(seed: int) -> None:
    """A vertex at the origin is known poorly, as far as can be told, and can't be known better."""
    torch.manual_seed(seed)
    layers = [nn.Conv1d(1, 3, 2, padding=1, bias=False), nn.ReLU(), nn.Flatten(), nn.Linear(12, 3), nn.ReLU(),
              nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 1)]  # fmt: skip
    model = nn.Sequential(*layers).double().eval()
    for parameter in model.parameters():
        parameter.data = torch.randint(-2, 3, parameter.shape).double() / 2
    net = cpwl.compile(model, torch.zeros(1, 1, 3, dtype=torch.float64))
    quick, exact = (cpwl.partition(net, cpwl.Domain.box([-1] * 3, [1] * 3), backend=b) for b in ("torch", "exact"))
    assert {row.tobytes() for row in quick.patterns()} == {row.tobytes() for row in exact.patterns()}
