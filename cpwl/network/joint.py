"""Two networks on one input as one network, whose output is their difference or the outputs of both."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from ..errors import ShapeError
from .network import Network, Node
from .operators import Gather, Sum


def joined(first: Network, second: Network) -> Network:
    """The network first - second: the nodes of both, one after the other, on one input."""
    sizes = [(network.inputs, network.outputs) for network in (first, second)]
    if sizes[0] != sizes[1] or first.input_shape != second.input_shape:
        raise ShapeError(
            "first and second must have inputs of one shape and as many outputs as each other, got "
            f"{first.input_shape} -> {first.outputs} and {second.input_shape} -> {second.outputs}."
        )
    nodes, places = _side_by_side(first, second)
    ends = len(first.nodes) - 1, places[-1]
    index, shape = np.arange(first.outputs), (first.outputs,)
    nodes += [Node(Gather(index), (end,), shape, "flat") for end in ends]
    nodes.append(Node(Sum((1.0, -1.0)), (len(nodes) - 2, len(nodes) - 1), shape, "difference"))
    return Network(tuple(nodes))


def paired(first: Network, second: Network) -> Network:
    """The network with the outputs of both, those of ``second`` last; of a network with one output, 0 and that one."""
    if first.input_shape != second.input_shape:
        raise ShapeError(
            f"first and second must have inputs of one shape, got {first.input_shape} and {second.input_shape}."
        )
    nodes, places = _side_by_side(first, second)
    ends = len(first.nodes) - 1, places[-1]
    columns = np.arange(first.outputs), first.outputs + np.arange(second.outputs)
    index = np.concatenate([np.append(-1, part) if len(part) == 1 else part for part in columns])
    return Network((*nodes, Node(Gather(index), ends, index.shape, "both")))


def places_beside(first: Network, second: Network) -> list[int]:
    """Where each node of the second network is in the joint one."""
    return _side_by_side(first, second)[1]


def _side_by_side(first: Network, second: Network) -> tuple[list[Node], list[int]]:
    """The nodes of both on one input, and where those of ``second`` are: on one of ``first`` that computes the same.

    So a network beside itself, or beside one with other last layers, has no unit twice.
    """
    nodes, places = list(first.nodes), [0]
    for node in second.nodes[1:]:
        moved = replace(node, inputs=tuple(places[i] for i in node.inputs))
        known = (k for k, other in enumerate(nodes[: len(first.nodes)]) if _compute_the_same(other, moved))
        places.append(next(known, len(nodes)))
        if places[-1] == len(nodes):
            nodes.append(moved)
    return nodes, places


def _compute_the_same(first: Node, second: Node) -> bool:
    """Whether two nodes read the same and have equal operators."""
    if (first.inputs, first.shape, type(first.op)) != (second.inputs, second.shape, type(second.op)):
        return False
    pairs = ((getattr(first.op, part.name), getattr(second.op, part.name)) for part in fields(first.op))
    return all(np.array_equal(p, q) for p, q in pairs)
