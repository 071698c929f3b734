"""The steps for an ONNX model, in order: read, choose the ends, translate, check the result."""

from __future__ import annotations

from os import PathLike
from typing import Any

from ...network.check import check_network
from ...network.network import Network
from .ending import find_ending, find_source, read_example, with_fixed
from .oracle import check_original
from .reader import read_graph
from .refolding import check_constants
from .translate import translate


def compile_onnx(
    source: str | PathLike[str] | Any, example: Any, until: str | None, output: int | str | None, vary: int | str | None
) -> tuple[Network, tuple[str, ...]]:
    """The network of a file or an ``onnx.ModelProto``, and the operators at its end that were left out.

    See ``cpwl.compiler.compile``.
    """
    graph, example = with_fixed(read_graph(source), example, vary)
    ending = find_ending(graph, until, output)
    graph = ending.graph
    entry = find_source(graph, ending.target)
    sample = read_example(entry, example)
    translation = translate(graph, entry.name, sample.shape, ending.target)
    ending.check(translation.shapes)
    check_network(translation.network)
    check_constants(graph, translation)
    check_original(graph, entry, translation, sample)
    return translation.network, tuple(operator.kind for operator in ending.dropped)
