"""Tensors stored beside an ONNX file, read from its folder and from nowhere else."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath, PureWindowsPath

from ...errors import FileFormatError


def read_external(folder: Path | None, entries: Mapping[str, str], size: int) -> bytes:
    """The ``size`` bytes that a tensor's entries (location, offset, length) point to, in a file under ``folder``.

    ``FileFormatError`` unless the location is a relative path without "..", free of symbolic links, to a regular file
    that holds these bytes.
    """
    if folder is None:
        raise FileFormatError("its data lie in another file, and a model in memory has no folder to look in")
    parts = _parts(entries.get("location", ""))
    offset, length = _number(entries.get("offset", "0")), _number(entries.get("length", str(size)))
    if length != size:
        raise FileFormatError(f"its shape needs {size} bytes of external data, but {length} are announced")
    try:
        return _read(folder, parts, offset, size)
    except OSError as error:
        raise FileFormatError(f"its external data cannot be read ({error.strerror})") from None


def _parts(location: str) -> tuple[str, ...]:
    path = PurePosixPath(location)
    outside = path.is_absolute() or ".." in path.parts or PureWindowsPath(location).drive
    if not path.parts or outside or "\0" in location or "\\" in location:
        raise FileFormatError(f"its external data must lie in the model's folder, got location {location[:80]!r}")
    return path.parts


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise FileFormatError(f"offset and length of external data must be numbers, got {text[:40]!r}")
    return int(text)


def _read(folder: Path, parts: tuple[str, ...], offset: int, size: int) -> bytes:
    """Goes down folder by folder without following links, so that nothing can be exchanged on the way."""
    opened = [os.open(folder, os.O_RDONLY | os.O_DIRECTORY)]
    try:
        for part in parts[:-1]:
            opened.append(os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=opened[-1]))
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        opened.append(os.open(parts[-1], flags, dir_fd=opened[-1]))
        status = os.fstat(opened[-1])
        if not stat.S_ISREG(status.st_mode) or offset + size > status.st_size:
            raise FileFormatError(f"its external data: {parts[-1]!r} is no regular file of {offset + size} bytes")
        with os.fdopen(opened.pop(), "rb") as file:
            file.seek(offset)
            return file.read(size)
    finally:
        for descriptor in opened:
            with suppress(OSError):
                os.close(descriptor)
