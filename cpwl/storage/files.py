"""Files that are written whole or not at all, and reading that gives an object or a ``CpwlError``, whatever is read."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import BinaryIO

from ..errors import ArgumentError, BackendError, CpwlError, FileFormatError
from ..runtime import inputs

TEMPORARY = ".*.tmp"
"""The pattern of the names under which files are written; a process that was killed leaves one."""

_CHUNK = 1 << 20

_FORMATS = frozenset(
    ".npz .npy .parquet .csv .tsv .xlsx .json .gz .zip .pkl .pickle .onnx .nnet .pt .pth .pt2 .vnnlib "
    ".html .htm .png .jpg .jpeg .svg .pdf .gif .mp4 .ply .obj .stl .glb .vtk".split()
)
"""Endings by which programs, and this library's readers, know a format."""

_OF_THE_FILE = {None, errno.EINVAL, errno.ENOENT, errno.EISDIR, errno.ENOTDIR}
"""What an ``OSError`` says of a file: it is damaged (Python's readers give no number, or ask for places that it has
not), missing, or none."""


@contextmanager
def replaced(path: str | PathLike[str]) -> Iterator[Path]:
    """A name beside the file under which to write it; afterwards it is on the disk under its own, and before it is not.

    So what was there stays as it was when anything goes wrong (a full disk, Ctrl-C, a killed process). Links are
    followed; what is no regular file, such as ``/dev/stdout`` or a pipe, is written to directly.
    """
    target = inputs.path("path", path).resolve()
    if target.exists() and not target.is_file():
        yield target
        return
    other = _beside(target)
    try:
        yield _creatable(other, target)
        if target.exists():
            shutil.copymode(target, other)
        _to_disk(other)
        other.replace(target)
        _to_disk(target.parent)
    finally:
        other.unlink(missing_ok=True)


def _creatable(other: Path, target: Path) -> Path:
    """A name beside a file that can be created; the error names the file."""
    try:
        with open(other, "xb"):
            return other
    except OSError as error:
        error.filename = os.fspath(target)
        raise


def check_writable(path: str | PathLike[str]) -> None:
    """Raises the ``OSError`` that writing the file with ``replaced`` would, as far as that is known; leaves nothing."""
    target = Path(path).resolve()
    if target.exists() and not target.is_file():
        with open(target, "ab"):
            return
    other = _beside(target)
    try:
        _creatable(other, target)
    finally:
        other.unlink(missing_ok=True)


def content_of(path: str | PathLike[str], largest: int) -> bytes:
    """The bytes of a file; of one that has more than ``largest``, no more than tells so."""
    content = bytearray()
    with opened(path) as file:
        while len(content) <= largest and (chunk := file.read(_CHUNK)):  # one read of all would reserve ``largest``
            content += chunk
    return bytes(content)


def opened(path: str | PathLike[str]) -> BinaryIO:
    """A file to be read; a name that is none is an ``ArgumentError``, a folder a ``FileFormatError``."""
    file = inputs.path("path", path)
    if file.is_dir():
        raise FileFormatError(
            f"{file} is a folder, not a file. What write_partition has written there is read by "
            "cpwl.statistics_of_folder, or by pandas and others that read Parquet."
        )
    return open(file, "rb")


def named_as(path: str | PathLike[str], what: str, *endings: str) -> Path:
    """The name of a file for ``what``, of a format with these endings; ``ArgumentError`` if its own says another one.

    Without an ending, and with one that says nothing (.txt), it is as good as any.
    """
    file = inputs.path("path", path)
    if file.suffix not in endings and file.suffix.lower() in _FORMATS:
        raise ArgumentError(
            f"path must not end in {file.suffix}, which says another format: this is {what}, got "
            f"{os.fspath(file)!r:.80}. Give a name that ends in {' or '.join(endings)}."
        )
    return file


@contextmanager
def reading(path: str | PathLike[str], what: str, hint: str) -> Iterator[None]:
    """Makes whatever goes wrong inside a ``FileFormatError`` that names the file, says why, and what to do.

    What says nothing of the file, such as a disk that fails or too many open files, stays an ``OSError``. A file that
    cannot be opened at all should be its own error: open it before.
    """
    try:
        yield
    except BackendError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno not in _OF_THE_FILE:
            raise
        message = f"{os.fspath(path)} is not {what} that cpwl can read: {described(error)}"
        raise FileFormatError(f"{message.rstrip('.')}. {hint}") from error


def described(error: BaseException) -> str:
    """What an error says, in one line of bounded length; of one that is not the library's, also its kind."""
    if isinstance(error, MemoryError):
        return "it takes more memory than there is"
    text = " ".join(str(error).split())
    return text if isinstance(error, CpwlError) else f"{type(error).__name__}: {text[:200]}"


def _beside(target: Path) -> Path:
    return target.with_name(f".{target.name[:40]}.{secrets.token_hex(6)}.tmp")


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
