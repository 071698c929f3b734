"""Recording a training changes nothing about it, frames are the partitions of their steps, and pictures show them."""

from __future__ import annotations

import json
import random
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.collections import LineCollection, PolyCollection
from PIL import Image
from torch import Tensor, nn

import cpwl
from cpwl.analysis import Frame, Recorder, Recording
from cpwl.cli import main
from cpwl.errors import ArgumentError, FileFormatError, MissingDependencyError, ShapeError, UnsupportedDimensionError
from cpwl.plots.movie import write_movie

SQUARE = cpwl.Domain.box([-1, -1], [1, 1])


def network(outputs: int = 1) -> nn.Sequential:
    torch.manual_seed(3)
    return nn.Sequential(
        *(nn.Linear(2, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.2), nn.Linear(6, 5), nn.ReLU()),
        nn.Linear(5, outputs),
    )


def steps_of(model: nn.Module, count: int) -> Any:
    """Trains for some steps, with batches from all three generators; after each step its loss."""
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(count):
        noise = np.random.standard_normal() + random.random()
        x = 2 * torch.rand(32, 2) - 1 + 0.01 * noise
        optimizer.zero_grad()
        loss = ((model(x)[:, 0] - x.norm(dim=1) + 0.5) ** 2).mean()
        loss.backward()
        optimizer.step()
        yield loss


def seeded(seed: int = 0) -> None:
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def recorded(count: int = 6, *, outputs: int = 1, **options: Any) -> Recording:
    seeded()
    with Recorder(model := network(outputs), SQUARE, **{"every": 2, "level": 0.2, **options}) as recorder:
        for loss in steps_of(model, count):
            recorder.step(loss=loss)
    return recorder.recording


@pytest.fixture(scope="module")
def recording() -> Recording:
    return recorded()


def same(one: Frame, other: Frame) -> bool:
    arrays = ("vertices", "slopes", "areas", "boundary")
    plain = (one.step, one.complete, one.statistics) == (other.step, other.complete, other.statistics)
    rows = all(np.array_equal(getattr(one.regions, name), getattr(other.regions, name)) for name in vars(one.regions))
    metrics = json.dumps(dict(one.metrics)) == json.dumps(dict(other.metrics))
    return plain and rows and metrics and all(np.array_equal(getattr(one, a), getattr(other, a)) for a in arrays)


