"""The command line: ``cpwl demo | partition | boundary | certify | check | compare | stats | plot | view``.

Exit status: 0; 2 for arguments or files that make no sense; 1 for anything else that fails. Errors of the library are
one line on the standard error. torch and the other heavy packages are imported only by the commands that need them.
"""

from __future__ import annotations

import csv
import json
import os
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from numpy.typing import NDArray

from . import __version__
from .console import Reporter
from .errors import ArgumentError, CpwlError, FileFormatError, UnsupportedDimensionError, UnsupportedLayerError

if TYPE_CHECKING:
    from .boundary import DecisionBoundary
    from .compare import Comparison
    from .domain import Domain
    from .execution import ExecutionComparison
    from .network import Network
    from .partition import Partition

_BAD_INPUT = (
    *(ArgumentError, FileFormatError, UnsupportedDimensionError, UnsupportedLayerError),
    *(FileNotFoundError, PermissionError),
)
_PICTURES = (".png", ".svg", ".pdf")
_SAMPLES = (".npz", ".csv")


class _Commands(click.Group):
    """A group that reports the library's errors in one line."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (CpwlError, OSError) as error:
            text = " ".join(str(error).split())
            click.echo(f"Error: {text}", err=True)
            sys.exit(2 if isinstance(error, _BAD_INPUT) else 1)


def _file_type(suffixes: tuple[str, ...]) -> Any:
    """A check that the name of a file to be written ends in one of the suffixes."""

    def check(context: click.Context, parameter: click.Parameter, value: Path | None) -> Path | None:
        if value is not None and value.suffix.lower() not in suffixes:
            raise click.BadParameter(f"the name must end in {', '.join(suffixes)}, got '{value.name}'.")
        return value

    return check


class _NewFile(click.Path):
    """A file to be written, checked before anything is computed to lie in a folder that can be written to."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        path = super().convert(value, param, ctx)
        folder = Path(os.fsdecode(path)).parent
        if not (folder.is_dir() and os.access(folder, os.W_OK)):
            self.fail(f"folder '{folder}' does not exist or cannot be written to. Create it first.", param, ctx)
        return path


_EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)
_NEW = _NewFile(dir_okay=False, path_type=Path)
_PART = click.argument("part", type=_EXISTING)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="cpwl")
def main() -> None:
    """The exact geometry of piecewise-linear neural networks.

    Begin with "cpwl demo".
    """


@main.command()
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default="cpwl-demo", show_default=True,
              help="Folder for the files.")  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="For training and samples.")
def demo(out: Path, seed: int) -> None:
    """Train a digit classifier, partition a plane of images, verify every region exactly, draw it.

    \b
    Example:
      cpwl demo --out cpwl-demo
    """
    from .demo import run

    run(out, seed=seed)


@main.command()
@click.argument("model", type=_EXISTING)
@click.option("--box", type=(float, float), multiple=True, metavar="LO HI",
              help="Domain for few inputs: LO <= x <= HI, given for all inputs, or once for each.")  # fmt: skip
@click.option(
    "--through", type=_EXISTING, help="Domain: a square through the points in an .npy file (3, *input shape)."
)
@click.option(
    "--margin",
    type=click.FloatRange(0),
    default=0.5,
    show_default=True,
    help="Enlarges that square by the factor 1 + margin.",
)
@click.option("--polygon", type=_EXISTING,
              help="Domain of a network of two inputs: a convex polygon, an .npy or text file (N, 2).")  # fmt: skip
@click.option("--until", metavar="NAME",
              help="End the network there: a module of a .pt2 file, a tensor or node of an .onnx file.")  # fmt: skip
@click.option("--backend", type=click.Choice(["torch", "exact"]), default="torch", show_default=True)
@click.option("--device", help="Device of the torch backend, such as cuda.")
@click.option("--memory-limit", type=click.FloatRange(1 / 16), metavar="GIB", help="Beside the result; 4 by default.")
@click.option("--max-regions", type=click.IntRange(1), help="Begin no further block when there are so many.")
@click.option("--max-seconds", type=click.FloatRange(0, min_open=True), help="Begin no further block after that time.")
@click.option("--resume", is_flag=True, help="Go on with what the folder --out holds of this partition.")
@click.option("--stats", "numbers", is_flag=True, help="Count and measure the regions, block by block; hold none.")
@click.option("--out", type=_NewFile(path_type=Path),
              help="A file for the partition, .npz; or a folder, for GeoParquet files, block by block.")  # fmt: skip
