"""The compiler: from a torch module, an exported program, an ONNX model or an .nnet file to a ``Network``.

The module is captured as an ATen graph (``torch.export``), a table of handlers translates every node of the graph, and
the result is checked against the module on sample inputs in float64. What the numbers of the network mean exactly:

* a weight is the number that is stored: a float32 weight is its float32 value;
* a number written in Python (a slope, a bound, a factor) is its float64 value;
* casts of what depends on the input, between floating-point types, are left out: the network is a function of real
  numbers;
* a constant computed from other constants (a normalised or quantised weight, ``2 * self.buffer``) is what the model
  itself computes, in its own types: torch computes it, on the CPU;
* batch norm: (x - mean) * scale + bias, exactly, with scale the float64 nearest to weight / sqrt(var + eps);
* division by a constant, a mean and an average pool divide exactly (x / 3 is a third of x);
* linear interpolation has exact rational weights, or the nearest float64 numbers for scale factors of many bits.

For ONNX models see ``cpwl.compiler.onnx_files``, for .nnet files ``cpwl.compiler.nnet``.

torch and onnx are imported when a function is called, not when this package is.
"""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING, Any

from ..network.network import Network
from ..runtime.ieee import ieee

if TYPE_CHECKING:
    from torch.export import ExportedProgram


@ieee
def compile(
    model: Any,
    example_input: Any = None,
    *,
    until: str | None = None,
    output: int | str | None = None,
    vary: int | str | None = None,
) -> Network:
    """The network that computes what a model does.

    ``model`` is a ``torch.nn.Module`` in eval mode, a ``torch.export.ExportedProgram``, an ``onnx.ModelProto``, or the
    path of a file: .onnx, .nnet, or .pt2 (an exported program: load only what you trust). It is not changed.

    ``example_input`` is one batch, (B, *shape), numpy or torch, of any batch size; the network is a function of one
    sample, ``network.input_shape == shape``. An exported program may bring its own, and an ONNX model needs none unless
    its input has axes of any length besides the first. The whole input of an ONNX model whose batch size is fixed, and
    not one, counts as one sample.

    A model of several inputs is a function of one of them, the others being fixed: ``example_input`` is then a tuple of
    all positional arguments, or a dict of all by their names, and ``vary`` the place or name of the one that varies, by
    default the first tensor. An exported program brings values for all of them, so that ``vary`` alone is enough.
    ``output`` chooses one of several outputs: the place in a tuple or of an ONNX model's output, a key of a dict, or a
    name.

    ``until`` names a submodule: the network then ends with that module's input. For ONNX it names the tensor to end
    with (an output, say, when there are several), or a node, to end with that node's input. A softmax or sigmoid at the
    very end is left out, with a warning.

    Raises ``ArgumentError`` (train mode, non-finite weights, not a model), ``ShapeError`` (an example that does not
    fit), ``UnsupportedLayerError`` (an operator that is not piecewise linear or not supported; the message names its
    module or node), ``FileFormatError`` (a file that is not what its name says), ``MissingDependencyError`` (ONNX
    without the packages of ``cpwl[onnx]``) and ``MismatchError`` (the network does not compute what the model computes:
    a bug, please report).
    """
    from .pipeline import Ends, compile_model

    return compile_model(model, example_input, Ends(until, output, vary))


@ieee
def load_program(path: str | PathLike[str]) -> ExportedProgram:
    """The exported program in a .pt2 file; raises ``FileFormatError`` when the file is not one.

    Pickled objects in it are read with torch's weights_only semantics. Its expressions are evaluated all the same:
    ``torch.export.load`` is not safe on files from strangers, so load only what you trust.
    """
    from .torch_models.capture import load

    return load(path)
