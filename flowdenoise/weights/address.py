"""One form of address wherever weights are named.

```
color                                             a shipped name
models/mine.safetensors                           a path
hf://owner/repo@REVISION/folder/file.safetensors  a file on the Hugging Face Hub
```

REVISION is a commit, branch or tag; without it, `main`. Each may end in `#sha256=` and 64 digits,
which the file's bytes must then match. A bare word is always a name: a file of that name in the
current folder can't take its place, but is reached as `./color`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote, unquote

from flowdenoise.errors import UsageError
from flowdenoise.system.rules import shown

SCHEME = "hf://"
SUFFIX = ".safetensors"

_FORM = "hf://owner/repo@REVISION/file.safetensors"
_HASH = "#sha256="
_SHA256 = re.compile(r"[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_REPO_PART = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9])?", re.ASCII)
_REVISION = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,198}[A-Za-z0-9])?", re.ASCII)
_FILE_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,127}", re.ASCII)


@dataclass(frozen=True)
class ShippedName:
    """The name of weights in the manifest."""

    name: str
    sha256: str | None = None

    def __str__(self) -> str:
        return self.name + _hash(self.sha256)


@dataclass(frozen=True)
class FilePath:
    """A file on this machine."""

    path: Path
    sha256: str | None = None

    def __str__(self) -> str:
        return str(self.path) + _hash(self.sha256)


@dataclass(frozen=True)
class HubAddress:
    """A file in a model repository on the Hub.

    Attributes:
        repo: `owner/name`.
        revision: Commit, branch or tag.
        file: The path in the repository.
        sha256: Digest that its bytes must have, if one was given.
    """

    repo: str
    revision: str
    file: str
    sha256: str | None = None

    @property
    def is_pinned(self) -> bool:
        """Whether the revision is a commit, so that the address always means the same bytes."""
        return _COMMIT.fullmatch(self.revision) is not None

    def at(self, commit: str) -> HubAddress:
        """The address of this file at another revision."""
        return replace(self, revision=commit)

    def __str__(self) -> str:
        revision = quote(self.revision, safe="")
        return f"{SCHEME}{self.repo}@{revision}/{self.file}{_hash(self.sha256)}"


Address = ShippedName | FilePath | HubAddress


def _hash(sha256: str | None) -> str:
    return f"{_HASH}{sha256}" if sha256 else ""


def is_commit(text: str) -> bool:
    """Whether it is the full name of a commit."""
    return _COMMIT.fullmatch(text) is not None


def is_sha256(text: str) -> bool:
    """Whether it is a sha256 in hexadecimal."""
    return _SHA256.fullmatch(text) is not None


def parse_address(text: str) -> Address:
    """Understand an address.

    Raises:
        UsageError: The text is no address. The message says what is wrong with it.

    >>> parse_address("color")
    ShippedName(name='color', sha256=None)
    >>> parse_address("hf://someone/denoisers/gray.safetensors").revision
    'main'
    """
    body, sha256 = _split_hash(text)
    if not body or not body.isprintable():
        raise UsageError(f"{shown(text)} is no address of weights")
    if body.startswith(SCHEME):
        return _parse_hub(body, sha256)
    if re.match(r"[A-Za-z][A-Za-z0-9+.]+:", body):
        raise UsageError(f"weights on the Hub are addressed as {_FORM}, not {shown(text)}")
    if "/" in body or "\\" in body or body.startswith((".", "~")) or body.endswith(SUFFIX):
        return FilePath(_expanded(body), sha256)
    return ShippedName(body, sha256)


def _expanded(body: str) -> Path:
    try:
        return Path(body).expanduser()
    except RuntimeError as error:  # pathlib's word for an unknown user
        raise UsageError(f"there is no home folder for {shown(body)}") from error


def _split_hash(text: str) -> tuple[str, str | None]:
    body, mark, digits = text.rpartition(_HASH)
    if not mark:
        return text, None
    if not is_sha256(digits.lower()):
        raise UsageError(f"{_HASH} must be followed by 64 hexadecimal digits, not {shown(digits)}")
    return body, digits.lower()


def _parse_hub(body: str, sha256: str | None) -> HubAddress:
    owner, _, rest = body.removeprefix(SCHEME).partition("/")
    place, slash, file = rest.partition("/")
    name, at, revision = place.partition("@")
    revision = unquote(revision) if at else "main"
    if not slash:
        raise UsageError(f"{shown(body)} names no file: the form is {_FORM}")
    for part in (owner, name):
        forbidden = "--" in part or ".." in part or part.endswith(".git")  # by the Hub's rules
        if forbidden or not _REPO_PART.fullmatch(part):
            raise UsageError(f"{shown(part)} can't be part of owner/repo in {shown(body)}")
    if not _REVISION.fullmatch(revision) or ".." in revision or "//" in revision:
        raise UsageError(f"{shown(revision)} can't be a revision in {shown(body)}")
    if not all(_FILE_PART.fullmatch(part) for part in file.split("/")):
        raise UsageError(f"{shown(file)} can't be a file in a repository")
    if not file.endswith(SUFFIX):
        raise UsageError(f"only {SUFFIX} files are loaded, not {shown(file)}")
    return HubAddress(f"{owner}/{name}", revision, file, sha256)
