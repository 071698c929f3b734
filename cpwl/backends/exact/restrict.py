"""A network restricted to a slice, exactly: all that comes before its first units is one affine map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...fields.arithmetic import embedding
from ...geometry.domain import Domain
from ...network.network import Network, Node
from ...network.operators import Dense, Input
from ...numbers.integers import Integer, array
from .arithmetic import ExactArithmetic
from .field import ExactField, field_of_rows


def restricted(network: Network, domain: Domain) -> Network:
    """The same function of slice coordinates, as a network with the same nonlinear nodes in the same order.

    Its first affine maps hold Fractions: a product of two float64 matrices is not one. So this network is for exact
    arithmetic only. An input of hundreds of coordinates costs no more than one of two.
    """
    affine = _affine_nodes(network)
    fields = _through(network, affine, frame(domain.dim), domain)
    read = {j for i, node in enumerate(network.nodes) if i not in affine for j in node.inputs}
    read.add(len(network.nodes) - 1)
    nodes, number = [Node(Input(), (), (domain.dim,), "slice")], {}
    for i, node in enumerate(network.nodes):
        if i not in affine:
            number[i] = len(nodes)
            nodes.append(Node(node.op, tuple(number[j] for j in node.inputs), node.shape, node.name))
        elif i in read:
            number[i] = len(nodes)
            maps: NDArray[Any] = fields[i].to_numpy()
            nodes.append(Node(Dense(maps[1:].T, maps[0]), (0,), node.shape, node.name))
    return Network(tuple(nodes))


def frame(dim: int) -> ExactField:
    """The origin and the unit vectors of slice coordinates as rows: a point and tangents, over one denominator."""
    numerators = array([Integer(i == k + 1) for i in range(dim + 1) for k in range(dim)], (dim + 1, dim))
    return ExactField(numerators, array([Integer(1)] * (dim + 1), (dim + 1,)), np.array([1] + [0] * dim))


def field_at(points: Sequence[Sequence[Integer]]) -> ExactField:
    """The slice coordinates of points, in homogeneous integers, as a field."""
    return field_of_rows([(list(p[:-1]), p[-1]) for p in points], len(points[0]) - 1)


def _affine_nodes(network: Network) -> set[int]:
    """The nodes that depend on no unit."""
    affine: set[int] = set()
    for i, node in enumerate(network.nodes):
        if not node.is_nonlinear and affine.issuperset(node.inputs):
            affine.add(i)
    return affine


def _through(network: Network, affine: set[int], rows: ExactField, domain: Domain) -> dict[int, ExactField]:
    """The outputs of the nodes that depend on no unit."""
    arithmetic = ExactArithmetic()
    fields = {0: arithmetic.linear(embedding(domain), [rows])}
    for i in sorted(affine - {0}):
        node = network.nodes[i]
        fields[i] = arithmetic.linear(node, [fields[j] for j in node.inputs])
    return fields
