"""Planes through test images of MNIST and Fashion-MNIST, as in the SplineCam papers, for a CNN with max-pools.

The regions and the decision boundary; points proved to lie on it; a proof that the regions of a small square are all.

Run:  python examples/32_mnist_planes.py [folder] [--data FOLDER] [--small]
"""

import numpy as np
import torch
from rich.progress import Progress
from tools.images import accuracy, arguments, first_right, load, names, train
from tools.progress import told
from torch import nn

import cpwl
from cpwl.plots.regions import overview, plot, spread

options = arguments(__doc__)
THREE = {"fashion-mnist": {5: "sandal (5)", 7: "sneaker (7)", 9: "ankle boot (9)"}}


def cnn(side):
    torch.manual_seed(0)
    first, width = (nn.Conv2d(1, 4, 3), 8) if side == 8 else (nn.Conv2d(1, 4, 5, stride=2), 32)
    pooled = [first, nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 8, 2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()]
    return nn.Sequential(*pooled, nn.Linear(width, 32), nn.ReLU(), nn.Linear(32, 10))


def draw(name, boundary, near, samples, images, captions):
    part, chosen = boundary.partition, [samples[k] for k in spread(np.array([x.u for x in samples], float), 10)]
    places, pairs = np.array([x.u for x in chosen], float), ["{} or {}".format(*x.pair) for x in chosen]
    shown = {"images": images[:, 0], "captions": captions, "samples": places, "sample_captions": pairs}
    text = f"{len(part):,} regions of a CNN with two max-pools; points 1 to 10 are proved to lie on the boundary"
    figure = overview(part, boundary, **shown, title=f"The plane through three test images of {name}", subtitle=text)
    square = figure.add_axes((0.81, 0.26, 0.17, 0.17))
    plot(near, square, color="pattern", boundary=near.decision_boundary()).get_legend().remove()
    square.set(xlabel=f"{len(near)} regions,\nproved to be all", ylabel="", xticks=[], yticks=[])
    corners = part.to_slice(near.to_input(near.domain.polytope.vertices))
    figure.axes[0].indicate_inset([*corners.min(axis=0), *np.ptp(corners, axis=0)], square, edgecolor="black")
    figure.savefig(options.folder / f"{name}_plane.png", dpi=64, bbox_inches="tight")


with Progress() as bar:
    for name in names(options):
        known, test = load(name, options.data).parted(400 if name == "digits" else 2000)
        model = train(cnn(test.side), known, 30 if name == "digits" else 8, progress=told(bar, f"{name}: training"))
        classes = THREE.get(name, {k: f"test image of a {k}" for k in (3, 5, 8)})
        images = first_right(model, test, classes)
        net, plane = cpwl.compile(model, test.x[:1]), cpwl.Domain.through(*images, margin=0.3)
        part = cpwl.partition(net, plane, progress=told(bar, f"{name}: regions"))
        boundary = part.decision_boundary()
        middle = boundary.nearest(part.to_slice(images).mean(axis=0)[None]).points[0]
        corners = part.to_input(middle + 0.015 * plane.polytope.vertices[:3])  # of a square of that share of the plane
        near = cpwl.partition(net, cpwl.Domain.through(*corners, margin=0))
        proof, samples = cpwl.certify(near, progress=told(bar, f"{name}: proof")), boundary.certify(40, seed=0)
        print(f"{name}: {accuracy(model, test):.1%} right", part, boundary, samples, proof, sep="\n  ")
        proof.save(options.folder / f"{name}_square.json.gz")
        samples.save(options.folder / f"{name}_samples.json.gz")
        draw(name, boundary, proof.partition, list(samples), images, classes.values())
