"""What a cluster is asked for, and what is done about workers that are lost, without Ray."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from flowdenoise.batch import BatchConfig, Cluster, ClusterConfig, Job, Outcome
from flowdenoise.engine import EngineConfig
from flowdenoise.errors import DeviceError


class RayError(Exception):
    """What Ray raises instead of an answer, of whatever kind."""


class LostError(RayError):
    """What is raised by asking for the answer of a worker that is gone."""

    actor_init_failed = False


class BadBeginningError(LostError):
    """The same of a worker that could not be made."""

    actor_init_failed = True


class TaskError(RayError):
    """What is raised by asking for an answer instead of which there was an error."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(f"Traceback, in color:\n  File ...\n{cause}")
        self.cause = cause


Answer = Callable[[Sequence[Job], BatchConfig], list[Outcome]]


def done(jobs: Sequence[Job], _: BatchConfig) -> list[Outcome]:
    return [Outcome(job, "denoised") for job in jobs]


class Ray:
    """Ray in this process: a worker answers when it is waited for.

    Args:
        answer: What a worker does.
        there: The resources of the cluster.
    """

    exceptions = SimpleNamespace(RayError=RayError, RayTaskError=TaskError)

    def __init__(self, answer: Answer, there: dict[str, float]) -> None:
        self.answer, self.there = answer, there
        self.asked: list[tuple[list[str], str]] = []
        self.gpus: list[int] = []
        self.running = True

    def is_initialized(self) -> bool:
        return self.running

    def init(self, *_: object, **__: object) -> None:
        self.running = True

    def shutdown(self) -> None:
        self.running = False

    def cluster_resources(self) -> dict[str, float]:
        return self.there

    def remote(self, *, num_gpus: int, **_: object) -> Callable[[type], Any]:
        def start(*_: object) -> Any:
            self.gpus.append(num_gpus)
            return SimpleNamespace(denoise=SimpleNamespace(remote=self.submit))

        return lambda _: SimpleNamespace(remote=start)

    def submit(self, jobs: Sequence[Job], config: BatchConfig) -> Callable[[], list[Outcome]]:
        self.asked.append(([Path(job.name).stem for job in jobs], config.existing))
        return lambda: self.answer(jobs, config)

    def wait(self, running: list[Any], *, num_returns: int) -> tuple[list[Any], list[Any]]:
        return running[:num_returns], running[num_returns:]

    def get(self, running: Callable[[], list[Outcome]]) -> list[Outcome]:
        return running()

    def kill(self, _: object) -> None:
        pass


Start = Callable[..., tuple[Ray, Cluster]]


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Start:
    def started(
        answer: Answer = done,
        *,
        cores: int = 1,
        gpus: int = 0,
        device: str = "auto",
        **config: int,
    ) -> tuple[Ray, Cluster]:
        ray = Ray(answer, {"CPU": cores, "GPU": gpus})
        monkeypatch.setattr("flowdenoise.batch.cluster._ray", lambda: ray)
        return ray, Cluster(EngineConfig(device=device), ClusterConfig(**config))

    return started


def jobs(folder: Path, count: int) -> list[Job]:
    return [Job(folder / f"{n}.png", folder / "out" / f"{n}.png") for n in range(count)]


def losing_the_first() -> Answer:
    """Answers of which the first is lost."""
    losses = iter([True])

    def answer(asked: Sequence[Job], config: BatchConfig) -> list[Outcome]:
        if next(losses, False):
            raise LostError
        return done(asked, config)

    return answer


def test_pictures_of_a_lost_worker_are_tried_again_one_by_one_in_their_order(
    start: Start, tmp_path: Path
) -> None:
    ray, cluster = start(losing_the_first())
    album = jobs(tmp_path, 12)
    outcomes = list(cluster.run(album, BatchConfig()))
    assert sorted(outcome.job.name for outcome in outcomes) == sorted(job.name for job in album)
    names = [names for names, _ in ray.asked]
    first, second = ["0", "1", "2"], ["3", "4", "5"]
    assert names[:5] == [first, second, ["0"], ["1"], ["2"]]
    assert names[5:] == [["6", "7", "8"], ["9", "10", "11"]]


def test_what_a_lost_worker_wrote_is_written_again_and_what_was_there_before_is_not(
    start: Start, tmp_path: Path
) -> None:
    ray, cluster = start(losing_the_first())
    album = jobs(tmp_path, 12)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "1.png").write_bytes(b"somebody's")
    list(cluster.run(album, BatchConfig()))
    again = {names[0]: existing for names, existing in ray.asked if len(names) == 1}
    assert again == {"0": "overwrite", "1": "refuse", "2": "overwrite"}
    assert all(existing == "refuse" for names, existing in ray.asked if len(names) > 1)


