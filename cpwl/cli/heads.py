"""``--head``, ``--negate`` and ``--margin-of``: what is made of a network's outputs, as a command line says it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

import click
import numpy as np
from numpy.typing import NDArray

from ..network.network import Network

T = TypeVar("T")

_TERM = re.compile(r"\s*([+-])?\s*(?:(\d+\.?\d*(?:[eE][+-]?\d+)?)\s*\*?\s*)?(?:[Yy]_?(\d+))?\s*")

_HEADS = (
    click.option("--head", metavar="TEXT",
                 help="Affine functions of the outputs Y0, Y1, ... instead of them, parted by commas: \"Y0 - Y3\"."),
    click.option("--negate", is_flag=True, help="All outputs with the other sign: the smallest decides (argmin)."),
)  # fmt: skip
_MARGIN = click.option("--margin-of", type=click.IntRange(0), metavar="K",
                       help="One output: output K minus the largest of the others.")  # fmt: skip


def head_options(command: Any) -> Any:
    """Adds ``--head`` and ``--negate`` to a command."""
    for option in reversed(_HEADS):
        command = option(command)
    return command


def network_head_options(command: Any) -> Any:
    """Adds ``--head``, ``--negate`` and ``--margin-of``, which needs a network and not its partition."""
    return head_options(_MARGIN(command))


def check_heads(text: str | None, negate: bool, margin_of: int | None = None) -> None:
    """Raises ``click.UsageError`` unless at most one of the options is given, and the text can be read."""
    if sum((text is not None, negate, margin_of is not None)) > 1:
        raise click.UsageError("Give at most one of --head, --negate and --margin-of.")
    if text is not None:
        _terms(text)


def headed(what: T, apply: Callable[..., T], outputs: int, text: str | None, negate: bool) -> T:
    """A network or a partition with other outputs, or the same; ``apply(A, c)`` gives one."""
    if negate:
        return apply(-1)
    return what if text is None else apply(*_matrix(text, outputs))


def headed_network(net: Network, text: str | None, negate: bool, margin_of: int | None) -> Network:
    """A network with other outputs, or the same one."""
    from ..network.heads import head, margin

    if margin_of is not None:
        if net.outputs < 2 or margin_of >= net.outputs:
            said = f"the network has the outputs {_listed(net.outputs)}, got {margin_of}."
            raise click.BadParameter(said, param_hint="--margin-of")
        return margin(net, margin_of)
    return headed(net, lambda *values: head(net, *values), net.outputs, text, negate)


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
