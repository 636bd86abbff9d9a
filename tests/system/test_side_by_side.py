"""Side by side: the results are those of one thread, in its order, and nothing is left behind."""

import threading
import time
from collections.abc import Iterator

import pytest
import torch

from flowdenoise.engine.tiles import tiling
from flowdenoise.engine.tiles.tiling import TilingConfig
from flowdenoise.system.side_by_side import both, in_order


@pytest.fixture(autouse=True)
def _one_thread_as_before() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("threads", [1, 2, 3, 9])
@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_results_come_in_the_order_of_the_pieces(threads: int, count: int) -> None:
    def work(piece: int) -> int:
        time.sleep(0.002 * (piece % 3))
        return -piece

    assert list(in_order(work, range(count), count, threads)) == [-n for n in range(count)]


def test_each_piece_has_its_share_of_the_threads_and_the_rest_has_all() -> None:
    seen: list[tuple[bool, int, bool]] = []

    def work(_: int) -> None:
        here = threading.current_thread() is threading.main_thread()
        seen.append((here, torch.get_num_threads(), torch.is_grad_enabled()))

    torch.set_num_threads(2)
    list(in_order(work, range(5), 5, 2))
    assert sorted(seen) == [(False, 1, False)] * 4 + [(True, 2, True)]
    assert torch.get_num_threads() == 2


def test_a_thread_that_begins_while_another_has_its_share_gets_all_threads() -> None:
    begun, finished = threading.Event(), threading.Event()
    seen: list[int] = []

    def early() -> None:
        torch.get_num_threads()  # torch knows the thread from here on
        both(begun.set, lambda: finished.wait(60), 2)

    def late() -> None:
        seen.append(torch.get_num_threads())
        finished.set()
        first.join()
        *_, rest = in_order(lambda _: torch.get_num_threads(), range(3), 3, 2)
        seen.extend([rest, torch.get_num_threads()])

    torch.set_num_threads(2)
    first, second = threading.Thread(target=early), threading.Thread(target=late)
    first.start()
    assert begun.wait(60)
    second.start()
    second.join()
    assert seen == [1, 2, 2]


def test_a_worker_that_shares_its_own_work_has_its_share_afterwards() -> None:
    def inner() -> int:
        list(in_order(abs, range(2), 2, 2))
        return torch.get_num_threads()

    torch.set_num_threads(2)
    assert both(inner, inner, 2) == (1, 1)


def test_few_pieces_are_taken_ahead() -> None:
    pieces = iter(range(100))
    results = in_order(abs, pieces, 100, 2)
    assert next(results) == 0
    results.close()
    assert next(pieces) < 10


def test_an_error_ends_the_work_and_is_raised() -> None:
    def work(piece: int) -> int:
        if piece == 3:
            raise MemoryError
        return piece

    before = threading.active_count()
    with pytest.raises(MemoryError):
        list(in_order(work, range(100), 100, 2))
    assert threading.active_count() == before


@pytest.mark.parametrize("threads", [1, 2])
def test_both_functions_give_their_results(threads: int) -> None:
    assert both(lambda: "one", lambda: 2, threads) == ("one", 2)


def test_two_functions_run_at_the_same_time() -> None:
    meeting = threading.Barrier(2, timeout=30)
    both(meeting.wait, meeting.wait, 2)


def test_tiles_in_threads_give_the_same_image() -> None:
    image = torch.rand(1, 3, 150, 170)
    finished: dict[int, torch.Tensor] = {}

    def run(threads: int) -> None:
        finished[threads] = torch.zeros_like(image)
        tiling.stream(
            (150, 170),
            lambda start, stop: image[:, :, start:stop],
            lambda tiles: tiles.cumsum(3),  # each tile has its own result
            lambda start, rows: (
                finished[threads][:, :, start:].narrow(2, 0, rows.shape[2]).copy_(rows)
            ),
            TilingConfig(64, 8, 8, batch=2),
            threads=threads,
        )

    run(1)
    run(3)
    assert torch.equal(finished[1], finished[3])
