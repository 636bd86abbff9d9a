"""The one form of address for weights."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowdenoise.errors import UsageError
from flowdenoise.weights.address import FilePath, HubAddress, ShippedName, parse_address

COMMIT = "0123456789abcdef0123456789abcdef01234567"
SHA256 = "ab" * 32


def test_a_bare_word_is_a_shipped_name_even_if_such_a_file_exists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "color").write_bytes(b"not the shipped weights")
    assert parse_address("color") == ShippedName("color")


@pytest.mark.parametrize(
    "text", ["./color", "folder/color", "color.safetensors", r"C:\weights\color", "/color", "."]
)
def test_what_looks_like_a_path_is_one(text: str) -> None:
    assert parse_address(text) == FilePath(Path(text))


def test_a_tilde_is_the_home_folder() -> None:
    assert parse_address("~/a.safetensors") == FilePath(Path.home() / "a.safetensors")


def test_an_address_on_the_hub_has_repository_revision_and_file() -> None:
    parsed = parse_address(f"hf://someone/some-repo@{COMMIT}/sub/a.safetensors")
    assert parsed == HubAddress("someone/some-repo", COMMIT, "sub/a.safetensors")
    assert parsed.is_pinned


def test_without_a_revision_it_is_main_and_not_pinned() -> None:
    parsed = parse_address("hf://a/b/c.safetensors")
    assert parsed == HubAddress("a/b", "main", "c.safetensors")
    assert not parsed.is_pinned


def test_a_revision_with_a_slash_is_written_with_percent() -> None:
    parsed = parse_address("hf://a/b@refs%2Fpr%2F1/c.safetensors")
    assert parsed == HubAddress("a/b", "refs/pr/1", "c.safetensors")


@pytest.mark.parametrize("body", ["color", "./a.safetensors", "hf://a/b/c.safetensors"])
def test_every_form_may_carry_a_hash(body: str) -> None:
    assert parse_address(f"{body}#sha256={SHA256.upper()}").sha256 == SHA256
    assert parse_address(body).sha256 is None


@pytest.mark.parametrize(
    "text",
    [
        "hf://a/b@v1/c.safetensors",
        f"hf://a/b@{COMMIT}/d/c.safetensors#sha256={SHA256}",
        "hf://a/b@refs%2Fpr%2F1/c.safetensors",
        "color",
    ],
)
def test_an_address_prints_as_it_is_written(text: str) -> None:
    assert str(parse_address(text)) == text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no address"),
        ("a\nb", "no address"),
        ("~no-such-user/a.safetensors", "no home folder"),
        ("color#sha256=123", "64 hexadecimal digits"),
        ("hf://a/b", "names no file"),
        ("hf://a", "names no file"),
        ("hf://a/b@main", "names no file"),
        ("hf://a/b@main/", "can't be a file"),
        ("hf://a/b@/c.safetensors", "can't be a revision"),
        ("hf:a/b/c.safetensors", "hf://owner/repo"),
        ("https://huggingface.co/a/b", "hf://owner/repo"),
        ("hf://a/b@main/c.bin", r"only \.safetensors"),
        ("hf://a/b@main/pytorch_model.pt", r"only \.safetensors"),
        ("hf://../b/c.safetensors", "owner/repo"),
        ("hf://a/..@main/c.safetensors", "owner/repo"),
        ("hf://a/b--c/c.safetensors", "owner/repo"),
        ("hf://a/b.git/c.safetensors", "owner/repo"),
        ("hf://a/b@../c.safetensors", "can't be a revision"),
        ("hf://a/b@..%2f..%2fx/c.safetensors", "can't be a revision"),
        ("hf://a/b@a%2f..%2fx/c.safetensors", "can't be a revision"),
        ("hf://a/b@main/../../c.safetensors", "can't be a file"),
        ("hf://a/b@main//c.safetensors", "can't be a file"),
        ("hf://a/b@main/d/./c.safetensors", "can't be a file"),
        (r"hf://a/b@main/..\c.safetensors", "can't be a file"),
        ("hf://a/b@main/C:c.safetensors", "can't be a file"),
        ("hf://a/b@main/%2e%2e/c.safetensors", "can't be a file"),
        ("hf://a/b@main/c.safetensors?x=1", "can't be a file"),
    ],
)
def test_what_is_no_address_is_refused_with_the_reason(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        parse_address(text)
    assert "\n" not in str(caught.value)


@given(st.text(alphabet=st.sampled_from("a./\\@:%~#-\n\0é") | st.characters(), max_size=40))
def test_no_text_leads_out_of_a_repository_or_fails_otherwise(rest: str) -> None:
    try:
        parsed = parse_address("hf://" + rest)
    except UsageError:
        return
    assert isinstance(parsed, HubAddress)
    parts = [*parsed.repo.split("/"), *parsed.file.split("/"), *parsed.revision.split("/")]
    assert not {"", ".", ".."} & set(parts)
    assert "\\" not in str(parsed)
