"""What a folder holds of a partition that ``write_partition`` has written there, or has begun to; read, and checked."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import FileFormatError
from ..geometry.domain import Domain
from ..runtime.ieee import ieee
from ..storage import archive
from ..storage.files import reading
from ..storage.named_arrays import Stored
from ..tiling.npz import domain_from_arrays
from .journal import Entry, Journal, digest_of, unsealed

FORMAT = "cpwl-dataset"

VERSION = 3
"""Version 2 brought checksums."""

STATE = "_cpwl"

_LONGEST_MANIFEST = 1 << 16


@ieee
@dataclass(frozen=True)
class Written:
    """What a folder holds of a partition."""

    path: Path
    regions: int
    area: float
    """In slice coordinates; all of it is ``domain.volume``."""
    parts: int
    """The number of Parquet files."""
    settled: int
    """How many decisions float64 left open and exact arithmetic made."""
    recut: int
    """How many cells were cut again after a failed self-check."""
    ambiguous: int
    complete: bool
    """Whether the regions cover the domain. If not, ``write_partition`` goes on with ``resume=True``."""
    files: tuple[str, ...] = ()
    """The names of the Parquet files, in the order of their regions."""
    digests: tuple[str, ...] = ()
    """The checksum of each: BLAKE2b of 16 bytes, in hexadecimal digits."""

    def __repr__(self) -> str:
        part = "" if self.complete else "INCOMPLETE, "
        return f"<Written: {part}{self.regions:,} regions in {self.parts:,} files of {os.fspath(self.path)!r}>"

    def verified(self) -> Iterator[Path]:
        """The Parquet files, each after its checksum was found right; raises ``FileFormatError`` at one that is not."""
        for name, digest in zip(self.files, self.digests, strict=True):
            yield checked(self.path / name, digest)


def read_written(path: Path) -> Written:
    """What a folder holds of a partition, read from its journal; ``FileFormatError`` if it is no such folder."""
    if not (path / STATE / "manifest.json").exists():
        raise FileFormatError(f"{path} is no folder that write_partition has begun: it has no {STATE}/manifest.json.")
    manifest_of(path / STATE / "manifest.json")
    return summary_of(path, journal_of(path).entries)


def domain_of(path: Path) -> Domain:
    """The domain of the partition in a folder; ``FileFormatError`` if what it is of is damaged."""
    problem = path / STATE / "problem.npz"
    checked(problem, manifest_of(path / STATE / "manifest.json").get("digest", ""))
    return domain_from_arrays(Stored(archive.read(problem)[1]).part("domain"))


def check_written(path: Path) -> Written:
    """What a folder holds of a partition, after every file of it was found to be as it was written.

    Raises ``FileFormatError``, naming the file, at the first that is not, or that is no file of it. That the regions
    are those of the network is another question, which a certificate answers.
    """
    written = read_written(path)
    manifest = manifest_of(path / STATE / "manifest.json")
    checked(path / STATE / "problem.npz", manifest.get("digest", ""))
    for file in _unnamed(path, set(written.files)):
        raise FileFormatError(
            f"{file} is no file of this partition, but who reads the folder takes its rows as well. A process that was "
            "killed leaves one, which write_partition with resume=True removes; remove any other."
        )
    for entry in journal_of(path).entries:
        if entry.part is not None:
            border_table(path / STATE, entry)
    for _ in written.verified():
        pass
    return written


def journal_of(path: Path) -> Journal:
    """What is finished; a folder that holds parts has a journal, even if no line of it is whole."""
    file = path / STATE / "journal.jsonl"
    if not file.exists() and any(path.glob("part-*.parquet")):
        raise FileFormatError(
            f"{file} is missing: nothing says which files of {path} are finished. Write the partition again, to "
            "another folder."
        )
    return Journal(file)


def _unnamed(path: Path, names: set[str]) -> list[Path]:
    """The Parquet files in a folder, as its readers find them, that have other names."""
    files = (file.relative_to(path) for file in path.rglob("*.parquet"))
    return sorted(file for file in files if str(file) not in names and not any(p[0] in "._" for p in file.parts))


def summary_of(path: Path, entries: Sequence[Entry]) -> Written:
    files = tuple(entry.part for entry in entries if entry.part is not None)
    return Written(
        path,
        regions=sum(entry.regions for entry in entries),
        area=sum(entry.area for entry in entries),
        parts=len(files),
        settled=sum(entry.settled for entry in entries),
        recut=sum(entry.recut for entry in entries),
        ambiguous=sum(entry.ambiguous for entry in entries),
        complete=any(entry.path == () for entry in entries),
        files=files,
        digests=tuple(entry.digest for entry in entries if entry.part is not None),
    )


def manifest_of(file: Path) -> dict[str, Any]:
    """What a folder says that it holds."""
    with open(file, "rb") as opened, whole(file):
        manifest = unsealed(opened.read(_LONGEST_MANIFEST).decode("ascii"))
        if (manifest.get("format"), manifest.get("version")) != (FORMAT, VERSION):
            raise FileFormatError(f"it must be of format {FORMAT!r}, version {VERSION}; it was written by another cpwl")
        return manifest


def borders_of(state: Path, part: str) -> Path:
    """The file with the border vertices that a part was the first to have."""
    return state / f"{part.removesuffix('.parquet')}-borders.npz"


def border_table(state: Path, entry: Entry) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The names and the places of the border vertices that a part was the first to have."""
    assert entry.part is not None
    file = checked(borders_of(state, entry.part), entry.borders)
    with whole(file):
        stored = Stored(archive.read(file)[1])
        names = stored.integers("names", -1, low=-(1 << 63))
        return names, stored.floats("points", len(names), -1)


def checked(file: Path, digest: str) -> Path:
    """The file, whose checksum is this one."""
    with whole(file):
        if digest_of(file) != digest:
            raise FileFormatError("it is damaged or has been changed (wrong checksum)")
    return file


def whole(file: Path) -> AbstractContextManager[None]:
    return reading(file, "a whole file of a partition", "Write the partition again, to another folder.")
