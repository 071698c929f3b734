"""The self-check: a compiled network against the graph, node by node, and against the model itself, on a batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.export import ExportedProgram

from ..errors import ArgumentError, MismatchError, UnsupportedLayerError
from ..network.network import Network
from .bounds import DOUBLE, NO_SLACK, Bounded, Precision, evaluate
from .samples import sample_points
from .torch_models.arguments import batch_of
from .torch_models.calls import Called
from .torch_models.capture import eager, first_line
from .torch_models.double import Eager, call, call_as_written
from .torch_models.ending import Ending
from .torch_models.program import Program, module_path, name_of, run_node
from .torch_models.translate import Translation


@dataclass(frozen=True, eq=False)
class Samples:
    """Inputs (S, *shape), and what the network computes for them."""

    points: Tensor
    output: Bounded


@dataclass(frozen=True, eq=False)
class Computed:
    """What the original computes at one of its nodes: (S, ...), the network's node that holds it, and its name."""

    values: Tensor
    place: int
    where: str


def check_nodes(
    network: Network,
    points: Tensor,
    reference: Iterable[Computed],
    precision: Precision = DOUBLE,
    slack: Mapping[int, float] = NO_SLACK,
) -> Samples:
    """Raises ``MismatchError`` for the first node that the network computes differently, beyond rounding.

    ``reference`` is in the order of the network's nodes, and computed in the given precision; for ``slack`` see
    ``evaluate``.
    """
    results = evaluate(network, points, precision, slack)
    place, result = next(results)
    for computed in reference:
        while place < computed.place:
            place, result = next(results)
        if place == computed.place and not agree(computed.values, result):
            raise MismatchError(
                f"the compiled network differs from the model at {computed.where}, by more than rounding explains: "
                "a bug, please report it."
            )
    for _, last in results:
        result = last
    if not result.value.flatten(1).isfinite().all(dim=1).any():
        raise ArgumentError("model overflows float64 on every sample input: its weights are too large.")
    return Samples(points, result)


def check_translation(program: Program, translation: Translation, sample: Tensor) -> Samples:
    """``check_nodes`` against the captured graph, in float64."""
    points = sample_points(translation.network, sample[0])
    return check_nodes(translation.network, points, _run(program, translation, points), slack=translation.slack)


def resampled(translation: Translation, samples: Samples) -> Samples:
    """What another translation computes for the same inputs."""
    return check_nodes(translation.network, samples.points, (), slack=translation.slack)


def rounded(translation: Translation, samples: Samples, dtype: torch.dtype) -> Samples:
    """What a translation computes for inputs rounded to a type, with the bounds of an evaluation in that type."""
    points = samples.points.to(dtype).to(torch.float64)
    return check_nodes(translation.network, points, (), Precision.of(dtype), translation.slack)


def _run(program: Program, translation: Translation, points: Tensor) -> Iterator[Computed]:
    """The graph's values, node by node; those that no later node reads are let go."""
    nodes = program.needed_for(translation.target)
    last = {arg: node for node in nodes for arg in node.all_input_nodes}
    values: list[dict[fx.Node, Any]] = [{**translation.constants, program.input: x[None]} for x in points]
    for node in nodes:
        with torch.no_grad():
            for known in values:
                known.setdefault(node, None if node in known else run_node(node, known))
        if node in translation.places:
            yield Computed(torch.stack([known[node] for known in values]), translation.places[node], _where(node))
        for known in values:
            for arg in {arg for arg in node.all_input_nodes if last[arg] is node}:
                del known[arg]


def _where(node: fx.Node) -> str:
    path = module_path(node)
    return f"{name_of(node)} of {f'layer {path!r}' if path else 'its own forward'} (graph node {node.name!r})"


def check_whole(
    model: nn.Module | ExportedProgram,
    samples: Samples,
    rounded: Callable[[], Samples],
    until: str | None,
    ending: Ending,
    dtype: torch.dtype,
) -> None:
    """Compares with the model on one batch; ``UnsupportedLayerError`` when samples of a batch influence each other.

    ``samples`` are for the model in float64. A forward that reads the type of its input (``dtype=x.dtype``,
    ``torch.finfo(x.dtype)``) computes another function there than in its own type, ``dtype``, in which it was captured:
    where the two differ it is compared in that type, with samples that are ``rounded`` to it.

    A program that was exported for a batch of one is a function of one sample, and has been compared already.
    """
    if isinstance(model, ExportedProgram) and (until is not None or batch_of(model, samples.points) == 1):
        return
    with suppress(_CannotRunError):  # in float64
        if _agrees(Run(eager(model).double(), Eager(call, ending.skipped), until), samples):
            return
    try:
        agrees = _agrees(Run(eager(model), Eager(call_as_written, ending.skipped), until, dtype), rounded())
    except _CannotRunError as error:
        raise UnsupportedLayerError(
            f"model cannot be run again, which the check of the compiled network needs: {error}"
        ) from error
    if not agrees:
        raise MismatchError(
            "the compiled network follows the captured graph, but does not compute what the model computes: "
            "a bug, please report it."
        )


class _CannotRunError(Exception):
    """The model raises an error on the samples of the check."""


def _agrees(run: Run, samples: Samples) -> bool:
    """Whether the model computes what the network does, sample by sample and, if it can, on a batch."""
    try:
        together = run(samples.points)
    except Exception:  # a model of one sample only: whatever it raises on a batch
        together = None
    if together is not None and agree(together, samples.output):
        return True
    try:
        one_by_one = torch.stack([run(x[None]) for x in samples.points])
    except Exception as error:  # whatever a forward raises
        raise _CannotRunError(first_line(error)) from error
    if not agree(one_by_one, samples.output):
        return False
    if together is not None:
        raise UnsupportedLayerError(
            "model mixes the samples of a batch: what it computes for one depends on the others. "
            "Supported: models that treat each sample by itself."
        )
    return True


class Run:
    """The model in one floating-point type, up to where the network ends."""

    def __init__(self, module: nn.Module, mode: Eager, until: str | None, dtype: torch.dtype = torch.float64) -> None:
        self._module, self._mode, self._type = module, mode, dtype
        if until is not None:
            inner = module.called if isinstance(module, Called) else module
            inner.get_submodule(until).register_forward_pre_hook(_stop, with_kwargs=True)

    def __call__(self, points: Tensor) -> Tensor:
        with torch.no_grad(), self._mode:
            try:
                output: Tensor = self._module(points.to(self._type, copy=True))
            except _Reached as reached:
                output = reached.value
        return output.to(torch.float64)


class _Reached(Exception):
    def __init__(self, value: Tensor) -> None:
        self.value = value


def _stop(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    raise _Reached(next(value for value in (*args, *kwargs.values()) if isinstance(value, Tensor)))


def agree(reference: Tensor, result: Bounded) -> bool:
    """Whether a reference (S, ...) and the network's values (S, ...) can both be evaluations of one function.

    Each is within the bound of the exact value. Where float64 overflowed, there is nothing to compare.
    """
    if reference.numel() != result.value.numel():
        return False
    near = (reference.reshape(result.value.shape) - result.value).abs() <= 2 * result.error
    return bool((near | ~result.error.isfinite()).all())
