"""The server of the page: who is answered, what is taken, and that results are the command's."""

from __future__ import annotations

import asyncio
import io
import json
import os
import socket
import stat
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import httpx2
import numpy as np
import pytest
import torch
from PIL import Image
from starlette.exceptions import HTTPException
from starlette.testclient import TestClient

from flowdenoise.batch import BatchConfig, Naming, plan_jobs, run
from flowdenoise.engine import Denoiser, EngineConfig
from flowdenoise.engine.denoisers import NamedSource
from flowdenoise.networks import ResNet, ResNetConfig
from flowdenoise.networks.noise_level import NoiseLevelConfig, NoiseLevelNet
from flowdenoise.page import PageConfig, Server, application, delivery, listening, routes, views
from flowdenoise.page.guard import Guard
from flowdenoise.system.atomic import replacing

PORT, TOKEN, MOST = 4711, "a-secret-that-is-long-enough", 50_000
HOME = f"http://127.0.0.1:{PORT}/{TOKEN}/"


class Estimator(NoiseLevelNet):
    """An estimator that finds sigma 20 of 255 in everything."""

    def conclude(self, evidence: torch.Tensor, trust: torch.Tensor) -> torch.Tensor:
        return torch.log1p(torch.tensor([20.0]))


def denoiser(effort: str = "normal") -> Denoiser:
    def small() -> ResNet:
        torch.manual_seed(len(effort))
        return ResNet(ResNetConfig(channels=(4,), blocks=(1,)))

    return Denoiser(
        {3: NamedSource(f"small-{effort}", small)},
        {3: lambda: Estimator(NoiseLevelConfig())},
        device=torch.device("cpu"),
        config=EngineConfig(effort=effort),
    )


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """The folder of the server."""
    (tmp_path / "server").mkdir()
    return tmp_path / "server"


@pytest.fixture
def client(shelf: Path) -> Iterator[TestClient]:
    config = PageConfig(port=PORT, max_upload=MOST)
    app = application(denoiser(), config, token=TOKEN, folder=shelf)
    with TestClient(app, base_url=HOME) as made:
        yield made


@contextmanager
def running() -> Iterator[Server]:
    """A real server, which answers."""
    with listening(denoiser(), PageConfig()) as server:
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            yield server
        finally:
            server.stop()
            thread.join(30)
        assert not thread.is_alive()


def place_of(server: Server) -> tuple[str, int]:
    host, port = server.address.split("/")[2].split(":")
    return host, int(port)


