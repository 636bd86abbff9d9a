"""The page: pictures denoised in a browser on the same machine, seen before and after.

A small server that only this machine can reach serves the page and does the work. Files that are
dropped on the page are copied into a folder that is removed when the server ends; the server reads
and writes nowhere else, and no request can name a path.

```
bounds      the settings and the limits of the page
guard       which requests are answered: those of this page on this machine
shelf       the pictures that were dropped, and what is known of their noise
views       the parts before and after, thumbnails and noise maps that the page shows
delivery    whole results, written as the command writes them, and archives of many
routes      the requests that the browser can send
server      the server, at an address with a secret in it
files/      the page itself
```
"""

from typing import TYPE_CHECKING

from flowdenoise.system.lazy import homes

if TYPE_CHECKING:
    from flowdenoise.page.bounds import PageConfig
    from flowdenoise.page.routes import application
    from flowdenoise.page.server import Server, listening

__all__ = ["PageConfig", "Server", "application", "listening"]

__getattr__ = homes(
    __name__,
    {
        "bounds": ("PageConfig",),
        "routes": ("application",),
        "server": ("Server", "listening"),
    },
)
