"""``cpwl nearest | agree | clusters | transfer``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from ..numbers.norms import norms
from .console import Reporter
from .domains import AskedDomain, domain_options
from .files import (
    compile_model,
    decision_boundary,
    load,
    read_labels,
    read_numbers,
    save_figure,
    save_table,
)
from .group import main
from .parameters import BACKEND, EXISTING, NEW, PART, PICTURES, TABLE, file_type

if TYPE_CHECKING:
    from ..analysis.maps_at_points import LocalMaps
    from ..network.network import Network

_DATA = click.option(
    "--data", type=EXISTING, required=True, help="Inputs: an .npy file (N, followed by the shape of an input)."
)
_LABELS = click.option(
    "--labels", type=EXISTING, required=True, help="Their classes: an .npy or text file of N numbers."
)
_TRAIN = click.option("--train", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.5,
                      show_default=True, help="The share of the inputs, the first ones, to fit with.")  # fmt: skip
_CSV = click.option("--csv", "table", type=NEW, callback=TABLE, help="File for the table.")


@main.command()
@PART
@click.option(
    "--data",
    "--points",
    "points",
    type=EXISTING,
    required=True,
    help="Inputs: an .npy file (N, followed by the shape of an input).",
)
@click.option("--level", type=float, help="For a network of one output: its level (0 by default).")
@_CSV
def nearest(part: Path, points: Path, level: float | None, table: Path | None) -> None:
    """Find the nearest point of the decision boundary to some inputs.

    The nearest within the slice of PART, and the classes that are equal there. Inputs are first moved to the nearest
    point of the slice; "from slice" is how far.

    \b
    Example:
      cpwl nearest part.npz --data points.npy --csv nearest.csv
    """
    loaded = load(part)
    inputs = read_numbers(points, "--data")
    u = np.atleast_2d(loaded.to_slice(inputs))
    moved = (np.asarray(loaded.to_input(u), np.float64) - inputs).reshape(len(u), -1)
    nearest_points = decision_boundary(loaded, level).nearest(u).table()
    _show(nearest_points.assign(**{"from slice": norms(moved)}), table)


@main.command()
@click.argument("first", type=EXISTING)
@click.argument("second", type=EXISTING)
@domain_options
@BACKEND
@click.option("--out", type=NEW, callback=file_type(PICTURES), help="File for a picture: .png, .svg or .pdf.")
@_CSV
def agree(
    first: Path, second: Path, asked: AskedDomain, backend: str, out: Path | None, table: Path | None,
) -> None:  # fmt: skip
    """Measure where two networks decide alike on a slice.

    Areas by pairs of classes, for the networks FIRST and SECOND: a row for each class of the first one, a column for
    each of the second one. A network of one output has the classes 1, where it is positive, and 0.

    \b
    Example:
      cpwl agree one.onnx two.onnx --box -1 1 --out agreement.png
    """
    from ..analysis.overlay import agreement

    asked.check(planar=None if out is None else "pictures of where networks agree")
    report = Reporter()
    first_net, second_net = (compile_model(model, report) for model in (first, second))
    with report.step(f"partition of both ({backend})") as step:
        overlay = agreement(first_net, second_net, asked.build(first_net), backend=backend)
        step.result = f"{len(overlay.partition):,} regions, {len(overlay):,} cells"
    report.line(
        f"  They decide differently on an area of {float(overlay.area_apart):.6g}, {overlay.share:.4%} of the domain."
    )
    _show(overlay.table(), table)
    if out is not None:
        save_figure(overlay.plot().figure, out, bbox_inches="tight")


@main.command()
@click.argument("model", type=EXISTING)
@_DATA
@_LABELS
@_TRAIN
@click.option("--clusters", "counts", default="1,2,5,10,20,50", show_default=True, help="Numbers of clusters.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the first centres.")
@_CSV
def clusters(model: Path, data: Path, labels: Path, train: float, counts: str, seed: int, table: Path | None) -> None:
    """Keep only k affine maps of a network, and judge them.

    The maps of MODEL around inputs are replaced by the centres of k-means clusters.

    \b
    Example:
      cpwl clusters model.onnx --data images.npy --labels labels.npy --clusters 1,10,100
    """
    from ..analysis.clusters import cluster_table

    try:
        numbers = [int(word) for word in counts.split(",")]
    except ValueError:
        raise click.BadParameter(f"--clusters must be numbers parted by commas, got '{counts}'.") from None
    report = Reporter()
    fitted, judged = _maps(compile_model(model, report), data, train, report)
    classes = read_labels(labels, "--labels")[len(fitted) :]
    _show(cluster_table(fitted, numbers, test=judged, labels=classes, seed=seed), table)


@main.command()
@click.argument("models", nargs=-1, required=True, type=EXISTING)
@_DATA
@_LABELS
@_TRAIN
@click.option("--components", type=click.IntRange(1), default=64, show_default=True,
              help="Principal components of the source that the map may use.")  # fmt: skip
@_CSV
def transfer(
    models: tuple[Path, ...], data: Path, labels: Path, train: float, components: int, table: Path | None
) -> None:
    """Fit affine maps between the local maps of networks.

    Of several MODELS, in both directions; the decisions of mapped maps are judged.

    \b
    Example:
      cpwl transfer dense.onnx conv.onnx --data images.npy --labels labels.npy
    """
    from ..analysis.transfer import Represented, transfer_table

    report = Reporter()
    networks = {model.stem: _maps(compile_model(model, report), data, train, report) for model in models}
    if len(networks) != len(models) or len(models) < 2:
        raise click.UsageError("Give two or more models with different names.")
    classes = read_labels(labels, "--labels")[len(next(iter(networks.values()))[0]) :]
    vectors = {name: Represented.by_maps(*maps) for name, maps in networks.items()}
    _show(transfer_table(vectors, classes, components=components), table)


def _maps(net: Network, data: Path, train: float, report: Reporter) -> tuple[LocalMaps, LocalMaps]:
    """The local maps around the inputs of a file: those of the first share, and the others."""
    from ..analysis.maps_at_points import local_maps

    inputs: Any = read_numbers(data, "--data")
    with report.step("local maps") as step:
        maps = local_maps(net, inputs)
        undecided = int(maps.undecided.sum())
        step.result = f"{len(maps):,} inputs, {undecided:,} on the boundary of regions or too near to tell"
    half = round(train * len(maps))
    rows = np.arange(len(maps))
    return maps.take(rows[:half]), maps.take(rows[half:])


def _show(table: Any, path: Path | None) -> None:
    """Prints a pandas table, and writes it to a file."""
    Reporter().line(table.to_string(float_format="{:.4g}".format))
    if path is not None:
        save_table(table, path)
