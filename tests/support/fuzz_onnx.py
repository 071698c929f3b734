"""Mutates ONNX files and compiles them: every outcome must be a network or an error of the library.

    python -m tests.support.fuzz_onnx --minutes 5 --seed 0 FILE.onnx ...

Mutations are of bytes (flipped, cut out, repeated, exchanged between files), and of the message (numbers of shapes and
attributes replaced by extreme ones, names exchanged, nodes lost, doubled or of another operator). A traceback of
another kind, more memory than 8 GiB, or an input that takes more than two minutes beyond the end, ends the run; the
input is left in --path.
"""

from __future__ import annotations

import argparse
import faulthandler
import random
import resource
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import onnx

import cpwl

NAMED = (
    "ArgumentError",
    "FileFormatError",
    "ShapeError",
    "UnsupportedLayerError",
)
"""Errors that a file may give; a mismatch, of all errors of the library, would be a mistake of it."""

_EXTREME = (-(2**63), -(2**31), -2, -1, 0, 1, 2, 3, 7, 255, 4096, 2**20, 2**31, 2**40, 2**63 - 1)
_KINDS = "Relu Conv Gemm MatMul Add Mul Reshape Transpose Concat MaxPool AveragePool Pad Slice Gather Resize".split()


def fuzz(
    files: Sequence[bytes], path: Path, *, seed: int, count: int | None = None, minutes: float | None = None
) -> Counter[str]:
    """How often each outcome came out; ``path`` is where the inputs are written, one after the other."""
    draw = random.Random(seed)
    outcomes: Counter[str] = Counter()
    end = time.monotonic() + 60 * (minutes or 1e9)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        while (count is None or sum(outcomes.values()) < count) and time.monotonic() < end:
            path.write_bytes(mutated(files, draw))
            outcomes[outcome(path)] += 1
    return outcomes


def outcome(path: Path) -> str:
    """ "Network", or the name of the library's error."""
    try:
        cpwl.compile(path)
        return "Network"
    except cpwl.CpwlError as error:
        return type(error).__name__


def mutated(files: Sequence[bytes], draw: random.Random) -> bytes:
    """One of the files with one to three mutations."""
    content = draw.choice(files)
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        content = draw.choice((_bytes, _message, _message))(content, files, draw)
    return content


def _bytes(content: bytes, files: Sequence[bytes], draw: random.Random) -> bytes:
    start = draw.randrange(len(content) + 1)
    end = min(len(content), start + draw.choice((0, 1, 1, 2, 8, 100)))
    other = draw.choice(files)
    middle = draw.choice(
        (
            b"",
            content[start:end] * draw.choice((2, 3)),
            bytes(draw.randrange(256) for _ in range(end - start)),
            other[start:end],
        )
    )
    return content[:start] + middle + content[end:]


def _message(content: bytes, files: Sequence[bytes], draw: random.Random) -> bytes:
    source = onnx.ModelProto()
    try:
        source.ParseFromString(content)
    except Exception:  # protobuf's errors have a different class in each of its implementations
        return content
    draw.choice(_CHANGES)(source.graph, draw)
    return source.SerializeToString()


def _pick(items: Iterable[Any], draw: random.Random) -> Any:
    found = list(items)
    return draw.choice(found) if found else None


def _change_length(graph: Any, draw: random.Random) -> None:
    tensor = _pick(graph.initializer, draw)
    if tensor is not None and tensor.dims:
        tensor.dims[draw.randrange(len(tensor.dims))] = draw.choice(_EXTREME)


def _change_shape(graph: Any, draw: random.Random) -> None:
    value = _pick(graph.input, draw)
    dimension = None if value is None else _pick(value.type.tensor_type.shape.dim, draw)
    if dimension is not None:
        dimension.dim_value = draw.choice(_EXTREME)


def _change_type(graph: Any, draw: random.Random) -> None:
    tensor = _pick(graph.initializer, draw)
    if tensor is not None:
        tensor.data_type = draw.randrange(25)


def _change_number(graph: Any, draw: random.Random) -> None:
    tensor = _pick((t for t in graph.initializer if t.data_type in (6, 7)), draw)
    if tensor is not None:
        values = [draw.choice(_EXTREME) for _ in range(len(tensor.raw_data) // 8 or len(tensor.int64_data))]
        tensor.data_type = 7
        del tensor.int64_data[:], tensor.int32_data[:]
        tensor.raw_data = b"".join(v.to_bytes(8, "little", signed=True) for v in values)


def _change_attribute(graph: Any, draw: random.Random) -> None:
    node = _pick(graph.node, draw)
    attribute = None if node is None else _pick(node.attribute, draw)
    if attribute is None:
        return
    if attribute.ints:
        attribute.ints[draw.randrange(len(attribute.ints))] = draw.choice(_EXTREME)
    elif draw.random() < 0.2:
        attribute.type = draw.randrange(15)
    else:
        attribute.i = draw.choice(_EXTREME)
        attribute.f = draw.choice((0.0, -1.0, 1e38, float("inf"), float("nan")))


def _exchange_names(graph: Any, draw: random.Random) -> None:
    node, other = _pick(graph.node, draw), _pick(graph.node, draw)
    if node is not None and node.input and other.input:
        node.input[draw.randrange(len(node.input))] = draw.choice([*other.input, *other.output, ""])


def _change_kind(graph: Any, draw: random.Random) -> None:
    node = _pick(graph.node, draw)
    if node is not None:
        node.op_type = draw.choice(_KINDS)


def _lose(graph: Any, draw: random.Random) -> None:
    items = draw.choice((graph.node, graph.initializer, graph.input, graph.output))
    if items:
        del items[draw.randrange(len(items))]


def _double(graph: Any, draw: random.Random) -> None:
    items = draw.choice((graph.node, graph.initializer, graph.input, graph.output))
    if items:
        items.append(draw.choice(list(items)))


def _move_outside(graph: Any, draw: random.Random) -> None:
    tensor = _pick(graph.initializer, draw)
    if tensor is not None:
        tensor.data_location = 1
        location = draw.choice(("/etc/hostname", "../../etc/hostname", "model.onnx", ".", ""))
        tensor.external_data.add(key="location", value=location)


_CHANGES: tuple[Callable[[Any, random.Random], None], ...] = (
    _change_length,
    _change_shape,
    _change_type,
    _change_number,
    _change_attribute,
    _exchange_names,
    _change_kind,
    _lose,
    _double,
    _move_outside,
)


def main() -> None:
    """Reports the number of inputs and the outcomes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--path", type=Path, default=Path("fuzz.onnx"), help="the file to write inputs to")
    given = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
    faulthandler.dump_traceback_later(60 * given.minutes + 120, exit=True)
    files = [path.read_bytes() for path in given.files]
    outcomes = fuzz(files, given.path, seed=given.seed, minutes=given.minutes)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(f"{sum(outcomes.values())} inputs, peak {peak:.0f} MiB: {dict(outcomes.most_common())}\n")


if __name__ == "__main__":
    main()
