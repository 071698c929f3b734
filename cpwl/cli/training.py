"""``cpwl record | animate``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from .console import Reporter
from .domains import AskedDomain, domain_options
from .files import compile_model, save_figure, save_table
from .group import main
from .parameters import EXISTING, NEW, PICTURES, TABLE, NewFile, file_type

_MOVIES = (".gif", ".mp4")


@main.command()
@click.argument("models", type=EXISTING, nargs=-1, required=True)
@domain_options
@click.option("--level", type=float, default=0.0, show_default=True,
              help="Of networks of one output: the level set that is recorded.")  # fmt: skip
@click.option("--max-regions", type=click.IntRange(1), help="Of a checkpoint: begin no further block after so many.")
@click.option("--max-seconds", type=click.FloatRange(0, min_open=True), help="Of a checkpoint: likewise, a time.")
@click.option("--out", type=NewFile(file_okay=False, path_type=Path), required=True, help="A new folder.")
def record(
    models: tuple[Path, ...], asked: AskedDomain, level: float, out: Path, **options: Any,
) -> None:  # fmt: skip
    """Record the regions of MODELS, checkpoints of a training.

    They are .pt2 files (only those that you trust), .onnx or .nnet. The last number in a file's name is its step.
    "cpwl animate" draws what is recorded.

    \b
    Example:
      cpwl record step-*.onnx --box -1 1 --out training
    """
    from ..analysis import Recorder

    asked.check(planar="recordings")
    ordered, report = _by_step(models), Reporter()
    networks = ((step, compile_model(path, report)) for step, path in ordered.items())
    recorder: Recorder | None = None
    for step, net in networks:
        if recorder is None:
            domain = asked.build(net)
            recorder = Recorder(net, domain, every=1, folder=out, level=level, **options)
        recorder.model = net
        with report.step(f"step {step}") as shown:
            recorder.step(step)
            shown.result = f"{len(recorder.record().regions):,} regions"


def _by_step(models: tuple[Path, ...]) -> dict[int, Path]:
    """The files in the order of their steps."""
    by_step: dict[int, Path] = {}
    for path in models:
        numbers = re.findall(r"\d+", path.stem)
        if not numbers:
            raise click.BadParameter(f"the name '{path.name}' holds no number: name files by their steps.")
        step = int(numbers[-1])
        if step in by_step:
            raise click.BadParameter(f"'{by_step[step].name}' and '{path.name}' are of one step, {step}.")
        by_step[step] = path
    return dict(sorted(by_step.items()))


@main.command()
@click.argument("recording", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--out", type=NEW, callback=file_type(_MOVIES), help="File for the animation: .gif or .mp4.")
@click.option("--fps", type=click.FloatRange(0, min_open=True), default=6.0, show_default=True,
              help="Frames a second.")  # fmt: skip
@click.option("--width", type=click.IntRange(100, 4000), default=480, show_default=True, help="Of a frame, in pixels.")
@click.option("--scale", type=click.Choice(["log", "linear"]), default="log", show_default=True,
              help="Of the colours, which show the slope.")  # fmt: skip
@click.option("--curves", type=NEW, callback=file_type(PICTURES), help="File for the statistics over the steps.")
@click.option("--frames", type=NEW, callback=file_type(PICTURES), help="File for four frames side by side.")
@click.option("--csv", "table", type=NEW, callback=TABLE, help="File for the table of metrics and statistics.")
def animate(
    recording: Path, out: Path | None, fps: float, width: int, scale: Any, curves: Path | None, frames: Path | None,
    table: Path | None,
) -> None:  # fmt: skip
    """Draw RECORDING as an animation, as frames, or as curves.

    It is a folder that a Recorder or "cpwl record" wrote: how regions and boundary moved in training.

    \b
    Examples:
      cpwl animate training --out training.gif --curves curves.png
      cpwl animate training --out training.mp4 --fps 12 --width 800
    """
    if not any((out, curves, frames, table)):
        raise click.UsageError("Give at least one of --out, --curves, --frames and --csv.")
    from ..analysis import Recording

    loaded = Recording.load(recording)
    Reporter().line(repr(loaded))
    if out is not None:
        loaded.animate(out, fps=fps, width=width, scale=scale)
    if curves is not None:
        save_figure(loaded.plot_curves(), curves, bbox_inches="tight")
    if frames is not None:
        save_figure(loaded.plot(scale=scale), frames, bbox_inches="tight")
    if table is not None:
        save_table(loaded.table(), table)
