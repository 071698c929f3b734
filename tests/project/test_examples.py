"""The examples run, stay short, and print what their texts promise."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.example_files import FILES

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.py"))

ABSENT = {"32_mnist_planes.py": {"mnist", "fashion-mnist"}}
"""Data sets of whose files --small writes none."""
SMALL = {name: ["--small"] for name in FILES if name >= "10"}
"""What makes an example that trains networks quick; their figures are those of their full size in the docs."""

PROMISES = {
    "01_first_partition.py": ["areas sum to 16.000000000000"],
    "02_your_own_network.py": ["1000 samples", "loaded again: <Partition"],
    "03_exact_against_float.py": ["of total area 4;", "regions verified exactly", "the exact backend agree: True"],
    "04_segments.py": ["1,000 segments", "same label", "passes through"],
    "10_training_animation.py": ["disc_and_annulus:", "xor_of_annuli:", "boundary length"],
    "11_signed_distance.py": ["the zero set:", "from the shape at most", "area inside:"],
    "12_implicit_image.py": ["plain    PSNR", "encoded  PSNR", "in the close-up"],
    "13_slices_of_a_solid.py": ["at -0.60:", "at +0.60:", "area inside"],
    "14_lines_and_a_solid.py": ["from 0 to 9:", "the cube around 0, 3, 6, 8:", "10 points of it are exact"],
    "15_a_whole_input_space.py": ["of total volume 8.000000000", "the advice changes on", "random states"],
    "16_verify_a_property.py": ["far: holds", "left: violated", "dropped by bounds", "  at "],
    "17_exact_surface.py": ["<SurfaceMesh: ", "Euler number", "wrote "],
    "30_regions_of_classifiers.py": ["digits MLP", "CNN", "mean slope"],
    "31_augmentation.py": ["augmented: ", "12 slices", "median eccentricity"],
    "32_mnist_planes.py": ["digits: ", "40 exact points", "regions verified exactly", "= area of the domain"],
    "20_xor.py": ["3 regions, of area 2 + 5/2 + 9/2 = 9", "no region has the pattern (0, 1)", "their sum is -1"],
    "21_few_maps.py": ["ResNet: 384 units", "Accuracy of k maps", "Maps of one network taken to those of another"],
}


def test_there_are_three_examples_or_more() -> None:
    assert len(EXAMPLES) >= 3 and {path.name for path in EXAMPLES} == set(FILES) == set(PROMISES)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs_and_writes_its_files_into_the_given_folder(path: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error::UserWarning:cpwl", str(path), str(tmp_path), *SMALL.get(path.name, [])]
    answer = subprocess.run(command, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    absent = ABSENT.get(path.name, set())
    wanted = {name for name in FILES[path.name] if name.split("_")[0] not in absent}
    assert {file.name for file in tmp_path.iterdir()} == wanted
    assert [promise for promise in PROMISES[path.name] if promise not in answer.stdout] == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_has_fewer_than_sixty_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) < 60


def test_float_gets_a_region_wrong_in_the_degenerate_example_and_certify_repairs_it(tmp_path: Path) -> None:
    command = [sys.executable, str(EXAMPLES[2]), str(tmp_path)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "48 regions, 48 of them ambiguous" in text and "exact: 56 regions" in text
    assert "17 regions of the given partition" in text and "recomputed exactly" in text
