"""A controller verified: two properties, one that holds everywhere in its box, one with an exact counterexample.

Run:  python examples/16_verify_a_property.py [folder] [--small] [--network FILE SPEC.vnnlib]

FILE: a controller, .onnx or .nnet, and a property of it. Without it a small one learns to turn away from an intruder at
(x, y) that flies in direction angle: 0 clear of conflict, 1 left, 2 right.
"""

import argparse
from pathlib import Path

import torch
from torch import nn

import cpwl

parser = argparse.ArgumentParser()
parser.add_argument("folder", nargs="?", default=".", type=Path)
parser.add_argument("--small", action="store_true", help="a few steps of training, a small network")
parser.add_argument("--network", nargs=2, type=Path, metavar=("FILE", "SPEC"), help="a controller and a VNN-LIB file")
arguments = parser.parse_args()
torch.set_num_threads(1)

FAR = """; far away nothing but clear of conflict is advised
(declare-const X_0 Real) (declare-const X_1 Real) (declare-const X_2 Real)
(declare-const Y_0 Real) (declare-const Y_1 Real) (declare-const Y_2 Real)
(assert (and (>= X_0 0.9) (<= X_0 1.0) (>= X_1 0.8) (<= X_1 1.0) (>= X_2 -1.0) (<= X_2 1.0)))
(assert (or (>= Y_1 Y_0) (>= Y_2 Y_0)))
"""
NEVER_LEFT = FAR.replace("0.9", "-1.0").replace("0.8", "-1.0").replace("(or (>= Y_1 Y_0) (>= Y_2 Y_0))", "(>= Y_1 Y_2)")


def trained(width: int, steps: int) -> cpwl.Network:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(steps):
        x = 2 * torch.rand(512, 3) - 1
        advice = torch.where(x[:, :2].norm(dim=1) < 0.6, torch.where(x[:, 1] > 0, 2, 1), 0)
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), advice).backward()
        optimizer.step()
    return cpwl.compile(model.eval(), torch.zeros(1, 3))


if arguments.network:
    net, specs = cpwl.compile(arguments.network[0]), {"given": cpwl.Specification.read(arguments.network[1])}
else:
    net = trained(*((8, 400) if arguments.small else (24, 2000)))
    (arguments.folder / "far.vnnlib").write_text(FAR)
    specs = {
        "far": cpwl.Specification.read(arguments.folder / "far.vnnlib"),
        "left": cpwl.Specification.parse(NEVER_LEFT),
    }
for name, spec in specs.items():
    verdict = cpwl.verify(net, spec)
    print(f"{name}: {verdict.status}; {verdict.report()}")
    if verdict.counterexample is not None:
        print("  at", ", ".join(map(str, verdict.counterexample.x.ravel())))
