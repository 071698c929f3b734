"""Damaged, forged and hostile files for the readers of the library, drawn at random."""

from __future__ import annotations

import io
import json
import math
import random
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np

_EXTREME: tuple[Any, ...] = (
    *(None, True, -1, 0, 1, 2, 3, 2**31, 2**62, 2**70, 10**400, 1.5, math.nan, math.inf),
    *("", "x", "1/0", "-1/3", "9" * 3999, [], {}, [[]], [1], ["1"], {"a": 1}),
)
"""What stands in the place of a value of a JSON file."""

_NUMBERS = {"i": (0, 1, -1, 2**31, 2**62, -(2**63)), "f": (0.0, -1.0, math.nan, math.inf, 1e308, 5e-324)}

Draw = random.Random


def changed_bytes(content: bytes, draw: Draw) -> bytes:
    """Some bytes changed, cut out, put in or repeated; or the end is missing."""
    data = bytearray(content)
    for _ in range(draw.choice((1, 1, 2, 5))):
        start, other = (draw.randrange(len(data) + 1) for _ in range(2))
        length = draw.choice((1, 1, 8, 100))
        data[start : start + draw.choice((0, length))] = draw.choice(
            (
                bytes([draw.randrange(256)]),
                draw.randbytes(length),
                draw.choice((b"\xff", b"\0", b"\x7f", b"9", b"[")) * length,
                data[other : other + length],
                b"",
            )
        )
    return bytes(data[: draw.randrange(len(data) + 1)] if draw.random() < 0.1 else data)


def changed_json(value: Any, draw: Draw) -> Any:
    """One value somewhere in it is another, is missing or is there twice."""
    places: list[tuple[Any, Any]] = []
    _walk([value], places)
    holder, key = draw.choice(places)
    if key == 0 and holder[key] is value:
        return draw.choice(_EXTREME)
    kind = draw.randrange(8)
    if kind == 0:
        del holder[key]
    elif kind == 1 and isinstance(holder, list):
        holder.insert(key, holder[key])
    else:
        holder[key] = draw.choice(_EXTREME)
    return value


def _walk(value: Any, places: list[tuple[Any, Any]]) -> None:
    keys = list(value) if isinstance(value, dict) else range(min(len(value), 40)) if isinstance(value, list) else ()
    for key in keys:
        places.append((value, key))
        _walk(value[key], places)


def changed_arrays(content: bytes, draw: Draw) -> bytes:
    """An .npz archive, whole, of another header or other arrays; mostly the header agrees with the arrays."""
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        arrays = dict(archive)
    header = json.loads(arrays.pop("header").tobytes())
    for _ in range(draw.choice((1, 1, 2))):
        if not arrays or draw.random() < 0.4:
            header = changed_json(header, draw)
        else:
            name = draw.choice(sorted(arrays))
            arrays[name] = _changed_array(arrays[name], draw)
    if isinstance(header, dict) and draw.random() < 0.9:
        header["arrays"] = {name: [str(values.dtype), list(values.shape)] for name, values in arrays.items()}
    file = io.BytesIO()
    np.savez(file, header=np.frombuffer(json.dumps(header).encode(), np.uint8), **arrays)
    return file.getvalue()


def _changed_array(values: Any, draw: Draw) -> Any:
    changes: list[Callable[[], Any]] = [
        lambda: values[..., :-1] if values.ndim else values,
        lambda: values.astype(draw.choice(("f8", "i8", "f4", "?", "u1", "i2", "c16", "U3"))),
        lambda: values.reshape(-1),
        lambda: values[None],
        lambda: np.zeros(0, values.dtype),
        lambda: np.concatenate([values, values]) if values.ndim else values,
    ]
    if values.size and values.dtype.kind in _NUMBERS:
        changes += 3 * [lambda: _with_entry(values, draw)]
    with np.errstate(all="ignore"):
        return draw.choice(changes)()


def _with_entry(values: Any, draw: Draw) -> Any:
    other = values.copy()
    other.flat[draw.randrange(other.size)] = draw.choice(_NUMBERS[values.dtype.kind])
    return other


def changed_member(content: bytes, draw: Draw) -> bytes:
    """A zip archive with right checksums, of which one member is another: of JSON one value, of others some bytes."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(written, "w") as new:
        chosen = draw.choice(old.namelist())
        for name in old.namelist():
            data = old.read(name)
            if name == chosen and name.endswith(".json") and draw.random() < 0.8:
                data = json.dumps(changed_json(json.loads(data), draw)).encode()
            elif name == chosen:
                data = changed_bytes(data, draw)
            new.writestr(name, data)
    return written.getvalue()


def deflated(name: str, start: bytes, size: int) -> bytes:
    """A zip archive of one member that begins with some bytes and goes on with zeros."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(name, "w") as member:
        member.write(start)
        for _ in range(size >> 20):
            member.write(bytes(1 << 20))
    return written.getvalue()
