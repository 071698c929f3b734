"""An image as a network of its coordinates, with and without a piecewise-linear positional encoding.

Both networks learn a photograph of scikit-learn, 64 x 64 grey values. With waves before its first layer a network gets
more of the detail; the partitions, the whole and a close-up, show where from.

Run:  python examples/12_implicit_image.py [folder] [--small]
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from sklearn.datasets import load_sample_image
from torch import nn

import cpwl
from cpwl.nn import PositionalEncoding

parser = argparse.ArgumentParser()
parser.add_argument("folder", nargs="?", default=".", type=Path)
parser.add_argument("--small", action="store_true", help="a few steps only")
arguments = parser.parse_args()
torch.set_num_threads(1)  # such small products gain nothing from more
torch.manual_seed(0)

photo = load_sample_image("flower.jpg")[40:424, 130:514].mean(axis=2) / 255
image, grid = photo.reshape(64, 6, 64, 6).mean(axis=(1, 3)), (np.arange(64) + 0.5) / 64
points = np.stack(np.meshgrid(grid, 1 - grid), axis=-1).reshape(-1, 2)  # x to the right, y upwards, in [0, 1]
x, y = (torch.tensor(values, dtype=torch.float32) for values in (points, image.reshape(-1, 1)))
waves = PositionalEncoding(2, [1.0] if arguments.small else [1.0, 2.0, 4.0])

figure = Figure(figsize=(12, 8), layout="constrained")
for row, (name, first) in enumerate(
    {"plain": [nn.Linear(2, 32)], "encoded": [waves, nn.Linear(waves.outputs, 32)]}.items()
):
    model = nn.Sequential(
        *first, nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1)
    )
    steps, optimizer = 40 if arguments.small else 1500, torch.optim.Adam(model.parameters(), lr=5e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for batch in (torch.randint(len(x), (1024,)) for _ in range(steps)):
        loss = ((model(x[batch]) - y[batch]) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    net = cpwl.compile(model.eval(), torch.zeros(1, 2))
    learnt = cpwl.evaluate(net, points).reshape(64, 64)
    part = cpwl.partition(net, cpwl.Domain.box([0, 0], [1, 1]))
    near = cpwl.partition(net, cpwl.Domain.box([0.45, 0.45], [0.6, 0.6]))
    decibels = -10 * np.log10(((learnt - image) ** 2).mean())
    print(f"{name:8} PSNR {decibels:.1f} dB, {len(part):6,} regions, {len(near):5,} in the close-up")
    axes = figure.add_subplot(2, 3, 3 * row + 1, title=f"{name}: PSNR {decibels:.1f} dB", xticks=[], yticks=[])
    axes.imshow(learnt, cmap="gray", vmin=0, vmax=1)
    for column, found in enumerate((part, near), start=2):
        found.plot(figure.add_subplot(2, 3, 3 * row + column, title=f"{len(found):,} regions"))
figure.savefig(arguments.folder / "implicit_image.png", dpi=68)
