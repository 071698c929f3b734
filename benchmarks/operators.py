"""What compiles, operator by operator: the node tests of the ONNX standard, and torch's own samples of its operators.

    python benchmarks/operators.py onnx          # every node test that onnx ships
    python benchmarks/operators.py torch         # every operator and module of torch's own test tables
    python benchmarks/operators.py export        # what docs/torch.md lists, by way of torch.onnx.export

Each case is a network of its first floating-point input, all others being constants. It *passes* where it compiles and
gives the expected output (in float64, and in exact arithmetic where it is small); it is *refused* with a reason; what
raises another error, or gives another output, *fails*. ``--failures`` lists these, ``--refusals`` the reasons.

torch's tables need the package expecttest.
"""

from __future__ import annotations

import argparse
import io
import signal
import sys
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

import cpwl

SMALL = 400
"""Entries of all layers of a network that is evaluated in exact arithmetic as well."""

SECONDS = 60

SAMPLES = 4
"""Of each of torch's operators."""


@dataclass(frozen=True)
class Case:
    """One case: its operator, its name, how to compile it, one input, and the output that is expected (or None)."""

    operator: str
    name: str
    compile: Callable[[], cpwl.Network]
    point: Any
    wanted: Any
    tolerance: float = 1e-4


@dataclass(frozen=True)
class Outcome:
    """ "passes", "refused" or "fails", and why."""

    kind: str
    reason: str = ""


def outcome(case: Case) -> Outcome:
    """What becomes of a case."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            network = case.compile()
    except cpwl.errors.MismatchError as error:
        return Outcome("fails", f"MismatchError: {error}")
    except cpwl.CpwlError as error:
        kind = "fails" if "a bug" in str(error) else "refused"
        return Outcome(kind, f"{type(error).__name__}: {error}")
    except Exception as error:
        return Outcome("fails", f"{type(error).__name__}: {error}")
    return _compared(case, network)


def _compared(case: Case, network: cpwl.Network) -> Outcome:
    point = np.asarray(case.point, np.float64).reshape(network.input_shape)
    found = [np.asarray(cpwl.evaluate(network, point), np.float64).ravel()]
    if sum(node.size for node in network.nodes) <= SMALL:
        found.append(cpwl.evaluate(network, point, backend="exact").ravel().astype(np.float64))
    wanted = np.asarray(case.wanted, np.float64).ravel()
    for values in found:
        if values.shape != wanted.shape:
            return Outcome("fails", f"{values.size} entries for {wanted.size}")
        close = np.isclose(
            values, wanted, rtol=case.tolerance, atol=case.tolerance * (1 + np.abs(wanted).max(initial=0))
        )
        if not close.all():
            return Outcome("fails", f"{values[~close][0]} for {wanted[~close][0]}")
    return Outcome("passes")


# ---- ONNX ----------------------------------------------------------------------------------------------------------
def onnx_cases() -> Iterator[Case]:
    """The node tests of the standard, with floating-point inputs and outputs."""
    from onnx.backend.test.case.node import collect_testcases

    for test in collect_testcases(None):
        case = _onnx_case(test)
        if case is not None:
            yield case


def _onnx_case(test: Any) -> Case | None:
    import onnx

    model = onnx.ModelProto()
    model.CopyFrom(test.model)
    inputs, outputs = test.data_sets[0]
    outputs = [_numbers(value) for value in outputs]
    values = {value.name: _numbers(given) for value, given in zip(model.graph.input, inputs, strict=True)}
    first = next((name for name, value in values.items() if _is_float(value) and value.ndim), None)
    if first is None or not outputs or not _is_float(outputs[0]) or values[first].size == 0:
        return None
    for value in list(model.graph.input):
        given = values[value.name]
        if value.name != first and isinstance(given, np.ndarray):
            model.graph.initializer.append(onnx.numpy_helper.from_array(given, value.name))
            model.graph.input.remove(value)
    target = model.graph.output[0].name
    kind = test.name.removeprefix("test_").removesuffix("_expanded")
    operator = model.graph.node[0].op_type if len(model.graph.node) == 1 else f"{_function(kind)} (expanded)"
    return Case(
        operator,
        test.name,
        lambda: cpwl.compile(model, values[first] if values[first].ndim else None, until=target),
        values[first],
        outputs[0],
        max(test.rtol, 1e-3 if values[first].dtype == np.float16 else 1e-4),
    )


def _function(name: str) -> str:
    return name.split("_")[0]


def _numbers(value: Any) -> Any:
    return np.asarray(value) if isinstance(value, (np.ndarray, np.generic)) else value


def _is_float(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


# ---- torch ---------------------------------------------------------------------------------------------------------
def torch_cases() -> Iterator[Case]:
    """The first samples of every operator of torch's tables, as functions of their first argument."""
    import torch
    from torch.testing._internal.common_methods_invocations import op_db

    class Sample(torch.nn.Module):
        def __init__(self, op: Any, args: Any, kwargs: Any) -> None:
            super().__init__()
            self.op, self.args, self.kwargs = op, args, kwargs

        def forward(self, x: Any) -> Any:
            return self.op(x.squeeze(0), *self.args, **self.kwargs).unsqueeze(0)

    for info in op_db:
        if torch.float32 not in info.supported_dtypes("cpu"):
            continue
        torch.manual_seed(0)
        try:
            samples = list(islice(list(info.sample_inputs("cpu", torch.float32)), SAMPLES))
        except Exception:
            continue
        for k, sample in enumerate(samples):
            x = sample.input
            if not isinstance(x, torch.Tensor) or not x.is_floating_point() or not x.numel():
                continue
            module = Sample(info.op, sample.args, sample.kwargs).eval()
            try:
                with torch.no_grad():
                    wanted = module(x.detach().clone()[None])
            except Exception:
                continue
            if not isinstance(wanted, torch.Tensor) or not wanted.is_floating_point() or not wanted.numel():
                continue
            if wanted.layout != torch.strided or x.layout != torch.strided:
                continue
            point = x.detach().clone()
            yield Case(
                info.name,
                f"{info.name}{'.' + info.variant_test_name if info.variant_test_name else ''} {k}",
                lambda module=module, point=point: cpwl.compile(module, point[None]),  # type: ignore[misc]
                point.double().numpy(),
                wanted.double().numpy(),
            )