def photo(seed: int = 0, height: int = 40, width: int = 50) -> bytes:
    """A JPEG file with EXIF and a resolution."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x010F] = "A camera"
    Image.fromarray(pixels).save(file, "JPEG", quality=95, exif=exif, dpi=(240, 240))
    return file.getvalue()


def drop(client: TestClient, data: bytes | None = None, name: str = "photo.jpg") -> str:
    answer = client.post("pictures", params={"name": name}, content=data or photo())
    assert answer.status_code == 200, answer.text
    return str(answer.json()["key"])


def result(client: TestClient, key: str, **removal: Any) -> dict[str, Any]:
    answer = client.post(f"pictures/{key}/result", params=removal)
    told: dict[str, Any] = json.loads(answer.text.splitlines()[-1])
    return told


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": f"http://127.0.0.1:{PORT}"}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Host": f"localhost:{PORT}"}, 200),
        ({"Host": f"evil.example:{PORT}"}, 403),
        ({"Host": "127.0.0.1"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": f"https://127.0.0.1:{PORT}"}, 403),
        ({"Origin": f"http://127.0.0.1:{PORT + 1}"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
    ],
)
def test_only_the_page_itself_is_answered(
    client: TestClient, headers: dict[str, str], status: int
) -> None:
    for address in (HOME, f"{HOME}settings"):
        answer = client.get(address, headers=headers)
        assert answer.status_code == status
        if status != 200:
            assert "\n" not in answer.json()["error"]
    answer = client.post("pictures", params={"name": "a.jpg"}, content=photo(), headers=headers)
    assert answer.status_code == status


LINK = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("", {}, 200),
        ("", {"Sec-Fetch-Dest": "iframe"}, 403),
        ("", {"Sec-Fetch-Mode": "no-cors"}, 403),
        ("", {"Origin": "https://evil.example"}, 403),
        ("settings", {}, 403),
        ("files/page.js", {}, 403),
        ("../wrong/", {}, 404),
    ],
)
def test_a_link_leads_to_the_page_itself_and_no_further(
    client: TestClient, path: str, headers: dict[str, str], status: int
) -> None:
    assert client.get(f"{HOME}{path}", headers=LINK | headers).status_code == status
    assert client.post(f"{HOME}{path}", headers=LINK | headers).status_code in (403, 404)


@pytest.mark.parametrize("path", ["/", "/settings", "/wrong/settings", f"/{TOKEN[:-1]}/settings"])
def test_without_the_secret_there_is_nothing(client: TestClient, path: str) -> None:
    answer = client.get(f"http://127.0.0.1:{PORT}{path}")
    assert (answer.status_code, TOKEN in answer.text) == (404, False)


@pytest.mark.parametrize(
    "request_line", ["OPTIONS *", "GET foo", "GET settings", f"GET {TOKEN}/settings", "GET /"]
)
def test_a_request_for_no_address_of_the_page_is_refused_in_one_line(
    request_line: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with running() as server, socket.create_connection(place_of(server)) as connection:
        host = ":".join(map(str, place_of(server)))
        lines = (f"{request_line} HTTP/1.1", f"Host: {host}", "Connection: close", "", "")
        connection.sendall("\r\n".join(lines).encode())
        answer = b"".join(iter(lambda: connection.recv(4096), b"")).decode()
    head, _, body = answer.partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 404 ")
    assert json.loads(body)["error"] == "there is nothing at this address"
    assert capfd.readouterr().err == ""


def test_every_answer_forbids_other_sites_to_use_it(client: TestClient) -> None:
    for path in ("", "settings", "files/page.js", "nothing", "pictures/x/before"):
        headers = client.get(f"{HOME}{path}").headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in headers


def test_a_file_over_the_limit_is_refused_and_not_kept(client: TestClient, shelf: Path) -> None:
    data = bytes(MOST + 1)
    told = client.post("pictures", params={"name": "a.jpg"}, content=data)
    untold = client.post("pictures", params={"name": "a.jpg"}, content=iter([data]))
    for answer in (told, untold):
        assert answer.status_code == 413
        assert "larger than" in answer.json()["error"]
    assert not list(shelf.iterdir())


def test_a_body_that_comes_in_pieces_is_counted_as_a_whole() -> None:
    pieces = iter([bytes(MOST // 2), bytes(MOST // 2), b"x"])

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": next(pieces), "more_body": True}

    async def send(_: Any) -> None:
        raise AssertionError("nothing is answered before the body has come")

    async def read_all(_: Any, body: Any, __: Any) -> None:
        while (await body())["more_body"]:
            pass

    guard = Guard(read_all, port=PORT, token=TOKEN, most=MOST)
    host = f"127.0.0.1:{PORT}".encode()
    scope = {"type": "http", "path": f"/{TOKEN}/pictures", "headers": [(b"host", host)]}
    with pytest.raises(HTTPException, match="larger than"):
        asyncio.run(guard(scope, receive, send))  # type: ignore[arg-type]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:80"])
def test_the_usual_port_of_the_web_need_not_be_named(shelf: Path, host: str) -> None:
    app = application(denoiser(), PageConfig(port=80), token=TOKEN, folder=shelf)
    with TestClient(app, base_url=f"http://127.0.0.1/{TOKEN}/") as client:
        headers = {"Host": host, "Origin": f"http://{host}"}
        assert client.get("settings", headers=headers).status_code == 200
        assert client.get("settings", headers={"Host": "evil.example"}).status_code == 403


@pytest.mark.parametrize("data", [b"", b"no picture at all", photo()[:200]])
def test_a_wrong_file_is_one_clear_line(client: TestClient, shelf: Path, data: bytes) -> None:
    answer = client.post("pictures", params={"name": "holiday/wrong.jpg"}, content=data)
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error.startswith("wrong.jpg: ")
    assert "\n" not in error
    assert str(shelf) not in error
    assert not list(shelf.iterdir())


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("a.jpg", "a.jpg"),
        ("../../etc/a.jpg", "etc/a.jpg"),
        ("/srv/a.jpg", "srv/a.jpg"),
        ("C:\\photos\\a.jpg", "C_/photos/a.jpg"),
        ("a\x00b\n.jpg", "a_b_.jpg"),
        ("Grüße 3.jpg", "Grüße 3.jpg"),
        (f"{'x' * 999}.jpg", f"{'x' * 120}.jpg"),
        (f"{'照' * 999}.jpg", f"{'照' * 66}.jpg"),
        (f"a.{'é' * 999}", f"a.{'é' * 19}"),
    ],
)
def test_no_name_leads_out_of_the_folder(
    client: TestClient, shelf: Path, name: str, kept: str
) -> None:
    answer = client.post("pictures", params={"name": name}, content=photo())
    assert answer.json()["name"] == kept
    (folder,) = shelf.iterdir()
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert [file.name for file in files] == [kept.rpartition("/")[2]]


@pytest.mark.parametrize("name", ["result", "source", "照" * 100, "x" * 300, f"x.{'照' * 300}"])
def test_a_picture_may_be_called_anything(client: TestClient, name: str) -> None:
    key = drop(client, name=name)
    told = result(client, key)
    assert told.get("status") == "denoised", told
    assert client.get(f"pictures/{key}/result").status_code == 200


def test_a_result_is_what_the_command_writes_byte_by_byte(
    client: TestClient, tmp_path: Path
) -> None:
    key = drop(client)
    told = result(client, key, strength=0.7)
    assert (told["status"], told["name"]) == ("denoised", "photo_denoised.jpg")
    answer = client.get(f"pictures/{key}/result")
    assert 'filename="photo_denoised.jpg"' in answer.headers["content-disposition"]
    (tmp_path / "photo.jpg").write_bytes(photo())
    jobs = plan_jobs([str(tmp_path / "photo.jpg")], Naming()).jobs
    (outcome,) = run(jobs, denoiser(), BatchConfig(strength=0.7))
    assert answer.content == outcome.written[0].read_bytes()
    found = Image.open(io.BytesIO(answer.content))
    assert found.getexif()[0x010F] == "A camera"
    assert found.info["dpi"] == (240, 240)


def test_what_is_seen_of_a_part_is_the_result(client: TestClient) -> None:
    pixels = np.random.default_rng(3).integers(0, 256, (60, 70, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    key = drop(client, file.getvalue(), "scan.png")
    assert result(client, key, strength=1.2)["status"] == "denoised"
    whole = np.asarray(Image.open(io.BytesIO(client.get(f"pictures/{key}/result").content)))
    part = {"left": 11, "top": 5, "width": 40, "height": 30}
    place = np.s_[5:35, 11:51]

    def seen(kind: str) -> np.ndarray:
        answer = client.get(f"pictures/{key}/{kind}", params={**part, "strength": 1.2})
        return np.asarray(Image.open(io.BytesIO(answer.content))).astype(int)

    assert np.array_equal(seen("before"), pixels[place])
    assert np.abs(seen("after") - whole[place]).max() <= 1  # rounding
    gone = 127.5 + 4 * (pixels[place].astype(int) - seen("after"))
    assert np.abs(seen("removed") - gone.clip(0, 255)).max() <= 5  # four times that
    assert client.get(f"pictures/{key}/thumbnail").headers["content-type"] == "image/png"
    assert client.get(f"pictures/{key}/noise").json()["sigma"] == pytest.approx(20, abs=0.1)


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("before", {"left": 0, "top": 0, "width": 51, "height": 40}),
        ("before", {"left": -1, "top": 0, "width": 5, "height": 5}),
        ("before", {"left": 0, "top": 0, "width": 5}),
        ("before", {"left": "x", "top": 0, "width": 5, "height": 5}),
        ("after", {"left": 0, "top": 0, "width": 5, "height": 5, "strength": -1}),
        ("after", {"left": 0, "top": 0, "width": 5, "height": 5, "noise": "of a dog"}),
        ("noise", {"sigma": 300}),
        ("map/brightness", {}),
        ("result", {}),
    ],
)
def test_a_wrong_question_is_answered_by_one_line(
    client: TestClient, path: str, values: dict[str, Any]
) -> None:
    answer = client.get(f"pictures/{drop(client)}/{path}", params=values)
    assert answer.status_code == 422
    assert answer.json()["error"]
    assert "\n" not in answer.json()["error"]


def test_a_forgotten_picture_is_gone_and_others_stay(client: TestClient, shelf: Path) -> None:
    first, second, third = drop(client), drop(client), drop(client)
    assert client.delete(f"pictures/{first}").status_code == 204
    assert client.post("forget", content=json.dumps([second, "unknown"])).status_code == 204
    assert [folder.name for folder in shelf.iterdir()] == [third]
    for key in (first, second):
        assert client.get(f"pictures/{key}/noise").status_code == 422
    assert client.get(f"pictures/{third}/noise").status_code == 200


def test_an_archive_holds_all_results_in_their_folders(client: TestClient) -> None:
    names = ("trip/one.jpg", "trip/two.jpg", "trip/day 2/one.jpg", "trip/one.jpg")
    keys = [drop(client, photo(seed), name) for seed, name in enumerate(names)]
    nothing = client.post("archives", content=json.dumps(keys))
    assert "no results" in nothing.json()["error"]
    for key in keys:
        result(client, key)
    made = client.post("archives", content=json.dumps(keys)).json()["key"]
    data = client.get(f"archives/{made}").content
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.namelist() == [
            "trip/one_denoised.jpg",
            "trip/two_denoised.jpg",
            "trip/day 2/one_denoised.jpg",
            "trip/one_denoised_2.jpg",
        ]
        for name, key in zip(archive.namelist(), keys, strict=True):
            assert archive.read(name) == client.get(f"pictures/{key}/result").content


def test_a_result_that_is_being_written_is_none_yet(client: TestClient, shelf: Path) -> None:
    key = drop(client)
    assert "error" not in result(client, key)
    (whole,) = (shelf / key / "result").iterdir()
    with replacing(whole):
        assert client.get(f"pictures/{key}/result").content == whole.read_bytes()
        whole.unlink()
        answer = client.get(f"pictures/{key}/result")
        assert (answer.status_code, answer.json()["error"]) == (422, "there is no result yet")


def test_an_archive_is_removed_when_it_was_sent(client: TestClient, shelf: Path) -> None:
    key = drop(client)
    result(client, key)
    made = client.post("archives", content=json.dumps([key])).json()["key"]
    assert (shelf / f"{made}.zip").is_file()
    assert zipfile.ZipFile(io.BytesIO(client.get(f"archives/{made}").content)).testzip() is None
    assert [path.name for path in shelf.iterdir()] == [key]
    again = client.get(f"archives/{made}")
    assert (again.status_code, again.json()["error"]) == (422, "there is no such archive")


def test_an_archive_that_can_not_be_completed_is_not_kept(tmp_path: Path) -> None:
    (tmp_path / "there.png").write_bytes(b"a result")
    results = [
        delivery.Result(tmp_path / name, PurePosixPath(name)) for name in ("there.png", "gone.png")
    ]
    with pytest.raises(FileNotFoundError):
        delivery.pack(results, tmp_path / "all.zip")
    assert not (tmp_path / "all.zip").exists()


@pytest.mark.parametrize("path", ["forget", "archives"])
def test_a_list_that_is_too_long_is_refused_in_one_line(shelf: Path, path: str) -> None:
    app = application(denoiser(), PageConfig(port=PORT), token=TOKEN, folder=shelf)
    with TestClient(app, base_url=HOME) as client:
        for body in (b" " * 1_000_001, iter([b" " * 600_000] * 2)):
            answer = client.post(path, content=body)
            assert (answer.status_code, answer.json()["error"]) == (
                413,
                "the list of pictures is too long",
            )
        assert client.post("forget", content=json.dumps(["x" * 900_000])).status_code == 204


@pytest.mark.parametrize("view", ["thumbnail", "before", "after", "removed", "noise_map"])
def test_views_are_made_in_a_thread_of_their_own(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, view: str
) -> None:
    threads: list[str] = []

    def noticed(*_: object) -> bytes:
        threads.append(threading.current_thread().name)
        return b""

    monkeypatch.setattr(views, view, noticed)
    monkeypatch.setattr(routes, "_maps", lambda _: object())
    path = {"noise_map": "map/brightness"}.get(view, view)
    part = {"left": 0, "top": 0, "width": 5, "height": 5}
    answer = client.get(f"pictures/{drop(client)}/{path}", params=part)
    assert answer.status_code == 200, answer.text
    assert [name.partition("_")[0] for name in threads] == ["viewing"]


def test_progress_is_told_and_an_error_is_a_line(client: TestClient, shelf: Path) -> None:
    key = drop(client, photo(height=600, width=40))
    steps = client.post(f"pictures/{key}/result").text.splitlines()
    counts = [json.loads(step) for step in steps]
    assert any(step.get("done") == step.get("total") != 0 for step in counts[:-1])
    (file,) = (shelf / key).rglob("photo.jpg")
    file.write_bytes(b"altered meanwhile")
    told = result(client, key)
    assert told["error"].startswith("photo.jpg: ")
    assert str(shelf) not in told["error"]


@pytest.mark.skipif(os.name == "nt", reason="other permissions")
def test_the_door_leads_to_the_page_for_this_user_alone_and_goes_with_the_server() -> None:
    with listening(denoiser(), PageConfig()) as server:
        assert f'content="0; url={server.address}"' in server.door.read_text()
        assert stat.S_IMODE(server.door.stat().st_mode) == 0o600
        assert stat.S_IMODE(server.door.parent.stat().st_mode) == 0o700
    assert not server.door.parent.exists()


def test_a_real_server_listens_on_this_machine_alone_and_tidies_up() -> None:
    with running() as server, httpx2.Client(base_url=server.address) as browser:
        host, port = place_of(server)
        assert host == "127.0.0.1"
        assert browser.get("settings").status_code == 200
        assert browser.get(f"http://{host}:{port}/").status_code == 404
