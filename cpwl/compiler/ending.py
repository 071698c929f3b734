"""Where a network ends: before a module that the user names, or before a softmax or sigmoid at the output."""

from __future__ import annotations

from dataclasses import dataclass

from torch import fx

from ..errors import ArgumentError
from .program import Program, name_of
from .reasons import refusal

# Operators that keep the argmax, and the name under which each runs eagerly.
MONOTONE = {
    "aten.softmax.int": "aten._softmax.default",
    "aten._softmax.default": "aten._softmax.default",
    "aten.log_softmax.int": "aten._log_softmax.default",
    "aten._log_softmax.default": "aten._log_softmax.default",
    "aten.sigmoid.default": "aten.sigmoid.default",
}
_THROUGH = frozenset({"aten.clone.default", "aten.alias.default", "aten.detach.default"})


@dataclass(frozen=True, eq=False)
class Ending:
    """The node whose value is the network's output, and the operators after it that were left out."""

    target: fx.Node
    dropped: tuple[fx.Node, ...] = ()

    @property
    def skipped(self) -> frozenset[str]:
        """The names under which the operators that were left out run eagerly."""
        return frozenset(MONOTONE[name_of(node)] for node in self.dropped)


def find_ending(program: Program, until: str | None) -> Ending:
    """The output of the network: the model's, less a softmax or sigmoid at its end, or the input of ``until``."""
    if until is not None:
        return Ending(_input_of(program, until))
    target, dropped = program.output, []
    while name_of(target) in MONOTONE or name_of(target) in _THROUGH:
        if name_of(target) in MONOTONE:
            _check_axis(target)
            dropped.append(target)
        target = target.all_input_nodes[0]
    return Ending(target, tuple(dropped))


def _check_axis(node: fx.Node) -> None:
    """A softmax over the batch axis compares samples."""
    rank = node.meta["val"].ndim
    if len(node.args) > 1 and rank and int(str(node.args[1])) % rank == 0:
        raise refusal(node, "it runs over the batch axis, so that samples of a batch influence each other")


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
