"""What a file is, told from its beginning, its members and its name: nothing in it is run, and no pickle is loaded."""

from __future__ import annotations

import pickletools
import zipfile
from os import PathLike
from pathlib import PurePath
from typing import Literal

Kind = Literal[
    "partition", "certificate", "exported program", "TorchScript", "weights", "pickled module", "ONNX", ".nnet"
]

_MOST_PICKLED = 1 << 24
"""Bytes of a pickle whose instructions are looked at."""
_OF_WEIGHTS = ("collections", "_codecs", "torch", "torch._utils", "torch.storage", "torch.serialization", "numpy")
"""Modules, with what is in them, that a pickle of numbers names; one of layers names torch.nn or a user's own."""


def kind_of(path: str | PathLike[str]) -> Kind | None:
    """What the file seems to be, or None where that can't be told; ``OSError`` if it can't be read."""
    with open(path, "rb") as file:
        start = file.read(4)
        if start[:2] == b"\x1f\x8b" or start[:1] == b"{":
            return "certificate"
        if start[:2] == b"PK":
            try:
                with zipfile.ZipFile(file) as archive:
                    return _of_archive(archive)
            except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError):
                return None
    by_name: dict[str, Kind] = {".onnx": "ONNX", ".nnet": ".nnet"}
    return by_name.get(PurePath(path).suffix.lower())


def _of_archive(archive: zipfile.ZipFile) -> Kind | None:
    names = archive.namelist()
    if "header.npy" in names:
        return "partition"
    inner = {name.partition("/")[2] for name in names}
    if "models/model.json" in inner or "serialized_exported_program.json" in names:
        return "exported program"
    if any(name.startswith("code/") for name in inner):
        return "TorchScript"
    pickle = next((name for name in names if name.endswith("data.pkl")), None)
    if pickle is None:
        return None
    with archive.open(pickle) as file:
        return "pickled module" if _names_layers(file.read(_MOST_PICKLED)) else "weights"


def _names_layers(pickle: bytes) -> bool:
    """Whether a pickle names anything but containers and tensors: its instructions are read, not run."""
    texts: list[str] = []
    try:
        for operation, argument, _ in pickletools.genops(pickle):
            if operation.name == "GLOBAL":
                module = str(argument).split(" ")[0]
            elif operation.name == "STACK_GLOBAL" and len(texts) >= 2:
                module = texts[-2]
            else:
                texts = [*texts[-1:], argument] if isinstance(argument, str) else texts
                continue
            if module not in _OF_WEIGHTS and not module.startswith("numpy."):
                return True
    except Exception:  # a damaged pickle
        return False
    return False
