"""Archives .npz of a JSON header and plain arrays, read without trust: no pickle, memory bounded by the file's size."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping
from io import BytesIO
from math import prod
from os import PathLike
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import FileFormatError
from .files import described, opened, replaced

_UNSUSPECTED = 1 << 28
"""Bytes that an archive may unpack to whatever its own size, as in the checker of certificates."""

_GROWTH = 16
"""How many times its own size a larger archive may unpack to; what cpwl writes is not compressed, or three times."""

_LONGEST_HEADER = 1 << 26

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def write(
    path: str | PathLike[str], header: Mapping[str, Any], arrays: Mapping[str, ArrayLike], *, compressed: bool = False
) -> None:
    """Writes an archive to a file of exactly that name; one that was there is replaced when the new one is whole."""
    text = np.frombuffer(json.dumps(header).encode(), np.uint8)
    save = np.savez_compressed if compressed else np.savez
    with replaced(path) as new, open(new, "wb") as file:
        save(file, header=text, **arrays)  # type: ignore[arg-type]


def read(path: str | PathLike[str]) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The header and the arrays, every checksum verified; ``FileFormatError`` for anything that is no such archive."""
    with opened(path) as file:
        try:
            arrays = {name.removesuffix(".npy"): plain_array(data) for name, data in _members(file).items()}
        except FileFormatError:
            raise
        except Exception as error:  # zipfile raises errors of more than ten kinds
            raise FileFormatError(f"no whole .npz archive of plain arrays ({described(error)})") from error
    return _header(arrays.pop("header", None)), arrays


def check_members(file: BinaryIO) -> None:
    """Raises unless the file is a zip archive of modest size, unpacked, with every checksum right."""
    with zipfile.ZipFile(file) as archive:
        _check_sizes(file, archive)
        damaged = archive.testzip()
    if damaged is not None:
        raise FileFormatError(f"its member {damaged} is damaged (wrong checksum)")


def plain_array(data: bytes) -> NDArray[Any]:
    """The numbers in the bytes of an .npy file, not to be written to; raises ``FileFormatError``."""
    try:
        file = BytesIO(data)
        version = np.lib.format.read_magic(file)
        read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        shape, fortran, kind = read_header[version](file)
    except Exception as error:  # numpy parses a header as Python code would be
        raise FileFormatError(f"an array has a damaged header ({described(error)})") from error
    if kind.kind not in "biuf" or kind.hasobject:
        raise FileFormatError(f"an array must hold plain numbers, not {kind}")
    start, count = file.tell(), prod(shape)
    if min(shape, default=0) < 0 or start + count * kind.itemsize != len(data):
        raise FileFormatError(f"an array of shape {shape} and type {kind} has {len(data) - start} bytes")
    return np.frombuffer(data, kind, count, start).reshape(shape, order="F" if fortran else "C")


def _members(file: BinaryIO) -> dict[str, bytes]:
    with zipfile.ZipFile(file) as archive:
        infos = _check_sizes(file, archive)
        members = {}
        for info in infos:
            try:
                members[info.filename] = archive.read(info)
            except zipfile.BadZipFile:
                raise FileFormatError(f"its member {info.filename} is damaged (wrong checksum)") from None
    if len(members) < len(infos):
        raise FileFormatError("it has two members of one name")
    return members


def _check_sizes(file: BinaryIO, archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The members, unless they unpack to too much."""
    infos = archive.infolist()
    size, unpacked = os.fstat(file.fileno()).st_size, sum(info.file_size for info in infos)
    if unpacked > max(_UNSUSPECTED, _GROWTH * size):
        raise FileFormatError(f"it has {size:,} bytes and would unpack to {unpacked:,}")
    if not all(info.compress_type in _METHODS for info in infos):
        raise FileFormatError("it is compressed by another method than deflate")
    return infos


def _header(values: NDArray[Any] | None) -> dict[str, Any]:
    if values is None:
        raise FileFormatError("it has no header")
    if values.nbytes > _LONGEST_HEADER:
        raise FileFormatError(f"its header has {values.nbytes:,} bytes")
    try:
        header = json.loads(values.tobytes())
    except (ValueError, RecursionError) as error:
        raise FileFormatError(f"its header is not JSON ({described(error)})") from None
    if not isinstance(header, dict):
        raise FileFormatError("its header must be a JSON object")
    return header
