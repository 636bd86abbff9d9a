"""The loop: resumable to the bit, not thrown off by a bad step, careful with what it writes."""

from __future__ import annotations

import csv
import json
import math
import os
import random
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from flowdenoise.errors import CheckpointError, TrainingError
from flowdenoise.optimization.checkpoint import Checkpoint, restore
from flowdenoise.optimization.loop import Loop, LoopConfig, learning_rate_at
from flowdenoise.optimization.processes import Workers
from flowdenoise.optimization.progress import Progress
from flowdenoise.optimization.run_folder import RunFolder
from flowdenoise.optimization.settings import changed_settings
from flowdenoise.system.random_streams import Draws


class LineStage:
    """Fit a small network to a line; the batch is a function of the step."""

    def __init__(self, spoiled: range = range(0), inflated: range = range(0)) -> None:
        torch.manual_seed(0)
        self.model: nn.Module = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1)
        )
        self.spoiled, self.inflated = spoiled, inflated

    def loss(self, model: nn.Module, step: int, first: int, count: int) -> Tensor:
        draws = Draws.for_step(0, step, count, first=first)
        x = draws.normal(0, (1, 5, 5))
        loss: Tensor = (model(x) - 0.5 * x).square().mean()
        if step in self.spoiled:
            return loss * math.nan
        return loss * 1e6 if step in self.inflated else loss

    def validate(self, model: nn.Module) -> dict[str, float]:
        return {"score": 1.0}

    def pictures(self, model: nn.Module) -> dict[str, Tensor]:
        return {"gray": torch.full((1, 4, 4), 0.5)}


def make_loop(
    folder: Path,
    *,
    stage: LineStage | None = None,
    reports: list[Progress] | None = None,
    **config: Any,
) -> Loop:
    defaults = {"steps": 12, "batch": 4, "warmup": 3, "log_every": 4, "checkpoint_every": 5}
    run_folder = RunFolder(folder)
    run_folder.prepare({"a": 1})
    return Loop(
        stage or LineStage(),
        LoopConfig(**{**defaults, **config}),
        run_folder,
        settings={"a": 1},
        workers=Workers.alone(),
        report=(reports if reports is not None else []).append,
    )


def parameters(loop: Loop) -> list[Tensor]:
    return [*loop.model.state_dict().values(), *loop.average.state_dict().values()]


@pytest.mark.parametrize("optimizer", ["adam", "muon"])
@pytest.mark.parametrize("stop", [1, 5, 7, 11])
def test_a_resumed_run_gives_the_same_bits(tmp_path: Path, optimizer: str, stop: int) -> None:
    through = make_loop(tmp_path / "through", optimizer=optimizer)
    assert through.run()

    first = make_loop(tmp_path / "stopped", optimizer=optimizer)
    original = first.stage.loss

    def interrupted(model: nn.Module, step: int, *share: int) -> Tensor:
        if step == stop - 1:
            os.kill(os.getpid(), signal.SIGINT)
        return original(model, step, *share)

    first.stage.loss = interrupted  # type: ignore[method-assign]
    assert not first.run()
    assert first.step == stop
    second = make_loop(tmp_path / "stopped", optimizer=optimizer)
    second.resume(second.folder.load())
    assert second.step == stop
    assert second.run()
    assert second.watch == through.watch
    for one, other in zip(parameters(through), parameters(second), strict=True):
        assert torch.equal(one, other)


class Stopped(BaseException):
    pass


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_handler_of_the_program_s_own_is_called_when_the_run_is_saved(
    tmp_path: Path, number: signal.Signals
) -> None:
    def stop(*_: object) -> None:
        raise Stopped

    loop = make_loop(tmp_path)
    original = loop.stage.loss

    def interrupted(model: nn.Module, step: int, *share: int) -> Tensor:
        if step == 2:
            os.kill(os.getpid(), number)
        return original(model, step, *share)

    loop.stage.loss = interrupted  # type: ignore[method-assign]
    before = signal.signal(number, stop)
    try:
        with pytest.raises(Stopped):
            loop.run()
    finally:
        signal.signal(number, before)
    assert loop.folder.load().step == 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_the_program_ignores_does_not_stop_the_run(
    tmp_path: Path, number: signal.Signals
) -> None:
    loop = make_loop(tmp_path)
    original = loop.stage.loss

    def sent(model: nn.Module, step: int, *share: int) -> Tensor:
        if step == 2:
            os.kill(os.getpid(), number)
        return original(model, step, *share)

    loop.stage.loss = sent  # type: ignore[method-assign]
    before = signal.signal(number, signal.SIG_IGN)
    try:
        assert loop.run()
        assert signal.getsignal(number) == signal.SIG_IGN
    finally:
        signal.signal(number, before)
    assert loop.step == 12


