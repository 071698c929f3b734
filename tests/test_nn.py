"""Laws of ``cpwl.nn``: exact functions, that train, export, compile and partition."""

from __future__ import annotations

import copy
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import cpwl
from cpwl.compiler import compile, load_program
from cpwl.errors import CpwlError
from cpwl.network import Periodic as PeriodicOp
from cpwl.network import Piecewise
from cpwl.nn import Cosine, Periodic, PiecewiseLinear, PositionalEncoding, Sine, TriangleWave
from tests.support.torch_modules import assert_computes, kinds, points

MODULES = {
    "piecewise": PiecewiseLinear([-2.0, 0.5, 3.0], [1.0, -0.5, 2.0, 0.0], 1.0),
    "one breakpoint": PiecewiseLinear([1.0], [0.25, -1.0]),
    "periodic": Periodic(4.0, [0.5, 1.0, 3.0], [2.0, 1.0, -2.0], 1.0),
    "triangle": TriangleWave(3.0),
    "sine": Sine(0.25, pieces=8),
    "cosine": Cosine(0.5, pieces=4),
    "encoding": PositionalEncoding(4, [0.25, 0.5], pieces=4),
    "encoding alone": PositionalEncoding(4, [1.0], pieces=8, include_input=False),
}


@pytest.mark.parametrize("name", MODULES)
def test_a_module_and_its_network_agree(name: str) -> None:
    module = MODULES[name].eval()
    assert_computes(compile(module, points((4,), 3)), copy.deepcopy(module).double(), points((4,)).double() / 8)


@pytest.mark.parametrize("name", MODULES)
def test_a_module_trains_through_its_exact_slopes(name: str) -> None:
    x = (torch.randn(5, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(4)) * 3).requires_grad_()
    assert torch.autograd.gradcheck(copy.deepcopy(MODULES[name]).double(), (x,))


@pytest.mark.parametrize("name", MODULES)
def test_a_module_survives_copies_and_its_state(name: str, tmp_path: Path) -> None:
    module = copy.deepcopy(MODULES[name]).eval()
    torch.save(module.state_dict(), tmp_path / "state.pt")
    module.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    torch.export.save(torch.export.export(module, (points((4,), 1),)), tmp_path / "module.pt2")
    network = compile(load_program(tmp_path / "module.pt2"))
    assert_computes(network, copy.deepcopy(module).double(), points((4,)).double() / 8)


def test_a_module_is_one_node_of_a_graph() -> None:
    module = nn.Sequential(nn.Linear(2, 3), PiecewiseLinear([0.0], [0.5, 1.0]), TriangleWave()).eval()
    assert kinds(compile(module, torch.zeros(1, 2))) == ["Dense", "Piecewise", "Periodic"]
    kept = [
        node.op for node in compile(module, torch.zeros(1, 2)).nodes if isinstance(node.op, (Piecewise, PeriodicOp))
    ]
    assert isinstance(kept[0], Piecewise) and kept[0].slopes.tolist() == [0.5, 1.0]
    assert isinstance(kept[1], PeriodicOp) and kept[1].period == 2 and kept[1].breakpoints.tolist() == [0, 1]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(-20, 20), min_size=1, max_size=5, unique=True), st.data())
def test_a_piecewise_linear_function_has_its_slopes_and_value(places: list[int], data: st.DataObject) -> None:
    breaks = sorted(k / 4 for k in places)
    slopes = data.draw(
        st.lists(st.integers(-8, 8).map(lambda k: k / 8), min_size=len(breaks) + 1, max_size=len(breaks) + 1)
    )
    module = PiecewiseLinear(breaks, slopes, 0.5)
    x = torch.arange(-50, 51, dtype=torch.float64).div(8).requires_grad_()
    y = module(x)
    (slope,) = torch.autograd.grad(y.sum(), x)
    assert module(torch.tensor(breaks[0])) == 0.5
    assert slope.tolist() == [slopes[sum(b <= v for b in breaks)] for v in x.tolist()]
    assert torch.equal(y[1:] - y[:-1], slope[:-1] / 8), "the grid holds all breakpoints"


