"""Fetching from the Hub, and everything that may go wrong with it."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hub_server import TOKEN, HubServer
from huggingface_hub import constants

from flowdenoise.errors import (
    WeightsDownloadError,
    WeightsError,
    WeightsIntegrityError,
    WeightsNotFoundError,
)
from flowdenoise.weights import hub, load, store
from flowdenoise.weights.address import HubAddress
from flowdenoise.weights.hub_bounds import asked_to_wait

ADDRESS = "hf://someone/denoisers@main/sub/tiny.safetensors"


@pytest.fixture
def content(weights_file: Path) -> bytes:
    return weights_file.read_bytes()


@pytest.fixture
def commit(client: HubServer, content: bytes) -> str:
    return client.add("someone/denoisers", {"sub/tiny.safetensors": content})


def files_in_cache() -> list[Path]:
    cache = Path(constants.HF_HUB_CACHE)
    return [
        path
        for path in cache.rglob("*")
        if path.is_file() and path.suffix != ".lock" and ".no_exist" not in path.parts
        if path.name not in {"CACHEDIR.TAG", ".gitignore"} and "refs" not in path.parts
    ]


def refused(address: str, error: type[WeightsError], says: str) -> str:
    with pytest.raises(error, match=says) as caught:
        store.resolve(address)
    assert files_in_cache() == []
    message = str(caught.value)
    assert "\n" not in message
    assert TOKEN not in message
    return message


def test_the_first_run_fetches_and_shows_the_commit(
    client: HubServer, commit: str, content: bytes
) -> None:
    said: list[str] = []
    found = store.resolve(ADDRESS, report=said.append)
    assert found.origin == "hub"
    assert found.path.read_bytes() == content
    assert found.sha256 == hashlib.sha256(content).hexdigest()
    assert isinstance(found.address, HubAddress)
    assert found.address.revision == commit
    assert any(commit in line for line in said)


def test_the_second_run_needs_no_server_and_finds_the_same(
    client: HubServer, commit: str, content: bytes
) -> None:
    first = store.resolve(ADDRESS)
    client.stop()
    second = store.resolve(ADDRESS)
    assert (second.origin, second.path, second.sha256) == ("cache", first.path, first.sha256)
    assert load(ADDRESS, offline=True).training == {"steps": 7}


def test_a_branch_that_moves_on_is_followed_only_when_asked(
    client: HubServer, commit: str, content: bytes
) -> None:
    first = store.resolve(ADDRESS)
    client.add("someone/denoisers", {"other.safetensors": content})
    assert store.resolve(ADDRESS).path == first.path
    assert store.resolve(ADDRESS, refresh=True).path != first.path


def test_a_pinned_commit_is_used_without_asking_what_it_means(
    client: HubServer, commit: str
) -> None:
    store.resolve(f"hf://someone/denoisers@{commit}/sub/tiny.safetensors")
    assert client.asked("/api/") == []


def test_a_download_cut_half_way_is_resumed(
    client: HubServer, commit: str, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1000)  # it goes on at whole chunks
    client.faults.cuts = [2500]
    assert store.resolve(ADDRESS).path.read_bytes() == content
    ranges = [request.headers.get("range") for request in client.asked("/blob/")]
    assert ranges == [None, "bytes=2000-"]


def test_a_download_that_keeps_being_cut_leaves_nothing(client: HubServer, commit: str) -> None:
    client.faults.cuts = [0] * 20
    refused(ADDRESS, WeightsDownloadError, "connection failed")


def test_altered_bytes_are_thrown_away(client: HubServer, commit: str) -> None:
    client.faults.altered = True
    refused(ADDRESS, WeightsIntegrityError, "altered or damaged")
    client.faults.altered = False
    assert store.resolve(ADDRESS).origin == "hub"


def test_a_hash_in_the_address_that_differs_is_noticed_before_the_download(
    client: HubServer, commit: str
) -> None:
    refused(f"{ADDRESS}#sha256={'0' * 64}", WeightsIntegrityError, "has been altered")
    assert client.asked("/blob/") == []


def test_a_hash_in_the_address_is_checked_in_the_cache_too(client: HubServer, commit: str) -> None:
    store.resolve(ADDRESS)
    with pytest.raises(WeightsIntegrityError, match="altered or damaged"):
        load(f"{ADDRESS}#sha256={'0' * 64}")


def test_bytes_altered_in_the_cache_later_are_noticed(client: HubServer, commit: str) -> None:
    path = store.resolve(ADDRESS).path
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(WeightsIntegrityError, match="altered or damaged"):
        load(ADDRESS)


def test_a_refresh_fetches_anew_what_is_damaged(
    client: HubServer, commit: str, content: bytes
) -> None:
    path = store.resolve(ADDRESS).path
    path.write_bytes(content[:-1] + b"x")
    assert store.resolve(ADDRESS, refresh=True).origin == "hub"
    assert path.read_bytes() == content
    assert store.resolve(ADDRESS, refresh=True).origin == "cache"


def test_a_small_file_that_is_kept_in_git_is_fetched_too(
    client: HubServer, commit: str, content: bytes
) -> None:
    client.large_files = False
    assert store.resolve(ADDRESS).sha256 == hashlib.sha256(content).hexdigest()


def test_a_file_that_holds_no_weights_is_thrown_away(client: HubServer) -> None:
    client.add("someone/denoisers", {"sub/tiny.safetensors": b"<html>hello</html>" * 100})
    refused(ADDRESS, WeightsIntegrityError, "not a safetensors file")


def test_a_missing_file_is_named(client: HubServer, commit: str) -> None:
    message = refused(
        "hf://someone/denoisers/missing.safetensors", WeightsNotFoundError, "has no file"
    )
    assert "missing.safetensors" in message


def test_a_missing_revision_is_named(client: HubServer, commit: str) -> None:
    address = "hf://someone/denoisers@v9/sub/tiny.safetensors"
    refused(address, WeightsNotFoundError, "has no revision v9")


def test_a_missing_repository_may_be_private_says_the_message(client: HubServer) -> None:
    refused(ADDRESS, WeightsNotFoundError, "does not exist, or is private")


def test_a_private_repository_needs_a_token(
    client: HubServer, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.add("someone/denoisers", {"sub/tiny.safetensors": content}, private=True)
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    refused(ADDRESS, WeightsNotFoundError, "log in with `hf auth login`")
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert store.resolve(ADDRESS).path.read_bytes() == content


def test_the_token_goes_to_the_hub_and_nowhere_else(client: HubServer, content: bytes) -> None:
    client.add("someone/denoisers", {"sub/tiny.safetensors": content}, private=True)
    store.resolve(ADDRESS)
    told = {request.server for request in client.requests if "authorization" in request.headers}
    assert told == {"hub"}


def test_a_gated_repository_says_how_to_get_in(client: HubServer, content: bytes) -> None:
    client.add("someone/denoisers", {"sub/tiny.safetensors": content}, gated=True)
    refused(ADDRESS, WeightsDownloadError, "gated")


def test_a_server_that_repeats_the_token_is_not_quoted(
    client: HubServer, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    client.faults.status = 500
    with pytest.raises(WeightsDownloadError, match="status 500") as caught:
        store.resolve(ADDRESS)
    links = [caught.value, caught.value.__cause__]
    assert not any(TOKEN in str(link) for link in links)
    assert caught.value.__suppress_context__
    assert TOKEN not in "".join([*capfd.readouterr(), caplog.text])


@pytest.mark.parametrize("hang", ["answer", "body"])
def test_a_slow_server_is_given_up(
    client: HubServer, commit: str, monkeypatch: pytest.MonkeyPatch, hang: str
) -> None:
    client.faults.hang = hang
    monkeypatch.setattr(constants, "HF_HUB_ETAG_TIMEOUT", 0.2)
    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 0.2)
    refused(ADDRESS, WeightsDownloadError, "no answer in time.*HF_HUB_DOWNLOAD_TIMEOUT")


@pytest.mark.parametrize("path", ["/api/models/", "/resolve/", "/blob/"])
def test_a_wait_that_a_server_asks_for_is_obeyed_and_told(
    client: HubServer, content: bytes, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    client.add("me/net", {"a.safetensors": content})
    client.faults.busy, client.faults.busy_path = ["7", "8"], path
    slept: list[float] = []
    monkeypatch.setattr("flowdenoise.weights.hub_bounds.time.sleep", slept.append)
    told: list[str] = []
    found = store.resolve("hf://me/net/a.safetensors", report=told.append)
    assert found.path.read_bytes() == content
    waits = [line for line in told if "wait" in line]
    assert waits == [f"the server asks to wait {seconds} seconds" for seconds in (7, 8)]


@pytest.mark.parametrize("path", ["/api/models/", "/resolve/", "/blob/"])
def test_a_server_that_asks_to_wait_an_hour_is_given_up(
    client: HubServer, content: bytes, path: str
) -> None:
    client.add("me/net", {"a.safetensors": content})
    client.faults.busy, client.faults.busy_path = ["3600"], path
    refused(
        "hf://me/net/a.safetensors", WeightsDownloadError, "asks to wait 3600 seconds: try again"
    )


def test_a_file_without_an_end_is_left_at_the_announced_size(
    client: HubServer, commit: str, tmp_path: Path
) -> None:
    client.faults.endless = True
    refused(ADDRESS, WeightsDownloadError, "sends more than the .* announced")
    held = sum(file.stat().st_size for file in (tmp_path / "cache").rglob("*") if file.is_file())
    assert held < 30 << 20


def test_a_file_that_drips_is_given_up(
    client: HubServer, commit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.faults.drip = 0.05
    monkeypatch.setattr("flowdenoise.weights.hub_bounds._START", 0.5)
    refused(ADDRESS, WeightsDownloadError, "it was not done after .* seconds")


@pytest.mark.parametrize(
    ("status", "text", "seconds"),
    [
        (429, "12", 12.0),
        (503, " 3 ", 3.0),
        (200, "12", None),
        (429, "", None),
        (429, "soon", None),
        (429, "-1", None),
        (429, "9" * 400, 999_999_999.0),
        (429, "Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
    ],
)
def test_how_long_an_answer_asks_to_wait(status: int, text: str, seconds: float | None) -> None:
    assert asked_to_wait(status, {"retry-after": text}) == seconds


def test_a_server_that_is_not_there_is_one_line(client: HubServer) -> None:
    client.stop()
    refused(ADDRESS, WeightsDownloadError, "check the network")


def test_offline_never_asks(
    client: HubServer, commit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pinned = f"hf://someone/denoisers@{commit}/sub/tiny.safetensors"
    for address in (ADDRESS, pinned):
        with pytest.raises(WeightsDownloadError, match="network is not used"):
            store.resolve(address, offline=True)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    refused(ADDRESS, WeightsDownloadError, "network is not used")
    assert client.requests == []


def test_a_full_disk_is_noticed_before_the_download(
    client: HubServer, commit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = hub.shutil.disk_usage("/")
    monkeypatch.setattr(hub.shutil, "disk_usage", lambda _: usage._replace(free=10))
    refused(ADDRESS, WeightsDownloadError, "no room")


def test_a_disk_that_fills_up_on_the_way_is_one_line(
    client: HubServer, commit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("huggingface_hub.file_download.http_get", full)
    refused(ADDRESS, WeightsDownloadError, "no space left")


@pytest.mark.parametrize("etag", ["../../../../escaped", "/escaped", "..", "x" * 64])
def test_an_etag_that_would_lead_out_of_the_cache_is_refused(
    client: HubServer, commit: str, tmp_path: Path, etag: str
) -> None:
    client.faults.etag = etag
    refused(ADDRESS, WeightsDownloadError, "not a Hub")
    assert list(tmp_path.rglob("escaped*")) == []


@pytest.mark.parametrize("claimed", ["../../../escaped", "main", ""])
def test_a_commit_that_is_no_commit_is_refused(
    client: HubServer, commit: str, claimed: str
) -> None:
    client.faults.commit = claimed or "0" * 39
    refused(ADDRESS, WeightsDownloadError, "names no commit")


def test_a_file_too_large_for_weights_is_not_fetched(client: HubServer, commit: str) -> None:
    client.faults.size = 1 << 40
    refused(ADDRESS, WeightsIntegrityError, "too large")
    assert client.asked("/blob/") == []


def test_another_length_than_announced_is_refused(client: HubServer, commit: str) -> None:
    client.faults.size = 5000
    refused(ADDRESS, WeightsDownloadError, "cut short")


def test_an_answer_that_makes_no_sense_is_one_line(client: HubServer, commit: str) -> None:
    client.faults.garbage = True
    refused(ADDRESS, WeightsDownloadError, "not understood")


def test_a_cache_that_can_not_be_written_is_named(
    client: HubServer, commit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "file" / "cache"))
    refused(ADDRESS, WeightsDownloadError, "Not a directory: .*file")


def test_a_damaged_file_that_can_not_be_removed_is_named(
    client: HubServer, commit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*args: object, **kwargs: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = store.resolve(ADDRESS).path
    monkeypatch.setattr(Path, "unlink", denied)
    with pytest.raises(WeightsError, match=f"can't remove {path}: Permission denied; delete it"):
        hub.discard(path)


@pytest.mark.parametrize("bars", [True, False])
def test_the_clients_own_settings_are_as_before_afterwards(
    client: HubServer, commit: str, bars: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    level = hub.logging.get_verbosity()
    (hub.enable_progress_bars if bars else hub.disable_progress_bars)()
    try:
        store.resolve(ADDRESS)
        assert hub.are_progress_bars_disabled() is not bars
        assert hub.logging.get_verbosity() == level
        assert capfd.readouterr() == ("", "")
    finally:
        hub.enable_progress_bars()


def test_a_link_in_the_cache_that_leads_out_of_it_is_refused(
    client: HubServer, commit: str, tmp_path: Path
) -> None:
    path = store.resolve(ADDRESS).path
    outside = tmp_path / "outside.safetensors"
    outside.write_bytes(path.read_bytes())
    path.unlink()
    path.symlink_to(outside)
    with pytest.raises(WeightsIntegrityError, match="leads out of the cache"):
        store.resolve(ADDRESS)


def test_a_memory_that_can_not_be_written_is_told_and_no_failure(
    client: HubServer, commit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocker = tmp_path / "blocker"
    blocker.write_text("a file where the folder should be")
    monkeypatch.setenv("FLOWDENOISE_CACHE", str(blocker))
    said: list[str] = []
    assert store.resolve(ADDRESS, report=said.append).origin == "hub"
    assert any("can't write" in line for line in said)


def test_a_damaged_memory_is_learned_anew(client: HubServer, commit: str, tmp_path: Path) -> None:
    first = store.resolve(ADDRESS)
    for file in (tmp_path / "memory").rglob("*.json"):
        file.write_text("{")
    assert store.resolve(ADDRESS).path == first.path


def environment(server: HubServer, folder: Path) -> dict[str, str]:
    """A clean process's view: all settings by variables, as a user would give them."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    return kept | {
        "HF_ENDPOINT": server.url,
        "HF_HOME": str(folder / "home"),
        "HF_HUB_DISABLE_XET": "1",
        "FLOWDENOISE_CACHE": str(folder / "memory"),
        "PYTHONPATH": str(Path(store.__file__).parents[2]),
        "PYTHONWARNINGS": "error",
    }


PULL = (
    "import sys; from flowdenoise.weights.store import resolve, verify;"
    "print(resolve(sys.argv[1]).origin, verify(sys.argv[1]).sha256)"
)


def pull(server: HubServer, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PULL, ADDRESS],
        env=environment(server, folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_processes_pull_at_once_and_a_third_needs_no_server(
    server: HubServer, content: bytes, tmp_path: Path
) -> None:
    server.add("someone/denoisers", {"sub/tiny.safetensors": content})
    server.faults.pause = 0.3
    digest = hashlib.sha256(content).hexdigest()
    both = [pull(server, tmp_path), pull(server, tmp_path)]
    for process in both:
        out, error = process.communicate(timeout=60)
        assert (out.split()[1:], error) == ([digest], "")
    assert len(server.asked("/blob/")) == 1
    server.stop()
    out, error = pull(server, tmp_path).communicate(timeout=60)
    assert (out.split(), error) == (["cache", digest], "")
    assert list((tmp_path / "home").rglob("*.incomplete")) == []