def test_what_was_learned_is_saved_before_it_is_validated(tmp_path: Path) -> None:
    loop = make_loop(tmp_path, validate_every=7, checkpoint_every=100)
    saved: list[tuple[int, int]] = []

    def validate(average: nn.Module) -> dict[str, float]:
        saved.append((loop.step, loop.folder.load().step))
        return {}

    loop.stage.validate = validate  # type: ignore[method-assign]
    assert loop.run()
    assert saved == [(7, 7), (12, 12)]


def test_a_run_that_is_asked_to_stop_saves_and_does_not_validate(tmp_path: Path) -> None:
    loop = make_loop(tmp_path, validate_every=3)
    original = loop.stage.loss
    validated: list[int] = []

    def interrupted(model: nn.Module, step: int, *share: int) -> Tensor:
        if step == 5:
            os.kill(os.getpid(), signal.SIGTERM)
        return original(model, step, *share)

    def validate(average: nn.Module) -> dict[str, float]:
        validated.append(loop.step)
        return {}

    loop.stage.loss, loop.stage.validate = interrupted, validate  # type: ignore[method-assign]
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        assert not loop.run()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert loop.folder.load().step == 6
    assert validated == [3]


def test_a_bad_step_is_skipped_and_counted(tmp_path: Path) -> None:
    reports: list[Progress] = []
    loop = make_loop(tmp_path, stage=LineStage(spoiled=range(3, 5)), reports=reports)
    assert loop.run()
    assert loop.counters["skipped"] == 2
    assert reports[-1].skipped == 2
    assert all(torch.isfinite(value).all() for value in parameters(loop))


def test_many_bad_steps_take_the_last_checkpoint_back(tmp_path: Path) -> None:
    loop = make_loop(tmp_path, stage=LineStage(spoiled=range(7, 27)), steps=30)
    assert loop.run()
    assert loop.counters == {"skipped": 20, "rollbacks": 1}


def test_a_gradient_that_runs_away_takes_the_last_checkpoint_back(tmp_path: Path) -> None:
    steady = {"learning_rate": 1e-5, "decay": 0.0}  # the gradient's norm stays about the same
    sound = make_loop(tmp_path / "sound", steps=300, **steady)
    diverging = make_loop(
        tmp_path / "diverging",
        stage=LineStage(inflated=range(300, 303)),
        steps=303,
        checkpoint_every=300,
        **steady,
    )
    assert sound.run()
    assert diverging.run()
    assert diverging.counters == {"skipped": 1, "rollbacks": 1}
    for one, other in zip(parameters(sound), parameters(diverging), strict=True):
        assert torch.equal(one, other)


def test_a_single_odd_batch_is_no_divergence(tmp_path: Path) -> None:
    loop = make_loop(tmp_path, stage=LineStage(inflated=range(290, 291)), steps=300)
    assert loop.run()
    assert loop.counters == {"skipped": 0, "rollbacks": 0}


def test_after_going_back_the_rate_is_half(tmp_path: Path) -> None:
    reports: list[Progress] = []
    loop = make_loop(
        tmp_path, stage=LineStage(spoiled=range(7, 27)), steps=30, reports=reports, decay=0.0
    )
    assert loop.run()
    assert [report.learning_rate for report in reports[1:]] == [1e-3] * 5 + [5e-4] * 2


def test_a_checkpoint_of_before_the_watch_is_read(tmp_path: Path) -> None:
    loop = make_loop(tmp_path)
    assert loop.run()
    content = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    del content["watch"]
    torch.save(content, tmp_path / "checkpoint.pt")
    assert Checkpoint.load(tmp_path / "checkpoint.pt").watch == {}


def test_a_run_that_diverges_for_good_says_so(tmp_path: Path) -> None:
    loop = make_loop(tmp_path, stage=LineStage(spoiled=range(7, 1000)), steps=1000)
    with pytest.raises(TrainingError, match="lower learning rate"):
        loop.run()


