"""The whole job, once, on a real network: train on scanned digits, partition, verify exactly, sample, compare, draw."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..boundary.boundary import DecisionBoundary
from ..certification import Certificate, certify, certify_samples
from ..comparisons.partitions import compare
from ..compiler import compile
from ..errors import VerificationError
from ..geometry.domain import Domain
from ..partitions.compute import partition
from ..partitions.partition import Partition
from ..plots.regions import overview, spread
from ..statistics.statistics import statistics
from ..storage.files import replaced
from ..tiling.states import Progress
from .console import Reporter

if TYPE_CHECKING:
    from torch import Tensor, nn

WIDTHS = (64, 64, 64, 64, 10)
"""Inputs (8 x 8 pixels), units of the hidden layers, and classes."""

MARGIN = 3.0
"""The square reaches four times as far from the centroid as the images: far enough to meet several classes."""

_TEST_IMAGES = 400
_EPOCHS = 300
_LEARNING_RATE = 3e-3
_SAMPLES = 1000
_CERTIFIED = 20
_SHOWN = 10


@dataclass(frozen=True, eq=False)
class Digits:
    """Scanned digits, 8 x 8 pixels in [0, 1]: images (n, 64) and labels (n,), for training and for testing."""

    train: tuple[NDArray[np.float64], NDArray[np.int64]]
    test: tuple[NDArray[np.float64], NDArray[np.int64]]


def run(out: Path, *, seed: int = 0, report: Reporter | None = None) -> None:
    """Does the whole job, writes its files into ``out`` and prints a report; the same seed gives the same numbers."""
    report = Reporter() if report is None else report
    start = perf_counter()
    out.mkdir(parents=True, exist_ok=True)
    report.line("cpwl demo: the exact geometry of a small digit classifier\n", style="bold")
    digits = load_digits(seed)
    model = _trained(report, digits, seed)
    chosen = choose_images(digits.test, predictions(model, digits.test[0]))
    images, labels = digits.test[0][chosen], digits.test[1][chosen]
    part = _partition(report, model, images, out)
    boundary = _boundary(report, part)
    cert = _certified(report, part, out)
    u, segments = _samples(report, boundary, seed)
    _compared(report, boundary, cert, u, segments)
    _pictured(report, boundary, u, segments, (images, labels), out)
    _summed_up(report, part, cert, out)
    report.line(f"\nAll in {perf_counter() - start:.1f} s. Look at {out / 'picture.png'} first; then try")
    report.line(f"  cpwl plot {out / 'partition.npz'} --color slope --boundary --out slope.png")
    report.line(f"  cpwl view {out / 'partition.npz'} --boundary --samples 20 --out view.html")


# ---- data and training ---------------------------------------------------------------------------------------------
def load_digits(seed: int) -> Digits:
    """scikit-learn's bundled digits (1,797 scans), in an order drawn with the seed; the first 400 for testing."""
    from sklearn.datasets import load_digits as bundled

    data = bundled()
    order = np.random.default_rng(seed).permutation(len(data.target))
    images, labels = data.data[order] / 16, data.target[order].astype(np.int64)
    return Digits((images[_TEST_IMAGES:], labels[_TEST_IMAGES:]), (images[:_TEST_IMAGES], labels[:_TEST_IMAGES]))


def train(digits: Digits, seed: int, progress: Progress | None = None) -> nn.Sequential:
    """A ReLU classifier of the given ``WIDTHS``, float64, in eval mode; torch's global state is left as it was.

    On one thread: the products are small, and the result does not depend on the number of threads.
    """
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _train(digits, seed, progress)
    finally:
        torch.set_num_threads(threads)


def _train(digits: Digits, seed: int, progress: Progress | None) -> nn.Sequential:
    import torch
    from torch import nn

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layers = [nn.Linear(a, b, dtype=torch.float64) for a, b in pairwise(WIDTHS)]
    hidden = (part for layer in layers[:-1] for part in (layer, nn.ReLU()))
    model = nn.Sequential(*hidden, layers[-1])
    images, labels = (torch.from_numpy(part) for part in digits.train)
    optimiser = torch.optim.Adam(model.parameters(), lr=_LEARNING_RATE)
    for epoch in range(_EPOCHS):
        optimiser.zero_grad()
        loss: Tensor = nn.functional.cross_entropy(model(images), labels)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        if progress is not None:
            progress(epoch + 1, _EPOCHS, "epochs")
    model.eval()
    return model


def predictions(model: nn.Module, images: NDArray[np.float64]) -> NDArray[np.int64]:
    """The class that the model gives each image (n, 64), int64 (n,)."""
    import torch

    with torch.no_grad():
        return np.asarray(model(torch.from_numpy(images)).argmax(dim=1).numpy())


