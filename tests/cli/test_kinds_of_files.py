"""What people bring: files of other kinds are told for what they are, and nothing in them is run."""

from __future__ import annotations

import os
import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import cpwl as library
from cpwl.errors import ArgumentError, FileFormatError
from cpwl.storage.kinds import kind_of
from tests.support.command_line import answer, cpwl, export, write_nnet, write_onnx


class Own(nn.Module):
    """A module of a user's own."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x).relu()


class Trap:
    """What runs something when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("kinds")
    export(path / "model.pt2", 2, 3)
    write_onnx(path / "model.onnx")
    write_nnet(path / "model.nnet")
    net = library.compile(path / "model.pt2")
    part = library.partition(net, library.Domain.box([-1, -1], [1, 1]))
    part.save(path / "part.npz")
    library.certify(part).save(path / "certificate.json")
    library.certify(part).save(path / "certificate.json.gz")
    module = Own().eval()
    torch.save(module.state_dict(), path / "weights.pth")
    torch.save({"epoch": 3, "model": module.state_dict(), "loss": np.float64(0.5)}, path / "checkpoint.pt")
    torch.save(module, path / "module.pt")
    torch.save(nn.Sequential(nn.Linear(2, 2)), path / "sequential.pt")
    torch.jit.script(module).save(str(path / "scripted.pt"))
    (path / "text.txt").write_text("nothing")
    return path


KINDS = {
    "model.pt2": "exported program",
    "model.onnx": "ONNX",
    "model.nnet": ".nnet",
    "part.npz": "partition",
    "certificate.json": "certificate",
    "certificate.json.gz": "certificate",
    "weights.pth": "weights",
    "checkpoint.pt": "weights",
    "module.pt": "pickled module",
    "sequential.pt": "pickled module",
    "scripted.pt": "TorchScript",
    "text.txt": None,
}


@pytest.mark.parametrize("name", KINDS)
def test_a_file_is_known_for_what_it_is(folder: Path, name: str) -> None:
    assert kind_of(folder / name) == KINDS[name]


@pytest.mark.parametrize("name", KINDS)
def test_a_file_that_is_no_model_says_what_to_do_with_it(folder: Path, name: str) -> None:
    said = {
        "weights": "load_state_dict",
        "pickled module": "never unpickles",
        "TorchScript": "the module that it was made of",
        "partition": "It is a partition",
        "certificate": "cpwl check",
        None: "torch.export.save",
    }
    if KINDS[name] not in said:
        assert library.compile(folder / name).inputs == 2
        return
    with pytest.raises(ArgumentError) as caught:
        library.compile(folder / name)
    assert said[KINDS[name]] in str(caught.value)


@pytest.mark.parametrize("name", KINDS)
def test_a_file_that_is_no_partition_says_what_it_is(folder: Path, name: str) -> None:
    if name == "part.npz":
        assert len(library.load(folder / name)) > 3
        return
    with pytest.raises(FileFormatError) as caught:
        library.load(folder / name)
    wanted = {"certificate": "looks like a certificate", None: "is not a partition that cpwl can read"}
    assert wanted.get(KINDS[name], "a model, not a partition") in str(caught.value)


@pytest.mark.parametrize("protocol", [2, 4])
def test_nothing_in_a_file_is_run(protocol: int, tmp_path: Path) -> None:
    torch.save(Trap(tmp_path / "made"), tmp_path / "trap.pt", pickle_protocol=protocol)
    assert kind_of(tmp_path / "trap.pt") == "pickled module"
    for read in (library.compile, library.load):
        with pytest.raises(library.CpwlError):
            read(tmp_path / "trap.pt")
    assert not (tmp_path / "made").exists()
    pickle.loads(pickle.dumps(Trap(tmp_path / "made")))
    assert (tmp_path / "made").exists(), "the trap works"


def test_commands_say_it_in_words_of_a_command_line(folder: Path) -> None:
    for words in (("stats", "model.pt2"), ("view", "weights.pth", "--out", folder / "x.html"), ("units", "model.onnx")):
        result = cpwl(words[0], folder / words[1], *words[2:])
        wanted = 'a model, not a partition. Compute its partition first: "cpwl partition"'
        assert result.exit_code == 2 and wanted in result.stderr
    checked = cpwl("check", folder / "part.npz")
    assert checked.exit_code == 2 and "not a certificate" in checked.output


def test_a_layer_that_does_not_compile_is_named_with_the_option(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(2, 4), nn.GELU(), nn.Linear(4, 3)).eval()
    torch.export.save(torch.export.export(model, (torch.zeros(1, 2),)), tmp_path / "gelu.pt2")
    words = ("partition", tmp_path / "gelu.pt2", "--box", -1, 1, "--out", tmp_path / "x.npz")
    result = cpwl(*words)
    assert result.exit_code == 2 and "layer '1' (GELU)" in result.stderr
    assert "Use --until '1'" in result.stderr and "until=" not in result.stderr and len(result.stderr) < 300
    answer(*words, "--until", "1")


# ---- several inputs and outputs -------------------------------------------------------------------------------------
class Two(nn.Module):
    """A module of two inputs and two outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 3)

    def forward(self, x: torch.Tensor, shift: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"a": self.layer(x).relu() + shift, "b": self.layer(x)}


def test_a_program_of_several_inputs_and_outputs_needs_no_example(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model, x, shift = Two().eval(), torch.rand(1, 2), torch.rand(1, 3)
    torch.export.save(torch.export.export(model, (x, shift)), tmp_path / "two.pt2")
    wanted = library.compile(model, (x, shift), output="a").sha256
    for vary in (0, "x"):
        assert library.compile(tmp_path / "two.pt2", vary=vary, output="a").sha256 == wanted
    with pytest.raises(ArgumentError, match="vary"):
        library.compile(tmp_path / "two.pt2", output="a", vary="none")
    words = ("partition", tmp_path / "two.pt2", "--box", -1, 1, "--out", tmp_path / "x.npz")
    refused = cpwl(*words, "--vary", "x")
    assert refused.exit_code == 2 and "choose one by --model-output, one of 'a', 'b'" in refused.stderr
    answer(*words, "--vary", "x", "--model-output", "a")
    assert library.load(tmp_path / "x.npz").network.sha256 == wanted


# ---- a data set in a file -------------------------------------------------------------------------------------------
def test_a_file_that_holds_a_data_set_is_told_so(tmp_path: Path) -> None:
    data = torch.rand(100_000, 2)
    model = Own().eval()
    for name, example in (("large", data[:1]), ("small", data[:1].clone())):
        torch.export.save(torch.export.export(model, (example,)), tmp_path / f"{name}.pt2")
    with pytest.warns(UserWarning, match=r"large.pt2 holds .* does not use.*clone\(\)"):
        library.compile(tmp_path / "large.pt2")
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        library.compile(tmp_path / "small.pt2")


@pytest.mark.parametrize("words", ["view", "units", "certify", "boundary", "nearest", "compare"])
def test_a_folder_where_a_partition_is_wanted_is_told_what_reads_folders(words: str, folder: Path) -> None:
    """Only ``stats``, ``plot`` and ``check`` go through the parts of a folder; the others hold all regions."""
    options = {
        "plot": ["--out", "new.png"],
        "view": ["--out", "new.html"],
        "nearest": ["--points", folder / "text.txt"],
    }
    refused = cpwl(words, folder, *options.get(words, []))
    assert refused.exit_code == 2 and "is a folder" in refused.stderr and "cpwl stats" in refused.stderr
