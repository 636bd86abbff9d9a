"""Many pictures on many machines: the jobs of a plan, done by workers that Ray starts.

```
driver     jobs in chunks -----> worker 1 (a loaded engine)  reads, denoises, writes
           outcomes <----------- worker 2 (another)          the same files, by the same code
```

Each worker runs `many` on its chunk, so results are those of a single process, byte for byte, and
appear whole or not at all. A chunk whose worker was lost (killed, out of memory, its machine gone)
is tried again job by job: what the worker had written is written once more, and a picture that
takes every worker down with it is reported after a few tries. A worker whose code raised an error
is not lost: the jobs of its chunk are done again one by one, and one that raises it alone has
failed with the error's text. Nothing is kept by the driver, so a run that was stopped goes on by
what is already written, as on one machine.

Files are named by their absolute paths, which must be the same on all machines, or by addresses,
which each worker opens itself.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import torch

from flowdenoise.batch.one import BatchConfig, Outcome, reason_of
from flowdenoise.batch.plan import Job, RemoteJob
from flowdenoise.batch.remote import run_anywhere
from flowdenoise.engine import Denoiser, EngineConfig
from flowdenoise.errors import DeviceError, MissingExtraError, UsageError
from flowdenoise.system.rules import Range, Size
from flowdenoise.system.typed import check

LOCAL = "local"
"""The address of a cluster that is this machine, started for the run."""

_CHUNK = 8  # jobs that a worker is given at once, so that it reads ahead and writes behind
_AHEAD = 2  # chunks that a worker has: one at work and one that waits for it
_ROUNDS = 4  # chunks for each worker, at least, so that all end at about the same time


@dataclass(frozen=True)
class ClusterConfig:
    """Where a batch is run.

    Attributes:
        address: `local`, `auto` for the cluster that this machine belongs to, or `ray://host:port`.
        workers: The number of workers; None is one for each GPU, and one for every `threads` of
            the processor cores that remain.
        threads: The processor cores of a worker.
        retries: How often a picture is tried again after its worker was lost.
    """

    address: str = LOCAL
    workers: Size | None = None
    threads: Size = 1
    retries: Annotated[int, Range(0, 100)] = 3

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class _Try:
    """A job on its way.

    Attributes:
        job: The job as it was planned.
        taken: Whether something that it would write was there before the run.
        again: Whether a worker had it before, who may have written something.
        lost: How many workers were lost with it.
    """

    job: Job | RemoteJob
    taken: bool
    again: bool = False
    lost: int = 0


class _Worker:
    """An engine in a process of its own."""

    def __init__(self, engine: EngineConfig, threads: int) -> None:
        torch.set_num_threads(threads)
        self._denoiser = Denoiser.load(**vars(engine))

    def denoise(
        self, jobs: Sequence[Job] | Sequence[RemoteJob], config: BatchConfig
    ) -> list[Outcome]:
        """Do jobs one after the other."""
        return list(run_anywhere(lambda: self._denoiser, jobs, config))

    def process(self) -> int:
        """The number of the worker's process."""
        return os.getpid()


