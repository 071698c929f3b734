"""What an error says is true, and says what is meant: the file, the argument, the kind of thing, and what to do."""

from __future__ import annotations

import errno
import gzip
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from torch import Tensor, nn

import cpwl
from cpwl import analysis, checker, plots
from cpwl.cli import main
from cpwl.errors import ArgumentError, FileFormatError, ShapeError, UnsupportedLayerError
from cpwl.runtime.inputs import number
from cpwl.storage.files import reading
from tests.support.networks import mlp
from tests.support.onnx_models import check, constant, model
from tests.support.onnx_models import random as numbers

SQUARE = cpwl.Domain.box([-1.0, -1.0], [1.0, 1.0])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("messages")
    part = cpwl.partition(mlp(0, [2, 4, 2]), SQUARE)
    part.save(made / "part.npz")
    cpwl.certify(part).save(made / "c.json")
    cpwl.certify(part).save(made / "c.json.gz")
    return made


# ---- models ----------------------------------------------------------------------------------------------------------
class Forward(nn.Module):
    def __init__(self, forward: Any) -> None:
        super().__init__()
        self.function = forward

    def forward(self, x: Tensor) -> Any:
        return self.function(x)


def compiled(forward: Any, **options: Any) -> cpwl.Network:
    return cpwl.compile(Forward(forward).eval(), torch.zeros(1, 3), **options)


@pytest.mark.parametrize("predicate", ["input", "constant"])
def test_a_choice_of_the_model_is_no_constant(predicate: str) -> None:
    def choice(x: Tensor) -> Tensor:
        decided = x.sum() > 0 if predicate == "input" else torch.ones(1).sum() > 0
        return torch.cond(decided, lambda y: y.relu(), lambda y: -y, (x,))

    with pytest.raises(UnsupportedLayerError, match="cond: it holds graphs of its own") as caught:
        compiled(choice)
    assert "constant" not in str(caught.value)


@pytest.mark.parametrize("output", [1, 2, 7])
def test_outputs_to_choose_from_are_tensors(output: int) -> None:
    with pytest.raises(ArgumentError, match=f"got {output}; it returns tuple: choose one by output=, one of 0, or"):
        compiled(lambda x: (x.relu(), 3, None), output=output)


POWERS = {"number": lambda x: x.pow(1), "float": lambda x: x**1.0, "tensor": lambda x: x.pow(torch.ones(3))}


@pytest.mark.parametrize("name", POWERS)
def test_a_power_of_one_is_the_identity(name: str) -> None:
    function = POWERS[name]
    x = np.array([0.5, -1.0, 2.0])
    found = cpwl.evaluate(compiled(lambda v: function(v).relu()), x)
    wanted = function(torch.tensor(x)[None]).relu()[0].numpy()
    np.testing.assert_array_equal(found, wanted)
    with pytest.raises(UnsupportedLayerError, match="it is curved"):
        compiled(lambda v: function(v).pow(3))


def test_a_power_of_one_in_a_file_is_the_identity() -> None:
    from onnx.helper import make_node

    for exponent in (np.float32(1), np.ones((2, 3), np.float32)):
        nodes = [make_node("Pow", ["x", "e"], ["y"])]
        check(model(nodes, (1, 3), {"e": constant(exponent)}), numbers(1, 3))
    with pytest.raises(UnsupportedLayerError, match="it is curved"):
        cpwl.compile(model([make_node("Pow", ["x", "e"], ["y"])], (1, 3), {"e": constant([1, 1, 2])}))


def test_a_forward_that_fails_says_with_which_error() -> None:
    def fails(x: Tensor) -> Tensor:
        raise KeyError("boo")

    with pytest.raises(ShapeError, match="with KeyError: 'boo'"):
        compiled(fails)


