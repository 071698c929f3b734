"""``cpwl.verify``: a property of a network proved, or refuted by an input."""

from __future__ import annotations

from os import PathLike
from typing import Any

from ..errors import ArgumentError, ShapeError
from ..local.evaluate import check_compiled
from ..network.network import Network
from ..network.operators import Periodic
from ..runtime import inputs
from ..runtime.ieee import ieee
from ..runtime.inputs import flag, instance, number, optional
from ..runtime.progress import shows_progress
from ..tiling.states import Progress
from .counterexample import Counterexample, Run, counterexample
from .decide import Clock, Work, decide
from .problem import Problem
from .specification import Specification
from .verdict import Status, Verdict, load


@ieee
@shows_progress
def verify(
    net: Network,
    spec: Specification,
    *,
    timeout: float | None = None,
    run: Run | None = None,
    resume: Verdict | str | PathLike[str] | None = None,
    keep_dropped: bool = False,
    progress: Progress | None = None,
) -> Verdict:
    """Whether a network has a property, exactly.

    ``net`` is compiled from a model. If ``cpwl.compile`` has warned that a softmax or sigmoid at its end is left out,
    the property is about what goes into that.

    The verdict is about the rational network: its weights as they are stored, computed without rounding. It ``holds``
    if all boxes of the specification are shown to be safe: a region, or a part of the input space, by a proven bound,
    or by exact signs at its vertices. It is ``violated`` if there is an input of a box where all constraints of a
    conjunction hold, equality included; that input is a rational one, at which exact arithmetic confirms it, and where
    one is found a float32 input for which ``run``, outputs (M, *shape) of inputs (M, *shape), refutes the property as
    well: by default the library's own run in float32, for the command the ONNX file in onnxruntime.

    Complete where up to nine inputs vary, in practice up to about six; of more, unsafe inputs are only looked for.
    After ``timeout`` seconds, and not before a part of a box is decided, the property is ``undecided``; ``resume``,
    that verdict or the file that its ``save`` wrote, goes on from there. So any timeout, however short, comes to an
    end. With ``keep_dropped`` the verdict's ``parts`` say of each box which regions were looked at and which were
    dropped, by which bounds; files hold none of this.
    """
    check_compiled(net)
    instance("spec", spec, Specification, "Use cpwl.Specification.box or cpwl.Specification.read.")
    _check(net, spec)
    seconds = optional(number, "timeout", timeout)
    if seconds is not None and not seconds > 0:
        raise ArgumentError(f"timeout must be positive, or None, got {timeout!r}.")
    optional(inputs.having, "run", run, "__call__", "a function of inputs, or None")
    inputs.progress(progress)
    problems = [Problem.of(net, case) for case in spec.cases]
    clock = Clock(seconds)
    works, before = _begun(net, spec, problems, resume)
    _keep(works, resume, keep_dropped=flag("keep_dropped", keep_dropped))
    done = [0.0]

    def report(share: float) -> None:
        done[0] += share / max(len(problems), 1)
        if progress is not None:
            progress(min(1000, round(1000 * done[0])), 1000, "verify")

    refutation: Counterexample | None = None
    for problem, work in zip(problems, works, strict=True):
        u = decide(problem, work, clock, report)
        if u is not None:
            refutation = counterexample(problem, u, run)
            break
    open_ = any(work.remaining for work in works)
    status: Status = "violated" if refutation is not None else "undecided" if open_ else "holds"
    return Verdict(net, spec, status, refutation, works, before + clock.elapsed)


def _check(net: Network, spec: Specification) -> None:
    if (net.inputs, net.outputs) != (spec.inputs, spec.outputs):
        raise ShapeError(
            f"spec is about {spec.inputs} inputs and {spec.outputs} outputs, but the network has {net.inputs} and "
            f"{net.outputs}."
        )
    if any(isinstance(node.op, Periodic) for node in net.nodes):
        raise ArgumentError("net has periodic activations. Verify the network of a partition, which has replaced them.")


def _begun(net: Network, spec: Specification, problems: list[Problem], resume: Any) -> tuple[tuple[Work, ...], float]:
    """What is to be done, and the seconds that went before."""
    if resume is None:
        return tuple(Work([(problem.lower, problem.upper)]) for problem in problems), 0.0
    if not isinstance(resume, (Verdict, str, PathLike)):
        raise ArgumentError(f"resume must be a verdict, or the name of its file, got {type(resume).__name__}.")
    if not isinstance(resume, Verdict):
        return load(resume, net, spec)
    if resume.network is not net or resume.specification != spec:
        raise ArgumentError("resume must be a verdict about the same network and specification.")
    return tuple(work.copied() for work in resume.work), resume.seconds


def _keep(works: tuple[Work, ...], resume: Any, *, keep_dropped: bool) -> None:
    """Prepares work for keeping, or not, what is dropped."""
    for work in works:
        if not keep_dropped:
            work.parts = None
        elif work.parts is None and resume is not None:
            raise ArgumentError(
                "keep_dropped needs all boxes from the first one on: resume from a verdict, not a file, that was found "
                "with keep_dropped as well."
            )
        elif work.parts is None:
            work.parts = []
