"""How much sooner a partition is done by a pool of processes than by one thread.

In turns: the partition on one thread; the same with the pool, whose workers are started and know the network; and as
many whole partitions as there are workers, at once, which have nothing to do with each other: what cores that share
memory and a clock allow. Wall seconds and how much sooner, per turn and the median.
"""

from __future__ import annotations

import statistics
from concurrent.futures import Executor, ProcessPoolExecutor
from multiprocessing import get_context

import click
import torch
from networks import available, reference
from timing import cost

import cpwl


def _regions(name: str, executor: Executor | None = None) -> int:
    wanted = reference(name)
    return len(cpwl.partition(wanted.network, wanted.domain, executor=executor))


def _alone(name: str) -> int:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _regions(name)
    finally:
        torch.set_num_threads(threads)


def _apart(name: str, pool: Executor, workers: int) -> None:
    counts = set(pool.map(_alone, [name] * workers))
    assert len(counts) == 1, counts


@click.command(help=__doc__)
@click.argument("name", type=click.Choice(available()), default="sdf-256x6")
@click.option("--workers", default=2, help="Processes of the pool.")
@click.option("--turns", default=7, help="How often each is measured.")
def main(name: str, workers: int, turns: int) -> None:
    """See the text above."""
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        runs = (
            lambda: _alone(name),
            lambda: _regions(name, pool),
            lambda: _apart(name, pool, workers),
        )
        for run in runs:
            run()
        click.echo(f"{'alone':>7} {'pool':>7} {'sooner':>7} {'possible':>9}   wall seconds, {workers} workers, {name}")
        sooner, possible = [], []
        for _ in range(turns):
            alone, together, apart = (cost(run).wall for run in runs)
            sooner.append(alone / together)
            possible.append(workers * alone / apart)
            click.echo(f"{alone:7.2f} {together:7.2f} {sooner[-1]:7.2f} {possible[-1]:9.2f}")
    click.echo(f"median {statistics.median(sooner):.2f} times as fast; {statistics.median(possible):.2f} possible")


if __name__ == "__main__":
    main()
