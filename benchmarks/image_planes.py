"""Planes through three real images, for networks with and without pools, trained and not: two tables.

    python benchmarks/image_planes.py [SET ...] [--out FILE] [--page ../docs/performance.md]

For each set of images (scikit-learn's digits, and MNIST, Fashion-MNIST and CIFAR-10 where ../shared/data has them) and
each network: the regions of the plane through three test images, CPU seconds of one thread, and the decisions: how many
signs float64 alone is sure of, how many it leaves open, and what settles those. Small squares of the same planes are
compared with the exact backend: regions, vertices, boundaries. Writes the tables into a page, between the comments that
stand there for them.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from unittest.mock import patch

import click
import numpy as np
import torch
from image_networks import POOLS, SETS, Images, accuracy, cnn, there, trained
from machine import machine
from numpy.typing import NDArray
from rich import box
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # this checkout is measured, whatever is installed

import cpwl
from cpwl.backends.torch import arrangement
from cpwl.backends.torch.refinement.refine import Refined, Task
from cpwl.geometry.ladder import Counts
from cpwl.network import Network
from tests.support.agreement import disagreements

EPOCHS = {"digits": 30, "mnist": 4, "fashion-mnist": 4, "cifar10": 60}
KNOWN = {"digits": 1400, "mnist": 8000, "fashion-mnist": 8000, "cifar10": 80}
"""Images to train with; the others are the test images."""
MARGIN = 0.3
COMPARED = 150
"""Regions, at most, of a square that is compared with the exact backend."""
SIZES = 11
"""Squares get as small as 2^-10 of the plane; one that has more regions even then is not compared."""


@dataclass
class Watch:
    """What refinements decided."""

    signs: int = 0
    """Signs of functions at vertices that float64 could be asked for."""
    flagged: int = 0
    """Those of them that are noted to be zero, without arithmetic."""
    counts: Counts = field(default_factory=Counts)

    def note(self, task: Task) -> None:
        """Adds one refinement, which is done."""
        assert task.decider is not None
        self.signs += task.field.rows * len(task.function)
        self.flagged += 0 if task.field.zeros is None else int(task.field.zeros.sum())
        self.counts.update(task.decider.counts)


@contextmanager
def watched() -> Iterator[Watch]:
    """The decisions of all refinements until its end."""
    watch, refine = Watch(), arrangement.refine

    def noting(old: Any, task: Task) -> Refined:
        refined = refine(old, task)
        watch.note(task)
        return refined

    with patch.object(arrangement, "refine", noting):
        yield watch


@click.command(help=__doc__)
@click.argument("names", nargs=-1, type=click.Choice(list(SETS)))
@click.option("--out", type=click.Path(path_type=Path), help="Where the results go, as JSON.")
@click.option("--page", type=click.Path(path_type=Path, exists=True), help="The page that gets the table.")
@click.option("--results", type=click.Path(path_type=Path, exists=True), help="Earlier results: measures nothing.")
def main(names: tuple[str, ...], out: Path | None, page: Path | None, results: Path | None) -> None:
    if results is None:
        torch.set_num_threads(1)
        found = {"when": datetime.now(timezone.utc).isoformat(timespec="minutes"), "machine": machine(), "rows": []}
        for row in _rows(names or tuple(SETS)):
            found["rows"].append(row)
            if out is not None:
                out.write_text(json.dumps(found, indent=1) + "\n")
    else:
        found = json.loads(results.read_text())
    Console(width=200).print(*(table(found["rows"], columns) for columns in TABLES.values()))
    if page is not None:
        write(page, found["rows"])


def _rows(names: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    for name in names:
        if not there(name):
            Console(stderr=True).print(f"{name}: left out, ../shared/data/{name} is absent")
            continue
        data = SETS[name]()
        for pool in POOLS:
            for epochs in (0, EPOCHS[name]):
                yield _measured(name, data, pool, epochs)


def _measured(name: str, data: Images, pool: str, epochs: int) -> dict[str, Any]:
    """One row: the plane through an image each of the classes 3, 5 and 8 that were not trained with."""
    torch.manual_seed(0)
    known = KNOWN[name]
    model = trained(cnn(data.x.shape[1:], pool), data, epochs, known)
    points = Images(data.x[known:], data.y[known:]).of_classes((3, 5, 8), 0)
    net = cpwl.compile(model, points[:1])
    domain = cpwl.Domain.through(*points, margin=MARGIN)
    with watched() as watch:
        start = time.process_time()
        part = cpwl.partition(net, domain)
        seconds = time.process_time() - start
    row = {"set": name, "pool": pool, "trained": epochs > 0, "accuracy": accuracy(model, data, known)}
    row |= {"regions": len(part), "ambiguous": len(part.ambiguous), "seconds": seconds, **_decisions(watch)}
    row |= _compared(net, points)
    Console(stderr=True).print(row)
    return row


def _decisions(watch: Watch) -> dict[str, Any]:
    asked = [{"question": q, "rung": rung, "number": number} for (q, rung), number in watch.counts.items() if number]
    return {"signs": watch.signs, "flagged": watch.flagged, "asked": asked}


def _compared(net: Network, points: NDArray[np.float64]) -> dict[str, Any]:
    """How many regions of small squares the exact backend has been asked about, and what it found to be otherwise.

    About the middle of the plane, the middle of two images, and an image.
    """
    regions, found = 0, []
    for centre in (points.mean(axis=0), points[:2].mean(axis=0), points[0]):
        domain, count = _small(net, points, centre)
        if count <= COMPARED:
            regions += count
            found += disagreements(net, domain)
    return {"compared": regions, "disagreements": found}


def _small(net: Network, points: NDArray[np.float64], centre: NDArray[np.float64]) -> tuple[cpwl.Domain, int]:
    """The plane near a point of it, so small that there are few regions, and how many there are.

    At the least size there are those that meet in the point itself: hundreds in an image that has a background.
    """
    for size in range(2, SIZES):
        domain = cpwl.Domain.through(*(centre + 2.0**-size * (points - centre)), margin=MARGIN)
        part = cpwl.partition(net, domain, max_regions=10 * COMPARED)
        if part.complete and len(part) <= COMPARED:
            break
    return domain, len(part) if part.complete else 10 * COMPARED


# ---- the tables ----------------------------------------------------------------------------------------------------
Columns = dict[str, Callable[[dict[str, Any]], object]]
NETWORK: Columns = {
    "images": lambda row: row["set"],
    "pools": lambda row: row["pool"],
    "trained": lambda row: f"{row['accuracy']:.0%} right" if row["trained"] else "no",
}
TABLES: dict[str, Columns] = {
    "costs": NETWORK
    | {
        "regions": lambda row: f"{row['regions']:,}",
        "CPU s": lambda row: f"{row['seconds']:.3g}",
        "us a region": lambda row: f"{row['seconds'] / row['regions'] * 1e6:.0f}",
        "compared with the exact backend": lambda row: f"{row['compared']} regions",
        "differences": lambda row: len(row["disagreements"]),
    },
    "decisions": NETWORK
    | {
        "signs": lambda row: _short(row["signs"]),
        "zero by structure": lambda row: _short(row["flagged"]),
        "asked: signs": lambda row: f"{_asked(row, question='sign'):,}",
        "of cuts": lambda row: f"{_asked(row, question='cut'):,}",
        "orders": lambda row: f"{_asked(row, question='order'):,}",
        "places": lambda row: f"{_asked(row, question='place'):,}",
        "settled: by name": lambda row: f"{_asked(row, rung='name'):,}",
        "long numbers": lambda row: f"{_asked(row, rung='long number'):,}",
        "integers": lambda row: f"{_asked(row, rung='integer'):,}",
    },
}


def table(rows: list[dict[str, Any]], columns: Columns) -> Table:
    """The rows as a table in Markdown."""
    made = Table(*columns, box=box.MARKDOWN)
    for row in rows:
        made.add_row(*(str(text(row)) for text in columns.values()))
    return made


def write(page: Path, rows: list[dict[str, Any]]) -> None:
    """Puts the tables into a page, each in place of the one before."""
    text = page.read_text(encoding="utf-8")
    for name, columns in TABLES.items():
        begin, end = f"<!-- {name}: benchmarks/image_planes.py -->", f"<!-- end of {name} -->"
        before, _, rest = text.partition(begin)
        _, found, after = rest.partition(end)
        if not found:
            raise click.ClickException(f"{page} has no place for a table: {begin} and, later, {end}")
        console = Console(width=400)
        with console.capture() as capture:
            console.print(table(rows, columns))
        lines = [line.rstrip() for line in capture.get().strip().splitlines()]
        text = "\n".join([before + begin, "", *lines, "", end]) + after
    page.write_text(text, encoding="utf-8")


def _asked(row: dict[str, Any], **wanted: str) -> int:
    """The number of decisions of a kind that float64 left open."""
    return sum(part["number"] for part in row["asked"] if all(part[key] == value for key, value in wanted.items()))


def _short(number: int) -> str:
    """In three digits."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g}{letter}"
    return str(number)


if __name__ == "__main__":
    main()
