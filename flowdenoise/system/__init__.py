"""What a program needs of the machine that it runs on, and of its language.

```
atomic          files are written whole or not at all
cache           folders, room and locks
device          where to compute, and in which precision
paths           questions about paths that have an answer for any name
random_streams  random numbers as a function of key and counter
rules, typed    fields of configurations, checked by their type hints
lazy            public names of a room that cost nothing until they are used
```
"""

__all__ = ["atomic", "cache", "device", "lazy", "paths", "random_streams", "rules", "typed"]