class Cluster:
    """Workers that are started for a run and ended behind it.

    Args:
        engine: What each worker loads.
        config: How many workers there are, and where.

    Raises:
        MissingExtraError: Ray is not installed.
        DeviceError: There is no cluster at the address, or it has no room for a worker.
    """

    def __init__(self, engine: EngineConfig, config: ClusterConfig) -> None:
        self.config, self._ray = config, _ray()
        self._begun = not self._ray.is_initialized()
        if self._begun:
            self._connect()
        try:
            self._workers = [self._start(engine, gpu) for gpu in self._places(engine)]
        except BaseException:
            self._leave()
            raise

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            self._ray.kill(worker)
        self._leave()

    def _leave(self) -> None:
        """End what `_connect` began."""
        if self._begun:
            self._ray.shutdown()

    @property
    def size(self) -> int:
        """The number of workers."""
        return len(self._workers)

    def processes(self) -> list[int]:
        """The numbers of the workers' processes, each on its machine; it waits for them."""
        found: list[int] = self._ray.get([worker.process.remote() for worker in self._workers])
        return found

    def run(
        self, jobs: Sequence[Job] | Sequence[RemoteJob], config: BatchConfig
    ) -> Iterator[Outcome]:
        """Denoise pictures, yielding what became of each as soon as it is known.

        Args:
            jobs: The jobs of a plan; none may read or write a standard stream.
            config: How each picture is treated. Without `keep_going` the first failure ends it.

        Raises:
            UsageError: A job needs a standard stream.
        """
        if any(job.source is None or job.target is None for job in jobs):
            raise UsageError("workers of a cluster have no standard input and output")
        tries = [_Try(job, job.taken) for job in jobs]
        size = max(1, min(_CHUNK, len(tries) // (_ROUNDS * self.size)))
        waiting = deque(tries[start : start + size] for start in range(0, len(tries), size))
        running: dict[Any, tuple[Any, list[_Try]]] = {}
        for worker in self._workers * _AHEAD:
            self._submit(worker, waiting, running, config)
        while running:
            (ready,), _ = self._ray.wait(list(running), num_returns=1)
            worker, chunk = running.pop(ready)
            try:
                outcomes = self._ray.get(ready)
            except self._ray.exceptions.RayTaskError as error:
                outcomes = self._raised(chunk, waiting, error.cause)
            except self._ray.exceptions.RayError as error:
                outcomes = self._lost(chunk, waiting, error)
            for outcome, attempt in zip(outcomes, chunk, strict=False):
                yield replace(outcome, job=attempt.job)
                if outcome.status == "failed" and not config.keep_going:
                    return
            self._submit(worker, waiting, running, config)

    def _submit(
        self,
        worker: Any,
        waiting: deque[list[_Try]],
        running: dict[Any, tuple[Any, list[_Try]]],
        config: BatchConfig,
    ) -> None:
        """Give a worker what comes next."""
        if not waiting:
            return
        chunk = waiting.popleft()
        if chunk[0].again and not chunk[0].taken:  # what is there now was written by a worker
            config = replace(config, existing="overwrite")
        jobs = [_absolute(attempt.job) for attempt in chunk]
        running[worker.denoise.remote(jobs, config)] = worker, chunk

    def _raised(
        self, chunk: list[_Try], waiting: deque[list[_Try]], cause: Exception
    ) -> list[Outcome]:
        """Tell of a job whose code raised an error; of several, find by whose it is."""
        if len(chunk) == 1:
            return [Outcome(chunk[0].job, "failed", error=reason_of(cause))]
        waiting.extendleft([replace(attempt, again=True)] for attempt in reversed(chunk))
        return []

    def _lost(
        self, chunk: list[_Try], waiting: deque[list[_Try]], error: Exception
    ) -> list[Outcome]:
        """Let the jobs of a lost worker be tried again, each alone; or give one up."""
        again = [replace(attempt, again=True, lost=attempt.lost + 1) for attempt in chunk]
        if len(again) == 1 and again[0].lost > self.config.retries:
            reason = f"its worker was lost {again[0].lost} times ({_loss(error)})"
            return [Outcome(again[0].job, "failed", error=reason)]
        waiting.extendleft([attempt] for attempt in reversed(again))
        return []

    def _connect(self) -> None:
        local = self.config.address == LOCAL
        cores = max(os.cpu_count() or 1, (self.config.workers or 1) * self.config.threads)
        options = {"num_cpus": cores, "include_dashboard": False} if local else {}
        try:
            self._ray.init(
                self.config.address, logging_level="ERROR", log_to_driver=False, **options
            )
        except (ConnectionError, OSError, ValueError, RuntimeError) as error:
            reason = " ".join(str(error).split())
            raise DeviceError(f"no cluster at {self.config.address!r}: {reason}") from error

    def _places(self, engine: EngineConfig) -> list[bool]:
        """Whether each worker has a GPU, as far as the cluster has room."""
        there = self._ray.cluster_resources()
        gpus = int(there.get("GPU", 0)) if engine.device != "cpu" else 0
        cores = int(there.get("CPU", 0)) - gpus * self.config.threads
        rest = max(0, cores) // self.config.threads if engine.device in ("auto", "cpu") else 0
        places = [True] * gpus + [False] * rest
        if self.config.workers is not None:
            places = places[: self.config.workers]
        if not places:
            raise DeviceError(
                f"the cluster has no room for a worker of {self.config.threads} cores"
            )
        return places

    def _start(self, engine: EngineConfig, gpu: bool) -> Any:
        kind = self._ray.remote(
            num_cpus=self.config.threads, num_gpus=int(gpu), max_restarts=-1, max_task_retries=0
        )(_Worker)
        return kind.remote(engine, self.config.threads)


def _ray() -> Any:
    try:
        import ray
        import ray.exceptions
    except ModuleNotFoundError as error:
        raise MissingExtraError("ray is missing: pip install 'flowdenoise[ray]'") from error
    return ray


def _loss(error: Exception) -> str:
    """How a worker was lost: if by an error of its own as it began, that error's last line."""
    if getattr(error, "actor_init_failed", False):
        return str(error).splitlines()[-1].strip()
    return type(error).__name__


def _absolute(job: Job | RemoteJob) -> Job | RemoteJob:
    """The job by absolute paths: workers may have another working folder."""
    if isinstance(job, RemoteJob):
        return job
    source, target, noise, comparison = (
        None if path is None else Path(os.path.abspath(path))  # noqa: PTH100 - links stay
        for path in (job.source, job.target, job.noise, job.comparison)
    )
    return replace(job, source=source, target=target, noise=noise, comparison=comparison)