# ---- recording changes nothing -------------------------------------------------------------------------------------
class Noisy(nn.Module):
    """A model whose forward, even in eval mode, draws random numbers that its result does not depend on."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = network()

    def forward(self, x: Tensor) -> Tensor:
        random.random()
        np.random.standard_normal()
        return self.layers(x) + 0 * torch.rand(1)


@pytest.mark.parametrize("make", [network, Noisy])
def test_training_with_a_recorder_gives_the_same_weights_modes_and_random_numbers(
    make: Callable[[], nn.Module],
) -> None:
    ends = []
    for with_recorder in (False, True):
        model = make()
        seeded()
        recorder = Recorder(model, SQUARE, every=1)
        for loss in steps_of(model, 8):
            if with_recorder and make is network:
                recorder.step(loss=loss)
            elif with_recorder:  # it cannot be compiled: what it draws must be put back all the same
                with pytest.raises(cpwl.CpwlError):
                    recorder.step(loss=loss)
        state = {**model.state_dict(), "torch": torch.get_rng_state(), "numpy": torch.tensor(np.random.random())}
        ends.append(({**state, "python": torch.tensor(random.random())}, [m.training for m in model.modules()]))
    assert ends[0][1] == ends[1][1]
    assert all(torch.equal(value, ends[1][0][name]) for name, value in ends[0][0].items())


def test_modes_gradients_and_hooks_stay_where_they_are() -> None:
    model = network()
    model[1].eval()  # a frozen batch norm in a model in train mode
    model(torch.rand(4, 2)).sum().backward()
    before = {name: p.grad.clone() for name, p in model.named_parameters()}
    Recorder(model, SQUARE).record()
    assert [m.training for m in model.modules()] == [m is not model[1] for m in model.modules()]
    assert all(torch.equal(p.grad, before[name]) for name, p in model.named_parameters())


@pytest.mark.parametrize(
    "context",
    [torch.no_grad, torch.inference_mode, lambda: torch.autocast("cpu", torch.bfloat16), torch.enable_grad],
    ids=["no_grad", "inference_mode", "autocast", "enable_grad"],
)
def test_a_frame_does_not_depend_on_the_context_in_which_it_is_recorded(context: Callable[[], Any]) -> None:
    model = network()
    expected = Recorder(model, SQUARE).record()
    with context():
        assert same(Recorder(model, SQUARE).record(), expected)


def test_the_graph_of_a_loss_is_not_kept_alive() -> None:
    recorder = Recorder(network(), SQUARE, at=[100])
    recorder.step(loss=torch.ones((), requires_grad=True) * 2)
    assert recorder._metrics["loss"].grad_fn is None


# ---- which steps ---------------------------------------------------------------------------------------------------
def constant() -> nn.Module:
    return nn.Linear(2, 1)


def test_a_context_records_the_beginning_the_multiples_the_chosen_steps_and_the_end() -> None:
    assert recorded(7, every=3, at=[1, 4]).steps == [0, 1, 3, 4, 6, 7]
    assert recorded(4, every=None).steps == [0, 4]


def test_without_a_context_only_what_is_due_is_recorded() -> None:
    recorder = Recorder(constant(), SQUARE, every=2)
    assert [recorder.step() is None for _ in range(5)] == [True, False, True, False, True]
    assert recorder.recording.steps == [2, 4]


@settings(max_examples=25)
@given(
    gaps=st.lists(st.integers(0, 7), max_size=12), every=st.integers(1, 5), at=st.sets(st.integers(0, 30), max_size=3)
)
def test_numbers_that_come_again_or_skip_are_recorded_once_where_due(gaps: list[int], every: int, at: set[int]) -> None:
    recorder, wanted, last = Recorder(constant(), SQUARE, every=every, at=at), [], 0
    with pytest.MonkeyPatch.context() as patch:  # compiling is what takes time
        patch.setattr(
            "cpwl.compiler.torch_models.snapshot.snapshot", lambda *_: cpwl.Network.mlp([np.eye(1, 2)], [np.zeros(1)])
        )
        for number in np.cumsum(gaps).tolist():
            recorder.step(number)
            due = number in at or number == 0 or any(k % every == 0 for k in range(last + 1, number + 1))
            wanted += [number] if due and number not in wanted else []
            last = number
    assert recorder.recording.steps == wanted


def test_a_hook_of_the_optimiser_may_call_the_recorder() -> None:
    model = constant()
    recorder = Recorder(model, SQUARE, every=2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    optimizer.register_step_post_hook(lambda *_: recorder.step())
    for _ in range(5):
        model(torch.ones(1, 2)).sum().backward()
        optimizer.step()
    assert recorder.recording.steps == [2, 4]
    assert recorder.recording[0].slopes != recorder.recording[1].slopes


def test_an_error_in_training_records_no_end() -> None:
    recorder = Recorder(constant(), SQUARE, every=5)

    def training() -> None:
        with recorder:
            recorder.step()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        training()
    assert recorder.recording.steps == [0]


def adapter(package: str, base: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The class that docs/training.md shows for a package, on an empty base class of that name."""
    stand_in = ModuleType(package)
    setattr(stand_in, base, type(base, (), {}))
    monkeypatch.setitem(sys.modules, package, stand_in)
    page = (Path(__file__).parents[2] / "docs" / "training.md").read_text(encoding="utf-8")
    (code,) = (block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if f"from {package}" in block)
    space: dict[str, Any] = {}
    exec(code, space)
    return space["RecordRegions"]


