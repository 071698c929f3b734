"""Domains in which some inputs vary and others are fixed, rectangles through points, and domains that do not fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cpwl as library
from cpwl import Domain
from cpwl.errors import ArgumentError, DomainError, ShapeError
from tests.support.command_line import answer, cpwl, export
from tests.support.networks import mlp

NAMES = ("distance", "angle", "heading", "speed")


@given(data=st.data())
def test_a_slice_has_the_given_values_on_its_axes_and_off_them(data: Any) -> None:
    count = data.draw(st.integers(2, 6))
    axes = data.draw(st.permutations(range(count)))[:2]
    values = {i: data.draw(st.floats(-5, 5)) for i in range(count) if i not in axes}
    domain = Domain.slice([-1, 0], [1, 3], axes=axes, fixed=values)
    u = np.array([0.25, 2.0])
    x = domain.to_input(u)
    assert x.shape == (count,) and x[list(axes)].tolist() == u.tolist()
    assert all(x[i] == value for i, value in values.items())
    assert domain.volume == 6 and (domain.to_slice(x) == u).all()


def test_names_numbers_and_a_point_say_the_same() -> None:
    by_name = Domain.slice(-1, 1, axes=["speed"], fixed={"distance": 1, "angle": 2, "heading": 3}, names=NAMES)
    by_number = Domain.slice(-1, 1, axes=[3], fixed={0: 1, 1: 2, 2: 3})
    by_point = Domain.slice(-1, 1, axes=[3], fixed=[1, 2, 3, 99])
    mixed = Domain.slice([-1], [1], axes=["speed"], fixed=np.array([1, 2, 3, 99]), names=NAMES)
    for domain in (by_name, by_number, by_point, mixed):
        assert domain.to_input([0.5]).tolist() == [1, 2, 3, 0.5]


def test_two_pixels_of_an_image_vary_around_it() -> None:
    image = np.arange(6.0).reshape(1, 2, 3)
    domain = Domain.slice([0, 0], [1, 1], axes=(1, 4), fixed=image)
    assert domain.to_input([0.25, 0.5]).tolist() == [[[0, 0.25, 2], [3, 0.5, 5]]]
    assert image[0, 0, 1] == 1, "what is passed is left as it was"


@pytest.mark.parametrize("backend", ["torch", "exact"])
def test_a_partition_of_a_slice_is_that_of_the_network_with_the_others_fixed(backend: str) -> None:
    net = mlp(3, [4, 9, 5, 2])
    part = library.partition(
        net, Domain.slice([-1, -1], [1, 1], axes=(2, 0), fixed={1: 0.5, 3: -0.25}), backend=backend
    )
    u = np.random.default_rng(0).uniform(-1, 1, (30, 2))
    weight, bias = part.affine_maps(part.locate(u))
    x = np.stack([u[:, 1], np.full(30, 0.5), u[:, 0], np.full(30, -0.25)], axis=1)
    wanted = library.evaluate(net, x)
    assert np.allclose((weight.astype(float) @ u[:, :, None])[:, :, 0] + bias.astype(float), wanted, atol=1e-12)
    assert len(part) > 5


@given(margin=st.sampled_from([0.0, 0.5, 2.0]), seed=st.integers(0, 1000))
def test_a_rectangle_is_the_smallest_around_the_points_enlarged(margin: float, seed: int) -> None:
    points = np.random.default_rng(seed).normal(size=(3, 5)) * [1, 10, 1, 1, 1]
    exact = Domain.through(*points, margin=0, fit="rectangle")
    u = exact.to_slice(points)
    low, high = u.min(axis=0), u.max(axis=0)
    assert np.allclose(exact.polytope.vertices.min(axis=0), low) and np.allclose(
        exact.polytope.vertices.max(axis=0), high
    )
    larger = Domain.through(*points, margin=margin, fit="rectangle")
    assert larger.volume == pytest.approx(exact.volume * (1 + margin) ** 2)
    centre = larger.polytope.vertices.mean(axis=0)
    assert np.allclose(centre, (low + high) / 2)
    assert larger.volume <= Domain.through(*points, margin=margin).volume * (1 + 1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"axes": (0, 1), "fixed": np.zeros(4), "names": ("a", "b", "c")}, "as many numbers as there are names, 3"),
        ({"axes": (0, 0), "fixed": {1: 0}}, "axes must be different inputs"),
        ({"axes": (0, 1), "fixed": {1: 0, 2: 0}}, "got 1 both"),
        ({"axes": (0, 1), "fixed": {3: 0}}, "from 0 to 2"),
        ({"axes": (0, "b"), "fixed": {2: 0}}, "give names="),
        ({"axes": ("a", "x"), "fixed": {2: 0}, "names": ("a", "b", "c")}, "names are"),
        ({"axes": ("a", "b"), "fixed": {}, "names": ("a", "b", "c")}, "c in neither"),
        ({"axes": (), "fixed": {0: 1}}, "one or more"),
        ({"axes": (0, 1, 2), "fixed": {}}, "one number for each of the 3 axes"),
        ({"axes": (0, 1), "fixed": {2: float("nan")}}, "finite"),
    ],
)
def test_a_slice_that_makes_no_sense_is_refused(options: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        Domain.slice([-1, -1], [1, 1], **options)


@pytest.mark.parametrize("net", [mlp(0, [2, 4, 3]), mlp(0, [5, 4, 3])], ids=["two inputs", "five inputs"])
@pytest.mark.parametrize("call", [library.partition, library.partition_blocks], ids=["partition", "blocks"])
def test_a_domain_of_another_space_is_refused_with_both_dimensions(net: library.Network, call: Any) -> None:
    for domain, dim, shape in (
        (Domain.box(-3, 3), 1, (1,)),
        (Domain.box([-3] * 3, [3] * 3), 3, (3,)),
        (Domain.through(*np.eye(4)[:3]), 2, (4,)),
    ):
        with pytest.raises(DomainError) as caught:
            list(call(net, domain))
        said = str(caught.value)
        assert f"dimension {dim} " in said and f"shape {shape}" in said and f"{net.inputs} inputs" in said
    with pytest.raises(DomainError, match="Domain.box takes one number for each input" if net.inputs == 2 else "slice"):
        list(call(net, Domain.box(-3, 3)))


def test_bounds_must_fit_the_axes() -> None:
    with pytest.raises(ShapeError):
        Domain.slice([-1], [1, 2], axes=(0, 1), fixed={2: 0})


# ---- the command line -----------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("slices")
    export(path / "model.pt2", 4, 3)
    np.save(path / "points.npy", np.random.default_rng(0).normal(size=(3, 4)))
    return path


@pytest.mark.parametrize("fixed", ["0.5", "1=0.5,3=0.5"])
def test_axes_and_fixed_on_the_command_line(folder: Path, fixed: str) -> None:
    words = ("--axes", "2,0", "--fixed", fixed, "--box", -1, 1, "--box", -2, 2, "--out", folder / "part.npz")
    answer("partition", folder / "model.pt2", *words)
    part = library.load(folder / "part.npz")
    assert part.domain.to_input([0.25, 0.75]).tolist() == [0.75, 0.5, 0.25, 0.5] and part.domain.volume == 8


def test_a_rectangle_on_the_command_line(folder: Path) -> None:
    answer(
        "partition", folder / "model.pt2", "--through", folder / "points.npy", "--rectangle", "--out", folder / "r.npz"
    )
    points = np.load(folder / "points.npy")
    assert library.load(folder / "r.npz").domain.volume == Domain.through(*points, fit="rectangle").volume


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((*("--box", -1, 1) * 3,), "alone it gives a domain of 3 inputs, and the network has 4"),
        (("--box", -1, 1, "--axes", "0,x"), "such as 0,1; got '0,x'"),
        (("--box", -1, 1, "--axes", "0,1"), "fixed none"),
        (("--box", -1, 1, "--axes", "0,9", "--fixed", "0"), "0 to 3"),
        (("--box", -1, 1, "--axes", "0,1", "--fixed", "2=a"), "such as 2=0,3=1.5"),
        (("--box", -1, 1, "--fixed", "2=1"), "--fixed goes with --axes"),
        (("--through", "points.npy", "--axes", "0,1"), "--axes goes with --box"),
        (("--box", -1, 1, "--rectangle"), "--rectangle goes with --through"),
    ],
)
def test_options_that_do_not_fit_are_told_in_words_of_options(folder: Path, words: Any, message: str) -> None:
    placed = [folder / word if str(word).endswith(".npy") else word for word in words]
    result = cpwl("partition", folder / "model.pt2", *placed, "--out", folder / "x.npz")
    said = " ".join(result.output.split())
    assert result.exit_code == 2 and message in said and "Domain." not in said
