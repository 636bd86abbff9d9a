"""Which requests are answered: those of the server's own page, on this machine, with the secret.

Any page of the Web can send requests to a server on its visitor's machine. So a request is only
answered if its `Host` is the server's own address (a foreign name may have been bound to this
machine), if whatever the browser says of its origin names the same address, and if its path begins
with a secret that was told to nobody but the user. A link from anywhere may lead to the page
itself, as it must know the secret, too: so does the file with which a browser is started. Bodies
over the limit are refused before they are read, or as soon as they turn out to be too long.
"""

from __future__ import annotations

import secrets

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
"""What every answer says: no other site may show or use it, and nothing is fetched elsewhere."""

_NAMES = {"127.0.0.1", "localhost"}
_USUAL_PORT = 80  # which browsers leave out of the host and the origin
_OWN = ("same-origin", "none")  # where browsers say that a request comes from; none is the user


class Guard:
    """Lets only permitted requests through.

    Args:
        app: The application that answers.
        port: The port of the server.
        token: The secret, the first part of each path.
        most: The longest body, in bytes.
    """

    def __init__(self, app: ASGIApp, *, port: int, token: str, most: int) -> None:
        self.app, self.token, self.most = app, token, most
        self.hosts = {f"{name}:{port}" for name in _NAMES}
        if port == _USUAL_PORT:
            self.hosts |= _NAMES

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        careful = _with_headers(send)
        refusal = self._refusal(scope)
        if refusal is not None:
            status, text = refusal
            return await JSONResponse({"error": text}, status)(scope, receive, careful)
        return await self.app(scope, _counted(receive, self.most), careful)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        """The status and the line that refuse a request; None if it is answered."""
        headers = Headers(scope=scope)
        if headers.get("host") not in self.hosts:
            return 403, "this server answers to its own address only"
        origin = headers.get("origin")
        if origin is not None and origin.removeprefix("http://") not in self.hosts:
            return 403, "requests of other pages are refused"
        secret, _, inside = scope["path"].removeprefix("/").partition("/")
        own = headers.get("sec-fetch-site", "none") in _OWN
        if not own and (inside or not _follows_a_link(scope, headers)):
            return 403, "requests of other sites are refused"
        if not secrets.compare_digest(secret.encode(), self.token.encode()):
            return 404, "there is nothing at this address"
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self.most:
            return 413, _words(self.most)
        return None


def _follows_a_link(scope: Scope, headers: Headers) -> bool:
    """Whether a tab of the browser goes to an address, to show it by itself."""
    how = headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")
    return scope["method"] == "GET" and how == ("navigate", "document")


def _words(most: int) -> str:
    return f"the file is larger than {most / 1e6:,.0f} MB, the most that the page takes"


def _counted(receive: Receive, most: int) -> Receive:
    """Count the bytes of a body, as its length need not have been told."""
    seen = 0

    async def count() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > most:
            raise HTTPException(413, _words(most))
        return message

    return count


def _with_headers(send: Send) -> Send:
    async def add(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
        await send(message)

    return add