def test_the_lightning_callback_of_the_page_records_the_steps_of_the_optimiser(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(constant(), SQUARE, every=2)
    callback = adapter("pytorch_lightning", "Callback", monkeypatch)(recorder)
    trainer = SimpleNamespace(global_step=0)
    callback.on_train_start(trainer, None)
    for batch in range(10):  # gradients are accumulated over two batches
        trainer.global_step = (batch + 1) // 2
        callback.on_train_batch_end(trainer, None, {"loss": torch.tensor(float(batch))}, None, batch)
    callback.on_train_end(trainer, None)
    assert [(frame.step, dict(frame.metrics)) for frame in recorder.recording] == [
        (0, {}), (2, {"loss": 3.0}), (4, {"loss": 7.0}), (5, {"loss": 9.0})
    ]  # fmt: skip


def test_the_hugging_face_callback_of_the_page_records_with_the_loss_last_logged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recorder = Recorder(constant(), SQUARE, every=2)
    callback = adapter("transformers", "TrainerCallback", monkeypatch)(recorder)
    state = SimpleNamespace(global_step=0, log_history=[])
    callback.on_train_begin(None, state, None, model=None)
    for state.global_step in range(1, 6):
        callback.on_step_end(None, state, None, model=None, optimizer=None)
        state.log_history += [{"loss": 1.0 / state.global_step}, {"eval_loss": 0.0}]
    callback.on_train_end(None, state, None, model=None)
    assert [(frame.step, dict(frame.metrics)) for frame in recorder.recording] == [
        (0, {}), (2, {"loss": 1.0}), (4, {"loss": 1 / 3}), (5, {"loss": 0.25})
    ]  # fmt: skip


def test_a_model_may_be_replaced_between_steps() -> None:
    models = [cpwl.Network.mlp([np.full((1, 2), slope)], [np.zeros(1)]) for slope in (3.0, 4.0)]
    recorder = Recorder(models[0], SQUARE, every=1)
    recorder.step()
    recorder.model = models[1]
    recorder.step()
    assert np.allclose([frame.slopes for frame in recorder.recording], [[18**0.5], [32**0.5]])


# ---- what a frame is -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("outputs", [1, 3])
def test_a_frame_is_the_partition_of_the_model_at_that_step(outputs: int) -> None:
    seeded()
    model = network(outputs)
    recorder = Recorder(model, SQUARE, every=3, level=0.2)
    for loss in steps_of(model, 6):
        if frame := recorder.step(loss=loss, accuracy=0.5):
            part = cpwl.partition(cpwl.compile(model.eval(), torch.zeros(1, 2)), SQUARE)
            model.train()
            boundary = part.decision_boundary(level=0.2 if outputs == 1 else None)
            assert np.array_equal(frame.vertices, part.vertices) and np.array_equal(frame.areas, part.volumes())
            assert all(np.array_equal(a, b) for a, b in zip(frame.regions, part.regions))
            assert np.allclose(frame.slopes, [np.linalg.norm(A) for A in part.affine_maps()[0]], rtol=1e-9)
            assert len(boundary) > 1 and np.array_equal(frame.boundary, boundary.ends)
            assert frame.statistics.items() >= part.statistics().summary.items()
            assert np.isclose(frame.statistics["boundary length"], boundary.lengths().sum())
            mean = sum(frame.slopes * frame.areas) / 4
            assert np.isclose(frame.statistics["mean slope"], mean)
            assert frame.statistics["largest slope"] == frame.slopes.max()
            assert frame.metrics == {"loss": loss.item(), "accuracy": 0.5}


def test_a_recorder_without_boundary_records_none() -> None:
    frame = Recorder(network(3), SQUARE, boundary="none").record()
    assert len(frame.boundary) == 0 and "boundary length" not in frame.statistics


def test_options_of_partition_are_handed_on() -> None:
    frames = [Recorder(network(), SQUARE, backend=backend).record() for backend in ("torch", "exact")]
    assert len(frames[0].regions) == len(frames[1].regions)
    assert sorted(frames[0].areas) == pytest.approx(sorted(frames[1].areas), abs=1e-12)
    deep = Recorder(nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1)), SQUARE,
                    max_regions=40)  # fmt: skip
    frame = deep.record()
    assert not frame.complete and frame.areas.sum() < 4 and "INCOMPLETE" in repr(frame)


def test_the_frame_at_a_step_is_the_last_one_before_it(recording: Recording) -> None:
    assert recording.steps == [0, 2, 4, 6] and [recording.at(s).step for s in (0, 1, 2, 5, 99)] == [0, 0, 2, 4, 6]
    with pytest.raises(ArgumentError, match="step must be at least"):
        recording.at(-1)


# ---- folders -------------------------------------------------------------------------------------------------------
def test_a_saved_recording_is_loaded_bit_for_bit(recording: Recording, tmp_path: Path) -> None:
    loaded = Recording.load(recording.save(tmp_path / "folder"))
    assert loaded.steps == recording.steps and all(map(same, loaded, recording))
    assert np.array_equal(loaded.domain.polytope.vertices, SQUARE.polytope.vertices)
    assert all(map(same, loaded[1:], recording[1:])) and same(loaded[-1], recording[-1])


