"""``cpwl extremum | constant | equal | hash``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .console import Reporter
from .domains import AskedDomain, domain_options
from .files import compile_model, load
from .group import main
from .networks import AskedHead, AskedNetwork, head_options, network_options
from .parameters import BACKEND, CERTIFICATE, EXISTING, NEW, PART

if TYPE_CHECKING:
    from fractions import Fraction

    from ..claims.claim import Claim
    from ..partitions.partition import Partition

_OUT = click.option("--out", type=NEW, callback=CERTIFICATE, help="File for the certificate, .json or .json.gz.")
_LONG = 40
"""The longest fraction that is printed in whole."""


@main.command()
@PART
@click.option("--output", type=click.IntRange(0), default=0, show_default=True, help="Which output.")
@click.option("--minimum", is_flag=True, help="The smallest value instead of the largest.")
@head_options
@_OUT
def extremum(part: Path, output: int, minimum: bool, heads: AskedHead, out: Path | None) -> None:
    """Prove the largest value of an output in PART.

    Exactly: the value is a rational number, and the certificate proves it. With --head, of a linear function of the
    outputs.

    \b
    Examples:
      cpwl extremum part.npz --output 1 --out maximum.json.gz
      cpwl extremum part.npz --head "Y0 - Y3" --minimum
    """
    from ..certification import certify_extremum

    chosen = _headed(part, heads)
    if output >= chosen.network.outputs:
        raise click.BadParameter(f"there are {chosen.network.outputs} outputs, got {output}.", param_hint="--output")
    report = Reporter()
    with report.step("certify") as step:
        optimum = certify_extremum(chosen, output, sense="minimum" if minimum else "maximum", progress=step.progress)
    report.line(f"  the {optimum.sense} of {heads.name(output)} is {_number(optimum.value)}")
    report.line(f"  at u = {_point(optimum.u)}")
    _save(optimum, out, report)


@main.command()
@PART
@click.option("--label", type=click.IntRange(0), help="The output that is to be the largest; else that of a corner.")
@head_options
@_OUT
@click.pass_context
def constant(ctx: click.Context, part: Path, label: int | None, heads: AskedHead, out: Path | None) -> None:
    """Prove that one output is the largest all over PART.

    Or find a point where it is not. The exit status is 0 when it is proved, 1 when it is refuted. --negate asks for
    the smallest. (That a label is nowhere the largest: "cpwl partition --margin-of K", then "cpwl extremum".)

    \b
    Example:
      cpwl constant part.npz --label 3 --out robust.json.gz
    """
    from ..certification import ConstantDecision, certify_constant

    chosen = _headed(part, heads)
    if label is not None and label >= chosen.network.outputs:
        raise click.BadParameter(f"there are {chosen.network.outputs} outputs, got {label}.", param_hint="--label")
    report = Reporter()
    with report.step("certify") as step:
        claim = certify_constant(chosen, label, progress=step.progress)
    if isinstance(claim, ConstantDecision):
        report.line(f"  proved: output {claim.label} is the largest everywhere, by {_number(claim.margin)} or more")
    else:
        report.line(
            f"  refuted: output {claim.label} is not the largest everywhere; output {claim.other} is "
            f"{_number(claim.logits[claim.other])}, output {claim.label} is {_number(claim.logits[claim.label])}"
        )
        report.line(f"  at u = {_point(claim.u)}")
    _save(claim, out, report)
    ctx.exit(int(not isinstance(claim, ConstantDecision)))


@main.command()
@click.argument("first", type=EXISTING)
@click.argument("second", type=EXISTING)
@domain_options
@BACKEND
@_OUT
@click.pass_context
def equal(
    ctx: click.Context, first: Path, second: Path, asked: AskedDomain, backend: str, out: Path | None,
) -> None:  # fmt: skip
    """Prove that two networks are one function.

    FIRST and SECOND on a domain: an export, a pruned or an optimised network against the original. Or find the point
    where they differ most. The exit status is 0 when it is proved, 1 when it is refuted.

    \b
    Example:
      cpwl equal model.pt2 optimised.onnx --box -1 1 --out equal.json.gz
    """
    from ..certification import EqualNetworks, certify_equal

    asked.check()
    report = Reporter()
    first_net, second_net = (compile_model(model, report) for model in (first, second))
    domain = asked.build(first_net)
    with report.step("certify") as step:
        claim = certify_equal(first_net, second_net, domain, backend=backend, progress=step.progress)
    if isinstance(claim, EqualNetworks):
        report.line(f"  proved: all outputs agree everywhere ({claim.partition.regions:,} regions)")
    else:
        report.line(f"  refuted: output {claim.output} differs by {_number(claim.difference)}, nowhere more")
        report.line(f"  at u = {_point(claim.u)}")
    _save(claim, out, report)
    ctx.exit(int(not isinstance(claim, EqualNetworks)))


@main.command("hash")
@click.argument("models", type=EXISTING, nargs=-1, required=True)
@network_options
def hash_(models: tuple[Path, ...], asked_net: AskedNetwork) -> None:
    """Print the SHA-256 by which certificates name MODELS.

    That of the compiled network: of all its numbers and operators. "cpwl check CERTIFICATE --model MODEL" compares it.

    \b
    Example:
      cpwl hash model.onnx
    """
    asked_net.check()
    for model in models:
        click.echo(f"{asked_net.compile(model, None).sha256}  {model}")


def _headed(part: Path, heads: AskedHead) -> Partition:
    heads.check()
    return heads.of(load(part))


def _number(value: Fraction) -> str:
    """A rational number: exactly where that is short, and its decimal."""
    text = str(value)
    if value.denominator == 1:
        return text
    about = f"about {float(value):.9g}"
    return f"{text} ({about})" if len(text) <= _LONG else f"{about} (exactly: a fraction of {len(text)} characters)"


def _point(u: Any) -> str:
    return f"({', '.join(f'{float(x):.9g}' for x in u)})"


def _save(claim: Claim, out: Path | None, report: Reporter) -> None:
    if out is not None:
        claim.save(out)
        report.line(f"  written: {out}; cpwl check {out}")
