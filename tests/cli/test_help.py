"""What every command says when it is asked for help, or for nothing."""

from __future__ import annotations

import re

import pytest

from .conftest import Invoke
from .test_defaults import COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_help_leaves_no_default_or_word_to_be_filled_in(invoke: Invoke, command: str) -> None:
    answer = invoke(*command.split(), "--help")
    assert answer.status == 0, answer.err
    told = answer.text.partition("Options")[2]  # behind the usage, where arguments have braces
    assert set(re.findall(r"\{.*?\}", told)) <= {"{stem}", "{suffix}", "{index}"}


def test_help_names_all_formats_that_are_written(invoke: Invoke) -> None:
    words = set(re.findall(r"\w+", invoke("denoise", "--help").text))
    assert {"PNG", "JPEG", "TIFF", "WebP", "BMP", "AVIF", "PNM", "TGA"} <= words


@pytest.mark.parametrize("command", ["denoise", "simulate", "info", "score"])
def test_a_command_without_pictures_says_what_it_needs(invoke: Invoke, command: str) -> None:
    answer = invoke(command)
    assert answer.status == 2
    assert "Missing argument" in answer.err
