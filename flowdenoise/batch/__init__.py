"""Files to files: which pictures, under which names the results go, and one after the other.

```
plan   which pictures, and all files that will be written
one    one picture: read, denoised, written, whole or not at all
many   all of them
```
"""

from typing import TYPE_CHECKING

from flowdenoise.system.lazy import homes

if TYPE_CHECKING:
    from flowdenoise.batch.many import run
    from flowdenoise.batch.one import BatchConfig, Existing, Outcome
    from flowdenoise.batch.plan import Job, plan_jobs

__all__ = ["BatchConfig", "Existing", "Job", "Outcome", "plan_jobs", "run"]

__getattr__ = homes(
    __name__,
    {
        "many": ("run",),
        "one": ("BatchConfig", "Existing", "Outcome"),
        "plan": ("Job", "plan_jobs"),
    },
)
