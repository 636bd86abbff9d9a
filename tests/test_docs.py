"""What README, docs and docstrings show is there: commands, files, headings, examples."""

from __future__ import annotations

import doctest
import importlib
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from flowdenoise.cli.app import app

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(ROOT.glob("docs/**/*.md"))]
MODULES = sorted((ROOT / "flowdenoise").rglob("*.py"))
FOLDERS = "docs|examples|flowdenoise|tests|weights"


def commands(text: str) -> Iterator[list[str]]:
    """The words behind `flowdenoise` in each command that a page shows."""
    shown = re.findall(r"`(flowdenoise [^`]+)`", text)
    for block in re.findall(r"```\w*\n(.*?)```", text, re.DOTALL):
        shown += block.replace("\\\n", " ").splitlines()
    for line in shown:
        found = re.search(r"(?:^|\s)flowdenoise ([a-z].*)", line)
        if found is not None:
            yield shlex.split(
                re.split(r"  #| > | \| ", found[1])[0].translate(str.maketrans("", "", "[]"))
            )


def unknown(words: list[str]) -> list[str]:
    """The words of a command that name no command or no option of it."""
    here: Any = get_command(app)
    while hasattr(here, "commands"):
        word = words[0] if words else ""
        if word not in here.commands and here.name == "benchmark":
            word, words = "set", ["set", *words]  # the name of a set is enough
        if word not in here.commands:
            return [word] if word else []
        here, words = here.commands[word], words[1:]
    options = {name for option in here.params for name in (*option.opts, *option.secondary_opts)}
    given = {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)}
    return sorted(given - options - {"--help"})


def slug(heading: str) -> str:
    """The anchor of a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-")


def test_a_word_that_is_no_option_is_seen() -> None:
    assert unknown(["denoise", "x.png", "--colour", "--luma", "1"]) == ["--colour"]
    assert unknown(["benchmark", "bsd68", "--sigma", "25", "-x"]) == ["-x"]
    assert unknown(["denose", "x.png"]) == ["denose"]
    assert len(list(commands(PAGES[0].read_text("utf-8")))) > 20


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_is_shown_has_these_options(page: Path) -> None:
    wrong = {" ".join(words): unknown(words) for words in commands(page.read_text("utf-8"))}
    assert not {command: words for command, words in wrong.items() if words}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_is_named_is_there(page: Path) -> None:
    text = page.read_text("utf-8")
    named = set(re.findall(rf"(?<![\w/.-])((?:{FOLDERS})/[\w/.-]+\.(?:py|md|csv|svg|png))", text))
    assert not [name for name in named if not (ROOT / name).exists()]
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", text):
        path, _, anchor = target.partition("#")
        file = page.parent / path if path else page
        assert file.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", file.read_text("utf-8"), re.MULTILINE)
            assert anchor in map(slug, headings), target


EXAMPLES = [path for path in MODULES if re.search(r"^ *>>> ", path.read_text(), re.MULTILINE)]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: str(path.relative_to(ROOT)))
def test_examples_in_docstrings_do_what_they_say(path: Path) -> None:
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    found = doctest.testmod(importlib.import_module(name))
    assert found.failed == 0
    assert found.attempted
