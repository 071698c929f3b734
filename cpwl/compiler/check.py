"""The self-check: a compiled network against the graph, node by node, and against the model itself, on a batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, fx, nn
from torch.export import ExportedProgram

from ..errors import ArgumentError, MismatchError, UnsupportedLayerError
from .arguments import batch_of
from .bounds import Bounded, evaluate
from .capture import eager, first_line
from .double import Float64
from .ending import Ending
from .program import Program, module_path, name_of, run_node
from .translate import Translation

# Sizes of the random inputs, relative to the example: small ones see the biases, large ones the far pieces.
_SCALES = (2.0**-10, 0.5, 1.0, 1.0, 4.0, 2.0**10)


@dataclass(frozen=True, eq=False)
class Samples:
    """Inputs (S, *shape), and what the network computes for them, (S, outputs)."""

    points: Tensor
    output: Bounded


def check_translation(program: Program, translation: Translation, sample: Tensor) -> Samples:
    """Raises ``MismatchError`` for the first graph node that the network computes differently, beyond rounding."""
    points = sample_points(sample)
    results = [flat(result) for result in evaluate(translation.network, points.numpy())]
    if not np.isfinite(results[-1].value).all(axis=1).any():
        raise ArgumentError("model overflows float64 on every sample input: its weights are too large.")
    values: list[dict[fx.Node, Any]] = [{**translation.constants, program.input: x[None]} for x in points]
    with torch.no_grad():
        for node in program.needed_for(translation.target):
            for known in values:
                known.setdefault(node, None if node in known else run_node(node, known))
            if node in translation.places:
                _compare(node, np.stack([known[node].numpy() for known in values]), results[translation.places[node]])
    return Samples(points, results[-1])


def check_whole(model: nn.Module | ExportedProgram, samples: Samples, until: str | None, ending: Ending) -> None:
    """Compares with the model on one batch; ``UnsupportedLayerError`` when samples of a batch influence each other.

    A program that was exported for a batch of one is a function of one sample, and has been compared already.
    """
    if isinstance(model, ExportedProgram) and (until is not None or batch_of(model, samples.points) == 1):
        return
    module = eager(model).double()
    run = Run(module, until, ending)
    try:
        together = run(samples.points)
    except Exception:  # a model of one sample only: whatever it raises on a batch
        together = None
    if together is not None and _agree(together, samples.output):
        return
    if not _agree(_one_by_one(run, samples.points), samples.output):
        raise MismatchError(
            "the compiled network follows the captured graph, but does not compute what the model computes: "
            "a bug, please report it."
        )
    if together is not None:
        raise UnsupportedLayerError(
            "model mixes the samples of a batch: what it computes for one depends on the others. "
            "Supported: models that treat each sample by itself."
        )


def _one_by_one(run: Run, points: Tensor) -> NDArray[np.float64]:
    try:
        return np.stack([run(x[None]) for x in points])
    except Exception as error:  # whatever a forward raises that cannot be run in float64
        raise UnsupportedLayerError(
            f"model cannot be evaluated in float64, which the check of the compiled network needs: {first_line(error)}"
        ) from error


class Run:
    """The model in float64, up to where the network ends."""

    def __init__(self, module: nn.Module, until: str | None, ending: Ending) -> None:
        self._module = module
        self._mode = Float64(ending.skipped)
        if until is not None:
            module.get_submodule(until).register_forward_pre_hook(_stop, with_kwargs=True)

    def __call__(self, points: Tensor) -> NDArray[np.float64]:
        with torch.no_grad(), self._mode:
            try:
                output = self._module(points.clone())
            except _Reached as reached:
                output = reached.value
        return np.asarray(output.numpy())


class _Reached(Exception):
    def __init__(self, value: Tensor) -> None:
        self.value = value


def _stop(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    raise _Reached(next(value for value in (*args, *kwargs.values()) if isinstance(value, Tensor)))


def sample_points(sample: Tensor) -> Tensor:
    """Inputs (S, *shape) in float64: the example, zeros, and random ones of several sizes (a fixed seed)."""
    generator = torch.Generator().manual_seed(0)
    example = sample[0].to(torch.float64)
    size = float(example.abs().max()) or 1.0
    normal = torch.randn((len(_SCALES), *example.shape), generator=generator, dtype=torch.float64)
    random = (scale * size * x for scale, x in zip(_SCALES, normal, strict=True))
    return torch.stack([example, torch.zeros_like(example), *random])


def flat(result: Bounded) -> Bounded:
    """The same, with one row a sample."""
    return Bounded(result.value.reshape(len(result.value), -1), result.error.reshape(len(result.error), -1))


def _agree(reference: NDArray[np.float64], result: Bounded) -> bool:
    """Whether a reference (S, ...) and the network's values (S, entries) can both be evaluations of one function.

    Each is within the bound of the exact value. Where float64 overflowed, there is nothing to compare.
    """
    if reference.size != result.value.size:
        return False
    with np.errstate(invalid="ignore"):
        near = np.abs(reference.reshape(result.value.shape) - result.value) <= 2 * result.error
    return bool((near | ~np.isfinite(result.error)).all())


def _compare(node: fx.Node, reference: NDArray[np.float64], result: Bounded) -> None:
    if _agree(reference, result):
        return
    path = module_path(node)
    where = f"layer {path!r}" if path else "its own forward"
    raise MismatchError(
        f"the compiled network differs from the model at {name_of(node)} of {where} (graph node {node.name!r}), "
        "by more than rounding explains: a bug, please report it."
    )
