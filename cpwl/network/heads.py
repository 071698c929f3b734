"""Networks made of networks: affine functions of the outputs, the margin of a class, differences, compositions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ShapeError
from ..runtime.ieee import ieee
from ..runtime.inputs import instance, unrounded, whole
from .check import check_network
from .joint import joined
from .network import Network, Node
from .operators import Dense, Gather, Max, Op, Scale, Shape, Sum


@ieee
def head(net: Network, A: ArrayLike, c: ArrayLike = 0.0) -> Network:
    """The network x -> A f(x) + c, exactly: every number of A and c is the rational that a float64 number is.

    ``A`` is a matrix (k, m) for the m outputs of ``net``, a vector (m,) for one new output, or one number, which
    multiplies all outputs and keeps their shape: ``head(net, -1)`` turns the largest output into the smallest. ``c``
    has as many numbers as there are new outputs, or one. The regions stay as they are, since no unit is added.
    Raises ``ShapeError`` where sizes do not fit.
    """
    _checked("net", net)
    matrix, shift = unrounded("A", A), unrounded("c", c)
    if matrix.ndim == 0:
        _demand_size("c", shift, net.outputs)
        table = shift.reshape(net.output_shape) if shift.ndim else shift
        return _with(net, Scale(matrix, table), net.output_shape, "head")
    weight = np.atleast_2d(matrix)
    if weight.ndim > 2 or weight.shape[1] != net.outputs or not len(weight):
        raise ShapeError(
            f"A must be a number, a vector ({net.outputs},) or a matrix (k, {net.outputs}), one column for each output "
            f"of the network; got an array of shape {matrix.shape}."
        )
    _demand_size("c", shift, len(weight))
    bias = np.array(np.broadcast_to(shift.ravel(), len(weight)))
    return _with(_flat(net), Dense(weight, bias), (len(weight),), "head")


@ieee
def margin(net: Network, label: int) -> Network:
    """The network of one output, f_label minus the largest of the others: positive where ``label`` is decided on.

    Its exact maximum below zero (``certify_extremum``) proves that the label is nowhere the largest. Needs two outputs
    or more; the maximum over the others is one more unit.
    """
    _checked("net", net)
    if net.outputs < 2:
        raise ShapeError("net must have two outputs or more: with one there are no others to compare with.")
    chosen = whole("label", label, 0, net.outputs - 1)
    nodes = list(net.nodes)
    end, others = len(nodes) - 1, np.delete(np.arange(net.outputs), chosen)
    nodes.append(Node(Gather(others.reshape(1, -1)), (end,), (1, len(others)), "others"))
    nodes.append(Node(Max(), (end + 1,), (1,), "largest of the others"))
    nodes.append(Node(Gather(np.array([chosen])), (end,), (1,), "label"))
    return Network((*nodes, Node(Sum((1.0, -1.0)), (end + 3, end + 2), (1,), "margin")))


@ieee
def difference(first: Network, second: Network) -> Network:
    """The network x -> first(x) - second(x), its outputs flat. Inputs must be of one shape, outputs as many."""
    return joined(_checked("first", first), _checked("second", second))


@ieee
def compose(first: Network, second: Network) -> Network:
    """The network x -> second(first(x)): ``first`` must have as many outputs as ``second`` has inputs."""
    _checked("first", first)
    _checked("second", second)
    if first.outputs != second.inputs:
        raise ShapeError(
            f"first must have as many outputs as second has inputs, got {first.output_shape} and {second.input_shape}."
        )
    last = len(first.nodes) - 1
    index = np.arange(second.inputs).reshape(second.input_shape)
    between = Node(Gather(index), (last,), second.input_shape, "between")
    moved = (replace(node, inputs=tuple(i + last + 1 for i in node.inputs)) for node in second.nodes[1:])
    return Network((*first.nodes, between, *moved))


def _checked(name: str, net: Network) -> Network:
    check_network(instance(name, net, Network, "Call cpwl.compile first."))
    return net


def _demand_size(name: str, values: NDArray[np.float64], count: int) -> None:
    if values.size not in (1, count):
        raise ShapeError(f"{name} must hold one number, or {count}, one for each new output; got {values.size}.")


def _with(net: Network, op: Op, shape: Shape, name: str) -> Network:
    return Network((*net.nodes, Node(op, (len(net.nodes) - 1,), shape, name)))


def _flat(net: Network) -> Network:
    """The network with outputs (m,)."""
    if net.output_shape == (net.outputs,):
        return net
    return _with(net, Gather(np.arange(net.outputs)), (net.outputs,), "flat")