def test_a_recorder_with_a_folder_keeps_nothing_and_records_the_same(recording: Recording, tmp_path: Path) -> None:
    stored = recorded(folder=tmp_path / "run")
    assert all(map(same, stored, recording)) and stored[0] is not stored[0]
    assert sorted(path.name for path in (tmp_path / "run").iterdir())[1:] == [
        f"step-{step:012d}.npz" for step in (0, 2, 4, 6)
    ]
    with pytest.raises(ArgumentError, match="folder must be new or empty"):
        Recorder(network(), SQUARE, folder=tmp_path / "run")


def test_numbers_that_are_not_finite_are_kept(tmp_path: Path) -> None:
    recorder = Recorder(network(), SQUARE, every=1, folder=tmp_path / "run")
    recorder.step(loss=float("nan"), other=float("inf"))
    (frame,) = Recording.load(tmp_path / "run")
    assert np.isnan(frame.metrics["loss"]) and frame.metrics["other"] == float("inf")


def forge(path: Path, header: dict[str, Any] | None = None, **changes: Any) -> None:
    with np.load(path) as stored:
        arrays = {name: stored[name] for name in stored.files}
    known = {**json.loads(arrays.pop("header").tobytes()), **(header or {})}
    np.savez(path, header=np.frombuffer(json.dumps(known).encode(), np.uint8), **{**arrays, **changes})


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda path: path.write_bytes(b"no archive"), "no whole .npz archive"),
        (lambda path: path.write_bytes(path.read_bytes()[:-200]), "no whole .npz archive"),
        (lambda path: np.savez(path, header=np.zeros(3, np.uint8)), "header is not JSON"),
        (lambda path: forge(path, {"version": 7}), "format 'cpwl-recording', version 1"),
        (lambda path: forge(path, {"step": "2"}), "must tell the step"),
        (lambda path: forge(path, {"metrics": {"loss": "low"}}), "must hold metrics"),
        (lambda path: forge(path, {"statistics": None}), "must hold statistics"),
        (lambda path: forge(path, vertices=np.zeros((0, 2))), "regions.values"),
        (lambda path: forge(path, slopes=np.zeros(1)), "slopes"),
        (lambda path: forge(path, boundary=np.full((1, 2, 2), np.nan)), "boundary"),
    ],
)
def test_a_damaged_frame_is_named(recording: Recording, tmp_path: Path, change: Any, what: str) -> None:
    path = recording.save(tmp_path / "folder") / "step-000000000002.npz"
    change(path)
    loaded = Recording.load(tmp_path / "folder")
    with pytest.raises(FileFormatError, match=what) as caught:
        loaded[1]
    assert path.name in str(caught.value) and same(loaded[2], recording[2])


def test_what_is_no_recording_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=r"is no recording: it holds no recording\.npz"):
        Recording.load(tmp_path)
    with pytest.raises(ArgumentError, match="recording must hold a frame"):
        Recording(SQUARE, []).plot_curves()


# ---- tables and pictures -------------------------------------------------------------------------------------------
def test_the_table_has_a_row_a_frame_and_what_was_not_measured_is_nan(recording: Recording) -> None:
    table = recording.table()
    assert table.index.tolist() == recording.steps and table.index.name == "step"
    assert np.isnan(table.loc[0, "loss"]) and table.loc[6, "loss"] == recording[-1].metrics["loss"]
    assert table["regions"].tolist() == [len(frame.regions) for frame in recording]


def test_curves_are_the_columns_of_the_table(recording: Recording) -> None:
    figure, table = recording.plot_curves(), recording.table()
    drawn = {ax.get_title(): ax.lines[0].get_xydata() for ax in figure.axes if ax.lines}
    assert len(drawn) == 6
    for name, title in (("loss", "loss"), ("ARE", "average eccentricity (ARE)"), ("regions", "regions")):
        assert np.array_equal(drawn[title], np.stack([table.index, table[name]], axis=1), equal_nan=True)
    assert len(recording.plot_curves(["edges"]).axes) == 1
    with pytest.raises(ArgumentError, match=r"names must be columns of recording\.table\(\), .*; got \['height'\]"):
        recording.plot_curves(["height"])


def test_steps_that_thin_out_are_drawn_on_a_logarithmic_axis(recording: Recording) -> None:
    far = Recording(SQUARE, [recording[0], recording[1], Frame(**{**vars(recording[2]), "step": 1000})])
    scales = [kind.plot_curves().axes[0].get_xscale() for kind in (recording, far)]
    assert scales == ["linear", "symlog"]


