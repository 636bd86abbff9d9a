"""The door to the network: opens http and https and nothing else, and sorts what goes wrong.

Two kinds of failure leave this module: `DroppedError`, worth another try, and `DataError`, final.
"""

from __future__ import annotations

import urllib.request
from http import HTTPStatus
from http.client import HTTPException, HTTPMessage, HTTPResponse
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from flowdenoise.errors import DataError

_PASSING = (408, 425, 429, 500, 502, 503, 504)  # answers that may differ in a moment
_EXPECTED = (
    HTTPStatus.OK,
    HTTPStatus.PARTIAL_CONTENT,
    HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
)


class DroppedError(Exception):
    """A transfer failed or ended early for a reason that may pass; never leaves this package."""


def request_from(url: str, start: int, version: str | None, *, timeout: float) -> HTTPResponse:
    """Ask for a file from byte `start` on.

    Args:
        url: The address, http or https.
        start: First byte that is wanted; 0 asks for all of the file.
        version: The version from `version_of`; of another version all of the file is asked for.
        timeout: Seconds of silence that count as a dropped connection.

    Returns:
        The response, whose status is 200 (all of it), 206 (a part) or 416 (there is no such part).

    Raises:
        DataError: The address is not http, or the answer is a refusal.
        DroppedError: The server does not answer, or its answer may be another in a moment.
    """
    require_http(url)
    headers = {"User-Agent": "flowdenoise", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
        if version:
            headers["If-Range"] = version
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 (checked above)
    try:
        response: HTTPResponse = _opener().open(request, timeout=timeout)
    except HTTPError as error:
        with error:
            raise _refusal(url, error) from error
    except (OSError, HTTPException) as error:
        raise DroppedError(_reason(error)) from error
    if response.status not in _EXPECTED:
        with response:
            raise DataError(f"can't fetch {url}: the server answered {response.status}")
    return response


def receive(response: HTTPResponse, size: int) -> bytes:
    """Receive at most `size` bytes, as soon as there are any; none at the end.

    Raises:
        DroppedError: The connection is gone or silent.
    """
    try:
        return response.read1(size)
    except (OSError, HTTPException) as error:
        raise DroppedError(_reason(error)) from error


def version_of(headers: HTTPMessage) -> str | None:
    """What tells this version of the file from others, if the server says."""
    tag = headers.get("ETag")
    if tag is not None and not tag.startswith("W/"):  # weak ones don't promise equal bytes
        return tag
    return headers.get("Last-Modified")


def require_http(url: str) -> None:
    """Check the kind of address.

    Raises:
        DataError: The address is neither http nor https.
    """
    if urlsplit(url).scheme not in ("http", "https"):
        raise DataError(f"can't fetch {url}: only http and https addresses are fetched")


def _refusal(url: str, error: HTTPError) -> DataError | DroppedError:
    answer = f"the server answered {error.code} {error.reason}"
    if error.code in _PASSING:
        return DroppedError(answer)
    if 300 <= error.code < 400:
        answer = f"it redirects to {error.headers.get('Location')!r}, which is not followed"
    return DataError(f"can't fetch {url}: {answer}")


def _reason(error: Exception) -> str:
    inner = error.reason if isinstance(error, URLError) else error
    if isinstance(inner, TimeoutError):
        return "the server does not answer"
    return str(getattr(inner, "strerror", None) or inner or type(inner).__name__)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to https, and from http to http."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        if urlsplit(newurl).scheme not in ("https", req.type):
            raise HTTPError(newurl, code, msg, headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _Errors(urllib.request.HTTPErrorProcessor):
    """Takes "no such part" for an answer, because it may mean that nothing is missing."""

    def http_response(
        self, request: urllib.request.Request, response: HTTPResponse
    ) -> HTTPResponse:
        if response.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return response
        accepted: HTTPResponse = super().http_response(request, response)
        return accepted

    https_response = http_response


def _opener() -> urllib.request.OpenerDirector:
    """What opens http and https, through the user's proxy, and has no handler for more."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        _Errors(),
        _Redirects(),
    ):
        opener.add_handler(handler)
    return opener