def partition(
    model: Path, box: tuple[tuple[float, float], ...], through: Path | None, margin: float, polygon: Path | None,
    until: str | None, memory_limit: float | None, resume: bool, numbers: bool, out: Path | None, **options: Any,
) -> None:  # fmt: skip
    """Compute the regions of MODEL: an exported torch program (.pt2; load only files you trust), .onnx or .nnet.

    \b
    Examples:
      cpwl partition model.pt2 --box -1 1 --out part.npz
      cpwl partition model.onnx --through points.npy --margin 3 --out part.npz
      cpwl partition model.onnx --box -1 1 --out regions --resume --max-seconds 3600
      cpwl partition model.onnx --box -1 1 --stats
    """
    if numbers == (out is not None):
        raise click.UsageError("Give either --out or --stats.")
    in_folder = out is not None and out.suffix.lower() != ".npz"
    if resume and not in_folder:
        raise click.UsageError("--resume goes on with a folder: give its name as --out.")
    if sum(map(bool, (box, through, polygon))) != 1:
        raise click.UsageError("Give the domain by exactly one of --box, --through and --polygon.")
    report = Reporter()
    net = _compile(model, until, report)
    domain = _domain(net, box, through, margin, polygon)
    options["memory_limit"] = None if memory_limit is None else round(memory_limit * 2**30)
    if out is None:
        _count_regions(net, domain, report, options)
    elif in_folder:
        _write_regions(net, domain, out, report, {**options, "resume": resume})
    else:
        _save_partition(net, domain, out, report, options)


def _save_partition(net: Network, domain: Domain, out: Path, report: Reporter, options: dict[str, Any]) -> None:
    from .partition import partition as compute

    with report.step(f"partition ({options['backend']})") as step:
        part = compute(net, domain, progress=step.progress, **options)
        step.result = _found(len(part), len(part.ambiguous), part.complete)
    part.save(out)


def _write_regions(net: Network, domain: Domain, out: Path, report: Reporter, options: dict[str, Any]) -> None:
    from .dataset import write_partition

    with report.step(f"partition ({options['backend']})") as step:
        written = write_partition(net, domain, out, progress=step.progress, **options)
        step.result = _found(written.regions, written.ambiguous, written.complete)
    if not written.complete:
        report.line("  Go on with --resume.")


def _count_regions(net: Network, domain: Domain, report: Reporter, options: dict[str, Any]) -> None:
    from .partition import partition_blocks
    from .statistics import statistics_of_blocks

    done: set[tuple[int, ...]] = set()
    with report.step(f"partition ({options['backend']})") as step:
        totals = statistics_of_blocks(partition_blocks(net, domain, progress=step.progress, done=done, **options))
        step.result = _found(totals.regions, totals.ambiguous, () in done)
    report.numbers(totals.summary)


def _found(regions: int, ambiguous: int, complete: bool) -> str:
    return f"{'' if complete else 'INCOMPLETE: '}{regions:,} regions, {ambiguous:,} of them ambiguous"


@main.command()
@_PART
@click.option("--pair", type=(int, int), metavar="I J", help="Only where classes I and J are equal and largest.")
@click.option("--level", type=float, help="For a network of one output: where it has this value.")
@click.option("--samples", type=click.IntRange(0), default=1000, show_default=True, help="How many points to draw.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--out", type=_NEW, callback=_file_type(_SAMPLES),
              help="File for the points, .npz or .csv: slice coordinates u, inputs x, classes.")  # fmt: skip
def boundary(
    part: Path, pair: tuple[int, int] | None, level: float | None, samples: int, seed: int, out: Path | None
) -> None:
    """Find the decision boundary in the partition PART, and draw points from it.

    \b
    Example:
      cpwl boundary part.npz --pair 3 9 --samples 100 --out samples.npz
    """
    found = _load(part).decision_boundary(pair, level=level)
    report = Reporter()
    length = float(found.lengths().sum())
    report.numbers({"segments": len(found), "length": length, "ties over an area": len(found.ties)})
    for (i, j), count in zip(*np.unique(found.pairs, axis=0, return_counts=True), strict=True):
        if level is None:
            report.line(f"  classes {i} and {j}: {count:,} segments")
    if out is not None:
        _write_samples(found, samples, seed, out)


