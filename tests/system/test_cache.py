"""Files go where the platform and the user want them."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest

from flowdenoise.errors import DataError, UsageError
from flowdenoise.system import cache


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch, tmp_path):
    for name in ("FLOWDENOISE_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)


@pytest.mark.parametrize(
    ("platform", "usual"),
    [("linux", ".cache"), ("darwin", "Library/Caches"), ("win32", "AppData/Local")],
)
def test_the_cache_is_in_the_platforms_usual_place(monkeypatch, tmp_path, platform, usual):
    monkeypatch.setattr(sys, "platform", platform)
    assert cache.cache_folder() == tmp_path / usual / "flowdenoise"


@pytest.mark.parametrize(
    ("platform", "variable"), [("linux", "XDG_CACHE_HOME"), ("win32", "LOCALAPPDATA")]
)
def test_the_platforms_own_variable_counts(monkeypatch, tmp_path, platform, variable):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setenv(variable, str(tmp_path / "moved"))
    assert cache.cache_folder() == tmp_path / "moved" / "flowdenoise"


def test_a_relative_xdg_folder_is_ignored_as_its_specification_says(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache.cache_folder() == tmp_path / ".cache" / "flowdenoise"


def test_our_own_variable_has_the_last_word(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("FLOWDENOISE_CACHE", str(tmp_path / "mine"))
    assert cache.cache_folder() == tmp_path / "mine"


def test_an_empty_variable_is_no_variable(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("FLOWDENOISE_CACHE", "")
    assert cache.cache_folder() == tmp_path / ".cache" / "flowdenoise"


def test_a_user_without_a_home_is_told_which_variable_to_set(monkeypatch):
    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(UsageError, match="set FLOWDENOISE_CACHE"):
        cache.cache_folder()


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (25_600_000, "25.6 MB"),
        (6_645_013_297, "6.6 GB"),
        (2 * 10**12, "2.0 TB"),
    ],
)
def test_sizes_are_readable(size, text):
    assert cache.readable_size(size) == text


def test_whoever_has_a_place_may_take_it_again_and_others_wait(tmp_path):
    order = []
    waiting = threading.Event()

    def other():
        waiting.set()
        with cache.exclusive(tmp_path / "x"):
            order.append("other")

    thread = threading.Thread(target=other)
    with cache.exclusive(tmp_path / "x"), cache.exclusive(tmp_path / "x"):
        thread.start()
        waiting.wait(20)
        order.append("first")
    thread.join()
    assert order == ["first", "other"]


def test_a_place_that_can_not_be_made_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="can't write in"), cache.exclusive(tmp_path / "file/x"):
        pass
