"""``cpwl verify``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..storage.files import replaced
from .console import Reporter
from .files import compile_model
from .group import main
from .parameters import EXISTING, JSON, NEW

if TYPE_CHECKING:
    from ..properties.counterexample import Counterexample, Run

_STATUS = {"holds": 0, "violated": 1, "undecided": 3}
"""The exit status; 2 is that of wrong usage, of any command."""
_LISTED = 10


@main.command()
@click.argument("model", type=EXISTING)
@click.argument("spec", type=EXISTING)
@click.option("--timeout", type=click.FloatRange(0, min_open=True), metavar="S", help="Seconds after which to give up.")
@click.option("--result", type=NEW, help="File for the answer as the competitions want it: sat, unsat or timeout, and "
                                         "the values of a counterexample.")  # fmt: skip
@click.option(
    "--resume", type=NEW, callback=JSON, help="Go on from this file, if it is there; what is left is written to it."
)
@click.pass_context
def verify(
    ctx: click.Context, model: Path, spec: Path, timeout: float | None, result: Path | None, resume: Path | None
) -> None:
    """Prove that MODEL has the property SPEC, or refute it.

    SPEC is a VNN-LIB file, of the competitions' form or of VNN-LIB 2.0. The property holds when nothing satisfies the
    query, for the network with exactly the stored weights. A counterexample is a rational input, confirmed in exact
    arithmetic, and where there is one a float32 input that onnxruntime (or, for other files than .onnx, cpwl's own run)
    confirms as well. The exit status is 0 when it holds, 1 when it is violated, 3 when the time was not enough.

    \b
    Examples:
      cpwl verify ACASXU_run2a_1_1_batch_2000.onnx prop_3.vnnlib
      cpwl verify model.onnx spec.vnnlib --timeout 60 --resume left.json
    """
    from ..properties.specification import property_of
    from ..properties.verify import verify as decide
    from ..properties.vnnlib.answer import answer
    from ..properties.vnnlib.query import read

    query = read(spec)
    report = Reporter()
    net = compile_model(model, report, whole=True)
    begun = resume if resume is not None and resume.exists() and resume.stat().st_size else None
    with report.step("verify") as step:
        verdict = decide(
            net, property_of(query), timeout=timeout, run=_run(model), resume=begun, progress=step.progress
        )
        step.result = verdict.report()
    report.line(f"  {verdict.status}")
    if verdict.counterexample is not None:
        _tell(verdict.counterexample, report)
    if result is not None:
        with replaced(result) as new:
            new.write_text(answer(verdict, query.variables), encoding="ascii")
    if resume is not None and verdict.status == "undecided":
        verdict.save(resume)
        report.line(f"  written: {resume}; the same command goes on from there")
    ctx.exit(_STATUS[verdict.status])


def _run(model: Path) -> Run | None:
    """What runs a model where it is used, if that is known."""
    if model.suffix.lower() != ".onnx":
        return None
    from ..compiler.onnx_files.runtime import runner

    return runner(model)


def _tell(counterexample: Counterexample, report: Reporter) -> None:
    kind = "rational numbers; no float32 input was found" if counterexample.float32 is None else "float32 numbers"
    report.line(f"  counterexample, in {kind}:")
    for name, values in (("input", counterexample.x), ("output", counterexample.y)):
        report.line(f"  {name:<8}{_shown(values.ravel())}")


def _shown(values: Any) -> str:
    more = "" if len(values) <= _LISTED else f" ... ({len(values)} numbers)"
    return " ".join(f"{float(a):.9g}" for a in values[:_LISTED]) + more
