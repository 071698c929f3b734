"""``--box``, ``--axes``, ``--fixed``, ``--through``, ``--polygon``: the domain that a command is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import CpwlError
from .files import read_numbers
from .parameters import EXISTING

if TYPE_CHECKING:
    from ..geometry.domain import Domain
    from ..network.network import Network

_FEW = 3
"""Inputs of which ``--box`` alone gives a domain, if it is one that can be partitioned."""

_DOMAIN = (
    click.option("--box", type=(float, float), multiple=True, metavar="LO HI",
                 help="Domain: LO <= x <= HI, once for both inputs (or --axes), or once for each."),
    click.option("--axes", metavar="I,J", help="With --box: the inputs that vary, by number; the others are --fixed."),
    click.option("--fixed", metavar="TEXT",
                 help="With --axes: the other inputs, all of them \"0.5\", or by number \"2=0,3=1.5\"."),
    click.option("--through", type=EXISTING,
                 help="Domain: a square through the points in an .npy file (3, followed by the shape of an input)."),
    click.option("--margin", type=click.FloatRange(0), default=0.5, show_default=True,
                 help="Enlarges that square by the factor 1 + margin."),
    click.option("--rectangle", is_flag=True, help="With --through: the smallest rectangle, enlarged, not a square."),
    click.option("--polygon", type=EXISTING,
                 help="Domain of a network of two inputs: a convex polygon, an .npy or text file (N, 2)."),
)  # fmt: skip


@dataclass(frozen=True)
class AskedDomain:
    """The options that give a domain."""

    box: tuple[tuple[float, float], ...]
    axes: str | None
    fixed: str | None
    through: Path | None
    margin: float
    rectangle: bool
    polygon: Path | None

    def check(self) -> None:
        """Raises ``click.UsageError`` unless this is one domain, as far as that can be said without a network."""
        given = {"--box": self.box, "--through": self.through, "--polygon": self.polygon}
        chosen = [name for name, value in given.items() if value]
        if len(chosen) != 1:
            raise click.UsageError("Give the domain by exactly one of --box, --through and --polygon.")
        owners = {"--axes": (self.axes, "--box"), "--rectangle": (self.rectangle, "--through")}
        for option, (value, owner) in owners.items():
            if value and owner not in chosen:
                raise click.UsageError(f"{option} goes with {owner}.")
        if self.fixed is not None and self.axes is None:
            raise click.UsageError("--fixed goes with --axes, which says which inputs vary.")
        with _named(chosen[0]):
            self._tried()

    def build(self, net: Network) -> Domain:
        """The domain in the input space of a network; ``check`` comes first."""
        from ..geometry.domain import Domain

        if self.through is not None:
            return self._through(net)
        if self.polygon is not None:
            domain: Domain | None = Domain.polygon(read_numbers(self.polygon))
        elif self.axes is not None:
            return self._slice(net)
        else:
            bounds = self.box * net.inputs if len(self.box) == 1 else self.box
            lo, hi = zip(*bounds, strict=True)
            domain = Domain.box(lo, hi) if len(bounds) == net.inputs <= _FEW else None
        if domain is None or domain.shape != (net.inputs,):
            option = "--box" if self.polygon is None else "--polygon"
            raise click.BadParameter(
                f"alone it gives a domain of {2 if len(self.box) < 2 else len(self.box)} inputs, and the network has "
                f"{net.inputs}. Give --box with --axes I,J, the inputs that vary, and --fixed for the others; or "
                "--through.",
                param_hint=option,
            )
        return domain

    # ---- private ---------------------------------------------------------------------------------------------------
    def _tried(self) -> None:
        from ..geometry.domain import Domain

        if self.polygon is not None:
            Domain.polygon(read_numbers(self.polygon))
        elif self.through is not None:
            points = read_numbers(self.through)
            if len(points) != 3:
                raise click.BadParameter(f"{self.through} must hold three points, got {len(points)}.")
            Domain.through(*points)
        for low, high in self.box:
            if not -inf < low < high < inf:
                raise click.BadParameter(f"LO must be a finite number below HI, got {_shown(self.box)}.")
            Domain.box([low, low], [high, high])
        if self.axes is not None:
            axes = _axes(self.axes)
            if len(self.box) not in (1, len(axes)):
                raise click.BadParameter(f"once for all --axes or once for each, got {len(self.box)} for {len(axes)}.")
        if self.fixed is not None:
            _fixed(self.fixed)

    def _through(self, net: Network) -> Domain:
        from ..geometry.domain import Domain

        points = read_numbers(self.through) if self.through is not None else None
        if points is None or points.shape != (3, *net.input_shape):
            got = None if points is None else points.shape
            raise click.BadParameter(
                f"{self.through} must hold an array of shape {(3, *net.input_shape)}, three inputs of the network; got "
                f"{got}.",
                param_hint="--through",
            )
        return Domain.through(
            points[0], points[1], points[2], margin=self.margin, fit="rectangle" if self.rectangle else "square"
        )

    def _slice(self, net: Network) -> Domain:
        from ..geometry.domain import Domain

        axes, others = _axes(self.axes or ""), _fixed(self.fixed or "")
        missing = [i for i in range(net.inputs) if i not in axes]
        fixed = dict.fromkeys(missing, others) if isinstance(others, float) else {**others}
        lo, hi = zip(*(self.box * len(axes) if len(self.box) == 1 else self.box), strict=True)
        with _named("--axes"):
            if set(fixed) != set(missing) or max(axes) >= net.inputs:
                raise click.BadParameter(
                    f"each input of the network, 0 to {net.inputs - 1}, must be one of --axes or --fixed; got the axes "
                    f"{_listed(axes)} and fixed {_listed(fixed)}."
                )
            return Domain.slice(lo, hi, axes=axes, fixed={**fixed})


def domain_options(command: Callable[..., Any]) -> Any:
    """Adds the options that give a domain to a command, which receives them as one argument, ``asked``."""

    @wraps(command)
    def gathered(*args: Any, **values: Any) -> Any:
        asked = AskedDomain(**{part.name: values.pop(part.name) for part in fields(AskedDomain)})
        return command(*args, asked=asked, **values)

    result: Any = gathered
    for option in reversed(_DOMAIN):
        result = option(result)
    return result


class _named:
    """A context in which errors of the library and of values name an option."""

    def __init__(self, option: str) -> None:
        self.option = option

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, click.BadParameter):
            raise click.BadParameter(error.message, param_hint=error.param_hint or self.option) from None
        if isinstance(error, CpwlError):
            raise click.BadParameter(_in_words_of_options(str(error)), param_hint=self.option) from None


def _in_words_of_options(message: str) -> str:
    """What the library says of its arguments, without names that only Python knows."""
    return message.replace("p1, p2 and p3", "the three points")


def _axes(text: str) -> list[int]:
    try:
        axes = [int(word) for word in text.split(",")]
    except ValueError:
        axes = []
    if len(axes) < 1 or len(set(axes)) < len(axes) or min(axes) < 0:
        raise click.BadParameter(
            f"must be different numbers of inputs, such as 0,1; got '{text}'.", param_hint="--axes"
        )
    return axes


def _fixed(text: str) -> float | dict[int, float]:
    """One number for all other inputs, or a number for each."""
    try:
        if text and "=" not in text:
            return float(text)
        pairs = [word.split("=") for word in text.split(",") if word.strip()]
        return {int(name): float(value) for name, value in pairs}
    except ValueError:
        raise click.BadParameter(
            f"must be one number, or numbers of inputs with their values such as 2=0,3=1.5; got '{text}'.",
            param_hint="--fixed",
        ) from None


def _listed(numbers: Any) -> str:
    return ", ".join(map(str, numbers)) or "none"


def _shown(box: tuple[tuple[float, float], ...]) -> str:
    """Bounds as they were given."""
    return ", ".join(f"{low:g} {high:g}" for low, high in box)
