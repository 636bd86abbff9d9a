"""Optimization: the loop that trains any model, and what lets its run stop and go on.

It knows nothing of denoisers, flows or noise: what is trained comes to it as a `Stage`, a model
with a loss for each step.

```
loop         the loop that all stages share, on one screen
optimizers   Adam and Muon
divergence   the signs that a run is diverging
processes    one process, or many under `torchrun`
progress     what a run reports as it goes
checkpoint   all that a run needs to go on, whole or absent
run_folder   what lies in the folder of a run
settings     single settings by their dotted names
```
"""

__all__ = [
    "checkpoint",
    "loop",
    "processes",
    "progress",
    "run_folder",
    "settings",
]
