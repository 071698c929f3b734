"""The compiler: from a torch module, or an exported program, to a ``Network``.

The module is captured as an ATen graph (``torch.export``), a table of handlers translates every node of the graph, and
the result is checked against the module on sample inputs in float64. What the numbers of the network mean exactly:

* a weight is the number that is stored: a float32 weight is its float32 value;
* a number written in Python (a slope, a bound, a factor) is its float64 value;
* casts between floating-point types are left out: the network is a function of real numbers;
* a constant computed from other constants (a normalised weight, ``2 * self.buffer``) is computed once, in float64;
* batch norm: (x - mean) * scale + bias, exactly, with scale the float64 nearest to weight / sqrt(var + eps);
* division by a constant, a mean and an average pool divide exactly (x / 3 is a third of x);

torch is imported when a function is called, not when this package is.
"""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING, Any

from ..network import Network

if TYPE_CHECKING:
    from torch.export import ExportedProgram


def compile(model: Any, example_input: Any = None, *, until: str | None = None) -> Network:
    """The network that computes what a ``torch.nn.Module`` in eval mode, or a ``torch.export.ExportedProgram``, does.

    ``example_input`` is one batch, (B, *shape), numpy or torch, of any batch size; the network is a function of one
    sample, ``network.input_shape == shape``. An exported program may bring its own. ``until`` names a submodule: the
    network then ends with that module's input. A softmax or sigmoid at the very end is left out, with a warning.
    The model is not changed.

    Raises ``ArgumentError`` (train mode, non-finite weights, not a module), ``ShapeError`` (an example that does not
    fit), ``UnsupportedLayerError`` (an operator that is not piecewise linear or not supported; the message names its
    module) and ``MismatchError`` (the network does not compute what the model computes: a bug, please report).
    """
    from .pipeline import compile_model

    return compile_model(model, example_input, until)


def load_program(path: str | PathLike[str]) -> ExportedProgram:
    """The exported program in a .pt2 file; raises ``FileFormatError`` when the file is not one.

    ``torch.export.load`` is not safe on files from strangers: load only what you trust.
    """
    from .capture import load

    return load(path)
