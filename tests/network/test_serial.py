"""Laws of a network's arrays: they come back bit for bit, and nothing malformed comes in."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays as array_of
from numpy.typing import NDArray

from cpwl.errors import ArgumentError, FileFormatError, ShapeError
from cpwl.network import RELU, Conv, Dense, Divide, Gather, Input, Max, Network, Node, Periodic, Piecewise, Scale, Sum
from cpwl.network.check import check_network
from cpwl.network.serial import network_from_arrays, network_to_arrays

Header = dict[str, Any]
Arrays = dict[str, NDArray[Any]]


def every_operator() -> Network:
    nodes = (
        Node(Input(), (), (2, 3), "input"),
        Node(Dense(np.arange(12.0).reshape(4, 3) / 7, np.ones(4)), (0,), (2, 4), "dense"),
        Node(Scale(np.array(0.1), np.arange(4.0)), (1,), (2, 4)),
        Node(Sum((1.0, -0.3)), (1, 2), (2, 4)),
        Node(RELU, (3,), (2, 4), "relu"),
        Node(Piecewise(np.array([-1.0, 2.0]), np.ones((3, 2, 1)), 5e-324), (4,), (2, 4)),
        Node(Gather(np.array([[0, 13], [7, 7]])), (5, 0), (2, 2)),
        Node(Max(), (6,), (2,)),
        Node(Divide(np.array([3.0, -0.7])), (7,), (2,)),
        Node(Periodic(2.0, np.array([-0.5, 0.5]), np.array([1.0, -1.0]), 0.25), (8,), (2,)),
        Node(Gather(np.array([[0, 1, -1]])), (9,), (1, 3)),
        Node(Conv(np.arange(8.0).reshape(4, 1, 2), np.ones(4), (3,), (2,), ((1, 0),), (1,), 1), (10,), (4, 2)),
    )
    return Network(nodes)


def round_trip(network: Network) -> Network:
    header, arrays = network_to_arrays(network)
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **arrays)
    file.seek(0)
    with np.load(file, allow_pickle=False) as loaded:
        return network_from_arrays(json.loads(json.dumps(header)), dict(loaded))


def assert_same(a: Network, b: Network) -> None:
    assert len(a.nodes) == len(b.nodes)
    for x, y in zip(a.nodes, b.nodes, strict=True):
        assert (type(x.op), x.inputs, x.shape, x.name) == (type(y.op), y.inputs, y.shape, y.name)
        for field in fields(x.op):
            mine, theirs = getattr(x.op, field.name), getattr(y.op, field.name)
            assert type(mine) is type(theirs)
            assert np.asarray(mine).dtype == np.asarray(theirs).dtype
            assert np.asarray(mine).tobytes() == np.asarray(theirs).tobytes() and np.shape(mine) == np.shape(theirs)


def test_a_network_of_every_operator_comes_back_bit_for_bit() -> None:
    check_network(every_operator())
    assert_same(every_operator(), round_trip(every_operator()))


@given(array_of(np.float64, (3, 2), elements=st.floats(allow_nan=False, allow_infinity=False)))
def test_every_float64_comes_back_bit_for_bit(weight: NDArray[np.float64]) -> None:
    network = Network.mlp([weight, weight.T], [weight[:, 0], weight[:2, 1]])
    assert_same(network, round_trip(network))


def _edit(key: str, change: Callable[[NDArray[Any]], NDArray[Any]]) -> Callable[[Header, Arrays], None]:
    return lambda header, arrays: arrays.update({key: change(arrays[key])})


def _node(i: int, **changes: Any) -> Callable[[Header, Arrays], None]:
    return lambda header, arrays: header["nodes"][i].update(changes)


def _poisoned(values: NDArray[Any], poison: float) -> NDArray[Any]:
    values = values.copy()
    values.flat[0] = poison
    return values


DAMAGE: dict[str, Callable[[Header, Arrays], Any]] = {
    "unknown_format": lambda h, a: h.update(format="other"),
    "newer_version": lambda h, a: h.update(version=3),
    "nodes_missing": lambda h, a: h.pop("nodes"),
    "no_nodes": lambda h, a: h.update(nodes=[]),
    "node_is_a_number": lambda h, a: h["nodes"].__setitem__(3, 5),
    "unknown_operator": _node(1, op="Softmax"),
    "operator_is_a_list": _node(1, op=["Dense"]),
    "no_input_node": lambda h, a: h["nodes"].pop(0),
    "second_input_node": _node(1, op="Input", inputs=[]),
    "cycle": _node(2, inputs=[3]),
    "reads_itself": _node(2, inputs=[2]),
    "negative_input": _node(2, inputs=[-1]),
    "missing_input": _node(4, inputs=[]),
    "two_inputs": _node(4, inputs=[2, 3]),
    "inputs_are_text": _node(2, inputs="1"),
    "input_is_a_bool": _node(2, inputs=[True]),
    "shape_of_floats": _node(2, shape=[2.0, 4.0]),
    "wrong_shape": _node(2, shape=[4, 2]),
    "empty_axis": _node(0, shape=[0, 3]),
    "negative_axis": _node(0, shape=[-2, -3]),
    "name_is_a_number": _node(2, name=3),
    "array_missing": lambda h, a: a.pop("1.weight"),
    "weight_of_wrong_width": _edit("1.weight", lambda v: v[:, :2]),
    "weight_is_a_vector": _edit("1.weight", lambda v: v.ravel()),
    "bias_of_wrong_length": _edit("1.bias", lambda v: v[:2]),
    "float32": _edit("1.weight", lambda v: v.astype(np.float32)),
    "objects": _edit("1.weight", lambda v: v.astype(object)),
    "nan": _edit("1.weight", lambda v: _poisoned(v, np.nan)),
    "infinity": _edit("2.shift", lambda v: _poisoned(v, np.inf)),
    "shift_does_not_broadcast": _edit("2.shift", lambda v: np.ones(3)),
    "shift_enlarges": _edit("2.shift", lambda v: np.ones((5, 2, 4))),
    "too_few_coefficients": _edit("3.coefficients", lambda v: v[:1]),
    "coefficients_are_a_matrix": _edit("3.coefficients", lambda v: v.reshape(1, 2)),
    "value_is_a_vector": _edit("4.value", lambda v: v.reshape(1)),
    "value_nan": _edit("4.value", lambda v: np.array(np.nan)),
    "breakpoints_fall": _edit("5.breakpoints", lambda v: v[::-1]),
    "breakpoints_repeat": _edit("5.breakpoints", lambda v: v[:1].repeat(2)),
    "no_breakpoints": _edit("4.breakpoints", lambda v: v[:0]),
    "too_few_slopes": _edit("5.slopes", lambda v: v[:2]),
    "slopes_do_not_broadcast": _edit("5.slopes", lambda v: np.ones((3, 3, 1))),
    "index_too_large": _edit("6.index", lambda v: _poisoned(v, 14)),
    "index_negative": _edit("6.index", lambda v: _poisoned(v, -2)),
    "index_of_floats": _edit("6.index", lambda v: v.astype(np.float64)),
    "index_of_another_shape": _edit("6.index", lambda v: v.ravel()),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_refused(damage: str) -> None:
    header, arrays = network_to_arrays(every_operator())
    DAMAGE[damage](header, arrays)
    with pytest.raises(FileFormatError):
        network_from_arrays(header, arrays)


def test_a_malformed_network_is_refused_by_name() -> None:
    network = every_operator()
    bad = Network((*network.nodes[:2], Node(RELU, (1,), (4, 2), "features.3")))
    with pytest.raises(ShapeError, match=r"node 2 \(Piecewise 'features.3'\).*\(2, 4\).*got \(4, 2\)"):
        check_network(bad)
    with pytest.raises(ArgumentError, match="node 0 must be an Input"):
        check_network(Network(()))


def test_a_maximum_over_no_axis_is_refused() -> None:
    with pytest.raises(ShapeError, match="last axis"):
        check_network(Network((Node(Input(), (), (), "input"), Node(Max(), (0,), ()))))
