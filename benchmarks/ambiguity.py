"""Whether ``predicates="float"`` lists all that it may have got wrong, on thousands of small degenerate networks.

    python benchmarks/ambiguity.py [--seed 0] [--count 10000]

Against the exact backend: every region that is not listed in ``ambiguous`` has to be one of the network's, and no
region of the network may be missing outside of those that are. Prints every failure with its network; the exit code is
1 if there was one.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # this checkout is measured, whatever is installed

from cpwl.errors import CpwlError
from tests.support.ambiguity import any_case, unlisted

REPORT = 1000
"""Networks between two reports."""


@click.command()
@click.option("--seed", default=0, help="The number of the first network.")
@click.option("--count", default=10_000, help="How many networks.")
def main(seed: int, count: int) -> None:
    """Looks at ``count`` networks."""
    results: Counter[str] = Counter()
    begin = time.process_time()
    for done in range(count):
        chosen = any_case(seed + done)
        try:
            found = unlisted(chosen.network, chosen.domain)
        except CpwlError as error:
            found = [f"{type(error).__name__}: {error}"]
        for text in found:
            click.echo(f"{chosen.name}: {text}")
        results["wrong" if found else "right"] += 1
        if (done + 1) % REPORT == 0 or done + 1 == count:
            words = ", ".join(f"{n} {word}" for word, n in results.items())
            click.echo(f"{done + 1} networks from seed {seed}: {words}; {time.process_time() - begin:.0f} s of CPU")
    sys.exit(int("wrong" in results))


if __name__ == "__main__":
    main()
