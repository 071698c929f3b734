"""What the checker counts, against the CPU seconds that it takes, on good certificates and on hostile files.

    python benchmarks/checker_work.py [NAME ...] [--hostile]

NAME is a reference network, or a slice of ``deep_slices.py``, whose certificate is made here. --hostile: short files
that are made to keep the checker busy, under its limits by default. The columns: how the check ends, CPU seconds, work
in millions, nanoseconds for a unit of it, megabytes that are counted, and what share of both limits that is.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import click
from deep_slices import SLICES, there
from networks import available, reference
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # this checkout is measured, whatever is installed

import cpwl
from cpwl import checker
from tests.support.hostile_files import KINDS, hostile

Files = tuple[str, list[bytes]]
"""A name, and a certificate before the networks that it names."""
DEFAULT = ("mlp-16x2", "mlp-32x3", "mlp-784", "mlp-64x4")


@click.command(help=__doc__)
@click.argument("names", nargs=-1, type=click.Choice(sorted({*available(), *filter(there, SLICES)})))
@click.option("--hostile", "bad", is_flag=True)
def main(names: tuple[str, ...], bad: bool) -> None:
    table = Table("file", "ends", "CPU s", "work, millions", "ns a unit", "MB", "of the work", "of the memory")
    wanted = names or (() if bad else DEFAULT)
    for name, files in (*good(wanted), *((name, [hostile(name)]) for name in (KINDS if bad else ()))):
        table.add_row(name, *measured(files))
    Console(width=120).print(table)


def good(names: tuple[str, ...]) -> Iterator[Files]:
    """Certificates, with coordinates where they are short, and with names."""
    for name in names:
        known = None if name in SLICES else reference(name)
        network, domain = SLICES[name]() if known is None else (known.network, known.domain)
        part = cpwl.partition(network, domain)
        for vertices in ("named",) if name in SLICES and name != "mlp-16x2" else ("exact", "named"):
            yield f"{name}, {vertices}", written(cpwl.certify(part, vertices=vertices))


def written(claim: cpwl.Claim) -> list[bytes]:
    """The files of a claim, as small as they are written."""
    with tempfile.TemporaryDirectory() as folder:
        path, networks = Path(folder) / "certificate.json.gz", Path(folder) / "networks"
        claim.save(path, networks=networks)
        return [file.read_bytes() for file in (path, *networks.iterdir())]


def measured(files: list[bytes]) -> list[str]:
    """A row of the table."""
    work, start = checker.Work.by_default(sum(map(len, files))), time.process_time()
    try:
        with checker.uncollected():
            networks = [checker.parsed("a network", data, work, checker.MAX_FLOAT_BYTES) for data in files[1:]]
            checker.decided(checker.parsed("the certificate", files[0], work), networks, work)
        ends = "accepted"
    except (checker.Rejected, checker.Refused) as error:
        ends = type(error).__name__.lower()
    seconds = time.process_time() - start
    assert work.most is not None and work.room is not None
    shares = (f"{done / most:.3f}" for done, most in ((work.done, work.most), (work.peak, work.room)))
    numbers = f"{work.done / 1e6:.1f}", f"{1e9 * seconds / work.done:.1f}", f"{work.peak / 1e6:.0f}"
    return [ends, f"{seconds:.2f}", *numbers, *shares]


if __name__ == "__main__":
    main()