@main.command()
@_PART
@click.option("--out", type=_NEW, help="File for the certificate, .json or .json.gz.")
@click.option("--exact", type=_NEW, help="File for the exact partition, .npz.")
def certify(part: Path, out: Path | None, exact: Path | None) -> None:
    """Verify every region of the partition PART in exact arithmetic, and repair those that are wrong.

    \b
    Example:
      cpwl certify part.npz --out certificate.json.gz --exact exact.npz
    """
    from .certify import certify as prove

    report = Reporter()
    with report.step("certify") as step:
        certificate = prove(_load(part), progress=step.progress)
    for line in certificate.report().splitlines():
        report.line(f"  {line}")
    if out is not None:
        certificate.save(out)
    if exact is not None:
        certificate.partition.save(exact)


@main.command()
@click.argument("certificate", type=_EXISTING)
@click.argument("networks", type=_EXISTING, nargs=-1)
@click.pass_context
def check(ctx: click.Context, certificate: Path, networks: tuple[Path, ...]) -> None:
    """Check CERTIFICATE independently of the library, in exact integers; NETWORKS are those that it only names.

    The exit status is 0 when it is accepted, 1 when it is rejected, 2 when it is malformed.

    \b
    Example:
      cpwl check certificate.json.gz
    """
    from .checker import main as checker

    ctx.exit(checker([os.fspath(path) for path in (certificate, *networks)]))


@main.command()
@_PART
@click.argument("part_exact", type=_EXISTING, required=False)
@click.option("--samples", type=click.IntRange(0), default=0, show_default=True,
              help="With PART_EXACT: the residuals of so many samples of the boundary.")  # fmt: skip
@click.option("--run", type=click.Choice(["float16", "bfloat16", "float32", "float64"]),
              help="Run the network in this type, against itself in exact arithmetic.")  # fmt: skip
@click.option("--device", help="Run, or compute the partition, on this device, such as cuda.")
@click.option("--grid", type=click.IntRange(0), default=200, show_default=True,
              help="With --run: points a side of the grid over the domain.")  # fmt: skip
@click.option("--out", type=_NEW, callback=_file_type(_PICTURES), help="File for a picture: .png, .svg or .pdf.")
@click.option("--json", "numbers", type=_NEW, help="File for the numbers.")
@click.pass_context
def compare(
    ctx: click.Context, part: Path, part_exact: Path | None, samples: int, run: Any, device: str | None, grid: int,
    out: Path | None, numbers: Path | None,
) -> None:  # fmt: skip
    """Compare the partition PART with the exact PART_EXACT; or the network, run in a type, with itself run exactly.

    With --device alone the partition is computed on that device and on the CPU, and the two are compared. The exit
    status is 1 when the regions of two partitions differ. docs/compare.md says what the numbers mean.

    \b
    Examples:
      cpwl compare part.npz exact.npz --samples 1000 --out compare.png
      cpwl compare exact.npz --run float32 --out float32.png --json float32.json
    """
    if (part_exact is None) != (run is not None or device is not None):
        raise click.UsageError("Give either PART_EXACT, or --run, --device or both of them.")
    found = _comparison(_load(part), part_exact, samples, run, device, grid)
    Reporter().table(found.table())
    if numbers is not None:
        numbers.write_text(json.dumps(found.to_dict(), indent=1, allow_nan=False) + "\n", encoding="utf-8")
    if out is not None:
        found.plot().savefig(out, bbox_inches="tight")
    ctx.exit(int(not getattr(found, "agree", True)))


def _comparison(
    part: Partition, part_exact: Path | None, samples: int, run: Any, device: str | None, grid: int
) -> Comparison | ExecutionComparison:
    from .compare import compare as against
    from .compare import compare_devices
    from .execution import compare_execution

    if run is not None:
        return compare_execution(part, dtype=run, device=device, grid=grid)
    if part_exact is None:
        return compare_devices(part.network, part.domain, device=device or "cpu")
    residuals = None
    if samples:
        boundary = part.decision_boundary(level=0.0 if part.network.outputs == 1 else None)
        residuals = boundary.residuals(*boundary.sample_slice(samples))
    return against(part, _load(part_exact), residuals=residuals)


@main.command()
@_PART
@click.option("--csv", "table", type=_NEW, help="File for the table of regions.")
def stats(part: Path, table: Path | None) -> None:
    """Count and measure the regions of the partition PART.

    ARV, ANV and ARE are the average area, number of vertices and eccentricity of a region.

    \b
    Example:
      cpwl stats part.npz --csv regions.csv
    """
    found = _load(part).statistics()
    Reporter().numbers(found.summary)
    if table is not None:
        found.to_csv(table)