def export_cases() -> Iterator[Case]:
    """The modules and functions that docs/torch.md lists, exported to ONNX by torch."""
    import onnx
    import torch

    for name, (module, shape) in LISTED().items():
        torch.manual_seed(0)
        point = torch.randn(1, *shape)
        module.eval()

        def compiled(module: Any = module, point: Any = point) -> cpwl.Network:
            file = io.BytesIO()
            with torch.no_grad():
                torch.onnx.export(module, (point,), file, dynamo=False)
            return cpwl.compile(onnx.load_from_string(file.getvalue()))

        with torch.no_grad():
            wanted = module(point).double().numpy()
        yield Case(
            name.split(",")[0], f"{name}, the module", lambda m=module, p=point: cpwl.compile(m, p), point, wanted
        )  # type: ignore[misc]
        yield Case(name.split(",")[0], f"{name}, exported", compiled, point, wanted)


class _Timeout(Exception):
    pass


def _ring(*_: Any) -> None:
    raise _Timeout


def report(cases: Iterator[Case], *, failures: bool, refusals: bool) -> int:
    """Prints a line for each operator, and the sums; the number of failures."""
    table: dict[str, Counter[str]] = defaultdict(Counter)
    reasons: dict[str, Counter[str]] = defaultdict(Counter)
    failed: list[tuple[Case, Outcome]] = []
    signal.signal(signal.SIGALRM, _ring)
    for case in cases:
        signal.alarm(SECONDS)
        try:
            found = outcome(case)
        except _Timeout:
            found = Outcome("fails", f"more than {SECONDS} s")
        except Exception as error:
            found = Outcome("fails", f"evaluation: {type(error).__name__}: {error}")
        finally:
            signal.alarm(0)
        table[case.operator][found.kind] += 1
        if found.kind == "fails":
            failed.append((case, found))
        elif found.reason:
            reasons[case.operator][found.reason[:300]] += 1
    print(f"{'operator':42}{'passes':>8}{'refused':>9}{'fails':>7}")
    for operator, counts in sorted(table.items()):
        print(f"{operator[:41]:42}{counts['passes']:8}{counts['refused']:9}{counts['fails']:7}")
        for reason, count in reasons[operator].most_common(3 if refusals else 0):
            print(f"      {count} x {reason}")
    total = sum(table.values(), Counter())
    operators = Counter(
        "passes" if not c["refused"] + c["fails"] else "mixed" if c["passes"] else "none" for c in table.values()
    )
    print(f"\n{sum(total.values())} cases of {len(table)} operators: {dict(total)}; operators: {dict(operators)}")
    for case, found in failed if failures else []:
        print(f"FAILS {case.operator}: {case.name}: {found.reason[:400]}")
    return len(failed)


def LISTED() -> dict[str, tuple[Any, tuple[int, ...]]]:
    raise NotImplementedError


SOURCES = {"onnx": onnx_cases, "torch": torch_cases, "export": export_cases}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", choices=sorted(SOURCES))
    parser.add_argument("--failures", action="store_true", help="list what fails")
    parser.add_argument("--refusals", action="store_true", help="list why cases are refused")
    options = parser.parse_args()
    failed = report(SOURCES[options.source](), failures=options.failures, refusals=options.refusals)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
