"""What is made of a model, as a command line says it: where its network begins and ends, functions of its outputs."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from numpy.typing import NDArray

from .console import Reporter
from .files import compile_model

if TYPE_CHECKING:
    from ..network.network import Network
    from ..partitions.partition import Partition

_TERM = re.compile(r"\s*([+-])?\s*(?:(\d+\.?\d*(?:[eE][+-]?\d+)?)\s*\*?\s*)?(?:[Yy]_?(\d+))?\s*")

_ENDS = (
    click.option("--until", metavar="NAME",
                 help="End the network there: a module of a .pt2 file, a tensor or node of an .onnx file."),
    click.option("--model-output", metavar="NAME", help="Which of several outputs of a model: its place, key or name."),
    click.option("--vary", metavar="NAME",
                 help="Which of several inputs of a .pt2 file varies: its place or name. The others are fixed at the "
                      "example that it was exported with."),
)  # fmt: skip
_HEADS = (
    click.option("--head", metavar="TEXT",
                 help="Affine functions of the outputs Y0, Y1, ... instead of them, parted by commas: \"Y0 - Y3\"."),
    click.option("--negate", is_flag=True, help="All outputs with the other sign: the smallest decides (argmin)."),
)  # fmt: skip
_MARGIN = click.option("--margin-of", type=click.IntRange(0), metavar="K",
                       help="One output: output K minus the largest of the others.")  # fmt: skip


@dataclass(frozen=True)
class AskedHead:
    """The options that give functions of the outputs."""

    head: str | None
    negate: bool

    def check(self, other: bool = False) -> None:
        """Raises ``click.UsageError`` unless at most one of the options is given, and the text can be read."""
        if sum((self.head is not None, self.negate, other)) > 1:
            raise click.UsageError("Give at most one of --head, --negate and --margin-of.")
        if self.head is not None:
            _terms(self.head)

    def values(self, outputs: int) -> tuple[Any, ...] | None:
        """A and c of A f + c, if they are asked for."""
        if self.negate:
            return (-1,)
        return None if self.head is None else _matrix(self.head, outputs)

    def of(self, part: Partition) -> Partition:
        """The partition with these outputs."""
        coefficients = self.values(part.network.outputs)
        return part if coefficients is None else part.head(*coefficients)

    def name(self, output: int) -> str:
        """One of these outputs, as it was asked for."""
        return f"output {output}" if self.head is None else self.head.split(",")[output].strip()


@dataclass(frozen=True)
class AskedNetwork(AskedHead):
    """The options that say what is made of a model."""

    margin_of: int | None
    until: str | None
    model_output: str | None
    vary: str | None

    def check(self, other: bool = False) -> None:
        super().check(self.margin_of is not None)
        if self.until is not None and self.model_output is not None:
            raise click.UsageError("Give at most one of --until and --model-output.")

    def compile(self, model: Path, report: Reporter | None) -> Network:
        """The network in a file, with these ends and outputs."""
        from ..network.heads import head, margin

        ends: dict[str, Any] = {"until": self.until, "output": _key(self.model_output), "vary": _key(self.vary)}
        net = compile_model(model, report, **ends)
        if self.margin_of is not None:
            if net.outputs < 2 or self.margin_of >= net.outputs:
                said = f"the network has the outputs {_listed(net.outputs)}, got {self.margin_of}."
                raise click.BadParameter(said, param_hint="--margin-of")
            return margin(net, self.margin_of)
        coefficients = self.values(net.outputs)
        return net if coefficients is None else head(net, *coefficients)


def head_options(command: Callable[..., Any]) -> Any:
    """Adds ``--head`` and ``--negate`` to a command, which receives them as one argument, ``heads``."""
    return _gathered(command, AskedHead, "heads", _HEADS)


def network_options(command: Callable[..., Any]) -> Any:
    """Adds these, ``--margin-of`` and the ends of a model; they are received as one argument, ``asked_net``."""
    return _gathered(command, AskedNetwork, "asked_net", (*_ENDS, *_HEADS, _MARGIN))


def _gathered(command: Callable[..., Any], kind: Any, name: str, options: Any) -> Any:
    @wraps(command)
    def gathered(*args: Any, **values: Any) -> Any:
        asked = kind(**{part.name: values.pop(part.name) for part in fields(kind)})
        return command(*args, **{name: asked}, **values)

    result: Any = gathered
    for option in reversed(options):
        result = option(result)
    return result


def _key(text: str | None) -> int | str | None:
    """A place, or a name."""
    return int(text) if text is not None and text.lstrip("-").isdigit() else text


def _matrix(text: str, outputs: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rows = _terms(text)
    matrix, shift = np.zeros((len(rows), outputs)), np.zeros(len(rows))
    for i, row in enumerate(rows):
        for factor, output in row:
            if output is None:
                shift[i] += factor
            elif output < outputs:
                matrix[i, output] += factor
            else:
                raise click.BadParameter(
                    f"there is no Y{output}: the outputs are {_listed(outputs)}.", param_hint="--head"
                )
    return matrix, shift


def _terms(text: str) -> list[list[tuple[float, int | None]]]:
    """For each function its terms: a factor and the number of an output, or None."""
    return [_row(part, text) for part in text.split(",")]


def _row(part: str, text: str) -> list[tuple[float, int | None]]:
    terms: list[tuple[float, int | None]] = []
    place = 0
    while place < len(part) or not terms:
        match = _TERM.match(part, place)
        sign, factor, output = match.groups() if match else (None, None, None)
        if match is None or (factor is None and output is None) or (terms and sign is None):
            raise click.BadParameter(
                f'\'{text}\' is no list of functions such as "Y0 - Y3" or "Y0 - Y1, 2 Y2 + 0.5".', param_hint="--head"
            )
        size = 1.0 if factor is None else float(factor)
        terms.append((-size if sign == "-" else size, None if output is None else int(output)))
        place = match.end()
    return terms


def _listed(outputs: int) -> str:
    return ", ".join(f"Y{i}" for i in range(outputs)) if outputs <= 5 else f"Y0 to Y{outputs - 1}"
