"""What a program needs of the machine that it runs on, and of its language.

```
allocator       memory that was freed, kept for the next tensors
atomic          files are written whole or not at all
cache           the cache folder, free space and locks
device          the device that computes, and its precision
paths           questions about paths, answered for any name
random_streams  random numbers as a function of key and counter
side_by_side    pieces of work, each in a thread of its own
rules, typed    fields of configurations, checked by their type hints
lazy            public names of a room, imported when they are first used
```
"""

__all__ = [
    "allocator",
    "atomic",
    "cache",
    "device",
    "lazy",
    "paths",
    "random_streams",
    "rules",
    "side_by_side",
    "typed",
]