@pytest.mark.parametrize("pieces", [3, 5, 8, 64])
def test_the_waves_are_periodic_and_near_the_sine(pieces: int) -> None:
    x = torch.linspace(-3, 3, 1001, dtype=torch.float64)
    for module, function in ((Sine(0.7, pieces=pieces), torch.sin), (Cosine(0.7, pieces=pieces), torch.cos)):
        assert (module(x) - function(2 * math.pi * 0.7 * x)).abs().max() < 5 / pieces**2
        op = PeriodicOp(module.wave.period, np.array(module.wave.breakpoints), np.array(module.wave.slopes))
        assert op.drift == 0 and all(Fraction(s) * 2**40 % 1 == 0 for s in module.wave.slopes)
        assert torch.equal(module.wave(torch.arange(-9.0, 9)), module.wave(torch.arange(-9.0, 9) + 1000 * pieces))


def test_half_precision_is_rounded_once() -> None:
    x = torch.linspace(-4, 4, 99).to(torch.float16)
    for module in (PiecewiseLinear([0.1], [0.3, 1.7]), Sine()):
        if isinstance(module, PiecewiseLinear):
            assert torch.equal(module(x), module(x.double()).half())
        assert module(x).dtype == torch.float16


@pytest.mark.parametrize(
    "make",
    [
        lambda: PiecewiseLinear([], [1.0]),
        lambda: PiecewiseLinear([1.0, 0.0], [1.0, 2.0, 3.0]),
        lambda: PiecewiseLinear([0.0], [1.0]),
        lambda: PiecewiseLinear([math.inf], [1.0, 2.0]),
        lambda: Periodic(1.0, [0.0, 0.5], [1.0, -0.5]),
        lambda: Periodic(1.0, [0.0, 1.0], [1.0, -1.0]),
        lambda: TriangleWave(-1.0),
        lambda: Sine(0.0),
        lambda: Sine(pieces=2),
        lambda: PositionalEncoding(2, [math.nan]),
    ],
)
def test_what_is_no_such_function_is_refused(make: object) -> None:
    with pytest.raises(CpwlError, match=r"breakpoints|slope|frequency|pieces"):
        make()  # type: ignore[operator]


@pytest.mark.parametrize("backend", ["torch", "exact"])
def test_the_pieces_of_a_wave_are_counted(backend: str) -> None:
    """Of two triangle waves of one coordinate each: a grid of squares."""
    network = compile(TriangleWave(2.0).eval(), torch.zeros(1, 2))
    p = cpwl.partition(network, cpwl.Domain.box([-3.5, 0], [2.5, 4]), backend=backend)
    assert len(p) == 7 * 4
    assert float(p.volumes().sum()) == 24


def test_an_encoded_network_has_the_same_partition_in_both_backends(tmp_path: Path) -> None:
    torch.manual_seed(3)
    model = nn.Sequential(PositionalEncoding(2, [0.5, 1.0]), nn.Linear(10, 6), nn.ReLU(), nn.Linear(6, 1)).eval()
    network = compile(model, torch.zeros(1, 2))
    domain = cpwl.Domain.box([-0.75, -0.5], [0.5, 0.625])
    found = {name: cpwl.partition(network, domain, backend=name) for name in ("torch", "exact")}
    assert len({len(p) for p in found.values()}) == 1 and len(found["torch"]) > 50
    patterns = [{row.tobytes() for row in np.asarray(p.patterns())} for p in found.values()]
    assert patterns[0] == patterns[1]
    assert not any(isinstance(node.op, PeriodicOp) for node in found["torch"].network.nodes)
    found["torch"].save(tmp_path / "partition.npz")
    again = cpwl.load(tmp_path / "partition.npz")
    assert np.array_equal(again.patterns(), found["torch"].patterns())
    assert cpwl.certify(found["exact"]) is not None