def choose_images(
    test: tuple[NDArray[np.float64], NDArray[np.int64]], predicted: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Indices of three test images, the SplineCam way, among those that the model gets right.

    The closest two of different classes, and the nearest neighbour of the first of them.
    """
    images, labels = test
    right = np.flatnonzero(predicted == labels)
    distance = np.linalg.norm(images[right, None] - images[None, right], axis=2)
    same = labels[right, None] == labels[None, right]
    first, second = np.unravel_index(np.where(same, np.inf, distance).argmin(), distance.shape)
    others = distance[first].copy()
    others[[first, second]] = np.inf
    return right[[first, second, others.argmin()]]


# ---- the steps -----------------------------------------------------------------------------------------------------
def _trained(report: Reporter, digits: Digits, seed: int) -> nn.Sequential:
    with report.step("train a classifier") as step:
        model = train(digits, seed, step.progress)
        right = (predictions(model, digits.test[0]) == digits.test[1]).mean()
        step.result = f"{'-'.join(map(str, WIDTHS))} ReLU network, {right:.1%} of the test images right"
    return model


def _partition(report: Reporter, model: nn.Sequential, images: NDArray[np.float64], out: Path) -> Partition:
    import torch

    with report.step("compile it") as step:
        program = torch.export.export(model, (torch.from_numpy(images),))
        with replaced(out / "model.pt2") as model_file, open(model_file, "wb") as file:
            torch.export.save(program, file)
        with replaced(out / "points.npy") as points_file, open(points_file, "wb") as file:
            np.save(file, images)
        net = compile(program)
        step.result = f"{net.units} units, checked against the model"
    with report.step("partition the plane of 3 images") as step:
        part = partition(net, Domain.through(images[0], images[1], images[2], margin=MARGIN), progress=step.progress)
        edges = len(part.facets().regions)
        step.result = f"{len(part):,} regions, {len(part.vertices):,} vertices, {edges:,} edges (float64)"
    part.save(out / "partition.npz")
    return part


def _boundary(report: Reporter, part: Partition) -> DecisionBoundary:
    with report.step("decision boundary") as step:
        boundary = part.decision_boundary()
        pairs = np.unique(boundary.pairs, axis=0)
        step.result = f"{len(boundary):,} segments between {len(pairs)} pairs of digits"
    return boundary


def _certified(report: Reporter, part: Partition, out: Path) -> Certificate:
    with report.step("verify in exact arithmetic") as step:
        cert = certify(part, progress=step.progress)
        step.result = f"{len(cert.repaired)} regions had to be repaired"
    cert.save(out / "certificate.json.gz")
    return cert


def _samples(report: Reporter, boundary: DecisionBoundary, seed: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    with report.step(f"{_SAMPLES:,} boundary samples, float") as step:
        u, segments = boundary.sample_slice(_SAMPLES, seed=seed)
        difference, bound = boundary.residuals(u, segments)
        step.result = f"largest |logit difference| {difference.max():.2g} (proven bound {bound.max():.2g})"
    with report.step(f"{_CERTIFIED} of them, certified exactly") as step:
        exact = certify_samples(boundary, _CERTIFIED, points=(u, segments))
        gaps = [abs(sample.logits[sample.pair[0]] - sample.logits[sample.pair[1]]) for sample in exact]
        step.result = f"largest |logit difference| exactly {max(gaps)}"
    return u, segments


def _compared(
    report: Reporter,
    boundary: DecisionBoundary,
    cert: Certificate,
    u: NDArray[np.float64],
    segments: NDArray[np.int64],
) -> None:
    with report.step("compare float with exact") as step:
        comparison = compare(boundary.partition, cert.partition, residuals=boundary.residuals(u, segments))
        step.result = (
            f"{len(comparison.missing)} regions missing, {len(comparison.extra)} extra, "
            f"vertices at most {comparison.displacements[-1]:.1g} apart"
        )


def _pictured(
    report: Reporter,
    boundary: DecisionBoundary,
    u: NDArray[np.float64],
    segments: NDArray[np.int64],
    shown: tuple[NDArray[np.float64], NDArray[np.int64]],
    out: Path,
) -> None:
    images, labels = shown
    part = boundary.partition
    chosen = spread(u, _SHOWN)
    with report.step("draw") as step:
        figure = overview(
            part,
            boundary,
            images=images.reshape(-1, 8, 8),
            captions=[f"test image of a {label}" for label in labels],
            samples=u[chosen],
            sample_captions=[f"{i} or {j}" for i, j in boundary.pairs[segments[chosen]]],
            title="A digit classifier on the plane through three test images",
            subtitle=f"{len(part):,} regions, on each of which the network is affine; the colour is the digit it reads",
        )
        for name in ("picture.png", "picture.svg"):
            with replaced(out / name) as new:
                figure.savefig(new, format=name[-3:])
        step.result = "picture.png, picture.svg"


def _summed_up(report: Reporter, part: Partition, cert: Certificate, out: Path) -> None:
    measures = statistics(part)
    measures.to_csv(out / "statistics.csv")
    report.line("\nThe regions", style="bold")
    report.numbers(
        {
            "regions, vertices, edges": f"{measures.regions:,}, {measures.vertices:,}, {measures.edges:,}",
            "ambiguous in float": int(measures.ambiguous.sum()),
            "ARV (average area)": measures.mean_area,
            "ANV (average number of vertices)": measures.mean_corners,
            "ARE (average eccentricity)": measures.mean_eccentricity,
        }
    )
    if not cert.verified or cert.area != part.domain.polytope.exact_volume:
        raise VerificationError("the partition could not be verified: a defect of the library, please report it.")
    report.line("\nThe proof", style="bold")
    report.line(f"  {cert.regions:,} of {cert.regions:,} regions verified exactly;")
    report.line(f"  areas sum to exactly {exact_number(cert.area)} = area of the domain")
    names = ("picture.png", "picture.svg", "partition.npz", "statistics.csv", "certificate.json.gz")
    report.line(f"\nIn {out}: {', '.join(names)}; model.pt2 and points.npy to start from.")


def exact_number(value: Fraction) -> str:
    """A rational in full when it is short, otherwise rounded, with the length of what it stands for."""
    text = str(value)
    return text if len(text) <= 24 else f"{float(value):.12g}... (a rational number of {len(text) - 1} digits)"
