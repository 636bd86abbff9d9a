"""From files to files: which pictures are denoised, what the results are called, how it is done.

```
naming      what a result is called
plan        all files that will be read and written, and the jobs that are refused
source      a picture's file, opened once
one         one picture: read, denoised, written, each file whole or not at all
many        all pictures, one beside the other
remote      pictures at addresses, fetched and sent
cluster     all pictures, done by workers on many machines
simulation  clean pictures become noisy photographs
```
"""

from typing import TYPE_CHECKING

from flowdenoise.system.lazy import homes

if TYPE_CHECKING:
    from flowdenoise.batch.cluster import LOCAL, Cluster, ClusterConfig
    from flowdenoise.batch.many import OnTileOf, run
    from flowdenoise.batch.naming import BESIDE, PREVIEW, Naming
    from flowdenoise.batch.one import BatchConfig, Existing, Outcome
    from flowdenoise.batch.plan import Job, Plan, RemoteJob, plan_jobs
    from flowdenoise.batch.remote import is_address, is_on_network, plan_remote, run_anywhere
    from flowdenoise.batch.simulation import NOISY, SimulationConfig, simulate, simulate_picture

__all__ = [
    "BESIDE",
    "LOCAL",
    "NOISY",
    "PREVIEW",
    "BatchConfig",
    "Cluster",
    "ClusterConfig",
    "Existing",
    "Job",
    "Naming",
    "OnTileOf",
    "Outcome",
    "Plan",
    "RemoteJob",
    "SimulationConfig",
    "is_address",
    "is_on_network",
    "plan_jobs",
    "plan_remote",
    "run",
    "run_anywhere",
    "simulate",
    "simulate_picture",
]

__getattr__ = homes(
    __name__,
    {
        "cluster": ("LOCAL", "Cluster", "ClusterConfig"),
        "many": ("OnTileOf", "run"),
        "naming": ("BESIDE", "PREVIEW", "Naming"),
        "one": ("BatchConfig", "Existing", "Outcome"),
        "plan": ("Job", "Plan", "RemoteJob", "plan_jobs"),
        "remote": ("is_address", "is_on_network", "plan_remote", "run_anywhere"),
        "simulation": ("NOISY", "SimulationConfig", "simulate", "simulate_picture"),
    },
)