@pytest.mark.parametrize("retries", [0, 2])
def test_a_picture_is_given_up_after_that_many_retries(
    start: Start, tmp_path: Path, retries: int
) -> None:
    def lose(*_: object) -> list[Outcome]:
        raise LostError

    ray, cluster = start(lose, retries=retries)
    (outcome,) = cluster.run(jobs(tmp_path, 1), BatchConfig())
    assert (outcome.status, len(ray.asked)) == ("failed", 1 + retries)
    assert f"lost {1 + retries} times" in str(outcome.error)


def test_a_worker_that_can_not_begin_says_why(start: Start, tmp_path: Path) -> None:
    def lose(*_: object) -> list[Outcome]:
        raise BadBeginningError("an error in its creation task, Traceback:\n\nno weights file x")

    _, cluster = start(lose)
    (outcome,) = cluster.run(jobs(tmp_path, 1), BatchConfig())
    assert outcome.error == "its worker was lost 4 times (no weights file x)"


@pytest.mark.parametrize("keep_going", [True, False])
def test_a_picture_whose_code_raises_an_error_fails_with_its_text_and_is_not_tried_again(
    start: Start, tmp_path: Path, keep_going: bool
) -> None:
    def raise_at_one(asked: Sequence[Job], config: BatchConfig) -> list[Outcome]:
        if any(job.name.endswith("1.png") for job in asked):
            raise TaskError(ZeroDivisionError("division\nby zero"))
        return done(asked, config)

    ray, cluster = start(raise_at_one)
    outcomes = list(cluster.run(jobs(tmp_path, 9), BatchConfig(keep_going=keep_going)))
    failed = [outcome for outcome in outcomes if outcome.status == "failed"]
    assert [outcome.error for outcome in failed] == ["ZeroDivisionError: division by zero"]
    assert failed[0].job.name.endswith("1.png")
    assert sum(names == ["1"] for names, _ in ray.asked) == 1
    again = {names[0]: existing for names, existing in ray.asked if names in (["0"], ["1"])}
    assert again == {"0": "overwrite", "1": "overwrite"}
    assert not keep_going or len(outcomes) == 9
    assert keep_going or outcomes[-1] is failed[0]


def test_the_first_failure_ends_a_run_that_is_not_to_go_on(start: Start, tmp_path: Path) -> None:
    def fail(asked: Sequence[Job], _: BatchConfig) -> list[Outcome]:
        return [Outcome(job, "failed", error="damaged") for job in asked]

    ray, cluster = start(fail)
    assert len(list(cluster.run(jobs(tmp_path, 40), BatchConfig(keep_going=False)))) == 1
    assert len(ray.asked) == 2
    assert len(list(cluster.run(jobs(tmp_path, 40), BatchConfig()))) == 40


@pytest.mark.parametrize(
    ("device", "workers", "expected"),
    [
        ("auto", None, [1, 1, 0, 0]),  # 8 cores, of which the GPUs' workers take 4
        ("cpu", None, [0, 0, 0, 0]),
        ("cuda", None, [1, 1]),
        ("auto", 3, [1, 1, 0]),
    ],
)
def test_there_is_a_worker_for_each_gpu_and_for_the_cores_that_remain(
    start: Start, device: str, workers: int | None, expected: list[int]
) -> None:
    wanted = {} if workers is None else {"workers": workers}
    ray, cluster = start(cores=8, gpus=2, device=device, threads=2, **wanted)
    assert ray.gpus == expected
    assert cluster.size == len(expected)


def test_a_cluster_without_room_is_told(start: Start) -> None:
    with pytest.raises(DeviceError, match="no room for a worker of 4 cores"):
        start(cores=3, threads=4)


def test_a_cluster_that_was_begun_for_the_run_ends_with_it_also_where_it_has_no_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ray = Ray(done, {"CPU": 3})
    ray.shutdown()
    monkeypatch.setattr("flowdenoise.batch.cluster._ray", lambda: ray)
    with Cluster(EngineConfig(), ClusterConfig()):
        assert ray.running
    assert not ray.running
    with pytest.raises(DeviceError, match="no room"):
        Cluster(EngineConfig(), ClusterConfig(threads=4))
    assert not ray.running
