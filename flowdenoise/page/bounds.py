"""The settings and the limits of the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from flowdenoise import images
from flowdenoise.system.rules import Range
from flowdenoise.system.typed import check


@dataclass(frozen=True)
class PageConfig:
    """How the page is served.

    Attributes:
        port: The port on 127.0.0.1; 0 takes a free one.
        max_upload: The size of the largest file that is taken, in bytes.
        max_pixels: The most pixels of a picture; larger ones are refused before they are decoded.
        max_memory: The most bytes that decoding may take; None allows 2 GiB, or more for a large
            file.
    """

    port: Annotated[int, Range(0, 65535)] = 0
    max_upload: Annotated[int, Range(1)] = 10**9
    max_pixels: Annotated[int, Range(1)] = images.MAX_PIXELS
    max_memory: Annotated[int, Range(1)] | None = None

    def __post_init__(self) -> None:
        check(self)
