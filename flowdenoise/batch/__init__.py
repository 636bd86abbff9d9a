"""Files to files: which pictures, under which names the results go, and one after the other.

```
naming    what a result is called
finding   which pictures the inputs name
plan      all files that will be read and written, and what must not be done
source    a picture's file, opened once
one       one picture: read, denoised, written, each file whole or not at all
many      all of them
```
"""

from typing import TYPE_CHECKING

from flowdenoise.system.lazy import homes

if TYPE_CHECKING:
    from flowdenoise.batch.finding import LeftOut
    from flowdenoise.batch.many import run
    from flowdenoise.batch.naming import Naming
    from flowdenoise.batch.one import BatchConfig, Existing, Outcome
    from flowdenoise.batch.plan import Job, Plan, plan_jobs

__all__ = [
    "BatchConfig",
    "Existing",
    "Job",
    "LeftOut",
    "Naming",
    "Outcome",
    "Plan",
    "plan_jobs",
    "run",
]

__getattr__ = homes(
    __name__,
    {
        "finding": ("LeftOut",),
        "many": ("run",),
        "naming": ("Naming",),
        "one": ("BatchConfig", "Existing", "Outcome"),
        "plan": ("Job", "Plan", "plan_jobs"),
    },
)
