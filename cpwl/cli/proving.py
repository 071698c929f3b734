"""``cpwl boundary | certify | check | compare``."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click
import numpy as np

from ..storage.files import replaced
from .console import Reporter
from .files import load, save_figure
from .group import main
from .networks import AskedNetwork, network_options
from .parameters import CERTIFICATE, EXISTING, JSON, NEW, PART, PICTURES, check_goes_with, file_type

if TYPE_CHECKING:
    from ..boundary.boundary import DecisionBoundary
    from ..comparisons.execution import ExecutionComparison
    from ..comparisons.partitions import Comparison
    from ..network.network import Network
    from ..partitions.partition import Partition

_SAMPLES = (".npz", ".csv")


@main.command()
@PART
@click.option("--pair", type=(int, int), metavar="I J", help="Only where classes I and J are equal and largest.")
@click.option("--level", type=float, help="For a network of one output: where it has this value.")
@click.option(
    "--samples", type=click.IntRange(0), default=1000, show_default=True, help="With --out: how many points to draw."
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="The same seed, the same points.")
@click.option("--out", type=NEW, callback=file_type(_SAMPLES),
              help="File for the points, .npz or .csv: slice coordinates u, inputs x, classes.")  # fmt: skip
def boundary(
    part: Path, pair: tuple[int, int] | None, level: float | None, samples: int, seed: int, out: Path | None
) -> None:
    """Find the decision boundary in PART, and sample it.

    \b
    Example:
      cpwl boundary part.npz --pair 3 9 --samples 100 --out samples.npz
    """
    check_goes_with("--out, the file for the points", out is not None, "samples", "seed")
    faces = load(part).decision_boundary(pair, level=level)
    report = Reporter()
    size = {1: None, 2: "length"}.get(faces.partition.domain.dim, "area")
    whole = {} if size is None else {size: float(faces.measures().sum())}
    report.numbers({faces.kind: len(faces), **whole, "ties over an area": len(faces.ties)})
    for row in faces.table().reset_index().to_dict("records"):
        if level is None and row[faces.kind]:
            measured = "" if size is None else f", {size} {row[size]:.6g}"
            report.line(
                f"  classes {row['first']:.0f} and {row['second']:.0f}: {row[faces.kind]:,.0f} {faces.kind}{measured}"
            )
    if out is not None:
        _write_samples(faces, samples, seed, out)


def _write_samples(boundary: DecisionBoundary, count: int, seed: int, out: Path) -> None:
    slice_points, segments = boundary.sample_slice(count, seed=seed)
    u = slice_points.astype(np.float64)
    x = boundary.partition.to_input(slice_points).astype(np.float64)
    pairs = boundary.pairs[segments]
    if out.suffix.lower() == ".npz":
        with replaced(out) as new, open(new, "wb") as archive:
            np.savez(archive, u=u, x=x, pairs=pairs)
        return
    flat = x.reshape(len(x), -1)
    names = [f"u{i}" for i in range(u.shape[1])] + [f"x{i}" for i in range(flat.shape[1])] + ["class1", "class2"]
    with replaced(out) as new, open(new, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([*a, *b, *c] for a, b, c in zip(u.tolist(), flat.tolist(), pairs.tolist(), strict=True))


@main.command()
@PART
@click.option("--out", type=NEW, callback=CERTIFICATE, help="File for the certificate, .json or .json.gz.")
@click.option(
    "--exact",
    type=NEW,
    callback=file_type((".npz",)),
    help="File for the exact partition, .npz; makes the vertices exact.",
)
@click.option("--vertices", type=click.Choice(["exact", "named"]),
              help="By exact coordinates, or by names, as deep networks need; else as the network is.")  # fmt: skip
def certify(
    part: Path, out: Path | None, exact: Path | None, vertices: Literal["exact", "named"] | None
) -> None:  # fmt: skip
    """Prove PART, region by region, in exact arithmetic.

    Regions that are wrong are computed again; a PART that is INCOMPLETE is refused. The certificate holds all that
    "cpwl check" needs.

    \b
    Example:
      cpwl certify part.npz --out certificate.json.gz --exact exact.npz
    """
    from ..certification import certify as prove

    report = Reporter()
    with report.step("certify") as step:
        kind = "exact" if exact is not None and vertices is None else vertices
        certificate = prove(load(part), vertices=kind, progress=step.progress)
    for line in certificate.report().splitlines():
        report.line(f"  {line}")
    if out is not None:
        certificate.save(out)
    if exact is not None:
        certificate.partition.save(exact)


@main.command()
@click.argument("certificate", type=click.Path(exists=True, path_type=Path))
@click.argument("networks", type=EXISTING, nargs=-1)
@click.option("--model", "models", type=EXISTING, multiple=True,
              help="A model that the certificate is to be about: it is compiled and compared.")  # fmt: skip
@click.option(
    "--max-work",
    metavar="PRODUCTS",
    help='Refuse what takes more products of integers; "none": nothing. By default by the size of the files.',
)
@click.option("--max-memory", metavar="BYTES", help="The same for memory.")
@network_options
@click.pass_context
def check(
    ctx: click.Context, certificate: Path, networks: tuple[Path, ...], models: tuple[Path, ...],
    max_work: str | None, max_memory: str | None, asked_net: AskedNetwork,
) -> None:  # fmt: skip
    """Check a CERTIFICATE with a program of its own.

    It is one file that shares nothing with the rest of cpwl and computes in exact integers. NETWORKS are files of the
    networks that the certificate only names. The exit status is 0 when it is accepted, 1 when it is rejected, 2 when
    it is malformed, 3 when it would take more work or memory than is allowed.

    Of a folder that "cpwl partition --out FOLDER" wrote, the checksums are compared: whether every file is as it was
    written. That proves nothing about the network.

    \b
    Examples:
      cpwl check certificate.json.gz
      cpwl check certificate.json.gz --model model.onnx
      cpwl check regions/
    """
    asked_net.check()
    if certificate.is_dir():
        _check_folder(certificate, (*networks, *models))
        return
    from ..checker import main as checker
    from ..claims.document import named_networks, network_file

    own = {path: asked_net.compile(path, None) for path in models}
    unnamed = bool(own) and _others(named_networks(certificate), own)
    limits = {"--max-work": max_work, "--max-memory": max_memory}
    options = [word for name, limit in limits.items() if limit is not None for word in (name, limit)]
    files = [os.fspath(path) for path in (certificate, *networks)]
    status = checker([*options, *files], [network_file(net) for net in own.values()])
    ctx.exit(status or int(unnamed))


def _others(names: list[str], own: Mapping[Path, Network]) -> bool:
    """Whether some model is none of the networks of a certificate; tells of each model."""
    for path, net in own.items():
        if net.sha256 in names:
            which = "" if len(names) == 1 else f" number {names.index(net.sha256) + 1}"
            click.echo(f"{path} compiles to the network{which} of the certificate")
        else:
            click.echo(
                f"{path} compiles to ANOTHER network, {net.sha256}; that of the certificate is {' and '.join(names)}"
            )
    other = any(net.sha256 not in names for net in own.values())
    if other:
        click.echo("(--until, --head, --negate and --margin-of must be those with which the certificate was made.)")
    return other


def _check_folder(folder: Path, networks: tuple[Path, ...]) -> None:
    from ..datasets.written import check_written

    if networks:
        raise click.UsageError("NETWORKS belong to a certificate; a folder is given alone.")
    written = check_written(folder)
    state = "" if written.complete else "; INCOMPLETE: they do not cover the domain"
    Reporter().line(f"as written: {written.parts:,} files with {written.regions:,} regions{state}")


@main.command()
@PART
@click.argument("part_exact", type=EXISTING, required=False)
@click.option("--samples", type=click.IntRange(0), default=0, show_default=True,
              help="With PART_EXACT: the residuals of so many samples of the boundary.")  # fmt: skip
@click.option("--run", type=click.Choice(["float16", "bfloat16", "float32", "float64"]),
              help="Run the network in this type, against itself in exact arithmetic.")  # fmt: skip
@click.option("--device", help="Run, or compute the partition, on this device, such as cuda.")
@click.option("--grid", type=click.IntRange(0), default=200, show_default=True,
              help="With --run: points a side of the grid over the domain.")  # fmt: skip
@click.option("--out", type=NEW, callback=file_type(PICTURES), help="File for a picture: .png, .svg or .pdf.")
@click.option("--json", "numbers", type=NEW, callback=JSON, help="File for the numbers.")
@click.pass_context
def compare(
    ctx: click.Context, part: Path, part_exact: Path | None, samples: int, run: Any, device: str | None, grid: int,
    out: Path | None, numbers: Path | None,
) -> None:  # fmt: skip
    """Compare PART with an exact one, or with a float32 run.

    That is: with the partition PART_EXACT; or (--run) the network, run in a type, with itself run exactly. With
    --device alone the partition is computed on that device and on the CPU, and the two are compared. The exit status
    is 1 when the regions of two partitions differ. docs/compare.md says what the numbers mean.

    \b
    Examples:
      cpwl compare part.npz exact.npz --samples 1000 --out compare.png
      cpwl compare exact.npz --run float32 --out float32.png --json float32.json
    """
    if (part_exact is None) != (run is not None or device is not None):
        raise click.UsageError("Give either PART_EXACT, or --run, --device or both of them.")
    check_goes_with("PART_EXACT", part_exact is not None, "samples")
    check_goes_with("--run", run is not None, "grid")
    comparison = _comparison(load(part), part_exact, samples, run, device, grid)
    Reporter().table(comparison.table())
    if numbers is not None:
        with replaced(numbers) as new:
            new.write_text(json.dumps(comparison.to_dict(), indent=1, allow_nan=False) + "\n", encoding="utf-8")
    if out is not None:
        save_figure(comparison.plot(), out, bbox_inches="tight")
    ctx.exit(int(not getattr(comparison, "agree", True)))


def _comparison(
    part: Partition, part_exact: Path | None, samples: int, run: Any, device: str | None, grid: int
) -> Comparison | ExecutionComparison:
    from ..comparisons.execution import compare_execution
    from ..comparisons.partitions import compare as against
    from ..comparisons.partitions import compare_devices

    if run is not None:
        return compare_execution(part, dtype=run, device=device, grid=grid)
    if part_exact is None:
        return compare_devices(part.network, part.domain, device=device or "cpu")
    residuals = None
    if samples:
        boundary = part.decision_boundary(level=0.0 if part.network.outputs == 1 else None)
        residuals = boundary.residuals(*boundary.sample_slice(samples))
    return against(part, load(part_exact), residuals=residuals)
