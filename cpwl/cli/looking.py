"""``cpwl plot | view``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .files import decision_boundary, load, read_labels, read_numbers, save_figure
from .group import main
from .parameters import EXISTING, NEW, PART, PICTURES, check_goes_with, file_type


@main.command()
@click.argument("part", type=click.Path(exists=True, path_type=Path))
@click.option("--out", type=NEW, required=True, callback=file_type(PICTURES), help="File: .png, .svg or .pdf.")
@click.option("--color", type=click.Choice(["slope", "area", "class", "output", "pattern"]),
              help="slope by default; with --surface output.")  # fmt: skip
@click.option(
    "--output", type=click.IntRange(0), help="The output that --color output or --surface shows; 0 by default."
)
@click.option("--surface", is_flag=True, help="Draw an output as a surface in space over the slice.")
@click.option("--boundary", "with_boundary", is_flag=True, help="Draw the decision boundary in red.")
@click.option("--level", type=float, help="With --boundary, for a network of one output: its level (0 by default).")
@click.option("--dpi", type=click.IntRange(20, 2400), default=120, show_default=True, help="Pixels per inch.")
def plot(
    part: Path, out: Path, color: Any, output: int | None, surface: bool, with_boundary: bool, level: float | None,
    dpi: int,
) -> None:  # fmt: skip
    """Draw the regions of PART into a picture file; of a line the outputs along it, of a solid its border.

    PART is a file, or a folder that "cpwl partition --out FOLDER" has written: of that regions are drawn by slope, area
    or class, some at a time.

    \b
    Examples:
      cpwl plot part.npz --color class --boundary --out picture.png
      cpwl plot part.npz --color output --output 3 --out output.pdf
      cpwl plot part.npz --surface --output 3 --boundary --out surface.png
      cpwl plot regions/ --color area --out picture.png
    """
    check_goes_with("--boundary", with_boundary, "level")
    if part.is_dir():
        if output is not None or surface or with_boundary or color in ("output", "pattern"):
            raise click.UsageError("A folder is drawn with --color slope, area or class, and without other options.")
        from ..plots.folder import plot_folder

        save_figure(plot_folder(part, color=color or "slope").figure, out, bbox_inches="tight", dpi=dpi)
        return
    from ..plots.line import plot_line
    from ..plots.regions import plot as draw
    from ..plots.solid import plot_solid
    from ..plots.surface import plot_surface

    loaded = load(part)
    if output is not None and loaded.domain.dim == 3:
        raise click.UsageError("--output is for lines and planes: of a solid --color output shows output 0.")
    boundary = decision_boundary(loaded, level) if with_boundary else None
    if loaded.domain.dim == 1 and not surface:
        shown = None if output is None else [output]
        axes: Any = plot_line(loaded, outputs=shown, color=color or "none", boundary=boundary)
    elif surface:
        axes = plot_surface(loaded, output=output or 0, color=color or "output", boundary=boundary)
    elif loaded.domain.dim == 3:
        axes = plot_solid(loaded, color=color or "slope", boundary=boundary)
    else:
        axes = draw(loaded, color=color or "slope", output=output, boundary=boundary)
    save_figure(axes.figure, out, bbox_inches="tight", dpi=dpi)


@main.command()
@PART
@click.option("--out", type=NEW, required=True, callback=file_type((".html",)), help="File: .html.")
@click.option("--color", type=click.Choice(["slope", "area", "class", "pattern", "output"]), default="slope",
              show_default=True, help="At first; the page offers all.")  # fmt: skip
@click.option("--boundary", "with_boundary", is_flag=True, help="Draw the decision boundary in red.")
@click.option("--level", type=float, help="With --boundary, for a network of one output: its level (0 by default).")
@click.option("--samples", type=click.IntRange(0), default=0, show_default=True,
              help="With --boundary: mark so many random points of it.")  # fmt: skip
@click.option("--data", type=EXISTING, help="Inputs to be marked: an .npy file (N, followed by the shape of an input).")
@click.option("--labels", type=EXISTING, help="Their classes: an .npy or text file of N whole numbers.")
def view(
    part: Path, out: Path, color: Any, with_boundary: bool, level: float | None, samples: int, data: Path | None,
    labels: Path | None,
) -> None:  # fmt: skip
    """Write an interactive page of PART for a browser.

    It is one file, which needs no network: pan and zoom, and see the affine map of the region under the mouse.

    \b
    Examples:
      cpwl view part.npz --boundary --samples 20 --out view.html
      cpwl view part.npz --data images.npy --labels labels.txt --out view.html
    """
    from ..plots.page import view as write

    check_goes_with("--boundary", with_boundary, "level", "samples")
    check_goes_with("--data", data is not None, "labels")
    loaded = load(part)
    boundary = decision_boundary(loaded, level) if with_boundary else None
    inputs = None if data is None else read_numbers(data, "--data")
    classes: Any = None if labels is None else read_labels(labels, "--labels")
    write(loaded, out, color=color, boundary=boundary, samples=samples, data=inputs, data_labels=classes)
