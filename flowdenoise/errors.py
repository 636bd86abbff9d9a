"""All errors of this package, as one tree, so that a caller can catch a branch; and its warning.

A message names a setting as the library calls it, such as `max_pixels`; the command line replaces
the name by its option.

```
FlowdenoiseError
├── UsageError             the call itself is wrong: an option, a name, a combination
│   └── SigmaError         a noise level that is not a level
├── ImageError             one picture can't be read, understood or written
│   ├── ImageReadError
│   └── ImageWriteError
├── DeviceError            the asked-for device or precision is not there
├── DataError              a corpus, a benchmark set or a download is not what it should be
├── TrainingError          a run can't start, go on or be resumed
│   └── CheckpointError
├── WeightsError           a weights file is missing, damaged, altered or of another kind
│   ├── WeightsNotFoundError
│   ├── WeightsIntegrityError
│   └── WeightsDownloadError
└── MissingExtraError      an optional package is needed; the message says which to install
```

The message of each is one line that a user can act on.
"""


class FlowdenoiseWarning(UserWarning):
    """Something that a picture had was not kept, or was guessed."""


class FlowdenoiseError(Exception):
    """The base of all errors that this package raises on purpose."""


class UsageError(FlowdenoiseError, ValueError):
    """The call itself is wrong: an option, a name, a combination."""


class SigmaError(UsageError):
    """A noise level that is not a level: negative, too large, or not a number."""


class ImageError(FlowdenoiseError):
    """One picture can't be read, understood or written."""


class ImageReadError(ImageError):
    """The picture can't be read or understood."""


class ImageWriteError(ImageError):
    """The picture can't be written, or must not be."""


class DeviceError(FlowdenoiseError):
    """The asked-for device or precision is not there."""


class DataError(FlowdenoiseError):
    """A corpus, a benchmark set or a download is not what it should be."""


class TrainingError(FlowdenoiseError):
    """A training run can't start, go on or be resumed."""


class CheckpointError(TrainingError):
    """A checkpoint is missing, cut short, or belongs to another run."""


class WeightsError(FlowdenoiseError):
    """A weights file is missing, damaged, altered or of another kind."""


class WeightsNotFoundError(WeightsError):
    """No weights have that name or lie at that address."""


class WeightsIntegrityError(WeightsError):
    """The bytes are not those that the manifest or the address promises, or not valid weights."""


class WeightsDownloadError(WeightsError):
    """The weights could not be fetched; nothing half-fetched was kept."""


class MissingExtraError(FlowdenoiseError):
    """An optional package is needed that is not installed."""
