"""Fails when small partitions have become much slower, in multiples of a fixed workload computed in turns with them.

    python benchmarks/check.py

Seconds say nothing about a machine that is not known; the floor, which is one call of BLAS on networks this small, says
little about the sorting and gathering that a partition is. So the yardstick is sorting and gathering of the same sizes
with the same library. The least of many runs is compared: what else the machine does can only add to it.
"""

from __future__ import annotations

import sys

import click
import torch
from measure import partitioning
from networks import REGIONS, reference
from timing import in_turns

LIMITS = {"shallow-100": 0.36, "mlp-32x3": 0.65, "mlp-784": 0.8}
"""The most that a partition may cost, in yardsticks: one and a half times what it did when this was written."""
SECONDS = 2.0
"""For each network and attempt; a partition takes about 0.01."""
ATTEMPTS = 3


@click.command(help=__doc__)
def main() -> None:
    torch.set_num_threads(1)
    slow = [name for name, limit in LIMITS.items() if not fast_enough(name, limit)]
    if slow:
        click.echo(f"Slower than allowed: {', '.join(slow)}. Profile what changed; raise LIMITS only for a reason.")
    sys.exit(bool(slow))


def fast_enough(name: str, limit: float) -> bool:
    """Whether one of a few attempts stays below the limit."""
    for _ in range(ATTEMPTS):
        found = ratio(name)
        click.echo(f"{name}: {found:.2f} yardsticks, at most {limit:.2f}")
        if found <= limit:
            return True
    return False


def ratio(name: str) -> float:
    """The CPU time of a partition in multiples of the yardstick's; checks the number of regions."""
    run = partitioning(reference(name), "torch")
    regions = len(run())
    assert regions == REGIONS[name], f"{name} has {REGIONS[name]} regions, not {regions}"
    ours, theirs = in_turns([run, yardstick], 3, SECONDS)
    return min(c.cpu for c in ours) / min(c.cpu for c in theirs)


def yardstick() -> None:
    """Sorts, gathers and sums of some ten thousand numbers, in calls as short as those of a small partition."""
    keys = torch.arange(20_000) * 7919 % 20_011
    values = keys.to(torch.float64)
    for _ in range(20):
        order = torch.argsort(keys, stable=True)
        keys = (keys[order] * 31 + order) % 20_011
        values = values[order].cumsum(0).remainder(1000.0)
        chosen = (values > 500).nonzero()[:, 0]
        values = values.index_add(0, chosen, values[chosen])
        for _ in range(20):
            chosen = chosen[:200].flip(0) + 1


if __name__ == "__main__":
    main()
