"""``--box``, ``--axes``, ``--fixed``, ``--through``, ``--segment``, ``--polygon``: the domain of a command."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from math import inf
from pathlib import Path
from re import sub
from typing import TYPE_CHECKING, Any, Literal

import click
from numpy.typing import NDArray

from ..errors import CpwlError, check_planar
from .files import read_numbers
from .parameters import EXISTING

if TYPE_CHECKING:
    from ..geometry.domain import Domain
    from ..network.network import Network

_FEW = 9
"""Inputs of which ``--box`` alone gives a domain: a box of more has more faces than a domain may have."""

_DOMAIN = (
    click.option("--box", type=(float, float), multiple=True, metavar="LO HI",
                 help="Domain: LO <= x <= HI, once for all inputs (or --axes), or once for each."),
    click.option("--axes", metavar="I,J", help="With --box: the inputs that vary, by number; the others are --fixed."),
    click.option("--fixed", metavar="TEXT",
                 help="With --axes: the other inputs, all of them \"0.5\", or by number \"2=0,3=1.5\"."),
    click.option("--through", type=EXISTING,
                 help="Domain: a square around three points, an .npy file (3, followed by the shape of an input). "
                      "Two points give a line, four a cube."),
    click.option("--margin", type=click.FloatRange(0), default=0.5, show_default=True,
                 help="Enlarges that square (line, cube) by the factor 1 + margin."),
    click.option("--rectangle", is_flag=True, help="With --through: the smallest rectangle, enlarged, not a square."),
    click.option("--segment", type=EXISTING,
                 help="Domain: the segment between two points, an .npy file (2, followed by the shape of an input)."),
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
    segment: Path | None
    polygon: Path | None

    def check(self, *, planar: str | None = None) -> None:
        """Raises ``click.UsageError`` unless this is one domain, as far as that can be said without a network.

        ``planar``: what is for planes alone, such as "pictures of maps"; then one that is seen to be none is refused.
        """
        given = {"--box": self.box, "--through": self.through, "--segment": self.segment, "--polygon": self.polygon}
        chosen = [name for name, value in given.items() if value]
        if len(chosen) != 1:
            raise click.UsageError("Give the domain by exactly one of --box, --through, --segment and --polygon.")
        owners = {"--axes": (self.axes, "--box"), "--rectangle": (self.rectangle, "--through")}
        for option, (value, owner) in owners.items():
            if value and owner not in chosen:
                raise click.UsageError(f"{option} goes with {owner}.")
        if self.fixed is not None and self.axes is None:
            raise click.UsageError("--fixed goes with --axes, which says which inputs vary.")
        with _named(chosen[0]):
            self._tried()
        if planar is not None:
            check_planar(self._dimension(), planar)

    def build(self, net: Network) -> Domain:
        """The domain in the input space of a network; ``check`` comes first."""
        from ..geometry.domain import Domain

        if self.through is not None:
            fit: Literal["square", "rectangle"] = "rectangle" if self.rectangle else "square"
            return Domain.through(*_inputs(self.through, net, "--through"), margin=self.margin, fit=fit)
        if self.segment is not None:
            return Domain.segment(*_inputs(self.segment, net, "--segment"))
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
            most = {"--polygon": "2", "--box": str(len(self.box)) if len(self.box) > 1 else f"at most {_FEW}"}[option]
            raise click.BadParameter(
                f"alone it gives a domain of {most} inputs, and the network has {net.inputs}. Give --box with --axes "
                "I,J, the inputs that vary, and --fixed for the others; or --through.",
                param_hint=option,
            )
        return domain

    # ---- private ---------------------------------------------------------------------------------------------------
    def _tried(self) -> None:
        from ..geometry.domain import Domain

        if self.polygon is not None:
            Domain.polygon(read_numbers(self.polygon))
        elif self.through is not None:
            points = _points(self.through)
            if len(points) < 2:
                raise click.BadParameter(f"{self.through} must hold two points or more, got {len(points)}.")
            Domain.through(*points)
        elif self.segment is not None:
            points = _points(self.segment)
            if len(points) != 2:
                raise click.BadParameter(f"{self.segment} must hold two points, got {len(points)}.")
            Domain.segment(*points)
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

    def _dimension(self) -> int:
        """That of the domain; of a box that is given by one pair it is the network's, and taken for 2."""
        file = self.through or self.segment
        if file is not None:
            return len(read_numbers(file)) - 1
        if self.axes is not None:
            return len(_axes(self.axes))
        return len(self.box) if len(self.box) > 1 else 2

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


def _points(path: Path) -> NDArray[Any]:
    points = read_numbers(path)
    if points.ndim < 2:
        raise click.BadParameter(f"{path} must hold an array of points, got the shape {points.shape}.")
    return points


def _inputs(path: Path, net: Network, option: str) -> NDArray[Any]:
    """Points in a file, which must be inputs of the network."""
    points = read_numbers(path)
    if points.shape[1:] != net.input_shape:
        wanted = (len(points), *net.input_shape)
        raise click.BadParameter(
            f"{path} must hold an array of shape {wanted}, inputs of the network; got {points.shape}.",
            param_hint=option,
        )
    return points


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
    return sub(r"p1(, p\d+)* and p\d+|p and q", "the points", message)


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
