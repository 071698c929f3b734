"""Partitions of any size, written to a folder block by block while they are computed, and gone on with after a stop.

The folder is a Parquet data set: ``part-*.parquet``, GeoParquet files with one row for each region, readable at any
time (``pyarrow.dataset``, ``pandas.read_parquet``, ``geopandas.read_parquet``, duckdb). Its subfolder ``_cpwl`` says
what is computed (manifest.json, problem.npz), what is finished (journal.jsonl), and where border vertices are.
"""

from __future__ import annotations

import json
from concurrent.futures import Executor
from dataclasses import asdict
from hashlib import blake2b
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import backends
from ..errors import ArgumentError, FileFormatError
from ..geometry.domain import Domain
from ..network.network import Network
from ..network.serial import network_to_arrays
from ..numbers.rounding import nearest
from ..partitions.compute import Limits, check_problem, partition_blocks
from ..partitions.partition import Partition
from ..runtime import inputs
from ..runtime.ieee import ieee
from ..runtime.progress import shows_progress
from ..runtime.signals import told_when_ended
from ..runtime.version import RELEASE
from ..storage import archive
from ..storage.files import TEMPORARY, replaced
from ..storage.named_arrays import Arrays, prefixed
from ..tiling.blocks import Blocks, Borders
from ..tiling.npz import domain_arrays
from ..tiling.states import Progress
from .journal import Entry, Place, digest_of, sealed
from .parquet import PartFile, require_pyarrow
from .written import (
    FORMAT,
    STATE,
    VERSION,
    Written,
    border_table,
    borders_of,
    checked,
    journal_of,
    manifest_of,
    summary_of,
    whole,
)


@ieee
@shows_progress
def write_partition(
    net: Network,
    dom: Domain,
    path: str | PathLike[str],
    *,
    resume: bool = False,
    maps: bool = True,
    backend: str = "torch",
    device: str | None = None,
    memory_limit: int | None = None,
    executor: Executor | None = None,
    max_regions: int | None = None,
    max_seconds: float | None = None,
    progress: Progress | None = None,
) -> Written:
    """Writes the partition of a domain to a folder, block by block; no more than a block is held. What is there.

    A run that ends early (a budget, Ctrl-C, a full disk, a process killed) leaves whole files of what it has finished,
    and says how to go on where it can: SIGTERM and SIGHUP, unless handled by you, end the process after that. The same
    call with ``resume=True`` goes on from there (with the ``memory_limit`` that it was begun with, if none is given),
    and the regions and their numbers are those of a run without a stop.
    One row for each region: ``region`` (its number), ``geometry`` (WKB), ``x`` and ``y`` (its corners,
    counter-clockwise; bit for bit the same in all regions), ``area``, ``vertices``, ``pattern`` (packed, the lowest
    bit first; how many bits a unit has is in the metadata "cpwl"), ``class`` (the output that is certainly the
    largest on all of it, or null), ``ambiguous`` and, with ``maps``, ``A`` (m times D, row by row) and ``b`` of the
    affine map in slice coordinates. When D is not 2 there is no ``geometry``, the corners, in no order, are ``u1`` to
    ``uD``, and for ``area`` there is ``volume``. Numbers of the exact backend are rounded. Other options are those of
    ``cpwl.partition``. Budgets count what this call does.

    Raises ``ArgumentError`` if the folder holds something and ``resume`` is not set, or if it holds a partition of
    another network or domain, or with other options, or if another process is writing to it; ``FileFormatError`` if its
    files are damaged.
    """
    check_problem(net, dom)
    limits = Limits.checked(memory_limit, max_regions, max_seconds)
    backends.get(backend, device)
    inputs.executor(executor)
    inputs.progress(progress)
    maps = inputs.flag("maps", maps)
    options = {"backend": backend, "maps": maps, "memory_limit": limits.memory_limit}
    folder = _Folder(inputs.path("path", path), resume=inputs.flag("resume", resume))
    chosen: dict[str, Any] = {"backend": backend, "device": device, "executor": executor, "progress": progress}
    try:
        with told_when_ended(folder.state_of_things):
            sizes = folder.begun(net, dom, options, limits)
            writer = _Writer(folder, net, dom.dim, maps=maps, by_task=executor is not None)
            known: dict[str, Any] = {"done": writer, "borders": writer.borders, "sizes": sizes}
            for block in () if () in writer else partition_blocks(net, dom, **chosen, **asdict(limits), **known):
                writer.take(block)
            return folder.summary()
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"stopped; {folder.state_of_things()}") from None
    except OSError as error:
        said = f"{error.strerror or error}; {folder.state_of_things()}"
        again = OSError(error.errno, said, error.filename) if error.errno else OSError(said)
        raise again from error
    finally:
        folder.close()


