"""``cpwl demo``: one command writes all its files, says what it proved, and does it again the same way."""

from __future__ import annotations

import io
import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console

from cpwl.certification import Certificate
from cpwl.cli import demo
from cpwl.cli.console import Reporter
from cpwl.partitions.partition import load

FILES = {
    "picture.png", "picture.svg", "partition.npz", "statistics.csv", "certificate.json.gz", "model.pt2", "points.npy",
}  # fmt: skip


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder and the printed report of one run."""
    out = tmp_path_factory.mktemp("demo") / "folder" / "inside"
    printed = io.StringIO()
    demo.run(out, report=Reporter(Console(file=printed, highlight=False, width=40)))
    return out, printed.getvalue()


@cache
def digits() -> demo.Digits:
    return demo.load_digits(0)


def test_all_files_are_written(done: tuple[Path, str]) -> None:
    assert {path.name for path in done[0].iterdir()} == FILES
    assert all(path.stat().st_size > 500 for path in done[0].iterdir())


def test_the_report_says_what_the_files_hold(done: tuple[Path, str]) -> None:
    out, text = done
    part = load(out / "partition.npz")
    count = f"{len(part):,}"
    assert 500 <= len(part) <= 3000
    assert f"{count} of {count} regions verified exactly" in text
    assert re.search(r"areas sum to exactly \S+ .*= area of the domain", text)
    assert f"{count}, {len(part.vertices):,}, {len(part.facets().regions):,}" in text
    assert all(name in text for name in ("ARV", "ANV", "ARE", *FILES))


def test_certified_samples_have_exactly_zero_difference_and_float_ones_little(done: tuple[Path, str]) -> None:
    _, text = done
    assert re.search(r"20 of them, certified exactly .*exactly 0\n", text)
    largest, bound = re.search(r"\|logit difference\| (\S+) \(proven bound (\S+)\)", text).groups()  # type: ignore[union-attr]
    assert float(largest) <= float(bound) < 1e-3


def test_lines_are_not_wrapped_when_piped(done: tuple[Path, str]) -> None:
    assert max(map(len, done[1].splitlines())) > 40
    assert "\x1b" not in done[1]


def test_the_partition_in_the_file_is_that_of_the_model_in_the_file(done: tuple[Path, str]) -> None:
    part = load(done[0] / "partition.npz")
    model = torch.export.load(done[0] / "model.pt2").module()
    images = np.load(done[0] / "points.npy")
    A, b = part.affine_maps(part.locate(part.to_slice(images)), frame="input")
    outputs = np.einsum("nij,nj->ni", A, images) + b
    assert np.allclose(outputs, model(torch.from_numpy(images)).detach().numpy(), atol=1e-9)


def test_the_certificate_in_the_file_proves_the_partition_in_the_file(done: tuple[Path, str]) -> None:
    certificate = Certificate.load(done[0] / "certificate.json.gz")
    part = load(done[0] / "partition.npz")
    assert certificate.verified and certificate.area == part.domain.polytope.exact_volume
    assert {row.tobytes() for row in certificate.partition.patterns()} == {row.tobytes() for row in part.patterns()}


def test_the_same_seed_trains_the_same_network_whatever_the_threads_and_leaves_torch_as_it_was() -> None:
    before, threads = torch.random.get_rng_state(), torch.get_num_threads()
    one = demo.train(digits(), 0).state_dict()
    assert torch.equal(before, torch.random.get_rng_state())
    torch.rand(1)
    torch.set_num_threads(threads + 1)
    other = demo.train(digits(), 0).state_dict()
    assert torch.get_num_threads() == threads + 1
    torch.set_num_threads(threads)
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_the_images_chosen_are_the_closest_two_of_different_classes_and_a_neighbour() -> None:
    images = np.array([[0.0], [1.0], [1.5], [1.6], [9.0], [2.2]])
    labels = np.array([0, 0, 1, 2, 1, 0])
    predicted = np.array([0, 0, 1, 1, 1, 0])  # the image at 1.6 is misread, and left out
    assert demo.choose_images((images, labels), predicted).tolist() == [1, 2, 0]


def test_training_and_test_images_are_disjoint_and_all_used() -> None:
    (train, _), (test, labels) = digits().train, digits().test
    assert len(train) + len(test) == 1797 and set(labels.tolist()) == set(range(10))
    assert train.min() == 0 and train.max() == 1


@pytest.mark.parametrize("terminal", [True, False])
def test_a_progress_bar_is_shown_on_a_terminal_only_and_the_result_always(terminal: bool) -> None:
    printed = io.StringIO()
    report = Reporter(Console(file=printed, force_terminal=terminal, width=100))
    with report.step("count") as step:
        for done in range(3):
            step.progress(done + 1, 3, "sheep")
        step.result = "three"
    assert ("count: sheep" in printed.getvalue() and "3/3" in printed.getvalue()) == terminal
    assert re.search(r"  count +0\.\d\d s   three\n$", printed.getvalue())


def test_a_rational_is_written_in_full_when_short() -> None:
    from fractions import Fraction

    assert demo.exact_number(Fraction(9, 4)) == "9/4"
    assert demo.exact_number(Fraction(1, 3**60)).endswith("(a rational number of 30 digits)")
