"""What the commands read: partitions, networks, domains, arrays."""

from __future__ import annotations

import re
import warnings
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from numpy.typing import NDArray

from ..errors import CpwlError, LeftOutWarning, UnsupportedLayerError
from ..storage.archive import plain_array
from ..storage.files import replaced
from .console import Reporter

if TYPE_CHECKING:
    from ..boundary.boundary import DecisionBoundary
    from ..network.network import Network
    from ..partitions.partition import Partition


def load(path: Path) -> Partition:
    from ..partitions.partition import load as read

    part = read(path)
    if not part.complete:
        say_incomplete()
    return part


def say_incomplete() -> None:
    """Tells that what follows is about some of the regions."""
    Reporter().line("  INCOMPLETE: these regions do not cover the domain.")


def compile_model(model: Path, report: Reporter | None, *, whole: bool = False, **ends: Any) -> Network:
    """The network in a file; without a report nothing is printed.

    With a report and ``whole`` it is an ``UnsupportedLayerError`` if something at the model's end is left out.
    """
    from ..compiler import compile

    if report is None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            return compile(model, **ends)
    with warnings.catch_warnings(record=True) as notices, report.step("compile") as step:
        warnings.simplefilter("always", UserWarning)
        net = compile(model, **ends)
        step.result = f"{net.inputs} inputs, {net.units} units, {net.outputs} outputs"
    for notice in notices:
        if whole and issubclass(notice.category, LeftOutWarning):
            raise UnsupportedLayerError(
                f"{notice.message} But a property is about values: export the model without its last operator, and "
                "write the property for what goes into it."
            )
        report.line(f"  Note: {notice.message}")
    return net


def read_numbers(path: Path, option: str | None = None) -> NDArray[Any]:
    """The array in an .npy file, or in a text file of columns (parted by commas or blanks), that an option names.

    Of columns with names, as ``cpwl boundary --out`` writes them, those of inputs: x0, x1, ...
    """
    try:
        if path.suffix == ".npy":
            return plain_array(path.read_bytes()).astype(np.float64)
        return _columns(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        wanted = "Give an .npy file, or a text file of columns of numbers"
        raise click.BadParameter(f"{path} holds no array of numbers. {wanted}.", param_hint=option) from None
    except (CpwlError, ValueError) as error:
        fault = str(error).rstrip(".")
        raise click.BadParameter(f"{path} holds no array of numbers: {fault}.", param_hint=option) from None


def _columns(text: str) -> NDArray[np.float64]:
    """The numbers of a text, (rows, columns); what follows a # is a comment."""
    lines = [line for line in text.replace(",", " ").splitlines() if line.partition("#")[0].strip()]
    names = lines[0].split() if lines else []
    named = [name for name in names if re.fullmatch(r"x\d+", name)]
    if sorted(named) != sorted(f"x{i}" for i in range(len(named))):
        raise ValueError(f"its columns of inputs must be x0, x1, ..., each once, not {' '.join(named):.80}")
    inputs = [names.index(f"x{i}") for i in range(len(named))]
    numbers = lines[1:] if inputs else lines
    if not numbers:
        raise ValueError("it has no rows")
    try:
        return np.loadtxt(numbers, ndmin=2, usecols=inputs or None)
    except ValueError:
        wrong = next((word for line in numbers for word in line.partition("#")[0].split() if not _is_number(word)), "")
        fault = f"{wrong!r:.40} is none" if wrong else "its rows are not of one length"
        raise ValueError(f"{fault}. Give numbers alone, or columns named x0, x1, ... for the inputs") from None


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def read_labels(path: Path, option: str | None = None) -> NDArray[np.int64]:
    """The classes in a file, whole numbers in any arrangement, int64 (N,)."""
    numbers = read_numbers(path, option).ravel()
    with np.errstate(invalid="ignore"):
        labels = numbers.astype(np.int64)
    if (labels != numbers).any() or (labels < 0).any():
        raise click.BadParameter(f"{path} must hold classes: whole numbers from 0 on.", param_hint=option)
    return labels


def save_figure(figure: Any, path: Path, **options: Any) -> None:
    """Writes a figure of matplotlib; options are those of its ``savefig``."""
    drawn = BytesIO()  # matplotlib's own errors hide that of a full disk
    figure.savefig(drawn, format=path.suffix[1:].lower(), **options)
    with replaced(path) as new:
        new.write_bytes(drawn.getbuffer())


def save_table(table: Any, path: Path, **options: Any) -> None:
    """Writes a pandas table as .csv; options are those of its ``to_csv``."""
    with replaced(path) as new:
        table.to_csv(new, **options)


def decision_boundary(part: Partition, level: float | None) -> DecisionBoundary:
    """The decision boundary; of a network with one output where it has the level, 0 by default."""
    return part.decision_boundary(level=0.0 if part.network.outputs == 1 and level is None else level)
