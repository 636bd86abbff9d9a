"""Names of results: templates, endings, and the format that a name asks for."""

from __future__ import annotations

import string
from dataclasses import dataclass
from pathlib import Path

from flowdenoise.errors import UsageError
from flowdenoise.images import format_named, format_of, is_written, suffix_of, writable_suffixes
from flowdenoise.system.paths import exists, is_folder
from flowdenoise.system.typed import check

STREAM = "-"
"""The name of standard input and standard output."""

BESIDE = "{stem}_denoised{suffix}"
"""The template of a result's name beside its source."""

PREVIEW = "{stem}_preview{suffix}"
"""Template of the name of a result that is a part of its source."""

ELSEWHERE = "{stem}{suffix}"
"""The template of a result's name in another folder."""

NOISE, COMPARISON = "{stem}_noise.png", "{stem}_compare.png"
"""The templates of the names of extra pictures, which are filled from the result's name."""

_PLACEHOLDERS = frozenset({"stem", "suffix", "index"})


@dataclass(frozen=True)
class Naming:
    """Where results go, and what they are called.

    Attributes:
        output: A folder, a file name where there is a single input, or `-`; None puts each result
            beside its source.
        template: The name of a result, with `{stem}`, `{suffix}` and `{index}` of its source; None
            takes `BESIDE` or `ELSEWHERE`.
        format: The format of the results; None keeps that of each source, as its content tells.
        recursive: Whether pictures in sub-folders are denoised, too; `output` gets the same
            sub-folders.
        save_noise: Whether the removed noise is written, too.
        compare: Whether before and after are written side by side, too.
    """

    output: str | None = None
    template: str | None = None
    format: str | None = None
    recursive: bool = False
    save_noise: bool = False
    compare: bool = False

    def __post_init__(self) -> None:
        check(self)
        if self.output == "":
            raise UsageError("`output` is empty: name a folder, a file, or - for standard output")
        if self.format is not None:
            format_named(self.format)
        if self.template is not None:
            _check_template(self.template, self.format)

    def folder(self) -> Path | None:
        """The folder that `output` names, whether it exists or not; None if it names none.

        Raises:
            UsageError: The name is that of a file of no known format, or of another than `format`,
                or it is a template.
        """
        output = self.output
        if output is None or output == STREAM:
            return None
        path = Path(output)
        if is_folder(path) or output.endswith(("/", "\\")):
            return path
        if any(f"{{{name}" in output for name in _PLACEHOLDERS):
            raise UsageError(f"{output} looks like a template of names: these go to `name`")
        if path.suffix:
            _check_ending(path, self.format)
            return None
        return None if exists(path) else path

    def of_result(self, source: Path, index: int, folder: Path | None) -> Path:
        """The path of a result, in the folder of the results or beside its source.

        Args:
            source: The file of the picture.
            index: The number of the picture, from 1.
            folder: The folder of the results; None puts the result beside its source.
        """
        template = self.template or (BESIDE if folder is None else ELSEWHERE)
        ending = source.suffix
        if self.format is not None:
            ending = suffix_of(self.format)
        elif (kind := format_of(source)) is not None and not is_written(kind):
            ending = suffix_of("PNG")
        return (folder or source.parent) / _fill(template, source.stem, ending, index)

    def format_asked(self, source: Path | None, target: Path) -> str | None:
        """The format that a result must have; None takes that of its source's content."""
        if self.format is not None:
            return format_named(self.format)
        follows = "{suffix" in (self.template or BESIDE) and self.output != str(target)
        if source is not None and follows and target.suffix == source.suffix:
            return None
        kind = format_of(target)
        return kind if kind is not None and is_written(kind) else None


def _check_ending(name: Path, asked: str | None) -> None:
    """Refuse the name of a result that tells no format to write, or another than is asked for.

    Raises:
        UsageError: The name does not fit the format.
    """
    kind = format_of(name)
    if asked is None and (kind is None or not is_written(kind)):
        raise UsageError(
            f"{name}: nothing that ends in {name.suffix} can be written; a picture ends in "
            f"{', '.join(writable_suffixes())}, and a folder in /"
        )
    if asked is not None and kind not in (None, format_named(asked)):
        raise UsageError(
            f"{name}: {name.suffix} is no ending of the format {asked}: leave out `format`, or "
            f"end the name in {suffix_of(asked)}"
        )


def _check_template(template: str, asked: str | None) -> None:
    """Refuse a template that can't be filled.

    Raises:
        UsageError: The template can't be filled, or does not give the name of a picture.
    """
    hint = f"the name template {template!r} may use {{stem}}, {{suffix}} and {{index}}"
    try:
        used = {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}
        if not used <= _PLACEHOLDERS:
            raise UsageError(hint)
        name = Path(_fill(template, "name", suffix_of(asked or "PNG"), 1))
    except UsageError:
        raise
    except (LookupError, ValueError, MemoryError) as error:
        raise UsageError(hint) from error
    if name.suffix:
        _check_ending(name, asked)


def _fill(template: str, stem: str, suffix: str, index: int) -> str:
    name = template.format(stem=stem, suffix=suffix, index=index)
    if not name or Path(name).name != name:
        raise UsageError(f"the name template {template!r} must give a plain file name")
    return name
