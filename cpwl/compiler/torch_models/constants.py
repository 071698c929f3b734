"""The constants of a captured graph: each is what the model itself computes, by torch on the CPU, in its own type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import fx
from torch.utils._pytree import tree_map

from ...errors import ArgumentError, UnsupportedLayerError
from .double import widen
from .program import Program, run_as_written, run_node
from .reasons import refusal


def constants_of(program: Program, target: fx.Node, *, wide: bool = False) -> dict[fx.Node, Any]:
    """The values, held in float64, of the nodes that a target needs and that do not depend on the input.

    They are computed in the types that the model says, or ``wide``: in float64 throughout. ``UnsupportedLayerError``
    for what torch cannot compute, and for random numbers.
    """
    dependent = program.dependent()
    values: dict[fx.Node, Any] = {}
    for node in program.needed_for(target):
        if node not in dependent:
            value = _stored(program, node) if node.op == "placeholder" else _computed(node, values, wide)
            values[node] = tree_map(widen, value) if wide else value
    return {node: tree_map(widen, value) for node, value in values.items()}


def _stored(program: Program, node: fx.Node) -> torch.Tensor:
    tensor = program.state[node]
    if tensor.is_complex():
        raise UnsupportedLayerError(f"parameter {program.names[node]!r} of the model is complex; weights must be real.")
    if not widen(tensor).isfinite().all():
        raise ArgumentError(f"model has NaN or infinite numbers in {program.names[node]!r}: weights must be finite.")
    return tensor


def _computed(node: fx.Node, values: Mapping[fx.Node, Any], wide: bool) -> Any:
    if torch.Tag.nondeterministic_seeded in getattr(node.target, "tags", ()):
        raise refusal(node, "it draws random numbers")
    try:
        return run_node(node, values) if wide else run_as_written(node, values)
    except Exception as error:  # torch raises errors of many kinds for types and devices that it cannot compute in
        reason = str(error).partition("\n")[0].rstrip(".") or type(error).__name__
        raise refusal(node, f"torch cannot compute this constant of the model on the CPU ({reason})") from error