def test_frames_side_by_side_show_their_regions_and_boundaries_in_one_scale(recording: Recording) -> None:
    figure = recording.plot([0, 6], points=[[0.1, 0.2], [0.5, 0.5]], classes=[0, 1])
    collections = [
        [artist for artist in ax.collections if isinstance(artist, kind)]
        for ax in figure.axes[:2]
        for kind in (PolyCollection, LineCollection)
    ]
    (first,), (line,), (last,), (boundary,) = collections
    for frame, polygons, segments in ((recording[0], first, line), (recording[-1], last, boundary)):
        assert np.array_equal(polygons.get_array(), frame.slopes)
        assert [path.vertices[:-1].tolist() for path in polygons.get_paths()] == [
            frame.vertices[row].tolist() for row in frame.regions
        ]
        assert np.array_equal(np.array(segments.get_segments()).reshape(-1, 2, 2), frame.boundary)
    assert first.norm is last.norm


def frames_of(path: Path) -> tuple[list[np.ndarray[Any, Any]], list[float]]:
    with Image.open(path) as image:
        pictures, times = [], []
        for k in range(image.n_frames):
            image.seek(k)
            pictures.append(np.asarray(image.convert("RGB")))
            times.append(image.info["duration"])
    return pictures, times


def test_a_gif_has_a_picture_a_frame_at_the_given_speed(recording: Recording, tmp_path: Path) -> None:
    path = recording.animate(tmp_path / "training.gif", fps=4, hold=1.5, width=240)
    pictures, times = frames_of(path)
    assert path == tmp_path / "training.gif" and len(pictures) == 4 and times == [250, 250, 250, 1750]
    assert {picture.shape[1] for picture in pictures} == {240}


def test_a_slope_has_one_colour_in_all_frames(recording: Recording, tmp_path: Path) -> None:
    steep = Frame(**{**vars(recording[0]), "slopes": 100 * recording[0].slopes})
    first, second, third = (
        Frame(**{**vars(frame), "step": step}) for step, frame in enumerate((recording[0], steep, recording[0]))
    )
    pictures, _ = frames_of(Recording(SQUARE, [first, second, third]).animate(tmp_path / "a.gif", width=300))
    below_title = [picture[40:].astype(int) for picture in pictures]
    assert np.array_equal(below_title[0], below_title[2])
    assert (below_title[0] != below_title[1]).any(axis=2).mean() > 0.3


def test_the_boundary_stays_red_in_a_gif(recording: Recording, tmp_path: Path) -> None:
    pictures, _ = frames_of(recording.animate(tmp_path / "a.gif"))
    assert len(recording[-1].boundary) > 5
    assert (pictures[-1] == (224, 0, 16)).all(axis=2).sum() > 50


def test_named_colours_stay_what_they_are_in_a_gif_of_many_others(tmp_path: Path) -> None:
    red, noise = (224, 0, 16), np.random.default_rng(0).integers(0, 256, (60, 60, 3), np.uint8)
    noise[30, 30] = red
    named = np.array([red], np.uint8)
    pictures, _ = frames_of(write_movie(tmp_path / "a.gif", [noise], fps=1, hold=0, exact=named))
    assert tuple(pictures[0][30, 30]) == red


def test_an_mp4_has_all_frames_and_holds_the_last(recording: Recording, tmp_path: Path) -> None:
    from imageio_ffmpeg import count_frames_and_secs

    path = recording.animate(tmp_path / "training.mp4", fps=4, hold=1.0, width=301)
    assert count_frames_and_secs(str(path)) == (8, 2.0)


