"""All kernels give the same, method by method, on what whole refinements ask; and one is chosen for each of these."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import cpwl
from cpwl.backends.torch import arrangement
from cpwl.backends.torch.refinement.kernels import compiled
from cpwl.backends.torch.refinement.kernels.choice import KERNELS, kernel_for
from cpwl.backends.torch.refinement.kernels.compiled import CompiledLoops
from cpwl.backends.torch.refinement.kernels.kernel import Kernel
from cpwl.backends.torch.refinement.kernels.operations import TensorOperations
from cpwl.backends.torch.refinement.points import Points
from cpwl.backends.torch.refinement.sites import Sites
from cpwl.network import Network
from tests.support.families import case
from tests.support.networks import mlp

SQUARE = cpwl.Domain.box([-1.0, -1.0], [1.0, 1.0])
METHODS = Kernel.__abstractmethods__ - {"serves"}
needs_loops = pytest.mark.skipif(not compiled.enabled, reason="the loops are not compiled: there is one kernel only")


class Twins:
    """Does what the compiled loops do, and compares with tensor operations: results, and what is changed in place."""

    in_order = False

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def both(*given: Any) -> Any:
            copies = [part.clone() if isinstance(part, Tensor) else part for part in given]
            result, wanted = (
                getattr(kernel, name)(*values) for kernel, values in ((CompiledLoops(), given), (_OPERATIONS, copies))
            )
            self.calls[name] += 1
            if name == "interpolate":
                check_interpolated(given, copies)
            else:
                check_alike(name, (result, given), (wanted, copies))
            return result

        return both


_OPERATIONS = TensorOperations()


def check_alike(name: str, one: object, other: object) -> None:
    """Numbers to rounding, all else bit for bit."""
    for mine, theirs in zip(_tensors(one), _tensors(other), strict=True):
        assert mine.shape == theirs.shape and mine.dtype == theirs.dtype, name
        if mine.is_floating_point():
            assert torch.allclose(mine, theirs, rtol=1e-9, atol=0, equal_nan=True), f"{name}: a number is another"
        else:
            assert torch.equal(mine, theirs), f"{name}: the combinatorics are others"


def check_interpolated(one: Any, other: Any) -> None:
    """Made rows agree to rounding of the rows that they lie between, not of what cancels; all other rows are equal."""
    (values, error, norms, start, points), (theirs, *bounds) = one, other[:3]
    assert isinstance(points, Points)
    made = slice(start, start + len(points))
    size = norms[points.first] + norms[points.second]
    assert bool(((values[made] - theirs[made]).norm(dim=1) <= 2.0**-50 * size).all()), "a row is another"
    for mine, its in ((error, bounds[0]), (norms, bounds[1])):
        assert torch.allclose(mine[made], its[made], rtol=1e-5, atol=0), "a bound is another"
    values[made], error[made], norms[made] = theirs[made], bounds[0][made], bounds[1][made]
    check_alike("interpolate", one, other)


def _tensors(value: object) -> Iterator[Tensor]:
    """All tensors in results and arguments, in order."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from _tensors(part)
    elif is_dataclass(value) and not isinstance(value, Sites):  # what was given, and is the same
        yield from _tensors([getattr(value, field.name) for field in fields(value)])


@pytest.fixture
def twins(monkeypatch: pytest.MonkeyPatch) -> Twins:
    found = Twins()
    monkeypatch.setattr(arrangement, "kernel_for", lambda values: found)
    return found


def halves(seed: int) -> Network:
    """Two layers of a dozen lines each whose numbers are multiples of 1/2: they meet in threes and more."""
    random = np.random.default_rng(seed)
    tables = [random.integers(-2, 3, (rows, columns + 1)) / 2 for rows, columns in ((12, 2), (12, 12), (1, 12))]
    return Network.mlp([table[:, :-1].copy() for table in tables], [table[:, -1].copy() for table in tables])


