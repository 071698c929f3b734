"""The cases of vnnlib-satisfactory, a test suite for VNN-LIB 2.0 solvers by others, put to cpwl.

    pip install vnnlib-satisfactory -c constraints.txt    # somewhere beside the library: it brings onnxscript and typer
    python benchmarks/vnnlib_suite.py [--category NAME ...] [--timeout S]

Each case is an ONNX model of few operators, a query and an answer. One that cpwl refuses, an operator that is not
piecewise linear or a query of more than one network, is listed with the reason, and so is one that stays open. The exit
status is 1 for a wrong answer.
"""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from rich.console import Console

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import cpwl
from cpwl.errors import LeftOutWarning

ANSWERS = {"holds": "unsat", "violated": "sat", "undecided": "unknown"}


def answered(model: object, query: str, timeout: float) -> str:
    """The answer, or why there is none."""
    import onnx

    with TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", LeftOutWarning)
        path = Path(folder) / "model.onnx"
        onnx.save(model, path)
        try:
            net = cpwl.compile(path)
            return ANSWERS[cpwl.verify(net, cpwl.Specification.parse(query), timeout=timeout).status]
        except (cpwl.CpwlError, LeftOutWarning) as error:
            return f"refused: {' '.join(str(error).split())}"


@click.command()
@click.option("--category", "categories", multiple=True, help="All by default.")
@click.option("--timeout", type=float, default=20.0, show_default=True, help="Seconds of a case.")
def main(categories: tuple[str, ...], timeout: float) -> None:
    """The suite's cases, one by one."""
    try:
        from vnntest.core.paths import CASES_DIR
        from vnntest.core.testcase import ModuleCaseSource
    except ImportError as error:
        raise click.ClickException(f"{error}: pip install vnnlib-satisfactory -c constraints.txt") from None
    console, counts = Console(), Counter[str]()
    for path in sorted(CASES_DIR.rglob("*.py")):
        case = ModuleCaseSource.try_from_path(path)
        if case is None or (categories and case.node_type not in categories):
            continue
        queries = case.build_vnnlib_spec()
        query = queries if isinstance(queries, str) else queries[0]
        found = answered(case.build_onnx_model(), query, timeout)
        wanted = str(case.expected_output()).lower()
        refused = found.startswith("refused")
        outcome = "refused" if refused else "right" if found == wanted else "open" if found == "unknown" else "WRONG"
        counts[outcome] += 1
        if outcome != "right":
            console.print(f"{case.id}: {outcome}, wanted {wanted}, got {found}", highlight=False, markup=False)
    console.print(", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items())))
    sys.exit(int(counts["WRONG"] > 0))


if __name__ == "__main__":
    main()
