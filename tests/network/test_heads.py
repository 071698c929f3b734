"""Networks made of networks: what they compute, what their partitions are, and what is proved of them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import cpwl as library
from cpwl.certification import ConstantDecision, certify, certify_constant, certify_extremum
from cpwl.checker import decimal
from cpwl.errors import ArgumentError
from cpwl.network import Network
from tests.support.command_line import answer, cpwl, export
from tests.support.networks import mlp

SQUARE = library.Domain.box([-1, -1], [1, 1])
NET, OTHER, AFTER = mlp(0, [2, 9, 6, 4]), mlp(1, [2, 7, 4]), mlp(2, [4, 5, 3])
IMAGE = library.compile(
    torch.nn.Sequential(torch.nn.Conv2d(1, 2, 2), torch.nn.ReLU(), torch.nn.Conv2d(2, 3, 2)).eval(),
    torch.zeros(1, 1, 3, 3),
)
POINTS = np.random.default_rng(0).uniform(-1, 1, (20, 2))
BACKENDS = ("torch", "exact")


def exactly(net: Network, points: Any = POINTS) -> Any:
    """The outputs, Fractions (M, m)."""
    return library.evaluate(net, points, backend="exact").reshape(len(points), -1)


# ---- what they compute ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("net", [NET, IMAGE], ids=["flat", "of images"])
def test_a_head_is_an_affine_function_of_the_outputs_exactly(net: Network) -> None:
    points = np.random.default_rng(0).uniform(-1, 1, (5, *net.input_shape))
    values, m = exactly(net, points), net.outputs
    matrix, shift = np.random.default_rng(1).normal(size=(3, m)), np.array([0.1, 0.2, 0.3])
    rationals = np.vectorize(Fraction, otypes=[object])
    wanted = values @ rationals(matrix).T + rationals(shift)
    assert (exactly(library.head(net, matrix, shift), points) == wanted).all()
    assert (exactly(library.head(net, matrix[1], 0.2), points)[:, 0] == wanted[:, 1]).all()
    assert (exactly(library.head(net, -1), points) == -values).all()
    assert library.head(net, -1).output_shape == net.output_shape
    assert (exactly(library.head(net, 0.5, np.arange(float(m))), points) == values / 2 + np.arange(m)).all()


@pytest.mark.parametrize("label", range(4))
def test_a_margin_is_what_an_output_exceeds_the_others_by(label: int) -> None:
    values = exactly(NET)
    rivals = np.delete(values, label, axis=1).max(axis=1)
    assert (exactly(library.margin(NET, label))[:, 0] == values[:, label] - rivals).all()


def test_differences_and_compositions() -> None:
    assert (exactly(library.difference(NET, OTHER)) == exactly(NET) - exactly(OTHER)).all()
    inner = exactly(NET)
    assert (exactly(library.compose(NET, AFTER)) == exactly(AFTER, inner)).all()
    to_image = library.Network.mlp([np.random.default_rng(3).normal(size=(9, 2))], [np.zeros(9)])
    images = exactly(to_image).reshape(-1, 1, 3, 3)
    assert (exactly(library.compose(to_image, IMAGE)) == exactly(IMAGE, images)).all()


# ---- partitions -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_partition_with_a_head_is_that_of_the_network_with_it(backend: str) -> None:
    matrix, shift = np.array([[1.0, 0, 0, -1], [0, 0.1, 2, 0]]), np.array([0.0, 0.3])
    given = library.partition(NET, SQUARE, backend=backend).head(matrix, shift)
    made = library.partition(library.head(NET, matrix, shift), SQUARE, backend=backend)
    assert given.network.sha256 == made.network.sha256
    assert np.array_equal(given.vertices, made.vertices) and np.array_equal(given.patterns(), made.patterns())
    assert (given.outputs.to_numpy() == made.outputs.to_numpy()).all()
    assert (np.asarray(given.outputs.errors()) == np.asarray(made.outputs.errors())).all()
    assert len(given.decision_boundary()) == len(made.decision_boundary())


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_file_keeps_the_head(backend: str, tmp_path: Path) -> None:
    part = library.partition(NET, SQUARE, backend=backend).head([1, 0, 0, -1])
    part.save(tmp_path / "part.npz")
    again = library.load(tmp_path / "part.npz")
    assert again.network.sha256 == part.network.sha256
    assert certify_extremum(again).value == certify_extremum(part).value


# ---- what is proved -------------------------------------------------------------------------------------------------
def test_the_extremum_of_a_difference_is_that_of_its_values_at_the_vertices() -> None:
    part = library.partition(NET, SQUARE)
    proven = certify(part).partition.outputs.to_numpy()
    claim = certify_extremum(part.head([1, 0, 0, -1]))
    assert claim.value == (proven[:, 0] - proven[:, 3]).max()
    assert "the maximum of output 0 is" in claim.check()


@pytest.mark.parametrize("label", range(4))
def test_a_label_is_nowhere_the_largest_when_its_margin_is_negative(label: int) -> None:
    dense = grid()
    largest = certify_extremum(library.partition(library.margin(NET, label), SQUARE))
    values = exactly(NET, dense)
    assert (values[:, label] - np.delete(values, label, axis=1).max(axis=1)).max() <= largest.value
    assert exactly(library.margin(NET, label), [largest.x])[0, 0] == largest.value
    assert (largest.value < 0) <= (label not in values.argmax(axis=1))


def grid() -> Any:
    side = np.linspace(-1, 1, 15)
    return np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)


def test_some_label_is_nowhere_the_largest_and_some_is() -> None:
    """Otherwise the law above says nothing."""
    signs = [certify_extremum(library.partition(library.margin(NET, k), SQUARE)).value > 0 for k in range(4)]
    assert 0 < sum(signs) < 4


def test_the_smallest_decides_when_all_are_negated() -> None:
    far = library.partition(NET, library.Domain.box([0.9, 0.9], [0.91, 0.91]))
    values = exactly(NET, [[0.9, 0.9]])[0]
    claim = certify_constant(far.head(-1))
    assert claim.label == values.argmin() if isinstance(claim, ConstantDecision) else claim.check()


# ---- names ----------------------------------------------------------------------------------------------------------
def test_a_network_has_the_name_that_its_certificates_print() -> None:
    part = library.partition(NET, SQUARE)
    assert f"network {NET.sha256}," in certify_extremum(part).check()
    assert NET.sha256 != OTHER.sha256 and NET.sha256 == library.Network(NET.nodes).sha256
    assert NET.sha256 != library.head(NET, 1).sha256


@pytest.mark.parametrize(
    ("p", "q", "text"),
    [
        (0, 1, "0"),
        (-2, 3, "-0.6666666"),
        (9999999, 1, "9999999"),
        (1, 10**6, "1.000000e-6"),
        (12345678, 1, "1.234567e7"),
    ],
)
def test_decimals_of_the_checker(p: int, q: int, text: str) -> None:
    assert decimal(p, q) == text


def test_decimals_are_cut_off_after_seven_digits_whatever_the_size() -> None:
    rng = np.random.default_rng(0)
    for digits in rng.integers(1, 60, (500, 2)):
        p, q = (int(10 ** (k - 1)) + int(rng.integers(0, 9 * 10 ** min(int(k) - 1, 17) + 1)) for k in map(int, digits))
        exact, shown = Fraction(p, q), Fraction(decimal(p, q))
        assert 0 <= exact - shown < exact / 10**6
    assert decimal(10**9000, 3) == "3.333333e8999"


# ---- the command line -----------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("heads")
    export(path / "model.pt2", 2, 3)
    export(path / "other.pt2", 2, 3, hidden=(5,))
    answer("partition", path / "model.pt2", "--box", -1, 1, "--out", path / "part.npz")
    return path


def test_extremum_of_a_difference_on_the_command_line(folder: Path) -> None:
    out = folder / "extremum.json"
    said = answer("extremum", folder / "part.npz", "--head", "Y0 - 2Y2 + 0.5", "--minimum", "--out", out)
    wanted = certify_extremum(library.load(folder / "part.npz").head([1, 0, -2], 0.5), sense="minimum").value
    assert "the minimum of Y0 - 2Y2 + 0.5 is" in said and f"about {float(wanted):.9g}" in said
    accepted = answer("check", out, "--model", folder / "model.pt2", "--head", "Y0 - 2Y2 + 0.5")
    assert "compiles to the network of the certificate" in accepted and f"(about {float(wanted):.5g}"[:12] in accepted


def test_constant_says_proved_or_refuted_with_its_status(folder: Path) -> None:
    refuted = cpwl("constant", folder / "part.npz", "--label", 0, "--out", folder / "constant.json.gz")
    assert refuted.exit_code == 1 and "refuted: output 0 is not the largest everywhere; output" in refuted.output
    assert "this refutes that output 0 is larger than all others" in answer("check", folder / "constant.json.gz")
    answer("partition", folder / "model.pt2", "--box", 0.5, 0.501, "--out", folder / "tiny.npz")
    assert "proved: output" in answer("constant", folder / "tiny.npz")


def test_equal_says_proved_or_refuted_with_its_status(folder: Path) -> None:
    model, other, out = folder / "model.pt2", folder / "other.pt2", folder / "equal.json.gz"
    assert "proved: all outputs agree" in answer("equal", model, model, "--box", -1, 1, "--out", out)
    assert "equal-networks" in answer("check", out, "--model", model)
    refuted = cpwl("equal", model, other, "--box", -1, 1, "--out", out)
    assert refuted.exit_code == 1 and "refuted: output" in refuted.output
    both = answer("check", out, "--model", model, "--model", other)
    assert "number 1 of" in both and "number 2 of" in both and "refutes that the two networks are equal" in both


def test_the_smallest_output_and_a_margin_on_the_command_line(folder: Path) -> None:
    answer("partition", folder / "model.pt2", "--box", -1, 1, "--negate", "--out", folder / "negated.npz")
    answer("partition", folder / "model.pt2", "--box", -1, 1, "--margin-of", 1, "--out", folder / "margin.npz")
    net = library.compile(folder / "model.pt2")
    assert (exactly(library.load(folder / "negated.npz").network) == -exactly(net)).all()
    assert (exactly(library.load(folder / "margin.npz").network) == exactly(library.margin(net, 1))).all()


def test_hash_and_check_tie_a_certificate_to_a_model(folder: Path) -> None:
    model, other = folder / "model.pt2", folder / "other.pt2"
    names = [line.split()[0] for line in answer("hash", model, other).splitlines()]
    assert names == [library.compile(path).sha256 for path in (model, other)]
    answer("certify", folder / "part.npz", "--out", folder / "cert.json")
    assert "compiles to the network of the certificate" in answer("check", folder / "cert.json", "--model", model)
    wrong = cpwl("check", folder / "cert.json", "--model", other)
    assert wrong.exit_code == 1 and f"ANOTHER network, {names[1]}" in wrong.output and names[0] in wrong.output


def test_a_model_serves_for_a_network_that_the_certificate_only_names(folder: Path) -> None:
    certify(library.load(folder / "part.npz")).save(folder / "named.json", networks=folder / "networks")
    assert cpwl("check", folder / "named.json").exit_code == 1
    assert "accepted" in answer("check", folder / "named.json", "--model", folder / "model.pt2")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("extremum", "part.npz", "--head", "Y9"), "there is no Y9: the outputs are Y0, Y1, Y2"),
        (("extremum", "part.npz", "--head", "Y0 Y1"), "is no list of functions"),
        (("extremum", "part.npz", "--head", ""), "is no list of functions"),
        (("extremum", "part.npz", "--head", "Y0", "--negate"), "at most one of"),
        (("extremum", "part.npz", "--output", 3), "there are 3 outputs, got 3"),
        (("constant", "part.npz", "--label", 3), "there are 3 outputs, got 3"),
        (("hash", "model.pt2", "--margin-of", 3), "the network has the outputs Y0, Y1, Y2, got 3"),
    ],
)
def test_mistakes_are_told(folder: Path, words: tuple[Any, ...], message: str) -> None:
    result = cpwl(words[0], folder / words[1], *words[2:])
    assert result.exit_code == 2 and message in " ".join(result.output.split())


def test_a_periodic_network_has_a_name_only_on_a_domain() -> None:
    wave = torch.nn.Sequential(torch.nn.Linear(2, 3), library.nn.TriangleWave(), torch.nn.Linear(3, 1)).eval()
    net = library.compile(wave, torch.zeros(1, 2))
    with pytest.raises(ArgumentError, match="periodic"):
        _ = net.sha256
    assert len(library.partition(net, SQUARE).network.sha256) == 64
