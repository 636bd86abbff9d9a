"""Downloads resume, never keep a wrong byte, and say in one line what went wrong."""

from __future__ import annotations

import errno
import hashlib
import io
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections import namedtuple
from functools import partial
from http.client import HTTPMessage
from pathlib import Path
from typing import IO, Any
from urllib.error import HTTPError

import pytest

from flowdenoise.data import download as module
from flowdenoise.data import web
from flowdenoise.data.download import download, fetch_archive
from flowdenoise.data.remote_file import Remote
from flowdenoise.errors import DataError

Usage = namedtuple("Usage", "total used free")


def drop(after):
    return lambda handler: handler.obey(stop=after)


def answer(status):
    return lambda handler: handler.refuse(status)


def redirect(to):
    return lambda handler: handler.head(302, {"Location": to, "Content-Length": 0})


def ignore_range(handler):
    handler.whole()


def stall(handler):
    handler.head(200, {"Content-Length": len(handler.content)})
    handler.body(handler.content[:1000])
    handler.loopback.release.wait(20)


def chunked(handler, chunks=None, end=b"0\r\n\r\n"):
    handler.head(200, {"Transfer-Encoding": "chunked"})
    for chunk in chunks if chunks is not None else [handler.content]:
        handler.body(b"%x\r\n%b\r\n" % (len(chunk), chunk))
    handler.body(end)


def remote(server, path="/file", **changes: Any) -> Remote:
    content = server.files[path]
    known = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    return Remote(**{"url": server.url(path), **known, **changes})


def unknown(server) -> Remote:
    return Remote(server.url())


def names(folder: Path) -> set[str]:
    """What is in a folder, but for locks."""
    return {file.name for file in folder.iterdir() if file.suffix != ".lock"}


def one_line(caught) -> str:
    message = str(caught.value)
    assert message.strip()
    assert "\n" not in message
    return message


def test_a_file_arrives_whole_under_its_name(loopback, tmp_path):
    target = download(remote(loopback), tmp_path / "new" / "folder" / "file")
    assert target.read_bytes() == loopback.files["/file"]
    assert names(target.parent) == {"file"}
    assert len(loopback.seen) == 1
    assert "range" not in loopback.seen[0].headers


def test_progress_ends_at_the_full_size(loopback, tmp_path):
    reports = []
    download(remote(loopback), tmp_path / "file", report=lambda *now: reports.append(now))
    assert reports[0] == (0, 300_000)
    assert reports[-1] == (300_000, 300_000)
    assert reports == sorted(reports)


def test_a_file_that_is_there_is_not_fetched_again(loopback, tmp_path):
    for _ in range(2):
        download(remote(loopback), tmp_path / "file")
    assert len(loopback.seen) == 1


