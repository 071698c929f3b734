"""The regions of small image classifiers: an MLP and a CNN on MNIST and Fashion-MNIST, as in the SplineCam paper.

The plane goes through three test images: the closest two of different classes, and the neighbour of the first of them.

Run:  python examples/30_regions_of_classifiers.py [folder] [--data FOLDER] [--small]
"""

from itertools import pairwise
from time import perf_counter

import pandas
import torch
from matplotlib.figure import Figure
from tools.images import accuracy, arguments, closest, load, names, train
from torch import nn

import cpwl

options = arguments(__doc__)


def classifier(kind, side):
    torch.manual_seed(0)
    widths = [side**2, 50, 50, 50] if kind == "MLP" else [side**2, 50]  # of the CNN: 16 maps of a quarter of the side
    convolutions = [nn.Conv2d(1, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 16, 3, 2, 1), nn.ReLU()]
    dense = [layer for a, b in pairwise(widths) for layer in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*(convolutions if kind == "CNN" else []), nn.Flatten(), *dense, nn.Linear(50, 10))


rows, found = [], {}
for name in names(options):
    known, test = load(name, options.data).parted(400 if name == "digits" else 2000)
    three = closest(test)
    points, labels = test.x[three].double().numpy(), [str(label) for label in test.y[three].tolist()]
    for kind in ("MLP", "CNN"):
        model = train(classifier(kind, test.side), known, 2 if options.small else 10)
        net, domain, start = cpwl.compile(model, test.x[:1]), cpwl.Domain.through(*points), perf_counter()
        part = cpwl.partition(net, domain)
        seconds, about = perf_counter() - start, part.statistics().summary
        about = {measure: about[measure] for measure in ("regions", "ARV", "ANV", "ARE", "mean slope")}
        rows.append({"data": name, "network": kind, "accuracy": accuracy(model, test), **about, "seconds": seconds})
        found[f"{name}, {kind}"] = part.decision_boundary(), points, labels
print(pandas.DataFrame(rows).set_index(["data", "network"]).to_string(float_format="{:.4g}".format))

drawn = Figure(figsize=(12, 2.5 * len(found)), layout="constrained")
shown = Figure(figsize=(11, 1.4 * len(found)), layout="constrained")
panels, cells = drawn.subplots(len(found) // 2, 2, squeeze=False), shown.subplots(len(found), 10)
for (title, (boundary, points, labels)), panel, line in zip(found.items(), panels.flat, cells, strict=True):
    part, (u, segments) = boundary.partition, boundary.sample_slice(7, seed=0)
    part.plot(panel, color="class", boundary=boundary, points=part.to_slice(points), labels=labels).set_title(title)
    pairs = [f"{i} = {j}" for i, j in boundary.pairs[segments].tolist()]
    for cell, image, text in zip(line, [*points, *part.to_input(u)], [*labels, *pairs], strict=True):
        cell.imshow(image[0], cmap="gray_r", vmin=0, vmax=1)
        cell.set(title=text, xticks=[], yticks=[])
    line[0].set_ylabel(title.replace(", ", "\n"))
drawn.savefig(options.folder / "regions_of_classifiers.png", dpi=56)
shown.savefig(options.folder / "boundary_samples.png", dpi=70)
