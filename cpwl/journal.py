"""What a long computation has finished, in a folder: files that appear whole or not at all, and a list of them.

A file is written under another name, brought to the disk and renamed; then a line about it is added to the journal. So
a process that is killed loses what it had in hand, and nothing else.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from .errors import FileFormatError

Place = tuple[int, ...]


@dataclass(frozen=True)
class Entry:
    """A block that is finished, or all blocks of a block."""

    path: Place
    part: str | None = None
    """The name of the file with its regions, if there is one of its own."""
    size: int = 0
    """The number of bytes of that file."""
    regions: int = 0
    area: float = 0.0
    settled: int = 0
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
            new.write_text("".join(map(_line, self.entries)), encoding="utf-8")

    def add(self, entry: Entry) -> None:
        """Notes an entry, on the disk when this returns."""
        with open(self._file, "a", encoding="utf-8") as file:
            file.write(_line(entry))
            file.flush()
            os.fsync(file.fileno())
        self.entries.append(entry)


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """A name under which to write a file; afterwards it is on the disk under its own, and before it is not."""
    other = path.with_name(f".{path.name}.tmp")
    try:
        yield other
        _to_disk(other)
        other.replace(path)
        _to_disk(path.parent)
    finally:
        other.unlink(missing_ok=True)


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _line(entry: Entry) -> str:
    return json.dumps(asdict(entry)) + "\n"


def _entries(file: Path) -> list[Entry]:
    whole = file.read_text(encoding="utf-8").rpartition("\n")[0]
    try:
        return [_entry(line) for line in whole.splitlines()]
    except (ValueError, TypeError, KeyError) as error:
        raise FileFormatError(f"{file} is damaged ({error}). Write the partition again, to another folder.") from error


def _entry(line: str) -> Entry:
    values = json.loads(line)
    return Entry(**{**values, "path": tuple(values["path"])})
