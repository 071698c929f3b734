"""What a long computation has finished, in a folder: a list of its files, with a checksum of each and of every line.

A file is written whole (``files.replaced``); then a line about it is added to the journal. So a process that is killed
loses what it had in hand, and nothing else.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from hashlib import blake2b
from pathlib import Path
from typing import Any

from ..errors import FileFormatError
from ..storage.files import described, replaced

Place = tuple[int, ...]

_PART = re.compile(r"part-[0-9]{15}\.parquet")
_SUM = "sum"
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Entry:
    """A block that is finished, or all blocks of a block."""

    path: Place
    part: str | None = None
    """The name of the file with its regions, if there is one of its own."""
    digest: str = ""
    """The checksum of that file (see ``digest_of``)."""
    borders: str = ""
    """That of the file with the border vertices that it was the first to have."""
    regions: int = 0
    area: float = 0.0
    settled: int = 0
    recut: int = 0
    ambiguous: int = 0


class Journal:
    """The entries in a file of JSON lines, the last of which may be torn: then what it says has not happened."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.entries = _entries(file) if file.exists() else []

    def keep(self, count: int) -> None:
        """Forgets all entries but the first ones."""
        del self.entries[count:]
        with replaced(self._file) as new:
            new.write_text("".join(map(_line, self.entries)), encoding="ascii")

    def add(self, entry: Entry) -> None:
        """Notes an entry, on the disk when this returns."""
        with open(self._file, "a", encoding="ascii") as file:
            file.write(_line(entry))
            file.flush()
            os.fsync(file.fileno())
        self.entries.append(entry)


def digest_of(path: Path) -> str:
    """The checksum of a file: BLAKE2b of 16 bytes, in hexadecimal digits."""
    digest = blake2b(digest_size=16)
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def sealed(values: Mapping[str, Any]) -> str:
    """A JSON object in one line, with a checksum of the others among its values."""
    return json.dumps({**values, _SUM: _sum(values)})


def unsealed(text: str) -> dict[str, Any]:
    """What ``sealed`` was given; raises ``FileFormatError`` if the text is not as it was written."""
    try:
        values = json.loads(text)
        checksum = values.pop(_SUM)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise FileFormatError(f"it holds no JSON object with a checksum ({described(error)})") from None
    if checksum != _sum(values):
        raise FileFormatError("it is damaged (wrong checksum)")
    result: dict[str, Any] = values
    return result


def _sum(values: Mapping[str, Any]) -> str:
    return blake2b(json.dumps(values, sort_keys=True).encode(), digest_size=8).hexdigest()


def _line(entry: Entry) -> str:
    return sealed(asdict(entry)) + "\n"


def _entries(file: Path) -> list[Entry]:
    whole = file.read_bytes().rpartition(b"\n")[0].decode("ascii", "replace")
    try:
        return [_entry(line) for line in whole.splitlines()]
    except FileFormatError as error:
        raise FileFormatError(f"{file} is damaged: {error}. Write the partition again, to another folder.") from error


def _entry(line: str) -> Entry:
    values = unsealed(line)
    path, part = values.pop("path", None), values.pop("part", None)
    kinds = {"digest": str, "borders": str, "area": float}
    kinds |= dict.fromkeys(("regions", "settled", "recut", "ambiguous"), int)
    assert {*kinds, "path", "part"} == {field.name for field in fields(Entry)}
    whole = isinstance(path, list) and all(type(number) is int for number in path)
    named = part is None or (isinstance(part, str) and _PART.fullmatch(part))
    if not (whole and named and {name: type(value) for name, value in values.items()} == kinds):
        raise FileFormatError("a line is not that of a block")
    return Entry(tuple(path), part, **values)
