"""The steps of compilation, in order: check what was given, capture, choose the end, translate, check the result."""

from __future__ import annotations

import warnings
from typing import Any

from ..network import Network
from ..network_check import check_network
from .arguments import check_model, read_example
from .capture import capture
from .check import check_translation, check_whole
from .ending import Ending, find_ending
from .translate import translate


def compile_model(model: Any, example_input: Any, until: str | None) -> Network:
    """See ``cpwl.compiler.compile``."""
    check_model(model)
    sample = read_example(model, example_input)
    program = capture(model, sample)
    ending = find_ending(program, until)
    translation = translate(program, ending.target)
    check_network(translation.network)
    samples = check_translation(program, translation, sample)
    check_whole(model, samples, until, ending)
    _notify(ending)
    return translation.network


def _notify(ending: Ending) -> None:
    for node in ending.dropped:
        warnings.warn(
            f"{node.target} at the output is left out: the network ends with its input, which has the same argmax "
            "(values and level sets are those of its input).",
            stacklevel=4,
        )
