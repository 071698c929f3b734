"""Networks that nobody here made: torchvision's architectures compile, match, and are partitioned on small slices."""

from __future__ import annotations

import pytest

import cpwl
from tests.support.third_party import assert_has_the_gradient, assert_is_a_partition, built, image, small_square

# name, size of the image, options: each architecture brings operators of its own.
ARCHITECTURES = {
    "vgg11": (32, {}),
    "vgg16": (32, {}),
    "resnet18": (64, {}),
    "resnet152": (64, {}),
    "inception_v3": (75, {"init_weights": False, "aux_logits": False}),
    "densenet121": (64, {}),
    "squeezenet1_1": (64, {}),
}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_an_architecture_compiles_to_what_it_computes_and_has_its_gradient(name: str) -> None:
    """Compiling compares every node, and the whole, with the module in float64 on several inputs."""
    size, options = ARCHITECTURES[name]
    module, x = built(name, **options), image(3, size, size)
    network = cpwl.compile(module, x)
    assert network.input_shape == (3, size, size) and network.outputs == 1000
    assert {"Conv", "Piecewise"} <= {type(node.op).__name__ for node in network.nodes}
    assert not any(node.op.weight.size > 30e6 for node in network.nodes if type(node.op).__name__ == "Conv")
    assert_has_the_gradient(cpwl.local_map(network, x[0].numpy().astype(float)), module)


@pytest.mark.parametrize(
    ("name", "size", "half"), [("vgg11", 32, 5e-5), ("resnet18", 32, 3e-4), ("resnet18", 64, 5e-5)]
)
def test_a_small_slice_is_partitioned(name: str, size: int, half: float) -> None:
    module = built(name, num_classes=5)
    x = image(3, size, size)
    network = cpwl.compile(module, x)
    part = cpwl.partition(network, small_square(x[0].numpy().astype(float), half))
    assert 50 <= len(part) <= 2000
    assert_is_a_partition(part, module)
