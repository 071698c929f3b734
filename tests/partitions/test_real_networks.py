"""Every network of shared/data: compiles, computes what the original computes, and is partitioned on a real slice.

Small networks are certified: exact arithmetic proves the partition. Convolutional ones, for which that takes too long,
must satisfy the laws of a partition, and agree with the original.
"""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import cpwl
from cpwl import Domain, Partition, checker
from cpwl.errors import UnsupportedLayerError
from tests.support.real_data import (
    FOLDER,
    CifarResNet,
    TinyVgg,
    cifar,
    eran,
    files,
    images,
    implicit,
    mtcnn,
    needs,
    with_state,
)
from tests.support.third_party import assert_is_a_partition

MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


def around(x: NDArray[np.float64], half: float, axes: tuple[int, int] = (0, 1)) -> Domain:
    """The square of side 2 * half around an input, along two of its coordinates."""
    one, other = np.eye(x.size)[list(axes)].reshape(2, *x.shape) * half
    return Domain.through(x - one - other, x + one - other, x + one + other, margin=0)


def between(points: NDArray[np.float64], share: float) -> Domain:
    """The square through three inputs, shrunk by the factor ``share`` around their mean."""
    middle = points.mean(axis=0)
    return Domain.through(*(middle + share * (point - middle) for point in points), margin=0.1)


def certified(part: Partition) -> Partition:
    """The exact partition, after both have been checked."""
    assert_is_a_partition(part)
    certificate = cpwl.certify(part)
    assert certificate.verified and certificate.area == part.domain.polytope.exact_volume
    if not len(part.ambiguous):
        assert certificate.regions == len(part)
    return certificate.partition


# ---- small networks, certified --------------------------------------------------------------------------------------
@pytest.mark.parametrize("path", files("acasxu/*.onnx"))
def test_acas_xu(path: Path) -> None:
    network = cpwl.compile(path)
    assert (network.inputs, network.outputs, network.units) == (5, 5, 300)
    exact = certified(cpwl.partition(network, around(np.zeros(network.input_shape), 2.0**-5)))
    assert len(exact) >= 10


@pytest.mark.parametrize("path", files("hcas/*.nnet"))
def test_horizontal_cas(path: Path) -> None:
    """A square kilometre of positions, at a heading of a quarter turn."""
    network = cpwl.compile(path)
    assert network.inputs == 3 and network.units >= 5 * 25
    assert len(certified(cpwl.partition(network, around(np.array([9000.0, 2000.0, 1.5]), 3000.0)))) > 20


@pytest.mark.parametrize("path", files("rl-controllers/*.eran"))
def test_controllers(path: Path) -> None:
    assert len(certified(cpwl.partition(eran(path), Domain.box([0.0, 0.0], [2.0**-12, 2.0**-12])))) > 5


@pytest.mark.parametrize("path", files("twinstream/*.nnet"))
def test_twin_streams_cancel_to_the_margin_in_their_name(path: Path) -> None:
    """Every hyperplane is doubled, and the output is one constant; the stored weights cancel exactly or nearly."""
    network = cpwl.compile(path)
    margin = float(path.stem.split("width-")[1].split("_")[0])
    exact = certified(cpwl.partition(network, around(np.zeros(network.input_shape), 1.0)))
    assert abs(exact.outputs.to_numpy() - Fraction(margin)).max() < margin * 1e-5


@pytest.mark.parametrize("path", files("implicit/*.npz"))
def test_implicit_surfaces(path: Path) -> None:
    part = cpwl.partition(implicit(path), around(np.zeros(3), 2.0**-4))
    assert len(certified(part)) > 20
    boundary = part.decision_boundary(level=0.0)
    if len(boundary):
        x = boundary.sample(50)
        assert len(x) == 50


MARABOU = {
    "certificate_and_controller_mandal": 2.0**-3,
    "fc1": 1.0,
    "fc2": 1.0,
    "fc_2-2-3": 1.0,
    "KJ_TinyTaxiNet": 2.0**-3,
    "linear2-3_bn1-linear3-1": 1.0,
    "mnist2x10": 0.25,
    "mnist5x20_leaky_relu": 0.25,
    "yizhak_net": 1.0,
    "conv_mp1": 1.0,
    "cnn_max_mninst2": 0.05,
    "cnn_max_mninst3": 0.05,
}


OUTPUTS = {"certificate_and_controller_mandal": "output_1", "oneInput_twoBranches": "Y"}


