"""Two networks on one input as one network, whose output is their difference or the outputs of both."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..errors import ShapeError
from ..network import Gather, Network, Node, Sum


def joined(first: Network, second: Network) -> Network:
    """The network first - second: the nodes of both, one after the other, on one input."""
    sizes = [(network.inputs, network.outputs) for network in (first, second)]
    if sizes[0] != sizes[1] or first.input_shape != second.input_shape:
        raise ShapeError(
            "first and second must have inputs of one shape and as many outputs as each other, got "
            f"{first.input_shape} -> {first.outputs} and {second.input_shape} -> {second.outputs}."
        )
    nodes, ends = _side_by_side(first, second)
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
    nodes, ends = _side_by_side(first, second)
    columns = np.arange(first.outputs), first.outputs + np.arange(second.outputs)
    index = np.concatenate([np.append(-1, part) if len(part) == 1 else part for part in columns])
    return Network((*nodes, Node(Gather(index), ends, index.shape, "both")))


def parted(joint: Network, first: Network, second: Network) -> tuple[Network, Network]:
    """The two networks that were joined, with the operators of the joint one (periodic units have become others)."""
    count = len(first.nodes)
    nodes = joint.nodes[count : count + len(second.nodes) - 1]
    return Network(joint.nodes[:count]), Network((joint.nodes[0], *_moved(nodes, 1 - count)))


def _side_by_side(first: Network, second: Network) -> tuple[list[Node], tuple[int, int]]:
    """The nodes of both on one input, and which of them hold the outputs."""
    nodes = [*first.nodes, *_moved(second.nodes[1:], len(first.nodes) - 1)]
    return nodes, (len(first.nodes) - 1, len(nodes) - 1 if len(second.nodes) > 1 else 0)


def _moved(nodes: tuple[Node, ...], by: int) -> list[Node]:
    """Nodes that are numbered otherwise: all but the input, which is node 0, by a certain number."""
    return [replace(node, inputs=tuple(i + by if i else 0 for i in node.inputs)) for node in nodes]