def test_the_folder_tells_the_whole_story(tmp_path: Path) -> None:
    reports: list[Progress] = []
    make_loop(tmp_path, reports=reports, validate_every=6).run()
    assert json.loads((tmp_path / "settings.json").read_text()) == {"a": 1}
    rows = list(csv.DictReader((tmp_path / "log.csv").read_text().splitlines()))
    assert [int(row["step"]) for row in rows] == [4, 6, 8, 12]
    assert json.loads(rows[1]["metrics"]) == {"score": 1.0}
    assert float(rows[-1]["loss"]) == pytest.approx(reports[-1].loss)
    assert (tmp_path / "pictures" / "gray-0000012.png").exists()
    assert Checkpoint.load(tmp_path / "checkpoint.pt").step == 12
    assert not list(tmp_path.glob("*.part"))


def test_the_loss_falls_and_the_average_follows(tmp_path: Path) -> None:
    reports: list[Progress] = []
    loop = make_loop(tmp_path, reports=reports, steps=200, learning_rate=0.01, log_every=20)
    loop.run()
    assert reports[-1].loss < 0.5 * reports[0].loss
    for averaged, current in zip(loop.average.parameters(), loop.model.parameters(), strict=True):
        assert torch.allclose(averaged, current, atol=0.1)


def test_the_rate_climbs_stays_and_falls() -> None:
    config = LoopConfig(steps=100, warmup=10, decay=0.5, learning_rate=1.0)
    rates = [learning_rate_at(step, config) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[9:51] == [1.0] * 42
    assert rates[75] == pytest.approx(0.5)
    assert rates[99] == pytest.approx(0.02)


class Disk:
    """A file system that is full after some bytes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("torch.save", self.save)

    @staticmethod
    def save(content: object, stream: Any) -> None:
        stream.write(b"half of a checkpoint")
        raise OSError(28, "No space left on device")


def test_a_full_disk_leaves_the_old_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = make_loop(tmp_path)
    loop.run()
    Disk(monkeypatch)
    with pytest.raises(CheckpointError, match="the one before it is whole"):
        loop.save()
    assert Checkpoint.load(tmp_path / "checkpoint.pt").step == 12
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("keep", [0, 1, 100, -1])
def test_a_checkpoint_cut_short_is_refused(tmp_path: Path, keep: int) -> None:
    make_loop(tmp_path).run()
    file = tmp_path / "checkpoint.pt"
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(CheckpointError, match="cut short"):
        Checkpoint.load(file)


def test_a_checkpoint_with_code_in_it_is_refused(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(tmp_path / "run"),)

    torch.save({"format": 1, "evil": Evil()}, tmp_path / "checkpoint.pt")
    with pytest.raises(CheckpointError):
        Checkpoint.load(tmp_path / "checkpoint.pt")
    assert not (tmp_path / "run").exists()


def altered(data: bytes, rng: random.Random) -> bytes:
    """The file with one or two faults: bits flipped, bytes lost, repeated, added, or an end."""
    for _ in range(rng.choice([1, 1, 2])):
        place, run = rng.randrange(len(data)), rng.randrange(1, 200)
        match rng.randrange(6):
            case 0:
                data = (
                    data[:place] + bytes([data[place] ^ 1 << rng.randrange(8)]) + data[place + 1 :]
                )
            case 1:
                data = data[:place] + rng.randbytes(run) + data[place + run :]
            case 2:
                data = data[:place] + data[place + run :]
            case 3:
                data = data[: place + run] + data[place:]
            case 4:
                data = data[:place] + rng.randbytes(run) + data[place:]
            case _:
                data = data[: place + 1]
    return data


@pytest.mark.parametrize("count", [200, pytest.param(3000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("sealed", [True, False], ids=["with a digest", "of before the digest"])
def test_no_altered_checkpoint_loads_silently(tmp_path: Path, sealed: bool, count: int) -> None:
    make_loop(tmp_path, optimizer="muon").run()
    file = tmp_path / "checkpoint.pt"
    if not sealed:
        torch.save(torch.load(file, weights_only=True), file)
    original = file.read_bytes()
    whole = Checkpoint.load(file)
    rng = random.Random(f"altered {sealed}")
    for _ in range(count):
        data = altered(original, rng)
        file.write_bytes(data)
        try:
            loaded = Checkpoint.load(file)
        except CheckpointError:
            continue
        # The old format's checksums cover what it holds, not the frame around it.
        assert data == original or not sealed
        assert_same(vars(loaded), vars(whole))


def assert_same(one: Any, other: Any) -> None:
    """Whether nested containers hold the same, tensors included."""
    assert type(one) is type(other)
    if isinstance(one, Tensor):
        assert torch.equal(one, other)
    elif isinstance(one, dict):
        assert list(one) == list(other)
        assert_same(list(one.values()), list(other.values()))
    elif isinstance(one, list | tuple):
        assert len(one) == len(other)
        for first, second in zip(one, other, strict=True):
            assert_same(first, second)
    else:
        assert one == other


def test_a_checkpoint_can_be_read_by_torch_alone(tmp_path: Path) -> None:
    make_loop(tmp_path).run()
    assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["step"] == 12


def test_the_state_of_another_optimizer_is_refused(tmp_path: Path) -> None:
    make_loop(tmp_path, optimizer="muon").run()
    other = make_loop(tmp_path, optimizer="adam")
    with pytest.raises(CheckpointError, match="another optimizer"):
        other.resume(other.folder.load())


def test_a_full_disk_is_one_line_wherever_the_run_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*names: Any, **options: Any) -> Any:
        raise OSError(28, "No space left on device")

    loop = make_loop(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.open", full)
        with pytest.raises(TrainingError, match=r"can't write to the run folder .*No space left"):
            loop.run()
    monkeypatch.setattr("flowdenoise.optimization.run_folder.replacing", full)
    with pytest.raises(TrainingError, match=r"can't write to the run folder .*No space left"):
        loop.folder.prepare({})


def test_two_runs_do_not_train_in_one_folder(tmp_path: Path) -> None:
    with (
        RunFolder(tmp_path).locked(),
        pytest.raises(TrainingError, match=f"another process is training in {tmp_path}"),
        RunFolder(tmp_path).locked(),
    ):
        pass
    with RunFolder(tmp_path).locked():
        pass


def test_the_log_has_each_step_once_whatever_ended_the_run(tmp_path: Path) -> None:
    make_loop(tmp_path, steps=20, checkpoint_every=10).run()
    log = tmp_path / "log.csv"
    file = tmp_path / "checkpoint.pt"
    checkpoint = Checkpoint.load(file)
    whole = log.read_text()
    checkpoint.step = 9
    checkpoint.save(file)  # as if the process had been killed after the report of step 20
    resumed = make_loop(tmp_path, steps=20, checkpoint_every=10)
    log.write_text(whole + "24,0.1,0.0")
    resumed.resume(resumed.folder.load())
    resumed.folder.prepare({"a": 1}, resumed.step)
    resumed.run()
    steps = [int(row["step"]) for row in csv.DictReader(log.read_text().splitlines())]
    assert steps == [4, 8, 12, 16, 20]


@pytest.mark.parametrize("start", ["", "step,lo"])
def test_a_log_that_was_cut_in_its_first_line_begins_again(tmp_path: Path, start: str) -> None:
    loop = make_loop(tmp_path, steps=4)
    (tmp_path / "log.csv").write_text(start)
    loop.folder.prepare({})
    loop.run()
    (row,) = csv.DictReader((tmp_path / "log.csv").read_text().splitlines())
    assert row["step"] == "4"


def test_what_is_no_log_is_not_written_to(tmp_path: Path) -> None:
    loop = make_loop(tmp_path, steps=4)
    (tmp_path / "log.csv").write_text("dear diary\n")
    with pytest.raises(TrainingError, match=r"log\.csv is no log of a run"):
        loop.folder.prepare({})
    assert (tmp_path / "log.csv").read_text() == "dear diary\n"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_checkpoint_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "checkpoint.pt")
    with pytest.raises(CheckpointError, match="no regular file"):
        Checkpoint.load(tmp_path / "checkpoint.pt")


def test_no_checkpoint_is_an_error_that_says_where(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no checkpoint at"):
        Checkpoint.load(tmp_path / "checkpoint.pt")


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (nn.Conv2d(1, 2, 3, bias=False), "lacks bias"),
        (nn.Conv2d(1, 3, 3), r"bias is \(2,\) instead of \(3,\)"),
        (nn.Sequential(nn.Conv2d(1, 2, 3)), "lacks 0.bias|also has"),
    ],
)
def test_another_architecture_is_refused_by_name(
    tmp_path: Path, other: nn.Module, message: str
) -> None:
    state = nn.Conv2d(1, 2, 3).state_dict()
    if isinstance(other, nn.Conv2d) and other.bias is None:
        state, other = other.state_dict(), nn.Conv2d(1, 2, 3)
    with pytest.raises(CheckpointError, match=message):
        restore(other, state, tmp_path)


def test_changed_settings_are_named() -> None:
    assert changed_settings({"a": 1, "b": 2}, {"a": 1, "b": 3, "c": 4}) == [
        "b: 2 -> 3",
        "c: None -> 4",
    ]
