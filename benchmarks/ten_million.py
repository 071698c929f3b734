"""Counts and measures more than ten million regions without holding them: time, and the most memory that it took.

    python benchmarks/ten_million.py [--channels 16] [--length 100]

A convolutional network (three layers of ``channels`` channels on signals of ``length`` samples, random weights) on a
plane through three random signals, by ``partition_blocks`` and ``statistics_of_blocks``. 4 channels and 40 samples take
a second, the default a quarter of an hour.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click
import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # this checkout is measured, whatever is installed

from timing import cost, peak_memory
from torch import nn

import cpwl
from cpwl.statistics.statistics import statistics_of_blocks


def problem(channels: int, length: int) -> tuple[cpwl.Network, cpwl.Domain]:
    """The network and the plane."""
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for inputs in (1, channels, channels):
        convolution = nn.Conv1d(inputs, channels, 5, padding=2)
        nn.init.kaiming_normal_(convolution.weight)
        nn.init.normal_(convolution.bias, std=0.1)
        layers += [convolution, nn.ReLU()]
    model = nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels * length, 1)).double().eval()
    network = cpwl.compile(model, example_input=torch.zeros(1, 1, length, dtype=torch.float64))
    signals = np.random.default_rng(0).standard_normal((3, 1, length))
    return network, cpwl.Domain.through(*signals, margin=10.0)


@click.command(help=__doc__)
@click.option("--channels", default=16, show_default=True)
@click.option("--length", default=100, show_default=True)
def main(channels: int, length: int) -> None:
    torch.set_num_threads(1)
    network, domain = problem(channels, length)
    before = peak_memory()
    found = []
    spent = cost(lambda: found.append(statistics_of_blocks(cpwl.partition_blocks(network, domain))))
    for name, value in found[0].summary.items():
        click.echo(f"{name}: {value:,}")
    click.echo(f"{spent.cpu:.1f} s of CPU, {spent.wall:.1f} s")
    click.echo(f"{before / 1e6:.0f} MB before, {peak_memory() / 1e6:.0f} MB at most")


if __name__ == "__main__":
    main()
