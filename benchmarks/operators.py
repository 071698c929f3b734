"""What compiles, operator by operator: the node tests of the ONNX standard, and torch's own samples of its operators.

    python benchmarks/operators.py onnx          # every node test that onnx ships
    python benchmarks/operators.py torch         # every operator and module of torch's own test tables
    python benchmarks/operators.py export        # what docs/torch.md lists, by way of torch.onnx.export

Each case is a network of its first floating-point input, all others being constants. It *passes* where it compiles and
gives the expected output (in float64, and in exact arithmetic where it is small): that of the standard or of torch, or,
where onnxruntime gives another one, what it gives. It is *left out* where it is a softmax or sigmoid at the output,
and *refused* with a reason; what raises another error, or gives another output, *fails*. ``--failures`` lists these,
``--refusals`` the reasons.

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

SAMPLES = 1
"""Of each of torch's operators."""


@dataclass(frozen=True)
class Case:
    """One case: its operator, its name, how to compile it, one input, the expected output, and how to run the file."""

    operator: str
    name: str
    compile: Callable[[], cpwl.Network]
    point: Any
    wanted: Any
    tolerance: float = 1e-4
    run: Callable[[], Any] | None = None


@dataclass(frozen=True)
class Outcome:
    """ "passes", "left out", "refused" or "fails", and why."""

    kind: str
    reason: str = ""


def outcome(case: Case) -> Outcome:
    """What becomes of a case."""
    try:
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            network = case.compile()
    except cpwl.errors.MismatchError as error:
        return Outcome("fails", f"MismatchError: {error}")
    except cpwl.CpwlError as error:
        kind = "fails" if "a bug" in str(error) else "refused"
        return Outcome(kind, f"{type(error).__name__}: {error}")
    except Exception as error:
        return Outcome("fails", f"{type(error).__name__}: {error}")
    if any("at the output is left out" in str(warning.message) for warning in found):
        return Outcome("left out")
    result = _compared(case, network, case.wanted)
    if result.kind == "fails" and case.run is not None:
        return _compared(case, network, case.run())
    return result


def _compared(case: Case, network: cpwl.Network, expected: Any) -> Outcome:
    point = np.asarray(case.point, np.float64).reshape(network.input_shape)
    found = [np.asarray(cpwl.evaluate(network, point), np.float64).ravel()]
    if sum(node.size for node in network.nodes) <= SMALL:
        found.append(cpwl.evaluate(network, point, backend="exact").ravel().astype(np.float64))
    wanted = np.asarray(expected, np.float64).ravel()
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
        lambda: _run(model.SerializeToString(), values[first]),
    )


