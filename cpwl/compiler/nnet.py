"""Files of the text format .nnet (Stanford Intelligent Systems Laboratory): ReLU networks with their normalisation.

The network of such a file is, exactly: the input clipped to its minima and maxima, less the means, divided by the
ranges; the layers, with ReLU between them; the output times the last range, plus the last mean. A number in the text is
the float64 nearest to it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..errors import CpwlError, FileFormatError
from ..network.check import check_network
from ..network.network import Network
from ..storage.files import content_of
from .builder import Builder, Value
from .operators.nonlinear import clamp, relu

LARGEST_FILE = 1 << 30
"""Bytes."""

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Contents:
    """What the file holds: minima, maxima (n,), means, ranges (n + 1,), weights (out, in) and biases (out,)."""

    minima: Array
    maxima: Array
    means: Array
    ranges: Array
    layers: tuple[tuple[Array, Array], ...]


def read_nnet(path: str | os.PathLike[str]) -> Network:
    """The network in an .nnet file; raises ``FileFormatError`` when the file is not one."""
    content = content_of(path, LARGEST_FILE)
    try:
        if len(content) > LARGEST_FILE:
            raise FileFormatError("it has more than 1 GiB")
        network = _network(_contents(content.decode("ascii").splitlines()))
        check_network(network)
    except UnicodeDecodeError as error:
        raise FileFormatError(f"{path} is not an .nnet file: it is no plain text.") from error
    except CpwlError as error:
        raise FileFormatError(f"{path} is not an .nnet file that cpwl can read: {str(error).rstrip('.')}.") from error
    return network


def _network(contents: Contents) -> Network:
    n = len(contents.minima)
    builder = Builder((n,))
    builder.name = "clip"
    x = clamp(builder, builder.input, _shared(contents.minima), _shared(contents.maxima))
    builder.name = "normalise"
    x = builder.divide(builder.scale(x, shift=-contents.means[:n]), contents.ranges[:n])
    for i, (weight, bias) in enumerate(contents.layers):
        builder.name = f"layer {i + 1}"
        x = builder.dense(relu(builder, x) if i else x, weight, bias)
    return builder.network(_scaled_back(builder, x, contents))[0]


def _shared(bounds: Array) -> Array:
    """One bound where all inputs have the same."""
    return bounds[0] if (bounds == bounds[0]).all() else bounds


def _scaled_back(builder: Builder, x: Value, contents: Contents) -> Value:
    builder.name = "scale back"
    return builder.scale(x, contents.ranges[-1:], contents.means[-1:])


def _contents(lines: list[str]) -> Contents:
    """The numbers, line by line; sizes are compared with the file's before anything is made of them."""
    rows = iter([line for line in lines if line.strip() and not line.lstrip().startswith("//")])
    count, inputs, outputs, *_ = _row(rows, "sizes", at_least=3, integers=True).astype(int).tolist()
    sizes = _row(rows, "layer sizes", at_least=2, integers=True).astype(int).tolist()
    if count < 1 or len(sizes) < count + 1 or min(sizes) < 1 or (sizes[0], sizes[count]) != (inputs, outputs):
        raise FileFormatError(f"its header speaks of {count} layers, but the layers have the sizes {sizes[:20]}")
    _row(rows, "flag", at_least=0)
    minima, maxima = (_row(rows, name, inputs) for name in ("minima", "maxima"))
    means, ranges = (_row(rows, name, inputs + 1) for name in ("means", "ranges"))
    if (minima > maxima).any() or not ranges.all():
        raise FileFormatError("its minima exceed its maxima, or a range is zero")
    pairs = pairwise(sizes[: count + 1])
    layers = tuple((_matrix(rows, "weights", out, n), _matrix(rows, "biases", out, 1)[:, 0]) for n, out in pairs)
    if next(rows, None) is not None:
        raise FileFormatError("it goes on after the last layer")
    return Contents(minima, maxima, means, ranges, layers)


def _matrix(rows: Iterator[str], name: str, height: int, width: int) -> Array:
    return np.array([_row(rows, name, width) for _ in range(height)])


def _row(
    rows: Iterator[str], name: str, length: int | None = None, *, at_least: int = 0, integers: bool = False
) -> Array:
    """The numbers of the next line."""
    line = next(rows, None)
    if line is None:
        raise FileFormatError(f"it ends before its {name}")
    try:
        values = np.array([float(text) for text in line.split(",") if text.strip()], np.float64)
    except ValueError:
        raise FileFormatError(f"its {name} must be numbers with commas, got {line[:60]!r}") from None
    wanted = length if length is not None else at_least
    if len(values) != wanted if length is not None else len(values) < wanted:
        raise FileFormatError(f"it needs {wanted} {name} in a line, got {len(values)}")
    if not np.isfinite(values).all() or (integers and (abs(values) > 2**31).any()):
        raise FileFormatError(f"its {name} must be finite, got {line[:60]!r}")
    return values
