"""The requests that the browser can send to the server.

```
GET    /                             the page
GET    /settings                     its sliders, the limits, the kinds of files, the gain of noise
POST   /pictures?name=               takes a file; answers what it is
DELETE /pictures/KEY                 forget it
GET    /pictures/KEY/thumbnail
GET    /pictures/KEY/noise           what its noise is
GET    /pictures/KEY/map/OF          where it is strong, for brightness or color
GET    /pictures/KEY/before          a part as it came
GET    /pictures/KEY/after           a part as it will be
GET    /pictures/KEY/removed         what is taken out of a part
POST   /pictures/KEY/result          make the whole result; answers a line of JSON for each step
GET    /pictures/KEY/result          the file
POST   /archives                     pack the results of pictures; answers its number
GET    /archives/KEY                 the file, which is removed behind it
POST   /forget                       forget pictures: a tab was closed
```

The query of parts and results says how much noise to remove, by the fields of `RemovalConfig`.
That of a part may say by which `effort`; `noise` tells which there are, the quickest first. A
request that can't be answered gets `{"error": "one line"}`.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from flowdenoise import images, noise
from flowdenoise.batch import BatchConfig
from flowdenoise.engine import Crop, Denoiser, Examined, RemovalConfig
from flowdenoise.errors import FlowdenoiseError, UsageError
from flowdenoise.estimation import VERDICTS, NoiseMaps
from flowdenoise.images import sheets
from flowdenoise.page import delivery, views
from flowdenoise.page.bounds import PageConfig
from flowdenoise.page.guard import Guard
from flowdenoise.page.shelf import Dropped, Shelf
from flowdenoise.system.typed import from_text, hints_of

T = TypeVar("T")

FILES = Path(__file__).with_name("files")

SLIDERS = (
    ("strength", "Noise", 0.0, 2.0),
    ("luma", "Grain, brightness", 0.0, 1.5),
    ("chroma", "Blotches, color", 0.0, 1.5),
    ("detail", "Texture back", 0.0, 1.0),
)
"""The fields of `RemovalConfig` that have a slider, each with its label and its ends."""

_STEP = 0.05
_LONGEST_LIST = 1_000_000  # bytes of a list of pictures: tens of thousands of them
_PNG = "image/png"


def application(
    denoiser: Denoiser,
    config: PageConfig,
    *,
    token: str,
    folder: Path,
    quick: Denoiser | None = None,
) -> ASGIApp:
    """The server's application.

    Args:
        denoiser: The engine.
        config: The settings, with the real port.
        token: The secret that each address begins with.
        folder: An empty folder for the files; whoever made it removes it.
        quick: An engine of less effort, whose results are seen until those of the other are there.
    """
    desk = _Desk(denoiser, quick, config, folder)
    inner = Starlette(
        routes=[Mount(f"/{token}", routes=desk.routes())],
        exception_handlers={
            FlowdenoiseError: _one_line,
            HTTPException: _status,
            OSError: _no_room,
        },
    )
    return Guard(inner, port=config.port, token=token, most=config.max_upload)


class _Desk:
    """Answers requests: reading, views and whole results each in a thread of their own."""

    def __init__(
        self, denoiser: Denoiser, quick: Denoiser | None, config: PageConfig, folder: Path
    ) -> None:
        self.denoiser, self.config, self.folder = denoiser, config, folder
        self.by_effort = {engine.config.effort: engine for engine in (quick, denoiser) if engine}
        self.shelf = Shelf(folder, denoiser, config)
        self.reading, self.viewing, self.working = (
            ThreadPoolExecutor(1, name) for name in ("reading", "viewing", "working")
        )
        self.archives: dict[str, Path] = {}

    def routes(self) -> list[Route | Mount]:
        """Addresses and what answers them."""
        picture = "/pictures/{key}"
        return [
            Route("/", self.page),
            Route("/settings", self.settings),
            Route("/pictures", self.drop, methods=["POST"]),
            Route(picture, self.forget, methods=["DELETE"]),
            Route(f"{picture}/thumbnail", self.thumbnail),
            Route(f"{picture}/noise", self.noise),
            Route(f"{picture}/map/{{of}}", self.noise_map),
            Route(f"{picture}/before", self.before),
            Route(f"{picture}/after", self.after),
            Route(f"{picture}/removed", self.after),
            Route(f"{picture}/result", self.deliver, methods=["POST"]),
            Route(f"{picture}/result", self.result),
            Route("/archives", self.pack, methods=["POST"]),
            Route("/archives/{key}", self.archive),
            Route("/forget", self.forget_all, methods=["POST"]),
            Mount("/files", StaticFiles(directory=FILES)),
        ]

    async def page(self, _: Request) -> Response:
        return FileResponse(FILES / "index.html")

    async def settings(self, _: Request) -> Response:
        defaults = RemovalConfig()
        sliders = [
            {"name": name, "label": label, "least": least, "most": most}
            | {"step": _STEP, "value": getattr(defaults, name)}
            for name, label, least, most in SLIDERS
        ]
        limits = {"most_bytes": self.config.max_upload, "suffixes": sorted(images.SUFFIXES)}
        return JSONResponse({"sliders": sliders, "gain": sheets.NOISE_GAIN, **limits})

    async def drop(self, request: Request) -> Response:
        dropped = self.shelf.place(request.query_params.get("name", ""))
        try:
            with dropped.file.open("wb") as file:
                async for block in request.stream():
                    file.write(block)
            picture = await self._in(self.reading, lambda: self.shelf.add(dropped))
        except BaseException:
            self.shelf.discard(dropped)
            raise
        return JSONResponse(_facts(dropped, picture))

    async def forget(self, request: Request) -> Response:
        self.shelf.remove(request.path_params["key"])
        return Response(status_code=204)

    async def forget_all(self, request: Request) -> Response:
        for key in await _keys(request):
            self.shelf.remove(key)
        return Response(status_code=204)

    async def thumbnail(self, request: Request) -> Response:
        dropped = self._dropped(request)
        return await self._png(lambda: views.thumbnail(self.shelf.picture(dropped)))

    async def noise(self, request: Request) -> Response:
        examined = await self._examined(request)
        weights = await self._in(
            self.viewing,
            lambda: {
                effort: engine.weights_for(examined) for effort, engine in self.by_effort.items()
            },
        )
        effort, names = list(weights.items())[-1]
        quicker = [other for other, used in weights.items() if used != names]
        return JSONResponse(_noise(examined) | {"weights": names, "efforts": [*quicker, effort]})

    async def noise_map(self, request: Request) -> Response:
        maps = _maps(await self._examined(request))
        if maps is None:
            raise UsageError("only the noise of a camera has a map")
        return await self._png(lambda: views.noise_map(maps, request.path_params["of"]))

    async def before(self, request: Request) -> Response:
        part, dropped = _read(Crop, request), self._dropped(request)
        return await self._png(lambda: views.before(self.shelf.picture(dropped), part))

    async def after(self, request: Request) -> Response:
        part, removal = _read(Crop, request), _read(RemovalConfig, request)
        dropped = self._dropped(request)
        view = views.removed if request.url.path.endswith("/removed") else views.after
        denoiser = self.by_effort.get(request.query_params.get("effort", ""), self.denoiser)

        def seen() -> bytes:
            examined = self.shelf.examined(dropped, removal.sigma, removal.noise)
            return view(denoiser, examined, removal, part)

        return await self._png(seen)

    async def deliver(self, request: Request) -> Response:
        limits = {"max_pixels": self.config.max_pixels, "max_memory": self.config.max_memory}
        config = _read(BatchConfig, request, existing="overwrite", **limits)
        dropped = self._dropped(request)
        steps = delivery.deliver(dropped, self.denoiser, config, self.working)
        return StreamingResponse(_lines(steps), media_type="application/x-ndjson")

    async def result(self, request: Request) -> Response:
        found = delivery.result_of(self._dropped(request))
        if found is None:
            raise UsageError("there is no result yet")
        return FileResponse(found.file, filename=found.place.name)

    async def pack(self, request: Request) -> Response:
        dropped = [self.shelf.get(key) for key in await _keys(request)]
        results = [found for found in map(delivery.result_of, dropped) if found is not None]
        if not results:
            raise UsageError("there are no results yet")
        key = secrets.token_urlsafe(16)
        archive = self.folder / f"{key}.zip"
        await self._in(self.working, lambda: delivery.pack(results, archive))
        self.archives[key] = archive
        return JSONResponse({"key": key})

    async def archive(self, request: Request) -> Response:
        archive = self.archives.pop(request.path_params["key"], None)
        if archive is None:
            raise UsageError("there is no such archive")
        removal = BackgroundTask(archive.unlink, missing_ok=True)
        return FileResponse(archive, filename="denoised.zip", background=removal)

    def _dropped(self, request: Request) -> Dropped:
        return self.shelf.get(request.path_params["key"])

    async def _examined(self, request: Request) -> Examined:
        removal, dropped = _read(RemovalConfig, request), self._dropped(request)
        return await self._in(
            self.reading, lambda: self.shelf.examined(dropped, removal.sigma, removal.noise)
        )

    async def _png(self, view: Callable[[], bytes]) -> Response:
        return Response(await self._in(self.viewing, view), media_type=_PNG)

    async def _in(self, thread: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(thread, work)


def _read(kind: type[T], request: Request, **fixed: Any) -> T:
    """Make a dataclass of the query, which names each field that is not the default."""
    hints, query = hints_of(kind), request.query_params
    given = {
        field.name: from_text(query[field.name], hints[field.name], field.name)
        for field in fields(kind)  # type: ignore[arg-type]
        if field.name in query and field.name not in fixed
    }
    try:
        return kind(**given, **fixed)
    except TypeError as error:
        raise UsageError("the request lacks something") from error


async def _keys(request: Request) -> list[str]:
    """Read a JSON list of the numbers of pictures."""
    body = bytearray()
    async for block in request.stream():
        body += block
        if len(body) > _LONGEST_LIST:
            raise HTTPException(413, "the list of pictures is too long")
    try:
        keys = json.loads(body)
    except ValueError as error:
        raise UsageError("a list of pictures was expected") from error
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise UsageError("a list of pictures was expected")
    return keys


def _lines(steps: Iterator[dict[str, Any]]) -> Iterator[str]:
    for step in steps:
        yield json.dumps(step) + "\n"


def _facts(dropped: Dropped, picture: images.Picture) -> dict[str, Any]:
    return {
        "key": dropped.key,
        "name": str(dropped.place),
        "width": picture.width,
        "height": picture.height,
        "format": picture.format,
        "bits": picture.source_bits,
        "mode": picture.source_mode,
        "contents": list(picture.contents),
        "warnings": list(picture.warnings),
    }


def _maps(examined: Examined) -> NoiseMaps | None:
    return None if examined.estimate is None else examined.maps


def _noise(examined: Examined) -> dict[str, Any]:
    """The facts that are known of the noise, with levels from 0 to 255."""
    estimate, maps = examined.estimate, _maps(examined)
    verdict = "noisy" if estimate is None else estimate.verdict
    facts: dict[str, Any] = {
        "verdict": verdict,
        "words": "as it was told" if estimate is None else VERDICTS[estimate.verdict],
        "sigma": round(noise.to_255(examined.sigma), 1),
        "nothing": not examined.noisy,
    }
    if maps is not None:
        for name in ("brightness", "color"):
            facts[name] = round(noise.to_255(maps.level(name)), 1)
    return facts


async def _one_line(_: Request, error: Exception) -> Response:
    return JSONResponse({"error": " ".join(str(error).split())}, 422)


async def _status(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    return JSONResponse({"error": error.detail}, error.status_code)


async def _no_room(_: Request, error: Exception) -> Response:
    reason = getattr(error, "strerror", None) or str(error)
    return JSONResponse({"error": f"the file can't be kept: {reason.lower()}"}, 507)
