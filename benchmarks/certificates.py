"""What certificates cost: CPU seconds to make one and to check it with and without python-flint, and megabytes.

    python benchmarks/certificates.py [NAME ...] [--growth] [--spaces] [--pure] [--vertices exact]

NAME is a reference network, vgg-16 among them. --vertices: exact or named, by default the library's choice. --growth:
small networks of growing width and depth instead; --spaces: networks on whole boxes of one, three, four and five
dimensions. --pure: check without python-flint too. Making includes the partition; the checker runs as its users run it,
as a process of its own.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import click
import numpy as np
from networks import Reference, available, reference
from rich.console import Console
from rich.table import Table

import cpwl
from cpwl import checker
from cpwl.network import Network

GROWTH = [(8, 2), (16, 2), (32, 2), (64, 2), (128, 2), (24, 1), (24, 2), (24, 3), (24, 4), (24, 5), (24, 6), (24, 8)]
"""Width and number of hidden layers."""
GROWTH_SIZES = [[2, *[width] * depth, 1] for width, depth in GROWTH]
Form = Literal["exact", "named"] | None
SPACES = [[1, 64, 64, 64, 1], [3, 16, 16, 16, 1], [4, 12, 12, 1], [5, 6, 4, 1]]
"""The numbers of entries from the input to the output."""


@click.command(help=__doc__)
@click.argument("names", nargs=-1, type=click.Choice(available()))
@click.option("--growth", is_flag=True)
@click.option("--spaces", is_flag=True)
@click.option("--pure", is_flag=True)
@click.option("--vertices", type=click.Choice(["exact", "named"]))
def main(names: tuple[str, ...], growth: bool, spaces: bool, pure: bool, vertices: Form) -> None:
    columns = [
        "network",
        "regions",
        "digits",
        "make s",
        "check s",
        *(["check s, pure"] if pure else []),
        "MB",
        "ms a region",
    ]
    table = Table(*columns)
    wanted = (
        _random(GROWTH_SIZES if growth else SPACES)
        if growth or spaces
        else map(reference, names or ("mlp-32x3", "mlp-784", "mlp-64x4"))
    )
    cpwl.certify(cpwl.partition(reference("mlp-16x2").network, reference("mlp-16x2").domain))  # loads torch
    with tempfile.TemporaryDirectory() as folder:
        for network in wanted:
            table.add_row(*_row(network, Path(folder) / "certificate.json", pure, vertices))
    Console(width=120).print(table)


def _random(networks: list[list[int]]) -> Iterator[Reference]:
    for sizes in networks:
        rng = np.random.default_rng(sizes[1] * (len(sizes) - 2))
        weights = [rng.standard_normal((n, m)) * np.sqrt(2 / m) for m, n in pairwise(sizes)]
        network = Network.mlp(weights, [rng.standard_normal(n) * 0.1 for n in sizes[1:]])
        box = cpwl.Domain.box([-1] * sizes[0], [1] * sizes[0])
        yield Reference("-".join(map(str, sizes)), network, box)


def _row(wanted: Reference, path: Path, pure: bool, vertices: Form) -> list[str]:
    start = time.process_time()
    certificate = cpwl.certify(cpwl.partition(wanted.network, wanted.domain), vertices=vertices)
    networks = path.parent / wanted.name
    certificate.save(path, networks=networks)
    made = time.process_time() - start
    digits = "named" if certificate.vertices == "named" else str(_digits(certificate.listing.points))
    files = [path, *networks.iterdir()]
    checked = [seconds_to_check(files, *options) for options in ([], ["--no-flint"])[: 1 + pure]]
    each = 1000 * (made + checked[0]) / certificate.regions
    numbers = [f"{seconds:.2f}" for seconds in (made, *checked)]
    return [
        wanted.name,
        f"{certificate.regions:,}",
        digits,
        *numbers,
        f"{sum(file.stat().st_size for file in files) / 1e6:.1f}",
        f"{each:.2f}",
    ]


def _digits(points: Iterable[Iterable[Any]]) -> int:
    return max(len(str(x)) for point in points for x in point)


def seconds_to_check(files: list[Path], *options: str) -> float:
    """CPU seconds of the checker, as a process of its own, for a certificate and the networks that it names."""
    start = _children()
    subprocess.run([sys.executable, "-I", checker.__file__, *options, *files], check=True, stdout=subprocess.DEVNULL)
    return _children() - start


def _children() -> float:
    """CPU seconds of all processes that have been started and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