def test_torch_says_nothing_beside_the_error() -> None:
    """No log messages, no dumps of graphs: in a process of its own, as torch's handlers hold on to the real stderr."""
    code = (
        "import torch, cpwl\n"
        "class Branch(torch.nn.Module):\n"
        "    def forward(self, x): return x if x.sum() > 0 else -x\n"
        "try: cpwl.compile(Branch().eval(), torch.zeros(1, 3))\n"
        "except cpwl.CpwlError: print('refused')\n"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout == "refused\n" and answer.stderr == ""


# ---- arguments -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("value", ["60", "thick", 1j, None, [1.0], np.array("a")])
def test_a_number_is_not_called_an_array(value: Any) -> None:
    with pytest.raises(ArgumentError, match=r"^x must be one number, got"):
        number("x", value)


@pytest.mark.parametrize(
    ("weights", "biases", "said"),
    [
        (
            [(2, 3), (2, 4)],
            [(2,), (2,)],
            r"weights\[1\] must have shape \(out, 2\), for the outputs of weights\[0\], got",
        ),
        (
            [(2, 3), (4, 2)],
            [(3,), (4,)],
            r"biases\[0\] must have shape \(2,\), one for each output of weights\[0\], got",
        ),
        ([(2, 3), (4, 2)], [(2,), (2,)], r"biases\[1\] must have shape \(4,\), .* got \(2,\)"),
        ([(0, 3), (4, 0)], [(0,), (4,)], r"weights\[0\] must have shape \(out, in\), neither of them zero"),
        ([(2, 3), (0, 2)], [(2,), (0,)], r"weights\[1\] must have shape \(out, 2\)"),
    ],
)
def test_layers_of_a_perceptron_fit(weights: Any, biases: Any, said: str) -> None:
    with pytest.raises(ShapeError, match=said):
        cpwl.Network.mlp([np.ones(shape) for shape in weights], [np.ones(shape) for shape in biases])


def test_several_domains_are_for_partition_many() -> None:
    with pytest.raises(ArgumentError, match=r"dom must be a Domain.*partition_many"):
        cpwl.partition(mlp(0, [2, 4, 2]), cpwl.Domain.polyline([[0, 0], [1, 0], [1, 1]]))


def test_a_class_is_called_as_users_see_it() -> None:
    part = cpwl.partition(mlp(0, [2, 4, 2]), SQUARE)
    calls = (analysis.contours, analysis.length_table, lambda x: analysis.nearest(x, [[0, 0]]), cpwl.certify_samples,
             plots.plot_mesh, plots.view_surface)  # fmt: skip
    for call in calls:
        with pytest.raises(ArgumentError, match="boundary must be a DecisionBoundary, got Partition"):
            call(part)


@pytest.mark.parametrize("shape", [(2, 3), (2,), (0, 2), (2, 2, 2)])
def test_points_of_a_study_fit_its_networks(shape: tuple[int, ...]) -> None:
    net = mlp(0, [2, 4, 2])
    if shape == (2,):  # one point
        assert len(analysis.study({"a": net}, {"p": np.zeros(shape)})) == 1
        return
    with pytest.raises(ShapeError, match=r"points 'p' must have shape \(M, 2\), inputs of 'a', one or more; got"):
        analysis.study({"a": net}, {"p": np.zeros(shape)})


def test_a_box_has_the_shape_of_an_input() -> None:
    dom = cpwl.Domain.box(-np.ones((2, 2)), np.ones((2, 2)))
    assert dom.dim == 4 and dom.shape == (2, 2)
    x = np.arange(4.0).reshape(2, 2) / 4
    np.testing.assert_array_equal(dom.to_input(dom.to_slice(x)), x)
    with pytest.raises(ShapeError, match="lo and hi must hold one number or more"):
        cpwl.Domain.box([], [])
    with pytest.raises(ShapeError, match="lo and hi must have one shape"):
        cpwl.Domain.box([0, 0], [1])


def test_a_written_partition_is_shown_in_a_line(folder: Path) -> None:
    written = cpwl.write_partition(mlp(0, [2, 4, 2]), SQUARE, folder / "shown")
    assert repr(written) == f"<Written: {written.regions} regions in 1 files of {str(folder / 'shown')!r}>"


@pytest.mark.parametrize("name", ["x.png", "x.txt", "x.pdf"])
def test_a_page_is_no_picture(name: str, folder: Path) -> None:
    part = cpwl.load(folder / "part.npz")
    for write in (part.view, part.view().save):
        with pytest.raises(ArgumentError, match=r"path must end with \.html"):
            write(folder / name)
    assert not (folder / name).exists()


# ---- files -----------------------------------------------------------------------------------------------------------
def test_a_certificate_is_told_from_a_partition(folder: Path) -> None:
    for name in ("c.json", "c.json.gz"):
        with pytest.raises(FileFormatError, match=r"looks like a certificate.*Certificate\.load"):
            cpwl.load(folder / name)


def test_check_says_which_file_is_none_and_what_it_is(folder: Path) -> None:
    answer = CliRunner().invoke(main, ["check", str(folder / "part.npz")])
    assert answer.exit_code == 2 and "such as a partition, and not a certificate" in answer.output
    both = CliRunner().invoke(main, ["check", str(folder / "c.json"), str(folder / "part.npz")])
    assert both.exit_code == 2 and "part.npz: " in both.output


def test_what_unpacks_to_too_much_is_not_called_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checker, "MAX_BYTES", 1000)
    for data, said in ((gzip.compress(b" " * 1001), "unpacks to more than 1000"), (b" " * 1001, "has more than 1000")):
        with pytest.raises(checker.Malformed, match=said):
            checker.parse(data)