def bias_free(seed: int) -> Network:
    """Lines that meet in one point, whose numbers are not short: float64 leaves open that they do."""
    random = np.random.default_rng(seed)
    return Network.mlp([random.standard_normal(shape) for shape in ((8, 2), (1, 8))], [np.zeros(8), np.zeros(1)])


@needs_loops
@pytest.mark.parametrize("start", range(300, 420, 40))
def test_every_method_gives_the_same_on_degenerate_networks(start: int, twins: Twins) -> None:
    for seed in range(start, start + 40):
        degenerate = case(seed)
        cpwl.partition(degenerate.network, degenerate.domain)
    for network in (halves(start), bias_free(start)):
        cpwl.partition(network, SQUARE)
    assert set(twins.calls) == METHODS


@needs_loops
@pytest.mark.parametrize("predicates", ["exact", "float"])
@pytest.mark.parametrize("widths", [[2, 40, 1], [2, 70, 20, 1], [2, 16, 16, 16, 1]])
def test_every_method_gives_the_same_on_generic_networks(widths: list[int], predicates: Any, twins: Twins) -> None:
    part = cpwl.partition(mlp(3, widths), SQUARE, predicates=predicates)
    assert twins.calls["below"] == part.arrangement.generation > 0


@needs_loops
def test_the_law_of_the_twins_can_fail(twins: Twins, monkeypatch: pytest.MonkeyPatch) -> None:
    """For each method: what is off by the least in one of the two is seen."""
    for name in sorted(METHODS):
        truly = getattr(TensorOperations, name)

        def wrong(self: Kernel, *given: Any, truly: Callable[..., Any] = truly) -> Any:
            result = truly(self, *given)
            own = [part for part in given if isinstance(part, Tensor)]  # not shared with what it is compared with
            for some in [part for part in _tensors((result, own)) if part.numel()][:1]:
                some.view(-1)[-1] = ~some.view(-1)[-1] if some.dtype == torch.bool else some.view(-1)[-1] * 2 + 1
            return result

        with monkeypatch.context() as patch:
            patch.setattr(TensorOperations, name, wrong)
            with pytest.raises((AssertionError, IndexError, RuntimeError)):  # or fails a method that asks for this one
                _many_partitions()


def _many_partitions() -> None:
    for network in (halves(0), bias_free(0)):
        cpwl.partition(network, SQUARE)
    for seed in range(300, 420):
        cpwl.partition(case(seed).network, case(seed).domain)


def test_one_kernel_is_chosen_by_what_the_values_are(monkeypatch: pytest.MonkeyPatch) -> None:
    values = torch.zeros(3, 2, dtype=torch.float64)
    assert isinstance(kernel_for(values), CompiledLoops) == compiled.enabled
    assert type(kernel_for(values.float())) is type(kernel_for(values.to("meta"))) is TensorOperations
    monkeypatch.setattr(compiled, "enabled", False)
    assert type(kernel_for(values)) is TensorOperations


def test_the_last_kernel_serves_everywhere_and_all_say_how_they_do_all_of_the_work() -> None:
    assert KERNELS[-1].serves(torch.zeros(0, dtype=torch.int8, device="meta"))
    assert all(not type(kernel).__abstractmethods__ for kernel in KERNELS)


def test_a_kernel_is_chosen_once_a_refinement(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever serves at the start does all of the work, also where fields are carried later."""
    chosen: list[Tensor] = []

    class Third(TensorOperations):
        """A kernel of somebody else: one file."""

    def choose(values: Tensor) -> Kernel:
        chosen.append(values)
        return Third()

    monkeypatch.setattr(arrangement, "kernel_for", choose)
    monkeypatch.setattr(CompiledLoops, "copy", None)  # nobody asks for what was not chosen
    part = cpwl.partition(mlp(3, [2, 16, 16, 1]), SQUARE)
    assert part.arrangement.generation == 2 and len(chosen) == 2 + 1  # and once for the coordinates of what came out
