"""Pieces of work side by side, such as tiles of a picture, each in a thread of its own.

Threads that share a convolution wait for each other at its end, and most of what else is done with
a tile is too little to share. Threads that have a tile each hardly wait:

    shared          thread 1  | a a a | b b b | c c c |
                    thread 2  | a a . | b b . | c c . |
    side by side    thread 1  | a a a a a | c c c
                    thread 2  | b b b b b |  ...

Pieces that are left when there are fewer than threads are shared.
"""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch

T = TypeVar("T")
R = TypeVar("R")

_MOST = 4
"""Pieces at a time, which bounds the memory; where there are more threads, some share a piece."""

_worker = threading.local()  # in the thread of a worker, its share


def in_order(
    work: Callable[[T], R], pieces: Iterable[T], count: int, threads: int
) -> Generator[R]:
    """Work on pieces; the results come in their order.

    Args:
        work: A function of a piece. Where it runs in threads, no gradients flow through it.
        pieces: The pieces, which are taken a few ahead of the results.
        count: The number of pieces.
        threads: The number of threads that compute; with 1, everything runs in the caller's. Its
            own torch has as many afterwards.
    """
    workers, pieces = min(threads, _MOST), iter(pieces)
    if workers > 1:
        first = itertools.islice(pieces, count // workers * workers)
        yield from _by_workers(work, first, workers, threads)
    yield from map(work, pieces)


def both(one: Callable[[], T], other: Callable[[], R], threads: int) -> tuple[T, R]:
    """The results of two functions, which run at the same time if there are threads for both.

    Args:
        one: A function through which no gradients flow.
        other: Another.
        threads: The number of threads that compute; the caller's own torch has as many afterwards.
    """
    if threads < 2:
        return one(), other()
    with _pool(2, threads) as pool:
        first, second = pool.submit(one), pool.submit(other)
        return first.result(), second.result()


def _by_workers(
    work: Callable[[T], R], pieces: Iterable[T], workers: int, threads: int
) -> Generator[R]:
    ahead: deque[Future[R]] = deque()
    with _pool(workers, threads) as pool:
        for piece in pieces:
            ahead.append(pool.submit(work, piece))
            if len(ahead) > 2 * workers:  # so that none waits while results are put together
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


@contextmanager
def _pool(workers: int, threads: int) -> Iterator[ThreadPoolExecutor]:
    """Workers that share the threads equally, each with its own.

    Meanwhile the caller has no more than such a share either, as it would wait for others. A
    thread that begins meanwhile has no more either, and would keep that. Hence the caller does not
    get back what it had before: it gets all threads, or its own share if it is itself a worker.
    """
    share, afterwards = threads // workers, getattr(_worker, "share", threads)
    pool = ThreadPoolExecutor(workers, "side by side", _prepare, (share,))
    torch.set_num_threads(share)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(afterwards)  # of this thread, and of those that are yet to begin


def _prepare(threads: int) -> None:
    """Set what torch knows of each thread."""
    _worker.share = threads
    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