@pytest.mark.parametrize("number", [errno.EMFILE, errno.EIO, errno.ENOMEM, errno.EACCES, errno.ENOSPC, errno.ESTALE])
def test_what_is_no_fault_of_a_file_is_not_called_one(number: int, folder: Path, monkeypatch: Any) -> None:
    def fails(*_: Any) -> None:
        raise OSError(number, os.strerror(number))

    with pytest.raises(OSError, match=os.strerror(number)), reading("x", "a file", "Write it again."):
        fails()
    cpwl.write_partition(mlp(0, [2, 4, 2]), SQUARE, folder / f"set{number}", max_regions=1)
    monkeypatch.setattr("cpwl.datasets.written.digest_of", fails)
    with pytest.raises(OSError, match=os.strerror(number)) as caught:
        cpwl.write_partition(mlp(0, [2, 4, 2]), SQUARE, folder / f"set{number}", resume=True)
    assert not isinstance(caught.value, cpwl.CpwlError)


@pytest.mark.parametrize("error", [OSError("zstd: corrupt"), OSError(errno.EINVAL, "Invalid argument"), KeyError("x")])
def test_what_readers_say_of_damage_is_a_fault_of_the_file(error: Exception) -> None:
    with (
        pytest.raises(FileFormatError, match=r"^x is not a file that cpwl can read.*Write it again\.$"),
        reading("x", "a file", "Write it again."),
    ):
        raise error


def test_an_error_of_writing_names_the_file_that_was_asked_for(folder: Path) -> None:
    part = cpwl.load(folder / "part.npz")
    certificate = cpwl.Certificate.load(folder / "c.json")
    writers = {"npz": part.save, "csv": part.statistics().to_csv, "html": part.view, "json": certificate.save}
    for ending, write in writers.items():
        name = os.fspath(folder / "none" / f"x.{ending}")
        with pytest.raises(FileNotFoundError) as caught:
            write(name)
        assert caught.value.filename == name


@pytest.mark.parametrize("place", ["/proc/x.html", "/proc/self/x.html"])
def test_a_folder_that_takes_no_files_is_not_called_missing(place: str, folder: Path) -> None:
    answer = CliRunner().invoke(main, ["view", str(folder / "part.npz"), "--out", place])
    assert answer.exit_code == 2 and "does not exist" not in answer.output and "cannot be written" in answer.output


def test_a_shape_is_wanted_once() -> None:
    local = cpwl.local_map(mlp(0, [2, 4, 2]), [0.0, 0.0])
    with pytest.raises(ShapeError, match=r"v must have shape \(2,\), got \(3,\)"):
        local.matvec([1, 2, 3])