def check_free(path: Path, *, resume: bool) -> bool:
    """Whether a folder holds what is to be gone on with; raises ``ArgumentError`` if nothing can be written there."""
    require_pyarrow()
    resumed = resume and (path / STATE / "manifest.json").exists()
    if not resumed and path.exists() and not (path.is_dir() and _empty(path)):
        raise ArgumentError(
            f"path must be a folder that is empty or not there yet, got {path}. "
            "To go on with a partition that is there, set resume=True."
        )
    return resumed


class _Folder:
    """The files of a data set."""

    def __init__(self, path: Path, *, resume: bool) -> None:
        self.path, self.state = path, path / STATE
        self.resumed = check_free(path, resume=resume)
        from filelock import FileLock, Timeout

        self.state.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(self.state / "lock")
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise ArgumentError(f"path: another process is writing to {path}. Wait until it has ended.") from None
        try:
            self.journal = journal_of(path)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Lets other processes write; the system does so, too, when this one ends, however it does."""
        self._lock.release()

    def begun(self, net: Network, dom: Domain, options: dict[str, Any], limits: Limits) -> Blocks:
        """The block sizes, from the manifest if there is one; checks that it is about the same partition."""

        header, arrays = network_to_arrays(net)
        arrays = {**prefixed("network", arrays), **prefixed("domain", domain_arrays(dom))}
        wanted = {"format": FORMAT, "version": VERSION, "cpwl": RELEASE, "problem": _digest(header, arrays)}
        wanted |= options
        file = self.state / "manifest.json"
        problem = self.state / "problem.npz"
        if self.resumed:
            if limits.memory_limit is None:
                del wanted["memory_limit"]
            sizes = _same_partition(file, wanted)
            checked(problem, manifest_of(file).get("digest", ""))
            return sizes
        sizes = Blocks.within(limits.memory_limit, limits.max_regions).holding_no_result(limits.memory_limit)
        archive.write(problem, header, arrays)
        with replaced(file) as new:
            text = sealed({**wanted, "sizes": asdict(sizes), "digest": digest_of(problem)})
            new.write_text(text + "\n", encoding="ascii")
        return sizes

    def state_of_things(self) -> str:
        """What there is, and how to go on, for whoever is stopped."""
        return (
            f"{self.path} holds {self.summary().regions:,} regions that are finished, and the same call with "
            "resume=True goes on"
        )

    def summary(self) -> Written:
        """What is there."""
        return summary_of(self.path, self.journal.entries)


class _Borders(Borders):
    """Borders that tell what they have learned."""

    def __init__(self) -> None:
        super().__init__()
        self.fresh: list[tuple[NDArray[np.int64], NDArray[np.float64]]] = []

    def remember(self, names: NDArray[np.int64], points: NDArray[np.float64]) -> None:
        """Adds vertices that are not known."""
        self.fresh.append((names, points))
        super().remember(names, points)


class _Writer:
    """Takes blocks, and the paths of those that are done (see ``partition_blocks``): with these, parts are ended."""

    def __init__(self, folder: _Folder, net: Network, dim: int, *, maps: bool, by_task: bool) -> None:
        self._folder, self._network, self._dim, self._maps = folder, net, dim, maps
        self.borders = _Borders()
        self._recover(by_task)
        self._done = {entry.path for entry in folder.journal.entries}
        self._regions = sum(entry.regions for entry in folder.journal.entries)
        self._blocks: list[Partition] = []

    def __contains__(self, path: object) -> bool:
        return path in self._done

    def take(self, block: Partition) -> None:
        """Holds a block until it is done."""
        self._blocks.append(block)

    def add(self, path: Place) -> None:
        """Writes the blocks that have come since the last path."""
        first = self._regions
        try:
            entry = self._written(path) if self._blocks else Entry(path)
        except BaseException:  # a file that the journal does not name is not left to readers of the folder
            self._part(first).unlink(missing_ok=True)
            raise
        self._folder.journal.add(entry)
        self._done.add(path)
        self._blocks.clear()

    def _part(self, first: int) -> Path:
        """The file of regions from number ``first`` on."""
        return self._folder.path / f"part-{first:015d}.parquet"

    def _written(self, path: Place) -> Entry:
        file = self._part(self._regions)
        name = file.name
        borders = borders_of(self._folder.state, name)
        archive.write(borders, {}, _table(self.borders.fresh))
        self.borders.fresh.clear()
        first = self._regions
        with replaced(file) as new:
            part = PartFile(new, self._blocks[0].network, dim=self._dim, maps=self._maps)
            for block in self._blocks:
                part.write(block, self._regions)
                self._regions += len(block)
            part.close()
        return Entry(
            path,
            part=name,
            digest=digest_of(file),
            borders=digest_of(borders),
            regions=self._regions - first,
            area=nearest(sum(block.volumes().sum() for block in self._blocks)),
            settled=sum(block.settled for block in self._blocks),
            recut=sum(block.recut for block in self._blocks),
            ambiguous=sum(len(block.ambiguous) for block in self._blocks),
        )

    def _recover(self, by_task: bool) -> None:
        """Reads what is there, and removes what is not in the journal.

        An executor is given the blocks of the first division, as a whole: one that is half done is begun again.
        """
        journal, kept = self._folder.journal, len(self._folder.journal.entries)
        while by_task and kept and len(journal.entries[kept - 1].path) > 2:
            kept -= 1
        journal.keep(kept)
        path, state = self._folder.path, self._folder.state
        parts = {entry.part: entry for entry in journal.entries if entry.part is not None}
        for file in (*path.glob("part-*.parquet"), *path.glob(TEMPORARY), *state.glob(TEMPORARY)):
            if file.name not in parts:
                file.unlink()
        for part, entry in parts.items():
            checked(path / part, entry.digest)
            names, points = border_table(state, entry)
            if len(names):
                if points.shape[1] != self._dim:
                    raise FileFormatError(f"{part} has border vertices of another dimension than {self._dim}.")
                self.borders.remember(names, points)
        self.borders.fresh.clear()


def _empty(folder: Path) -> bool:
    """Whether a folder holds nothing, or no more than what a run that has finished no block leaves."""
    journal = folder / STATE / "journal.jsonl"
    return all(item.name == STATE for item in folder.iterdir()) and not (journal.exists() and journal.stat().st_size)


def _same_partition(file: Path, wanted: dict[str, Any]) -> Blocks:
    manifest = manifest_of(file)
    for name, value in wanted.items():
        if manifest.get(name) != value:
            what = "network or domain" if name == "problem" else f"{name}, {manifest.get(name)!r} and not {value!r}"
            raise ArgumentError(
                f"{file.parent.parent} holds a partition with another {what}. Resume with what it was begun with, or "
                "write to another folder."
            )
    with whole(file):
        if not all(type(size) is int and size > 0 for size in manifest["sizes"].values()):
            raise FileFormatError("its sizes of blocks are no numbers")
        return Blocks(**manifest["sizes"])


def _digest(header: dict[str, Any], arrays: Arrays) -> str:
    hashed = blake2b(json.dumps(header, sort_keys=True).encode(), digest_size=16)
    for name, values in sorted(arrays.items()):
        hashed.update(f"{name} {values.dtype} {values.shape};".encode())
        hashed.update(np.ascontiguousarray(values).tobytes())
    return hashed.hexdigest()


def _table(tables: list[tuple[NDArray[np.int64], NDArray[np.float64]]]) -> Arrays:
    """Names and points as arrays; none of them, for blocks whose borders brought nothing new."""
    names = [np.zeros(0, np.int64), *(names for names, _ in tables)]
    points = [points for _, points in tables] or [np.zeros((0, 2))]
    return {"names": np.concatenate(names), "points": np.concatenate(points)}