def test_a_damaged_file_that_is_there_is_replaced(loopback, tmp_path):
    (tmp_path / "file").write_bytes(b"?" * 300_000)
    download(remote(loopback), tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == loopback.files["/file"]


@pytest.mark.parametrize("known", [remote, unknown])
def test_a_dropped_connection_is_resumed_with_the_missing_bytes_only(loopback, tmp_path, known):
    loopback.moods.append(drop(after=100_000))
    target = download(known(loopback), tmp_path / "file")
    assert target.read_bytes() == loopback.files["/file"]
    first, second = loopback.seen
    assert "range" not in first.headers
    assert second.headers["range"] == "bytes=100000-"
    assert second.headers["if-range"] == loopback.tag(loopback.files["/file"])
    assert (first.sent, second.sent) == (100_000, 200_000)


def test_a_connection_that_drops_many_times_but_brings_something_gets_there(loopback, tmp_path):
    loopback.moods.extend([drop(after=20_000)] * 12)
    target = download(remote(loopback), tmp_path / "file")
    assert target.read_bytes() == loopback.files["/file"]
    assert sum(request.sent for request in loopback.seen) == 300_000


def test_an_interrupted_call_is_taken_up_by_the_next(loopback, tmp_path):
    def interrupt(done, total):
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download(remote(loopback), tmp_path / "file", report=interrupt)
    have = (tmp_path / "file.part").stat().st_size
    assert 0 < have < 300_000
    reports = []
    download(remote(loopback), tmp_path / "file", report=lambda *now: reports.append(now))
    assert reports[0] == (have, 300_000)
    assert loopback.seen[1].headers["range"] == f"bytes={have}-"
    assert loopback.seen[1].sent == 300_000 - have
    assert names(tmp_path) == {"file"}


def test_a_killed_process_leaves_what_the_next_one_needs(loopback, tmp_path):
    def some_then_wait(handler):
        handler.head(200, {"Content-Length": len(handler.content)})
        handler.body(handler.content[:100_000])
        handler.loopback.release.wait(60)

    loopback.moods.append(some_then_wait)
    code = (
        "import sys, pathlib; from flowdenoise.data.download import download;"
        "from flowdenoise.data.remote_file import Remote;"
        "download(Remote(sys.argv[1]), pathlib.Path(sys.argv[2]), timeout=60)"
    )
    child = subprocess.Popen([sys.executable, "-c", code, loopback.url(), tmp_path / "file"])
    part = tmp_path / "file.part"
    while child.poll() is None and not (part.exists() and part.stat().st_size > 50_000):
        time.sleep(0.01)
    child.kill()
    child.wait()
    have = part.stat().st_size
    download(unknown(loopback), tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == loopback.files["/file"]
    assert loopback.seen[1].sent == 300_000 - have


def test_a_server_that_stays_away_ends_in_one_line_that_says_how_to_go_on(loopback, tmp_path):
    loopback.moods.extend([drop(after=100_000), *[drop(after=0)] * 99])
    with pytest.raises(DataError) as caught:
        download(remote(loopback), tmp_path / "file")
    message = one_line(caught)
    assert loopback.url() in message
    assert "the next call goes on after the 100.0 kB that are here" in message
    assert names(tmp_path) == {"file.part", "file.part.version"}
    loopback.moods.clear()
    loopback.seen.clear()
    download(remote(loopback), tmp_path / "file")
    assert [request.sent for request in loopback.seen] == [200_000]


def test_a_server_that_never_sends_anything_leaves_nothing(loopback, tmp_path):
    loopback.moods.extend([drop(after=0)] * 99)
    with pytest.raises(DataError, match=r"the connection ended early$"):
        download(remote(loopback), tmp_path / "file")
    assert names(tmp_path) == set()


def test_a_server_that_ignores_ranges_is_started_over(loopback, tmp_path):
    loopback.moods.extend([drop(after=100_000), ignore_range])
    target = download(remote(loopback), tmp_path / "file")
    assert target.read_bytes() == loopback.files["/file"]
    assert [request.sent for request in loopback.seen] == [100_000, 300_000]


def test_a_server_that_ignores_ranges_and_always_drops_does_not_keep_us_for_ever(
    loopback, tmp_path
):
    loopback.moods.extend([lambda handler: handler.whole(stop=100_000)] * 99)
    with pytest.raises(DataError, match="ended early"):
        download(remote(loopback), tmp_path / "file")
    assert len(loopback.seen) < 9


@pytest.mark.parametrize("known", [remote, unknown])
def test_a_file_that_changes_in_between_is_never_spliced(loopback, tmp_path, known):
    def drop_and_change(handler):
        handler.obey(stop=100_000)
        handler.loopback.files["/file"] = handler.content[::-1]

    wanted = loopback.files["/file"][::-1]
    at_last = Remote(loopback.url(), sha256=hashlib.sha256(wanted).hexdigest())
    loopback.moods.append(drop_and_change)
    target = download(at_last if known is remote else unknown(loopback), tmp_path / "file")
    assert target.read_bytes() == wanted
    assert [request.sent for request in loopback.seen] == [100_000, 300_000]


def test_a_server_that_knows_ranges_but_not_if_range_does_not_make_us_splice(loopback, tmp_path):
    def drop_and_change(handler):
        handler.obey(stop=100_000)
        handler.loopback.files["/file"] = handler.content[::-1]

    def forget_if_range(handler):
        handler.seen.headers.pop("if-range")
        handler.obey()

    wanted = loopback.files["/file"][::-1]
    loopback.moods.extend([drop_and_change, forget_if_range])
    target = download(unknown(loopback), tmp_path / "file")
    assert target.read_bytes() == wanted


def test_without_tag_or_checksum_nothing_is_resumed(loopback, tmp_path):
    loopback.tag = lambda content: None
    loopback.moods.append(drop(after=100_000))
    target = download(unknown(loopback), tmp_path / "file")
    assert target.read_bytes() == loopback.files["/file"]
    assert all("range" not in request.headers for request in loopback.seen)


def test_without_tag_but_with_a_checksum_the_rest_is_enough(loopback, tmp_path):
    loopback.tag = lambda content: 'W/"weak"'
    loopback.moods.append(drop(after=100_000))
    download(remote(loopback), tmp_path / "file")
    assert [request.sent for request in loopback.seen] == [100_000, 200_000]
    assert "if-range" not in loopback.seen[1].headers


def test_a_date_marks_the_version_where_there_is_no_strong_tag(loopback, tmp_path):
    date = "Sat, 01 Mar 2014 12:00:00 GMT"
    head = {"ETag": None, "Last-Modified": date, "Content-Length": 300_000}

    def dated(handler):
        handler.head(200, head)
        handler.body(handler.content[:100_000])

    loopback.tag = lambda content: date  # what the second request has to match
    loopback.moods.append(dated)
    download(unknown(loopback), tmp_path / "file")
    assert loopback.seen[1].headers["if-range"] == date
    assert loopback.seen[1].sent == 200_000


def test_a_part_that_is_whole_already_needs_no_request(loopback, tmp_path):
    (tmp_path / "file.part").write_bytes(loopback.files["/file"])
    download(remote(loopback), tmp_path / "file")
    assert loopback.seen == []
    assert names(tmp_path) == {"file"}


def test_no_such_range_means_whole_if_the_length_is_ours(loopback, tmp_path):
    content = loopback.files["/file"]
    (tmp_path / "file.part").write_bytes(content)
    (tmp_path / "file.part.version").write_text(loopback.tag(content))
    download(unknown(loopback), tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == content
    assert [request.sent for request in loopback.seen] == [0]


def test_no_such_range_starts_over_if_the_file_became_shorter(loopback, tmp_path):
    content = loopback.files["/file"]
    (tmp_path / "file.part").write_bytes(content + b"more")
    download(remote(loopback, size=None), tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == content
    assert [request.sent for request in loopback.seen] == [0, 300_000]


def test_a_part_longer_than_the_file_is_thrown_away(loopback, tmp_path):
    (tmp_path / "file.part").write_bytes(bytes(300_001))
    download(remote(loopback), tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == loopback.files["/file"]


def test_another_range_than_asked_for_is_not_taken(loopback, tmp_path):
    def shifted(handler):
        handler.head(
            206, {"Content-Range": "bytes 99999-299999/300000", "Content-Length": 200_001}
        )
        handler.body(handler.content[99_999:])

    loopback.moods.extend([drop(after=100_000), shifted])
    target = download(remote(loopback), tmp_path / "file")
    assert target.read_bytes() == loopback.files["/file"]


@pytest.mark.parametrize("algorithm", ["sha256", "md5"])
def test_a_wrong_checksum_deletes_everything_and_names_both(loopback, tmp_path, algorithm):
    got = hashlib.new(algorithm, loopback.files["/file"]).hexdigest()
    expected = "0" * len(got)
    with pytest.raises(DataError) as caught:
        download(Remote(loopback.url(), **{algorithm: expected}), tmp_path / "file")
    message = one_line(caught)
    assert expected in message
    assert got in message
    assert names(tmp_path) == set()


def test_wrong_bytes_in_the_part_are_found(loopback, tmp_path):
    (tmp_path / "file.part").write_bytes(b"?" * 1000)
    with pytest.raises(DataError, match="expected sha256"):
        download(remote(loopback), tmp_path / "file")
    download(remote(loopback), tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == loopback.files["/file"]


def test_an_md5_in_capitals_is_enough(loopback, tmp_path):
    md5 = hashlib.md5(loopback.files["/file"]).hexdigest().upper()
    assert download(Remote(loopback.url(), md5=md5), tmp_path / "file").exists()


def test_another_size_is_refused_before_the_part_is_touched(loopback, tmp_path):
    (tmp_path / "file.part").write_bytes(b"?" * 1000)
    with pytest.raises(DataError, match="expected 300001 bytes, the server has 300000"):
        download(remote(loopback, size=300_001), tmp_path / "file")
    assert (tmp_path / "file.part").stat().st_size == 1000


def test_a_failed_replacement_leaves_the_old_file(loopback, tmp_path):
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(DataError):
        download(remote(loopback, sha256="0" * 64), tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b"old"


def test_a_response_without_a_length_is_taken_to_its_end(loopback, tmp_path):
    loopback.moods.append(chunked)
    target = download(unknown(loopback), tmp_path / "file")
    assert target.read_bytes() == loopback.files["/file"]


def test_a_response_without_a_length_that_breaks_off_is_resumed(loopback, tmp_path):
    part = loopback.files["/file"][:100_000]
    loopback.moods.append(partial(chunked, chunks=[part], end=b""))
    target = download(unknown(loopback), tmp_path / "file")
    assert target.read_bytes() == loopback.files["/file"]
    assert loopback.seen[1].headers["range"] == "bytes=100000-"


def test_a_response_without_a_length_can_not_fill_the_disk(loopback, tmp_path):
    flood = [loopback.files["/file"]] * 30
    reports = []
    loopback.moods.append(partial(chunked, chunks=flood))
    with pytest.raises(DataError, match="expected"):
        download(
            remote(loopback, size=300_001),
            tmp_path / "file",
            report=lambda done, total: reports.append(done),
        )
    assert max(reports) < 300_001 + module._BLOCK
    assert names(tmp_path) == set()


def test_a_silent_server_counts_as_a_dropped_connection(loopback, tmp_path):
    loopback.moods.append(stall)
    target = download(remote(loopback), tmp_path / "file", timeout=1)
    assert target.read_bytes() == loopback.files["/file"]
    assert loopback.seen[1].headers["range"] == "bytes=1000-"


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_passing_failure_of_the_server_is_tried_again(loopback, tmp_path, status):
    loopback.moods.append(answer(status))
    assert download(remote(loopback), tmp_path / "file").exists()
    assert len(loopback.seen) == 2


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_refusal_is_final_and_says_what_the_server_said(loopback, tmp_path, status):
    loopback.moods.append(answer(status))
    with pytest.raises(DataError, match=f"the server answered {status}") as caught:
        download(remote(loopback), tmp_path / "file")
    assert loopback.url() in one_line(caught)
    assert len(loopback.seen) == 1
    assert names(tmp_path) == set()


def test_an_answer_without_content_is_not_an_empty_file(loopback, tmp_path):
    loopback.moods.append(answer(204))
    with pytest.raises(DataError, match="the server answered 204"):
        download(unknown(loopback), tmp_path / "file")


def test_nobody_at_the_address_is_one_line(loopback, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        with pytest.raises(DataError, match="can't fetch") as caught:
            download(Remote(f"http://127.0.0.1:{port}/file"), tmp_path / "file")
    assert "refused" in one_line(caught).lower()
    assert names(tmp_path) == set()


def test_a_redirect_is_followed_with_its_range(loopback, tmp_path):
    (tmp_path / "file.part").write_bytes(loopback.files["/file"][:1000])
    loopback.moods.append(redirect("/file"))
    known = Remote(loopback.url("/elsewhere"), sha256=remote(loopback).sha256)
    assert download(known, tmp_path / "file").read_bytes() == loopback.files["/file"]
    assert loopback.seen[1].sent == 299_000


@pytest.mark.parametrize("to", ["file://", "ftp://127.0.0.1/file", "data:,hello"])
def test_a_redirect_to_another_scheme_is_refused(loopback, tmp_path, to):
    if to == "file://":
        to = Path(__file__).as_uri()
    loopback.moods.append(redirect(to))
    with pytest.raises(DataError, match="not followed") as caught:
        download(unknown(loopback), tmp_path / "file")
    assert to in one_line(caught)
    assert len(loopback.seen) == 1
    assert names(tmp_path) == set()


def test_a_redirect_from_https_to_http_is_refused():
    request = urllib.request.Request("https://example.org/file")
    with pytest.raises(HTTPError) as caught:
        web._Redirects().redirect_request(
            request, io.BytesIO(), 302, "Found", HTTPMessage(), "http://example.org/file"
        )
    caught.value.close()


def test_a_redirect_in_a_circle_ends(loopback, tmp_path):
    loopback.moods.extend([redirect("/file")] * 99)
    with pytest.raises(DataError, match="redirects"):
        download(unknown(loopback), tmp_path / "file")


@pytest.mark.parametrize(
    "url", [Path(__file__).as_uri(), "ftp://127.0.0.1/x", "data:,x", "/x", ""]
)
def test_only_http_is_fetched(tmp_path, url):
    with pytest.raises(DataError, match="only http and https") as caught:
        download(Remote(url), tmp_path / "file")
    assert url in one_line(caught)
    assert names(tmp_path) == set()


def test_no_room_is_said_before_anything_is_written(loopback, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(10**6, 10**6, 299_999))
    with pytest.raises(DataError, match="no room") as caught:
        download(remote(loopback), tmp_path / "file")
    assert "300.0 kB needed" in one_line(caught)
    assert names(tmp_path) == set()


def test_room_is_needed_for_the_missing_bytes_only(loopback, tmp_path, monkeypatch):
    (tmp_path / "file.part").write_bytes(loopback.files["/file"][:299_000])
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(10**6, 10**6, 1000))
    assert download(remote(loopback), tmp_path / "file").exists()


def test_a_disk_that_fills_up_is_one_line_and_the_next_call_goes_on(
    loopback, tmp_path, monkeypatch
):
    whole = Path.open

    class Full:
        """A file on a disk with room for 1000 bytes."""

        def __init__(self, stream: IO[bytes]) -> None:
            self.stream = stream

        def __enter__(self):
            return self

        def __exit__(self, *error):
            self.stream.close()

        def write(self, block):
            self.stream.write(block[:1000])
            raise OSError(errno.ENOSPC, "No space left on device")

    def opened(path, mode="r", *args, **kwargs):
        stream = whole(path, mode, *args, **kwargs)
        return Full(stream) if mode == "ab" else stream

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", opened)
        with pytest.raises(DataError, match="No space left on device") as caught:
            download(remote(loopback), tmp_path / "file")
    assert "goes on after the 1.0 kB" in one_line(caught)
    assert not (tmp_path / "file").exists()
    download(remote(loopback), tmp_path / "file")
    assert loopback.seen[1].headers["range"] == "bytes=1000-"
    assert (tmp_path / "file").read_bytes() == loopback.files["/file"]


def test_a_place_that_can_not_be_written_is_one_line(loopback, tmp_path):
    (tmp_path / "file").write_bytes(b"not a folder")
    with pytest.raises(DataError, match="can't write") as caught:
        download(remote(loopback), tmp_path / "file" / "below")
    one_line(caught)


def test_a_folder_in_the_place_of_the_file_is_left_alone(loopback, tmp_path):
    (tmp_path / "file").mkdir()
    (tmp_path / "file" / "mine").touch()
    with pytest.raises(DataError, match="can't write"):
        download(remote(loopback), tmp_path / "file")
    assert (tmp_path / "file" / "mine").exists()


@pytest.mark.parametrize("fetch", [download, fetch_archive])
def test_two_at_once_make_one_download(loopback, tmp_path, fetch):
    def wait_then_obey(handler):
        handler.loopback.release.wait(20)
        handler.obey()

    loopback.files["/zip"] = pack(tmp_path, a=b"A")
    loopback.moods.append(wait_then_obey)
    got = []
    threads = [
        threading.Thread(
            target=lambda: got.append(fetch(remote(loopback, "/zip"), tmp_path / "x"))
        )
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    time.sleep(0.1)  # gives the second one the chance to do wrong; too short can't fail the test
    loopback.release.set()
    for thread in threads:
        thread.join()
    assert got == [tmp_path / "x"] * 2
    assert len(loopback.seen) == 1


def pack(folder: Path, **files: bytes) -> bytes:
    """A zip of these files, as bytes."""
    for name, content in files.items():
        (folder / "packed").mkdir(exist_ok=True)
        (folder / "packed" / name).write_bytes(content)
    archive = Path(shutil.make_archive(str(folder / "made"), "zip", folder / "packed"))
    shutil.rmtree(folder / "packed")
    content = archive.read_bytes()
    archive.unlink()
    return content


def test_an_archive_is_fetched_unpacked_and_removed(loopback, tmp_path):
    loopback.files["/zip"] = pack(tmp_path, a=b"A" * 1000, b=b"B" * 1000)
    reports = []
    known = remote(loopback, "/zip")
    folder = fetch_archive(
        known, tmp_path / "set", members=lambda n: n != "b", report=lambda *r: reports.append(r)
    )
    assert (folder / "a").read_bytes() == b"A" * 1000
    assert names(folder) == {"a"}
    assert names(tmp_path) == {"set"}
    assert reports[-1] == ("unpacking", 1000, 1000)
    assert ("downloading", known.size, known.size) in reports
    assert fetch_archive(known, tmp_path / "set") == folder
    assert len(loopback.seen) == 1


def test_a_fetch_interrupted_while_unpacking_downloads_nothing_twice(loopback, tmp_path):
    loopback.files["/zip"] = pack(tmp_path, a=b"A", b=b"B")

    def interrupt(stage, done, total):
        if stage == "unpacking":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch_archive(remote(loopback, "/zip"), tmp_path / "set", report=interrupt)
    assert names(tmp_path) == {"set.archive"}
    fetch_archive(remote(loopback, "/zip"), tmp_path / "set")
    assert names(tmp_path / "set") == {"a", "b"}
    assert len(loopback.seen) == 1


def test_an_archive_that_nothing_vouches_for_is_fetched_anew_if_it_is_damaged(loopback, tmp_path):
    good = pack(tmp_path, a=b"A")
    loopback.files["/zip"] = good[:-10]
    with pytest.raises(DataError, match="damaged"):
        fetch_archive(Remote(loopback.url("/zip")), tmp_path / "set")
    loopback.files["/zip"] = good
    fetch_archive(Remote(loopback.url("/zip")), tmp_path / "set")
    assert names(tmp_path) == {"set"}


def test_a_checked_archive_that_does_not_unpack_is_kept(loopback, tmp_path):
    loopback.files["/zip"] = pack(tmp_path, a=b"A")
    for _ in range(2):
        with pytest.raises(DataError, match="none of the files"):
            fetch_archive(remote(loopback, "/zip"), tmp_path / "set", members=lambda name: False)
    assert len(loopback.seen) == 1


def test_a_full_folder_is_not_written_to_or_beside(loopback, tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "image").touch()
    fetch_archive(Remote(loopback.url()), tmp_path / "set")
    (tmp_path / "set" / "file").write_bytes(loopback.files["/file"])
    download(remote(loopback), tmp_path / "set" / "file")
    assert {file.name for file in tmp_path.rglob("*")} == {"set", "image", "file"}
    assert loopback.seen == []


def test_a_folder_that_can_not_be_read_is_one_line(loopback, tmp_path, monkeypatch):
    def locked(folder):
        raise PermissionError(errno.EACCES, "Permission denied")

    (tmp_path / "set").mkdir()
    monkeypatch.setattr(Path, "iterdir", locked)
    with pytest.raises(DataError, match="Permission denied"):
        fetch_archive(Remote(loopback.url()), tmp_path / "set")


def test_room_for_the_archive_and_its_content_is_looked_for_first(loopback, tmp_path, monkeypatch):
    loopback.files["/zip"] = pack(tmp_path, a=b"A")
    known = remote(loopback, "/zip")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(0, 0, 2 * known.size - 1))
    with pytest.raises(DataError, match="no room"):
        fetch_archive(known, tmp_path / "set")
    assert loopback.seen == []