@pytest.mark.parametrize("path", files("marabou/*.onnx"))
def test_marabou(path: Path) -> None:
    network = cpwl.compile(path, until=OUTPUTS.get(path.stem))
    x = np.full(network.input_shape, 0.5)
    if path.stem in MARABOU and network.inputs > 1:
        certified(cpwl.partition(network, around(x, MARABOU[path.stem])))


# ---- convolutional networks -----------------------------------------------------------------------------------------
@needs("convnets/cntk_mnist_opt.onnx")
@needs("mnist")
def test_the_cntk_mnist_network() -> None:
    network = cpwl.compile(FOLDER / "convnets" / "cntk_mnist_opt.onnx")
    digits = images("mnist", 3).reshape(3, *network.input_shape)
    assert len(certified(cpwl.partition(network, between(digits, 0.003)))) > 50


@needs("convnets/cntk_mnist_opt.onnx")
@needs("mnist")
def test_the_checker_accepts_a_slice_of_a_convolutional_network_with_pools(tmp_path: Path) -> None:
    network = cpwl.compile(FOLDER / "convnets" / "cntk_mnist_opt.onnx")
    digits = images("mnist", 3).reshape(3, *network.input_shape)
    certificate = cpwl.certify(cpwl.partition(network, between(digits, 0.0015)))
    assert certificate.regions > 5
    path = tmp_path / "cntk.json.gz"
    certificate.save(path)
    command = [sys.executable, "-I", checker.__file__, str(path)]
    verdict = subprocess.run(command, capture_output=True, text=True, check=False)
    assert verdict.returncode == 0 and f" {certificate.regions} in number" in verdict.stdout, verdict


@pytest.mark.parametrize(("name", "largest"), [("model-german-traffic-sign-fast", 1), ("traffic-classifier64", 255)])
@needs("marabou")
def test_traffic_signs(name: str, largest: float) -> None:
    network = cpwl.compile(FOLDER / "marabou" / f"{name}.onnx")
    x = np.random.default_rng(0).uniform(0, largest, (3, *network.input_shape))
    part = cpwl.partition(network, between(x, 3e-3))
    assert_is_a_partition(part)


@needs("convnets/mtcnn")
@pytest.mark.parametrize(("name", "share"), [("pnet", 2e-2), ("rnet", 2e-4), ("onet", 5e-5)])
def test_mtcnn(name: str, share: float) -> None:
    module, shape = mtcnn(name)
    x = np.random.default_rng(0).uniform(-1, 1, (3, *shape))
    network = cpwl.compile(module, x[:1])
    part = cpwl.partition(network, between(x, share))
    assert len(part) > 10
    assert_is_a_partition(part, module)


@needs("convnets/tinyvgg")
def test_tiny_vgg() -> None:
    module = with_state(TinyVgg(), FOLDER / "convnets" / "tinyvgg" / "tinyvgg_pizza_steak_sushi.pth")
    x = np.random.default_rng(0).uniform(0, 1, (3, 3, 64, 64))
    part = cpwl.partition(cpwl.compile(module, x[:1]), between(x, 0.0005))
    assert len(part) > 20
    assert_is_a_partition(part, module)


@needs("cifar-resnet")
@needs("cifar10")
@pytest.mark.parametrize(("n", "name"), [(3, "resnet20-12fca82f"), (5, "resnet32-d509ac18")])
def test_cifar_resnets(n: int, name: str) -> None:
    module = with_state(CifarResNet(n), FOLDER / "cifar-resnet" / f"{name}.th", "module.")
    x = (cifar(3) / 255 - MEAN.reshape(3, 1, 1)) / STD.reshape(3, 1, 1)
    network = cpwl.compile(module, x[:1])
    part = cpwl.partition(network, between(x, 0.00002))
    assert len(part) > 10
    assert_is_a_partition(part, module)


ULTRAFACE = {"version-RFB-320_without_postprocessing": "459", "version-slim-320_simplified": "374"}
"""What the softmax over each box's two classes reads: it does not keep the largest of all entries, and is refused."""


@pytest.mark.parametrize("path", files("convnets/ultraface/*.onnx"))
def test_ultraface_up_to_its_softmax(path: Path) -> None:
    with pytest.raises(UnsupportedLayerError, match=f"until='{ULTRAFACE[path.stem]}'"):
        cpwl.compile(path, until="scores")
    network = cpwl.compile(path, until=ULTRAFACE[path.stem])
    assert network.input_shape == (3, 240, 320)
    x = np.random.default_rng(0).uniform(-1, 1, (3, *network.input_shape))
    part = cpwl.partition(network, between(x, 1e-6))
    assert len(part) > 5
    assert_is_a_partition(part, points=2)
