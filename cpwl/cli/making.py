"""``cpwl demo`` and ``cpwl partition``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import ArgumentError
from ..runtime.signals import ended_by_signals
from .console import Reporter
from .domains import AskedDomain, domain_options
from .group import main
from .networks import AskedNetwork, network_options
from .parameters import BACKEND, EXISTING, NewFile

if TYPE_CHECKING:
    from ..geometry.domain import Domain
    from ..network.network import Network


@main.command()
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default="cpwl-demo", show_default=True,
              help="Folder for the files.")  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="For training and samples.")
def demo(out: Path, seed: int) -> None:
    """Do everything once, on scanned digits, in half a minute.

    Trains a small classifier, computes its regions on the plane through three images, verifies every region exactly,
    draws samples of the decision boundary, and writes pictures, the partition and a certificate into a folder.

    \b
    Example:
      cpwl demo --out cpwl-demo
    """
    from .demo import run

    run(out, seed=seed)


@main.command()
@click.argument("model", type=EXISTING)
@domain_options
@network_options
@BACKEND
@click.option("--device", help="Device of the torch backend, such as cuda.")
@click.option("--memory-limit", type=click.FloatRange(1 / 16), metavar="GIB", help="Beside the result; 4 by default.")
@click.option(
    "--max-regions", type=click.IntRange(1), help="Of a file: no more regions than these. Else begin no further block."
)
@click.option(
    "--max-seconds",
    type=click.FloatRange(0, min_open=True),
    help="End after that time, with the regions that are finished.",
)
@click.option("--resume", is_flag=True, help="Go on with what the folder --out holds of this partition.")
@click.option("--stats", "numbers", is_flag=True, help="Count and measure the regions, block by block; hold none.")
@click.option("--estimate", "guess", is_flag=True, help="About how many regions there are, and how long it takes.")
@click.option("--out", type=NewFile(path_type=Path),
              help="A file for the partition, .npz; or a folder, for GeoParquet files, block by block.")  # fmt: skip
def partition(
    model: Path, asked: AskedDomain, asked_net: AskedNetwork, memory_limit: float | None, resume: bool, numbers: bool,
    guess: bool, out: Path | None, **options: Any,
) -> None:  # fmt: skip
    """Compute the regions of MODEL, and write them to a file PART.

    MODEL is an .onnx file (with the extra cpwl[onnx]), an .nnet file, or an exported torch program, .pt2 (load only
    those that you trust). The domain is given by one of --box, --through, --segment and --polygon.

    \b
    In Python, to write a .pt2:
      torch.export.save(torch.export.export(model.eval(), (example_input,)), "model.pt2")

    \b
    Examples:
      cpwl partition model.pt2 --box -1 1 --out part.npz
      cpwl partition model.onnx --through points.npy --margin 3 --out part.npz
      cpwl partition model.onnx --axes 0,1 --box -1 1 --fixed "2=0,3=0.5" --out part.npz
      cpwl partition model.onnx --segment two_points.npy --out line.npz
      cpwl partition model.onnx --box -1 1 --out regions --resume --max-seconds 3600
      cpwl partition model.onnx --box -1 1 --stats
      cpwl partition model.onnx --box -1 1 --estimate
    """
    if sum((numbers, guess, out is not None)) != 1:
        raise click.UsageError("Give one of --out, --stats and --estimate.")
    in_folder = out is not None and out.suffix.lower() != ".npz"
    if resume and not in_folder:
        raise click.UsageError("--resume goes on with a folder: give its name as --out.")
    if out is not None:
        _check_out(out, in_folder=in_folder, resume=resume)
    asked.check()
    asked_net.check()
    report = Reporter()
    net = asked_net.compile(model, report)
    domain = asked.build(net)
    if guess:
        _estimate(net, domain, report, options)
        return
    options["memory_limit"] = None if memory_limit is None else round(memory_limit * 2**30)
    if out is None:
        _count_regions(net, domain, report, options)
    elif in_folder:
        _write_regions(net, domain, out, report, {**options, "resume": resume})
    else:
        _save_partition(net, domain, out, report, options)


def _check_out(out: Path, *, in_folder: bool, resume: bool) -> None:
    """Raises ``click.BadParameter`` for a name under which nothing can be written, before anything is computed."""
    if not in_folder and out.is_dir():
        raise click.BadParameter(
            f"'{out}' is a folder; a name that ends in .npz is that of a file.", param_hint="--out"
        )
    if in_folder and out.suffix and not out.is_dir():
        raise click.BadParameter(
            f"the name must end in .npz, for one file, or be that of a folder, without an ending; got '{out.name}'.",
            param_hint="--out",
        )
    if in_folder:
        from ..datasets.folder import check_free

        try:
            check_free(out, resume=resume)
        except ArgumentError as error:
            raise click.BadParameter(str(error), param_hint="--out") from None


def _save_partition(net: Network, domain: Domain, out: Path, report: Reporter, options: dict[str, Any]) -> None:
    from ..partitions.compute import partition as compute

    with report.step(f"partition ({options['backend']})") as step:
        part = compute(net, domain, progress=step.progress, **options)
        step.result = _found(len(part), len(part.ambiguous), part.complete)
    part.save(out)


def _write_regions(net: Network, domain: Domain, out: Path, report: Reporter, options: dict[str, Any]) -> None:
    from ..datasets.folder import write_partition

    try:
        with report.step(f"partition ({options['backend']})") as step, ended_by_signals():
            written = write_partition(net, domain, out, progress=step.progress, **options)
            step.result = _found(written.regions, written.ambiguous, written.complete)
    except KeyboardInterrupt:
        message = f"stopped. What is finished is in {out}; the same command with --resume goes on."
        raise click.ClickException(message) from None
    if not written.complete:
        report.line("  Go on with --resume.")


def _estimate(net: Network, domain: Domain, report: Reporter, options: dict[str, Any]) -> None:
    from ..partitions.estimate import estimate

    with report.step("estimate") as step:
        estimated = estimate(net, domain, backend=options["backend"], device=options["device"], progress=step.progress)
    report.line(f"  {repr(estimated).removeprefix('<Estimate: ').removesuffix('>')}")


def _count_regions(net: Network, domain: Domain, report: Reporter, options: dict[str, Any]) -> None:
    from ..partitions.compute import partition_blocks
    from ..statistics.statistics import statistics_of_blocks

    with report.step(f"partition ({options['backend']})") as step:
        totals = statistics_of_blocks(partition_blocks(net, domain, progress=step.progress, **options))
        step.result = _found(totals.regions, totals.ambiguous, bool(totals.complete))
    report.numbers(totals.summary)


def _found(regions: int, ambiguous: int, complete: bool) -> str:
    return f"{'' if complete else 'INCOMPLETE: '}{regions:,} regions, {ambiguous:,} of them ambiguous"
