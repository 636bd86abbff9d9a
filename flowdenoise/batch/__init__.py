"""From files to files: which pictures are denoised, what the results are called, how it is done.

```
naming    what a result is called
finding   which pictures the inputs name
plan      all files that will be read and written, and the jobs that are refused
source    a picture's file, opened once
one       one picture: read, denoised, written, each file whole or not at all
many      all pictures, one beside the other
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
