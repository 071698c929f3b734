"""Slices of deep networks: what exact maps and proofs of all their regions cost, in CPU seconds of one thread.

    python benchmarks/deep_slices.py [SLICE ...] [--maps] [--proof] [--equal]

SLICE: see --help; of those of real networks the ones that are there where ../shared/data has them. --maps: what is
asked of a slice when it is there, one after the other in one process, so that each finds what those before have left.
--proof: a certificate with named vertices, made, written (its network to a file of its own), and checked by a process
of its own. --equal: the proof that the network equals itself with the channels of one convolution in another order, and
with these times powers of two.
Without any: the first two.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

import click
import numpy as np
from certificates import seconds_to_check
from networks import DATA, available, reference
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # this checkout is measured, whatever is installed

import cpwl
from cpwl.network import Network
from cpwl.regions.exact_maps import Forms

Slice = tuple[Network, cpwl.Domain]
HALFSPACES = 50
"""Regions of which halfspaces are asked for."""
SAMPLES = 100
MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


def between(points: NDArray[np.float64], share: float) -> cpwl.Domain:
    """The plane through three inputs, shrunk to a share of it around their mean."""
    middle = points.mean(axis=0)
    return cpwl.Domain.through(*(middle + share * (point - middle) for point in points), margin=0.1)


def cntk(share: float) -> Slice:
    """The digits of MNIST, a network of the ONNX zoo with two convolutions."""
    from tests.support.real_data import images

    network = cpwl.compile(DATA / "convnets" / "cntk_mnist_opt.onnx")
    return network, between(images("mnist", 3).reshape(3, *network.input_shape), share)


def resnet20(share: float) -> Slice:
    """CIFAR-10, with batch norms and shortcuts."""
    from tests.support.real_data import CifarResNet, cifar, with_state

    module = with_state(CifarResNet(3), DATA / "cifar-resnet" / "resnet20-12fca82f.th", "module.")
    x = (cifar(3) / 255 - MEAN.reshape(3, 1, 1)) / STD.reshape(3, 1, 1)
    return cpwl.compile(module, x[:1]), between(x, share)


def known(name: str) -> Slice:
    """A reference network."""
    wanted = reference(name)
    return wanted.network, wanted.domain


SLICES: dict[str, Callable[[], Slice]] = {
    "mlp-16x2": lambda: known("mlp-16x2"),
    "mlp-64x4": lambda: known("mlp-64x4"),
    "cntk-0.003": lambda: cntk(0.003),
    "cntk-0.02": lambda: cntk(0.02),
    "resnet-20-1e-4": lambda: resnet20(1e-4),
    "resnet-20-3e-4": lambda: resnet20(3e-4),
    "vgg-16": lambda: known("vgg-16"),
}
FOLDERS = {"cntk": "convnets", "resnet": "cifar-resnet"}
"""Of ``shared/data``, by how the name of a slice begins."""
CONVOLUTIONS = {"cntk": (1, 5), "resnet": (5, 9)}
"""Two, of which the second reads the channels of the first, by how the name of a slice begins."""
DEFAULT = ("cntk-0.02", "resnet-20-1e-4")


def there(name: str) -> bool:
    """Whether a slice can be had here."""
    folder = FOLDERS.get(name.split("-")[0])
    return (DATA / folder).exists() if folder else name in available()


@click.command(help=__doc__)
@click.argument("names", nargs=-1, type=click.Choice(list(filter(there, SLICES))))
@click.option("--maps", is_flag=True)
@click.option("--proof", is_flag=True)
@click.option("--equal", is_flag=True)
def main(names: tuple[str, ...], maps: bool, proof: bool, equal: bool) -> None:
    names = names or tuple(filter(there, DEFAULT))
    table = Table("slice", "what", "CPU s")
    for name in names:
        network, domain = SLICES[name]()
        own = costs(network, domain, maps or not (proof or equal), proof or not (maps or equal))
        for what, seconds in chain(own, proved_equal(name, network, domain) if equal else ()):
            table.add_row(name, what, f"{seconds:.2f}")
            print(f"{name}: {what}: {seconds:.2f}", file=sys.stderr, flush=True)
    Console(width=100).print(table)


def costs(network: Network, domain: cpwl.Domain, maps: bool, proof: bool) -> Iterator[tuple[str, float]]:
    """What is asked of a slice, and what it costs."""
    start = time.process_time()
    part = cpwl.partition(network, domain)
    yield f"partition, {len(part):,} regions", time.process_time() - start
    for what, ask in questions(part) if maps else ():
        start = time.process_time()
        ask()
        yield what, time.process_time() - start
    if proof:
        yield from proved(part)


def questions(part: cpwl.Partition) -> Iterator[tuple[str, Callable[[], object]]]:
    """What is asked of a partition."""
    regions = range(len(part))
    level = float(np.median(np.asarray(part.outputs.to_numpy(), np.float64)[:, 0]))
    boundary = part.head(np.eye(part.network.outputs)[0]).decision_boundary
    yield "exact_map of one region", lambda: part.region(0).exact_map
    yield "exact maps of all regions at once", lambda: Forms(part).maps(np.arange(len(part)))
    yield "exact maps one by one", lambda: [part.region(i).exact_map for i in regions]
    yield f"halfspaces of {HALFSPACES} regions", lambda: [part.region(i).halfspaces for i in regions[:HALFSPACES]]
    yield "merged", part.merged
    yield "merged, everywhere", lambda: part.merged(join="everywhere")
    yield "sharpened", part.sharpened
    yield "a level set", lambda: boundary(level=level)
    yield f"{SAMPLES} exact points on it", lambda: boundary(level=level).certify(SAMPLES)


def proved(part: cpwl.Partition) -> Iterator[tuple[str, float]]:
    """A certificate of a partition."""
    start = time.process_time()
    certificate = cpwl.certify(part, vertices="named")
    yield f"certificate, {certificate.vertices} vertices", time.process_time() - start
    yield from checked(certificate)


def proved_equal(name: str, network: Network, domain: cpwl.Domain) -> Iterator[tuple[str, float]]:
    """That a network is the same one in another order, and scaled."""
    from tests.support.equal_pairs import in_another_order

    for scaled in (False, True):
        other = in_another_order(network, *CONVOLUTIONS[name.split("-")[0]], scaled=scaled)
        start = time.process_time()
        claim = cpwl.certify_equal(network, other, domain)
        seconds = time.process_time() - start
        what = "in another order, scaled" if scaled else "in another order"
        yield f"{claim!r:.16}, {what}, {len(claim.document()['proof']['regions']):,} regions", seconds
        yield from checked(claim)


def checked(claim: cpwl.Claim) -> Iterator[tuple[str, float]]:
    """A claim written, and checked by a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path, networks = Path(folder) / "certificate.json.gz", Path(folder) / "networks"
        start = time.process_time()
        claim.save(path, networks=networks)
        files = [path, *networks.iterdir()]
        own, network = (sum(file.stat().st_size for file in some) / 1e6 for some in (files[:1], files[1:]))
        yield f"its file, {own:.2f} MB, and {network:.2f} MB of the network", time.process_time() - start
        yield "checked", seconds_to_check(files)


if __name__ == "__main__":
    main()
