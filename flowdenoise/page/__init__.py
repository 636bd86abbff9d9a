"""The page: pictures denoised in a browser on the same machine, seen before and after.

A small server that only this machine can reach gives the page and does the work. What is dropped
on the page is copied into a folder that goes when the server does; the server reads and writes
nowhere else, and no request can name a path.

```
bounds      what the page may be asked for
guard       who may ask: this machine, this page, nobody else
shelf       the pictures that were dropped, and what is known of their noise
views       what is shown of them: parts before and after, thumbnails, maps of noise
delivery    whole results, written as the command writes them, and archives of many
routes      what the browser can ask for
server      an address with a secret in it, served until the user ends it
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
