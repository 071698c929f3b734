"""Where a network ends: before a module that the user names, or before a softmax or sigmoid at the output."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from torch import fx

from ...errors import ArgumentError
from .program import Program, name_of
from .reasons import refusal

_SIGMOID = "aten.sigmoid.default"

# Operators that keep the argmax, and the name under which each runs eagerly.
MONOTONE = {
    "aten.softmax.int": "aten._softmax.default",
    "aten._softmax.default": "aten._softmax.default",
    "aten.log_softmax.int": "aten._log_softmax.default",
    "aten._log_softmax.default": "aten._log_softmax.default",
    _SIGMOID: "aten.sigmoid.default",
}
GROUPS = (
    "it runs over groups of entries, so that the largest of all entries need not stay the largest, and a decision "
    "boundary compares all of them; what is before it can be compiled"
)
_MOVES = frozenset(
    f"aten.{name}"
    for name in (
        *("clone.default", "alias.default", "detach.default", "contiguous.default", "_to_copy.default", "to.dtype"),
        *("view.default", "_unsafe_view.default", "reshape.default", "flatten.using_ints", "unflatten.int"),
        *("squeeze.default", "squeeze.dim", "squeeze.dims", "unsqueeze.default"),
        *("permute.default", "transpose.int", "t.default", "mT.default", "numpy_T.default", "movedim.int"),
    )
)
"""Operators that keep every entry, in this order or another."""


@dataclass(frozen=True, eq=False)
class Ending:
    """The node whose value is the network's output, and the operators after it that were left out.

    ``skipped`` are these as they run eagerly: the name of the operator, and how many of that name run before it.
    """

    target: fx.Node
    dropped: tuple[fx.Node, ...] = ()
    skipped: frozenset[tuple[str, int]] = frozenset()


def find_ending(program: Program, until: str | None) -> Ending:
    """The output of the network: the model's, less a softmax or sigmoid at its end, or the input of ``until``.

    What is left out is taken out of the program's graph, and the moves of entries that come after it stay.
    """
    if until is not None:
        return Ending(_input_of(program, until))
    dropped, node = [], program.output
    while name_of(node) in MONOTONE or name_of(node) in _MOVES:
        if name_of(node) in MONOTONE:
            _check_keeps_the_largest(node)
            dropped.append(node)
        node = node.all_input_nodes[0]
    for left_out in dropped:
        left_out.replace_all_uses_with(left_out.all_input_nodes[0])
    target = program.output
    while target in dropped:
        target = target.all_input_nodes[0]
    return Ending(target, tuple(dropped), frozenset(_call(program, node) for node in dropped))


def _call(program: Program, node: fx.Node) -> tuple[str, int]:
    """The name under which a node's operator runs eagerly, and how many run under it before."""
    names = [MONOTONE.get(name_of(other)) for other in program.nodes[: program.nodes.index(node)]]
    name = MONOTONE[name_of(node)]
    return name, names.count(name)


def _check_keeps_the_largest(node: fx.Node) -> None:
    """A softmax keeps the order of the entries it runs over; the boundary compares all entries of a sample."""
    shape = tuple(node.meta["val"].shape)
    if name_of(node) == _SIGMOID or not shape:
        return
    axis = int(str(node.args[1] if len(node.args) > 1 else node.kwargs["dim"])) % len(shape)
    if axis == 0 and len(shape) > 1:
        raise refusal(node, "it runs over the batch axis, so that samples of a batch influence each other")
    if prod(shape) != shape[axis]:
        raise refusal(node, GROUPS)


def _input_of(program: Program, until: str) -> fx.Node:
    """The one tensor from outside that the first call of a module uses."""
    calls = {node: _call_of(node, until) for node in program.nodes}
    first = next((call for call in calls.values() if call is not None), None)
    if first is None:
        raise ArgumentError(f"until must name a module that computes something, got {until!r}: {_modules(program)}.")
    inside = {node for node, call in calls.items() if call == first}
    dependent = program.dependent()
    read = (arg for node in program.nodes if node in inside for arg in node.all_input_nodes)
    outside = dict.fromkeys(arg for arg in read if arg in dependent - inside)
    if len(outside) != 1:
        raise ArgumentError(f"until must name a module with one input tensor; {until!r} has {len(outside)}.")
    return next(iter(outside))


def _call_of(node: fx.Node, path: str) -> str | None:
    """Which call of a module a node belongs to (a module can be called more than once)."""
    stack = node.meta.get("nn_module_stack") or {}
    return next((key for key, (name, _) in stack.items() if name == path and name), None)


def _modules(program: Program) -> str:
    stacks = (node.meta.get("nn_module_stack") or {} for node in program.nodes)
    return ", ".join(dict.fromkeys(repr(name) for stack in stacks for name, _ in stack.values() if name)) or "none"
