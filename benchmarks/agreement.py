"""Exact predicates in float64 against the exact backend, on random networks of degenerate families or on real images.

    python benchmarks/agreement.py [--seed 0] [--count 10000] [--images | --dim D]

For each network the two partitions must have the same regions (by pattern), the same vertices (by the regions around
them, each within its error bound of the exact one) and the same decision boundaries and level sets. Prints every
disagreement with the seed of its network, and from time to time the counts; the exit code is 1 if there was one.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # this checkout is measured, whatever is installed

from cpwl.errors import CpwlError
from tests.support.agreement import disagreements
from tests.support.families import Case, case, solid
from tests.support.image_planes import plane, sets

REPORT = 100
"""Networks between two reports."""


@click.command()
@click.option("--seed", default=0, help="The number of the first network.")
@click.option("--count", default=10_000, help="How many networks.")
@click.option("--dim", default=2, help="Of the domains.")
@click.option("--images", is_flag=True, help="Planes through real images: digits, and those in shared/data.")
def main(seed: int, count: int, dim: int, images: bool) -> None:
    """Compares the two on ``count`` networks."""
    results: Counter[str] = Counter()
    begin = time.process_time()
    for done in range(count):
        results[outcome(seed + done, dim, images)] += 1
        if (done + 1) % REPORT == 0 or done + 1 == count:
            words = ", ".join(f"{n} {word}" for word, n in results.items())
            click.echo(f"{done + 1} networks from seed {seed}: {words}; {time.process_time() - begin:.0f} s of CPU")
    sys.exit(int(set(results) != {"agree"}))


def outcome(number: int, dim: int, images: bool) -> str:
    """In one word how the network of that number went."""
    name = f"seed {number}"
    try:
        chosen = _case(number, dim, images)
        name, found = chosen.name, disagreements(chosen.network, chosen.domain)
    except CpwlError as error:
        found = [f"{type(error).__name__}: {error}"]
    for text in found:
        click.echo(f"{name}: {text}")
    return "differ" if found else "agree"


def _case(number: int, dim: int, images: bool) -> Case:
    if images:
        return plane(number, tuple(sets()))
    return case(number) if dim == 2 else solid(number, dim)


if __name__ == "__main__":
    main()
