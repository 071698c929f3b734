"""What came of a property: it holds, it is violated, or the time was over."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ..errors import ArgumentError, FileFormatError
from ..network.network import Network
from ..partitions.partition import Partition
from ..runtime.ieee import ieee
from ..storage.files import content_of, named_as, opened, reading, replaced
from .counterexample import Counterexample
from .decide import Work
from .specification import Specification

Status = Literal["holds", "violated", "undecided"]

_FORMAT = "cpwl-undecided-property"
_LARGEST = 1 << 28


@ieee
@dataclass(frozen=True, eq=False)
class Verdict:
    """Whether a network has a property, exactly: for the network of rational numbers that its weights are."""

    network: Network
    specification: Specification
    status: Status
    counterexample: Counterexample | None
    """If it is violated, an input that shows it."""
    work: tuple[Work, ...]
    """For each box of the specification what was done, and what is left."""
    seconds: float
    """How long it took, with what a verdict that was gone on from took."""

    def __repr__(self) -> str:
        return f"<Verdict: {self.status}, {self.report()}>"

    @property
    def regions(self) -> int:
        """How many regions were looked at to the end."""
        return sum(work.regions for work in self.work)

    @property
    def dropped(self) -> int:
        """How many parts of the input space, unions of regions, a proven bound has shown to be safe as a whole."""
        return sum(work.dropped for work in self.work)

    @property
    def boxes(self) -> int:
        """How many boxes were decided."""
        return sum(work.boxes for work in self.work)

    @property
    def remaining(self) -> int:
        """How many boxes are left."""
        return sum(len(work.remaining) for work in self.work)

    @property
    def parts(self) -> tuple[tuple[Partition, ...], ...]:
        """With ``keep_dropped``, for each case of the specification a partition of each box that was decided.

        Its ``network`` gives the constraints' left sides, up to positive factors, as functions of slice coordinates of
        the box, ``domain``; its regions were looked at to the end, by exact signs at their vertices; those of
        ``pruned.regions`` were dropped, and ``pruned.relevance`` says by which rule.
        """
        return tuple(() if work.parts is None else tuple(work.parts) for work in self.work)

    def report(self) -> str:
        """What was done, in one line."""
        done = f"{self.regions:,} regions, {self.dropped:,} parts dropped by bounds, {self.boxes:,} boxes"
        left = f", {self.remaining:,} boxes left" if self.status == "undecided" else ""
        return f"{done}{left}, {self.seconds:.2f} s"

    def save(self, path: str | PathLike[str]) -> Path:
        """Writes what is left of an undecided property to a file, JSON, from which ``cpwl.verify`` goes on.

        Returns the path.

        ``ArgumentError`` for a name with an ending that says another format, such as .npz.
        """
        entry = {
            "format": _FORMAT,
            "network": self.network.sha256,
            "property": digest(self.specification),
            "seconds": self.seconds,
            "cases": [_entry(work) for work in self.work],
        }
        with replaced(named_as(path, "an undecided property, JSON", ".json")) as new:
            new.write_text(json.dumps(entry) + "\n", encoding="ascii")
        return Path(path)


def digest(specification: Specification) -> str:
    """A name for a specification: that of all its numbers."""
    return sha256(repr((specification.cases, specification.inputs, specification.outputs)).encode()).hexdigest()


def load(path: str | PathLike[str], net: Network, spec: Specification) -> tuple[tuple[Work, ...], float]:
    """What ``Verdict.save`` wrote: the work, and the seconds; an error if it is about something else."""
    opened(path).close()
    with reading(path, "an undecided property", "Write it again with Verdict.save."):
        entry = json.loads(content_of(path, _LARGEST))
        if entry["format"] != _FORMAT:
            raise FileFormatError(f"its format is {entry['format']!r:.80}")
        names = str(entry["network"]), str(entry["property"])
        work = tuple(_work(part) for part in entry["cases"])
        seconds = float(entry["seconds"])
    for what, name, own in zip(("network", "property"), names, (net.sha256, digest(spec)), strict=True):
        if name != own:
            raise ArgumentError(f"resume: {path} is about another {what}. Give the one with which it was written.")
    return work, seconds


def _entry(work: Work) -> dict[str, Any]:
    boxes = [[[float(a).hex() for a in corner] for corner in box] for box in work.remaining]
    counts = {"regions": work.regions, "dropped": work.dropped, "boxes": work.boxes, "searched": work.searched}
    return {**counts, "least": work.least, "remaining": boxes}


def _work(entry: dict[str, Any]) -> Work:
    boxes = [tuple(np.array([float.fromhex(a) for a in corner]) for corner in box) for box in entry["remaining"]]
    regions, dropped, done = (int(entry[name]) for name in ("regions", "dropped", "boxes"))
    searched, least = bool(entry["searched"]), float(entry.get("least", Work.least))  # not in files before 2026-11-30
    if not 0 < least < float("inf"):
        raise FileFormatError(f"the seconds of a box must be a positive number, got {least}")
    return Work([(low, high) for low, high in boxes], regions, dropped, done, searched, least=least)