@main.command()
@_PART
@click.option("--out", type=_NEW, required=True, callback=_file_type(_PICTURES), help="File: .png, .svg or .pdf.")
@click.option("--color", type=click.Choice(["slope", "area", "class", "pattern"]), default="slope", show_default=True)
@click.option("--boundary", "with_boundary", is_flag=True, help="Draw the decision boundary in red.")
@click.option("--level", type=float, help="With --boundary, for a network of one output: its level (0 by default).")
def plot(part: Path, out: Path, color: Any, with_boundary: bool, level: float | None) -> None:
    """Draw the regions of the partition PART.

    \b
    Example:
      cpwl plot part.npz --color class --boundary --out picture.png
    """
    from .plot import plot as draw

    loaded = _load(part)
    found = _boundary(loaded, level) if with_boundary else None
    picture: Any = draw(loaded, color=color, boundary=found).figure
    picture.savefig(out, bbox_inches="tight")


@main.command()
@_PART
@click.option("--out", type=_NEW, required=True, callback=_file_type((".html",)), help="File: .html.")
@click.option("--color", type=click.Choice(["slope", "area", "class", "pattern", "output"]), default="slope",
              show_default=True, help="At first; the page offers all.")  # fmt: skip
@click.option("--boundary", "with_boundary", is_flag=True, help="Draw the decision boundary in red.")
@click.option("--level", type=float, help="With --boundary, for a network of one output: its level (0 by default).")
@click.option("--samples", type=click.IntRange(0), default=0, show_default=True,
              help="With --boundary: mark so many random points of it.")  # fmt: skip
def view(part: Path, out: Path, color: Any, with_boundary: bool, level: float | None, samples: int) -> None:
    """Write an interactive page of the partition PART: one file for a browser, which needs no network.

    \b
    Example:
      cpwl view part.npz --boundary --samples 20 --out view.html
    """
    from .view import view as write

    loaded = _load(part)
    write(loaded, out, color=color, boundary=_boundary(loaded, level) if with_boundary else None, samples=samples)


def _boundary(part: Partition, level: float | None) -> DecisionBoundary:
    """The decision boundary; of a network with one output where it has the level, 0 by default."""
    return part.decision_boundary(level=0.0 if part.network.outputs == 1 and level is None else level)


# ---- files ---------------------------------------------------------------------------------------------------------
def _load(path: Path) -> Partition:
    from .io import load

    return load(path)


def _compile(model: Path, until: str | None, report: Reporter) -> Network:
    from .compiler import compile

    with warnings.catch_warnings(record=True) as notices, report.step("compile") as step:
        warnings.simplefilter("always", UserWarning)
        net = compile(model, until=until)
        step.result = f"{net.inputs} inputs, {net.units} units, {net.outputs} outputs"
    for notice in notices:
        report.line(f"  Note: {notice.message}")
    return net


def _domain(
    net: Network, box: tuple[tuple[float, float], ...], through: Path | None, margin: float, polygon: Path | None
) -> Domain:
    from .domain import Domain

    if through is not None:
        points = _numbers(through)
        if points.shape != (3, *net.input_shape):
            raise click.BadParameter(
                f"{through} must hold an array of shape {(3, *net.input_shape)}, got {points.shape}."
            )
        return Domain.through(points[0], points[1], points[2], margin=margin)
    if polygon is not None:
        return Domain.polygon(_numbers(polygon))
    bounds = box * net.inputs if len(box) == 1 else box
    lo, hi = zip(*bounds, strict=True)
    return Domain.box(lo, hi)


def _numbers(path: Path) -> NDArray[Any]:
    """The array in an .npy file, or in a text file of columns (parted by commas or blanks)."""
    try:
        if path.suffix == ".npy":
            return np.asarray(np.load(path, allow_pickle=False), np.float64)
        return np.loadtxt(path.read_text(encoding="utf-8").replace(",", " ").splitlines(), ndmin=2)
    except (ValueError, EOFError) as error:
        raise click.BadParameter(f"{path} holds no array of numbers: {error}.") from None


def _write_samples(found: DecisionBoundary, count: int, seed: int, out: Path) -> None:
    slice_points, segments = found.sample_slice(count, seed=seed)
    u = slice_points.astype(np.float64)
    x = found.partition.to_input(slice_points).astype(np.float64)
    pairs = found.pairs[segments]
    if out.suffix.lower() == ".npz":
        np.savez(out, u=u, x=x, pairs=pairs)
        return
    flat = x.reshape(len(x), -1)
    names = [f"u{i}" for i in range(u.shape[1])] + [f"x{i}" for i in range(flat.shape[1])] + ["class1", "class2"]
    with open(out, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([*a, *b, *c] for a, b, c in zip(u.tolist(), flat.tolist(), pairs.tolist(), strict=True))
