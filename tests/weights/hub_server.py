"""A small Hugging Face Hub on loopback: the part of its protocol that the client speaks.

Two servers share one state, as in reality: the Hub itself, which knows repositories and asks for
tokens, and a store of large files elsewhere ("cdn"), which the Hub redirects to.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import unquote, urlsplit

TOKEN = "hf_abcdefghijklmnopqrstuvwxyz0123"


@dataclass
class Repository:
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    private: bool = False
    gated: bool = False

    def commit(self, files: dict[str, bytes]) -> str:
        before = self.commits.get(self.branches.get("main", ""), {})
        name = hashlib.sha1(repr((len(self.commits), sorted(files))).encode()).hexdigest()
        self.commits[name] = before | files
        self.branches["main"] = name
        return name


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    server: str


@dataclass
class Faults:
    """What goes wrong; each is off by default.

    cuts: after that many bytes the line goes dead, once per element.
    altered: serve other bytes than promised, of the same length.
    hang: "answer" or "body", and the server says no more until it is stopped.
    pause: seconds before a file's bytes are sent.
    etag, commit, size: what is claimed instead of the truth.
    garbage: questions are answered with something else than JSON.
    status: every request is answered so, with the caller's own token in the message.
    busy: each element answers a request by status 429 and this `Retry-After`.
    busy_path: only requests whose path contains it are answered so.
    endless: the body of a file goes on without end and without an announced length.
    drip: the body comes byte by byte, a pause before each.
    """

    cuts: list[int] = field(default_factory=list)
    altered: bool = False
    hang: str = ""
    pause: float = 0.0
    etag: str = ""
    commit: str = ""
    size: int = 0
    garbage: bool = False
    status: int = 0
    busy: list[str] = field(default_factory=list)
    busy_path: str = ""
    endless: bool = False
    drip: float = 0.0


class HubServer:
    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.blobs: dict[str, bytes] = {}
        self.requests: list[Request] = []
        self.faults = Faults()
        self.large_files = True  # else files are kept in git and served by the Hub itself
        self.stopping = threading.Event()
        self.hub = _Server(self, "hub")
        self.cdn = _Server(self, "cdn")
        self.url = self.hub.url

    def __enter__(self) -> HubServer:
        self.hub.start()
        self.cdn.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        if not self.stopping.is_set():
            self.stopping.set()
            self.hub.stop()
            self.cdn.stop()

    def add(self, name: str, files: dict[str, bytes], **options: bool) -> str:
        """Commit files to a repository; returns the commit."""
        repository = self.repositories.setdefault(name, Repository(**options))
        for content in files.values():
            self.blobs[hashlib.sha256(content).hexdigest()] = content
        return repository.commit(files)

    def asked(self, part: str) -> list[Request]:
        return [request for request in self.requests if part in request.path]


class _Server:
    def __init__(self, state: HubServer, role: str) -> None:
        handler = type("Handler", (_Handler,), {"state": state, "role": role})
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.http.daemon_threads = False
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.01,))

    def start(self) -> None:
        self.thread.start()

    def stop(self) -> None:
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


class _Handler(BaseHTTPRequestHandler):
    state: HubServer
    role: str

    def log_message(self, *args: Any) -> None:
        pass

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):  # the client hung up on a slow server
            super().handle()

    def do_GET(self) -> None:
        self.answer()

    do_HEAD = do_POST = do_PUT = do_GET  # noqa: N815

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.body = self._chunked() if "Transfer-Encoding" in self.headers else b""
        self.body = self.body or self.rfile.read(length)
        path = unquote(urlsplit(self.path).path)
        self.state.requests.append(
            Request(
                self.command,
                path,
                {name.lower(): value for name, value in self.headers.items()},
                self.role,
            )
        )
        if self.state.faults.hang == "answer":
            self.state.stopping.wait()
            self.close_connection = True
            return
        if self.state.faults.status:
            echoed = f"your {self.headers.get('authorization')} won't do"
            self.reply(self.state.faults.status, {"error": echoed})
            return
        if self.state.faults.busy and self.state.faults.busy_path in path:
            self.reply(429, {}, Retry_After=self.state.faults.busy.pop(0))
            return
        for prefix, action in self.routes().items():
            if path.startswith(prefix):
                action(path.removeprefix(prefix))
                return
        if "/resolve/" in path:
            self.resolve(path)
        elif path.endswith(".git/info/lfs/objects/batch"):
            self.lfs_batch()
        else:
            self.reply(404, {"error": "no such page"})

    def _chunked(self) -> bytes:
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def routes(self) -> dict[str, Callable[[str], None]]:
        if self.role == "cdn":
            return {"/blob/": self.blob, "/upload/": self.take_upload}
        return {
            "/api/repos/create": self.create,
            "/api/validate-yaml": lambda _: self.reply(200, {"errors": [], "warnings": []}),
            "/api/models/": self.model,
            "/verify": lambda _: self.reply(200, {}),
        }

    def reply(self, status: int, content: Any, **headers: str) -> None:
        data = b"<html>" if self.state.faults.garbage else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def repository(self, name: str) -> Repository | None:
        """The repository, if it is there and the caller may see it; else it is answered."""
        found = self.state.repositories.get(name)
        allowed = self.headers.get("authorization") == f"Bearer {TOKEN}"
        if found is None or (found.private and not allowed):
            self.reply(
                401, {"error": "Invalid username or password."}, X_Error_Code="RepoNotFound"
            )
            return None
        if found.gated:
            self.reply(403, {"error": "ask for access"}, X_Error_Code="GatedRepo")
            return None
        return found

    def revision(self, repository: Repository, revision: str) -> str | None:
        commit = repository.branches.get(revision, revision)
        if commit not in repository.commits:
            self.reply(404, {"error": "Invalid rev id"}, X_Error_Code="RevisionNotFound")
            return None
        return commit

    def model(self, rest: str) -> None:
        owner, name, *action = rest.split("/", 3)
        repository = self.repository(f"{owner}/{name}")
        if repository is None:
            return
        if action and action[0] == "preupload":
            asked = json.loads(self.body)["files"]
            files = [
                {
                    "path": file["path"],
                    "uploadMode": "lfs" if file["path"].endswith(".safetensors") else "regular",
                    "shouldIgnore": False,
                }
                for file in asked
            ]
            self.reply(200, {"files": files})
        elif action and action[0] == "commit":
            self.take_commit(repository, f"{self.state.url}/{owner}/{name}")
        else:
            commit = self.revision(repository, action[1] if action else "main")
            if commit is not None:
                sha = self.state.faults.commit or commit
                self.reply(200, {"id": f"{owner}/{name}", "sha": sha, "siblings": []})

    def create(self, _: str) -> None:
        asked = json.loads(self.body)
        name = f"{asked['organization']}/{asked['name']}"
        if self.headers.get("authorization") != f"Bearer {TOKEN}":
            self.reply(401, {"error": "Invalid username or password."})
        elif name in self.state.repositories:
            self.reply(409, {"error": "it is there", "url": f"{self.state.url}/{name}"})
        else:
            private = asked.get("visibility") == "private"
            self.state.repositories[name] = Repository(private=private)
            self.state.repositories[name].commit({})
            self.reply(200, {"url": f"{self.state.url}/{name}", "name": name})

    def lfs_batch(self) -> None:
        objects = [
            {
                "oid": file["oid"],
                "size": file["size"],
                "actions": {
                    "upload": {"href": f"{self.state.cdn.url}/upload/{file['oid']}"},
                    "verify": {"href": f"{self.state.url}/verify"},
                },
            }
            for file in json.loads(self.body)["objects"]
        ]
        self.reply(200, {"transfer": "basic", "objects": objects})

    def take_upload(self, oid: str) -> None:
        self.state.blobs[oid] = self.body
        self.reply(200, {})

    def take_commit(self, repository: Repository, url: str) -> None:
        files = {}
        for line in self.body.splitlines():
            item = json.loads(line)
            value = item["value"]
            if item["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif item["key"] == "lfsFile":
                files[value["path"]] = self.state.blobs[value["oid"]]
        commit = repository.commit(files)
        self.reply(
            200,
            {
                "commitUrl": f"{url}/commit/{commit}",
                "commitOid": self.state.faults.commit or commit,
            },
        )

    def resolve(self, path: str) -> None:
        name, _, rest = path.lstrip("/").partition("/resolve/")
        repository = self.repository(name)
        if repository is None:
            return
        commit = self.revision(repository, rest.partition("/")[0])
        if commit is None:
            return
        content = repository.commits[commit].get(rest.partition("/")[2])
        if content is None:
            self.reply(
                404, {"error": "not here"}, X_Error_Code="EntryNotFound", X_Repo_Commit=commit
            )
            return
        digest = hashlib.sha256(content).hexdigest()
        if not self.state.large_files:
            self.send_response(200)
            blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
            self.send_header("ETag", f'"{blob}"')
            self.send_header("X-Repo-Commit", commit)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)
            return
        self.reply(
            302,
            {},
            Location=f"{self.state.cdn.url}/blob/{digest}?Signature=secret",
            X_Repo_Commit=commit,
            X_Linked_Etag=f'"{self.state.faults.etag or digest}"',
            X_Linked_Size=str(self.state.faults.size or len(content)),
        )

    def blob(self, digest: str) -> None:
        content = self.state.blobs[digest]
        self.state.stopping.wait(self.state.faults.pause)
        if self.state.faults.altered:
            content = content[:-1] + bytes([content[-1] ^ 1])
        begin = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
        rest = content[begin:]
        self.send_response(206 if begin else 200)
        if not self.state.faults.endless:
            self.send_header("Content-Length", str(len(rest)))
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        if self.state.faults.hang == "body":
            self.wfile.write(rest[:100])
            self.state.stopping.wait()
        elif self.state.faults.endless:
            while not self.state.stopping.is_set():
                self.wfile.write(bytes(1 << 20))
        elif self.state.faults.drip:
            for byte in rest:
                self.wfile.write(bytes([byte]))
                self.state.stopping.wait(self.state.faults.drip)
        elif self.state.faults.cuts:
            self.wfile.write(rest[: self.state.faults.cuts.pop(0)])
        else:
            self.wfile.write(rest)
        self.close_connection = True
