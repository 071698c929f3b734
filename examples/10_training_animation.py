"""Training animations: how regions and decision boundary move while a network learns to tell two shapes apart.

A disc against an annulus around it, and the exclusive or of two annuli that overlap.

Run:  python examples/10_training_animation.py [folder] [--small]     (an .mp4 as well, with the extra cpwl[video])
"""

import argparse
import importlib.util
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

import cpwl
from cpwl.analysis import Recorder

parser = argparse.ArgumentParser()
parser.add_argument("folder", nargs="?", default=".", type=Path)
parser.add_argument("--small", action="store_true", help="a few steps only")
arguments = parser.parse_args()
torch.set_num_threads(1)  # such small products gain nothing from more


def disc_and_annulus(x: Tensor) -> tuple[Tensor, Tensor]:
    radius = x.norm(dim=1)
    return (radius > 0.6).long(), (radius < 0.45) | ((radius > 0.6) & (radius < 0.95))  # class, and where data are


def xor_of_annuli(x: Tensor) -> tuple[Tensor, Tensor]:
    inside = [((x - torch.tensor([side, 0.0])).norm(dim=1) - 0.48).abs() < 0.15 for side in (-0.3, 0.3)]
    return (inside[0] ^ inside[1]).long(), torch.ones(len(x), dtype=torch.bool)


def train(name: str, shape, widths: tuple[int, ...], steps: int) -> None:
    torch.manual_seed(0)
    classes, known = shape(x := 2 * torch.rand(4000, 2) - 1)
    x, classes = x[known], classes[known]
    model = nn.Sequential(*[layer for a, b in pairwise(widths) for layer in (nn.Linear(a, b), nn.ReLU())][:-1])
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    moments = np.unique(np.geomspace(1, steps, 5 if arguments.small else 13).round()).tolist()
    with Recorder(model, cpwl.Domain.box([-1, -1], [1, 1]), at=moments) as recorder:
        for batch in (torch.randint(len(x), (256,)) for _ in range(steps)):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x[batch]), classes[batch])
            loss.backward()
            optimizer.step()
            recorder.step(loss=loss)
    recording, shown = recorder.recording, {"points": x[:100].numpy(), "classes": classes[:100].numpy()}
    print(f"{name}:\n{recording.table()[['loss', 'regions', 'ARV', 'ARE', 'boundary length']].iloc[[0, 1, -1]]}")
    for suffix in ("gif", "mp4") if importlib.util.find_spec("imageio_ffmpeg") else ("gif",):
        recording.animate(arguments.folder / f"{name}.{suffix}", **shown, width=360)
    recording.plot_curves().savefig(arguments.folder / f"{name}_curves.png", dpi=80)


train("disc_and_annulus", disc_and_annulus, (2, 16, 16, 2), 50 if arguments.small else 1000)
train("xor_of_annuli", xor_of_annuli, (2, 24, 24, 24, 2), 50 if arguments.small else 3000)