def _run(content: bytes, point: Any) -> Any:
    """The first output, by onnxruntime."""
    from cpwl.compiler.onnx_files.oracle import open_session

    session = open_session(content)
    return session.run(None, {session.get_inputs()[0].name: point})[0]


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
    """The modules and functions that docs/torch.md lists, and what torch exports of them to ONNX."""
    import onnx
    import torch

    for name, (module, shape) in listed().items():
        torch.manual_seed(0)
        point = torch.randn(1, *shape)
        module.eval()
        file: io.BytesIO | None = io.BytesIO()
        try:
            with torch.no_grad(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                torch.onnx.export(module, (point,), file, dynamo=False)
        except Exception:  # torch's exporter has errors of its own for what it does not export
            file = None

        with torch.no_grad():
            wanted = module(point).double().numpy()
        operator = name.split(",")[0]
        yield Case(
            operator,
            f"{name}, the module",
            lambda module=module, point=point: cpwl.compile(module, point),  # type: ignore[misc]
            point,
            wanted,
        )
        if file is not None:
            content = file.getvalue()
            yield Case(
                operator,
                f"{name}, exported",
                lambda content=content: cpwl.compile(onnx.load_from_string(content)),  # type: ignore[misc]
                point,
                wanted,
                run=lambda content=content, point=point: _run(content, point.numpy()),  # type: ignore[misc]
            )


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
    print(f"{'operator':42}{'passes':>8}{'left out':>9}{'refused':>9}{'fails':>7}")
    for operator, counts in sorted(table.items()):
        print(f"{operator[:41]:42}{counts['passes']:8}{counts['left out']:9}{counts['refused']:9}{counts['fails']:7}")
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


def listed() -> dict[str, tuple[Any, tuple[int, ...]]]:
    """The modules and functions that docs/torch.md lists, by name, each with the shape of a sample."""
    import torch
    from torch import nn
    from torch.nn import functional as F

    class Function(nn.Module):
        def __init__(self, function: Callable[[Any], Any]) -> None:
            super().__init__()
            self.function = function

        def forward(self, x: Any) -> Any:
            return self.function(x)

    image, row = (3, 6, 8), (6,)
    weight = torch.linspace(-1, 1, 24).reshape(6, 4)
    mask = torch.arange(6) % 2 == 0
    modules: dict[str, tuple[Any, tuple[int, ...]]] = {
        "ReLU": (nn.ReLU(), row),
        "LeakyReLU": (nn.LeakyReLU(0.1), row),
        "PReLU": (nn.PReLU(3), image),
        "RReLU": (nn.RReLU(), row),
        "hardtanh": (nn.Hardtanh(-0.5, 0.7), row),
        "ReLU6": (nn.ReLU6(), row),
        "hardsigmoid": (nn.Hardsigmoid(), row),
        "softshrink": (nn.Softshrink(0.3), row),
        "threshold": (nn.Threshold(0.2, 0.2), row),
        **{
            f"convolution, {d}-D": (c(3, 4, 3, 2, 1), (3, *[7] * d))
            for d, c in enumerate((nn.Conv1d, nn.Conv2d, nn.Conv3d), 1)
        },
        **{
            f"convolution, {p}": (nn.Conv2d(3, 4, 3, padding=1, padding_mode=p), image)
            for p in ("reflect", "replicate", "circular")
        },
        "convolution, same": (nn.Conv2d(3, 6, 4, padding="same", groups=3, dilation=2), image),
        **{
            f"transposed convolution, {d}-D": (c(3, 4, 3, 2, 1, 1), (3, *[5] * d))
            for d, c in enumerate((nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d), 1)
        },
        "max-pool": (nn.MaxPool2d(3, 2, 1), image),
        "max-pool, ceil": (nn.MaxPool2d(3, 2, ceil_mode=True), image),
        "max-pool, dilated": (nn.MaxPool2d(2, 1, dilation=2), image),
        "max-pool, 1-D": (nn.MaxPool1d(3), (3, 9)),
        "average pool": (nn.AvgPool2d(3, 2, 1), image),
        "average pool, inside": (nn.AvgPool2d(3, 2, 1, count_include_pad=False), image),
        "average pool, divisor": (nn.AvgPool2d(2, divisor_override=3), image),
        "adaptive average pool": (nn.AdaptiveAvgPool2d((3, 4)), image),
        "adaptive max-pool": (nn.AdaptiveMaxPool2d((3, 4)), image),
        "adaptive average pool, uneven": (nn.AdaptiveAvgPool2d((4, 3)), image),
        "linear": (nn.Linear(6, 4), row),
        "batch norm": (nn.BatchNorm2d(3), image),
        "batch norm, 1-D": (nn.BatchNorm1d(6), row),
        "instance norm with statistics": (nn.InstanceNorm2d(3, track_running_stats=True), image),
        **{
            f"resampling, {m}": (nn.Upsample(scale_factor=1.5, mode=m), image)
            for m in ("nearest", "nearest-exact", "bilinear", "bicubic")
        },
        "resampling, linear": (nn.Upsample(size=7, mode="linear"), (3, 5)),
        "resampling, trilinear": (nn.Upsample(size=(3, 4, 5), mode="trilinear"), (1, 2, 3, 4)),
        "resampling, with corners": (nn.Upsample(size=(9, 5), mode="bilinear", align_corners=True), image),
        "pixel shuffle": (nn.Sequential(nn.PixelUnshuffle(2), nn.PixelShuffle(2)), image),
        "unfold": (nn.Unfold(2), image),
        **{
            f"pad, {m}": (Function(lambda x, m=m: F.pad(x, (1, 2, 0, 1), mode=m)), image)
            for m in ("constant", "reflect", "replicate", "circular")
        },
    }
    functions: dict[str, tuple[Callable[[Any], Any], tuple[int, ...]]] = {
        "abs": (lambda x: x.abs(), row),
        "clamp": (lambda x: x.clamp(-0.5, 0.7), row),
        "minimum and maximum": (lambda x: torch.maximum(x, x.flip(1)) - torch.minimum(x, weight[:, 0]), row),
        "max over axes": (lambda x: x.amax((2, 3)), image),
        "max over an axis": (lambda x: x.max(1).values, image),
        "norm of order 1": (lambda x: x.norm(p=1, dim=1), row),
        "norm of order inf": (lambda x: x.norm(p=float("inf"), dim=1), row),
        "matrix product": (lambda x: x @ weight, row),
        "einsum": (lambda x: torch.einsum("bchw,cd->bdhw", x, weight[:3]), image),
        "tensordot": (lambda x: torch.tensordot(x, weight[:3], dims=([1], [0])), image),
        "sums and quotients": (lambda x: (3 * x - x / 7 + 1) / weight[:, 1], row),
        "sum": (lambda x: x.sum((2, 3)), image),
        "mean": (lambda x: x.mean((2, 3)), image),
        "cumsum": (lambda x: x.cumsum(1), row),
        "reshape": (lambda x: x.reshape(x.shape[0], -1), image),
        "permute": (lambda x: x.permute(0, 2, 3, 1), image),
        "slices": (lambda x: x[:, 1:, ::2, :-1], image),
        "index": (lambda x: x[:, [2, 0]], image),
        "gather": (lambda x: x.gather(1, torch.tensor([[1, 0, 5]]).expand(len(x), 3)), row),
        "cat": (lambda x: torch.cat([x, x[:, :2]], 1), row),
        "stack": (lambda x: torch.stack([x, -x], 1), row),
        "split": (lambda x: x.split(2, 1)[1], row),
        "flip": (lambda x: x.flip(1), row),
        "roll": (lambda x: x.roll(1, 1), row),
        "repeat": (lambda x: x.repeat(1, 2), row),
        "expand": (lambda x: x[:, :, None].expand(-1, -1, 3), row),
        "where": (lambda x: torch.where(mask, x, 2 * x), row),
        "masked_fill": (lambda x: x.masked_fill(mask, 1.0), row),
        "tril": (lambda x: torch.tril(x[..., :6]), image),
    }
    return {**modules, **{name: (Function(function), shape) for name, (function, shape) in functions.items()}}


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