def test_an_mp4_without_its_package_says_what_to_install(
    recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'cpwl\[video\]'"):
        recording.animate(tmp_path / "training.mp4")


def test_regions_without_slope_are_drawn(tmp_path: Path) -> None:
    model = nn.Linear(2, 1)
    nn.init.zeros_(model.weight)
    recorder = Recorder(model, SQUARE)
    assert recorder.record().slopes.tolist() == [0.0]
    pictures, _ = frames_of(recorder.recording.animate(tmp_path / "flat.gif"))
    assert len(pictures) == 1


# ---- arguments -----------------------------------------------------------------------------------------------------
def test_arguments_that_make_no_sense_are_named(recording: Recording, tmp_path: Path) -> None:
    model = constant()
    with pytest.raises(ArgumentError, match="domain must be a Domain, got tuple"):
        Recorder(model, (0, 1))  # type: ignore[arg-type]
    with pytest.raises(UnsupportedDimensionError, match="slices of dimension 2, got one of 3"):
        Recorder(model, cpwl.Domain.box([0] * 3, [1] * 3))
    with pytest.raises(ArgumentError, match="every must be a positive integer"):
        Recorder(model, SQUARE, every=0)
    with pytest.raises(ArgumentError, match="boundary must be 'decision' or 'none'"):
        Recorder(model, SQUARE, boundary="all")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"model must be a torch\.nn\.Module or a compiled Network, got int"):
        Recorder(3, SQUARE).record()
    with pytest.raises(ArgumentError, match="a metric must be a number"):
        Recorder(model, SQUARE, every=1).step(loss=torch.zeros(2))
    recorder = Recorder(model, SQUARE)
    recorder.step(5)
    with pytest.raises(ArgumentError, match="number must not decrease, got 4 after 5"):
        recorder.step(4)
    with pytest.raises(ArgumentError, match=r"path must end in \.gif or \.mp4"):
        recording.animate(tmp_path / "training.avi")
    with pytest.raises(ArgumentError, match="fps must be positive"):
        write_movie(tmp_path / "a.gif", [], fps=0, hold=1)
    with pytest.raises(ArgumentError, match="scale must be 'log' or 'linear'"):
        recording.plot(scale="square")
    with pytest.raises(ShapeError, match="points must have shape"):
        recording.plot(points=[1, 2, 3])
    with pytest.raises(ArgumentError, match="classes must be an integer for each of the 1 points"):
        recording.plot(points=[[0, 0]], classes=[0.5])
    with pytest.raises(ArgumentError, match="classes are those of points"):
        recording.plot(classes=[1])


# ---- the command line ----------------------------------------------------------------------------------------------
def test_cpwl_animate_draws_a_recording(recording: Recording, tmp_path: Path) -> None:
    folder = recording.save(tmp_path / "run")
    names = ("training.gif", "curves.png", "frames.svg", "table.csv")
    options = zip(("--out", "--curves", "--frames", "--csv"), (str(tmp_path / name) for name in names))
    result = CliRunner().invoke(main, ["animate", str(folder), *(word for pair in options for word in pair)])
    assert result.exit_code == 0, result.output
    assert "<Recording: 4 frames from step 0 to 6>" in result.output
    assert all((tmp_path / name).stat().st_size > 100 for name in names)
    assert (tmp_path / "table.csv").read_text().splitlines()[0].startswith("step,regions,")


def test_cpwl_record_makes_a_recording_of_checkpoints_in_the_order_of_their_steps(tmp_path: Path) -> None:
    model = network(2).eval()
    for step in (100, 20, 3):
        for parameter in model.parameters():
            parameter.data += 0.1
        torch.export.save(torch.export.export(model, (torch.zeros(1, 2),)), tmp_path / f"v2-step{step}.pt2")
    files = [str(path) for path in tmp_path.glob("*.pt2")]
    words = ["record", *files, "--box", "-1", "1", "--out", str(tmp_path / "run")]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    recording = Recording.load(tmp_path / "run")
    part = cpwl.partition(cpwl.compile(model, torch.zeros(1, 2)), SQUARE)
    assert recording.steps == [3, 20, 100] and np.array_equal(recording[0].areas, part.volumes())
    assert re.findall(r"step (\d+) .* (\d+) regions", result.output)[0] == ("3", str(len(part)))
    again = CliRunner().invoke(main, words)
    assert again.exit_code == 2 and "must be new or empty" in again.output
    (tmp_path / "last.pt2").write_bytes(b"")
    nameless = CliRunner().invoke(main, ["record", str(tmp_path / "last.pt2"), *words[-5:-1], str(tmp_path / "new")])
    assert nameless.exit_code == 2 and "holds no number" in nameless.output
    twice = CliRunner().invoke(main, ["record", files[0], *words[1:-1], str(tmp_path / "new")])
    assert twice.exit_code == 2 and "one step" in twice.output


def test_cpwl_animate_refuses_what_makes_no_sense(tmp_path: Path) -> None:
    for words in (
        [str(tmp_path)],
        [str(tmp_path), "--out", str(tmp_path / "a.gif")],
        [str(tmp_path), "--out", "a.avi"],
    ):
        assert CliRunner().invoke(main, ["animate", *words]).exit_code == 2
