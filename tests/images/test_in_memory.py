"""What a program holds goes in and comes out in the same kind."""

import io

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given
from PIL import Image

from flowdenoise.errors import ImageReadError, UsageError
from flowdenoise.images.in_memory import Held, unpack

shapes = st.one_of(
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.tuples(st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 2, 3, 4])),
)
types = st.sampled_from(
    ["uint8", "uint16", "<u2", ">u2", "float16", "float32", "float64", "<f4", ">f4", ">f8"]
)


@given(shape=shapes, dtype=types)
def test_an_array_comes_back_as_it_was(shape: tuple[int, ...], dtype: str) -> None:
    rng = np.random.default_rng(0)
    values = rng.uniform(0, 1 if np.dtype(dtype).kind == "f" else 255, shape).astype(dtype)
    pictures, restore = unpack(values)
    back, _ = restore(pictures)
    assert back.dtype == values.dtype
    assert back.shape == values.shape
    assert np.allclose(back, values, atol=1e-7)
    if len(shape) == 3 and shape[2] in (2, 4):
        assert pictures[0].alpha is not None
        assert pictures[0].channels == shape[2] - 1


@given(
    leading=st.sampled_from([(), (1,), (3,), (1, 1), (2, 3), (4, 1)]),
    dtype=st.sampled_from(
        [torch.uint8, torch.float16, torch.bfloat16, torch.float32, torch.float64]
    ),
)
def test_a_tensor_comes_back_as_it_was(leading: tuple[int, ...], dtype: torch.dtype) -> None:
    values = (torch.rand(*leading, 5, 7) * (255 if dtype == torch.uint8 else 1)).to(dtype)
    pictures, restore = unpack(values)
    assert len(pictures) == (leading[0] if len(leading) == 2 else 1)
    back, _ = restore(pictures)
    assert back.dtype == dtype
    assert back.shape == values.shape
    assert torch.allclose(back.double(), values.double(), atol=1e-6)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P", "1", "CMYK", "I;16"])
def test_a_pillow_image_comes_back_as_one(mode: str) -> None:
    array = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    image = Image.fromarray(array)
    if mode == "I;16":
        image = Image.fromarray(array[..., 0].astype(np.uint16) * 257)
    elif mode != "RGB":
        image = image.convert(mode)
    image.info["note"] = "kept"
    pictures, restore = unpack(image)
    back, _ = restore(pictures)
    assert isinstance(back, Image.Image)
    assert back.size == image.size
    assert back.info["note"] == "kept"
    if mode in ("L", "LA", "RGB", "RGBA", "I;16"):
        assert back.mode == mode
        assert np.array_equal(np.asarray(back), np.asarray(image))


def test_a_profile_of_old_colors_is_dropped() -> None:
    image = Image.new("CMYK", (4, 4))
    image.info["icc_profile"] = b""
    _, restore = unpack(image)
    assert "icc_profile" not in restore(unpack(image)[0])[0].info


def test_bytes_come_back_as_bytes_of_the_same_format() -> None:
    file = io.BytesIO()
    Image.new("RGB", (5, 4), (10, 20, 30)).save(file, "WEBP", lossless=True)
    pictures, restore = unpack(file.getvalue())
    with Image.open(io.BytesIO(restore(pictures)[0])) as back:
        assert back.format == "WEBP"
        assert back.getpixel((0, 0)) == (10, 20, 30)


def test_floats_may_have_highlights_far_above_white() -> None:
    bright = np.full((40, 40, 3), 0.3, np.float32)
    bright[3, 4] = 900
    ((picture,), _) = unpack(bright)
    assert picture.samples.max() == 900


@pytest.mark.parametrize(("kind", "lossless"), [("JPEG", False), ("PNG", True)])
def test_an_opened_file_says_whether_its_compression_lost_something(
    kind: str, lossless: bool
) -> None:
    file = io.BytesIO()
    Image.new("RGB", (16, 16), (90, 80, 70)).save(file, kind)
    with Image.open(file) as opened:
        assert unpack(opened)[0][0].lossless is lossless


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (np.zeros((3, 5, 5), np.uint8), r"\(3, 5, 5\)"),
        (np.zeros((0, 5, 3), np.uint8), r"\(0, 5, 3\)"),
        (np.zeros(7), r"\(7,\)"),
        (np.zeros((4, 4), np.int32), "int32"),
        (np.zeros((4, 4), bool), "bool"),
        (np.array([[np.nan]]), "finite"),
        (np.array([[np.inf]]), "finite"),
        (np.array([[1e300]]), r"as large as 1e\+300, while white is 1.0"),
        (np.array([[-1e19]], np.float32), r"as large as 1e\+19, while white is 1.0"),
        (np.full((4, 4, 3), 118.5), "divide them by the value of their white, such as 255"),
        (torch.full((3, 4, 4), 70.0), "such as 255"),
        (np.ma.masked_array(np.zeros((4, 4)), np.eye(4)), "has no mask"),
        (torch.zeros(2, 5, 5), r"\(2, 5, 5\)"),
        (torch.zeros(5), r"\(5,\)"),
        (torch.full((1, 3, 3), torch.nan), "finite"),
        (torch.zeros(1, 3, 3, dtype=torch.int64), "int64"),
        (torch.full((1, 3, 3), 1e19), "while white is 1.0"),
        (torch.zeros(3, 0, 32), r"not empty, and this is \(3, 0, 32\)"),
        (torch.zeros(0, 3, 32, 32), r"not empty, and this is \(0, 3, 32, 32\)"),
        (torch.zeros(3, 8, 8).to_sparse(), "sparse"),
        (torch.zeros(3, 8, 8, device="meta"), "meta"),
        (Image.new("RGB", (0, 0)), "this is 0x0"),
        (Image.new("L", (5, 0)), "this is 5x0"),
        (Image.new("RGB", (0, 5)), "this is 0x5"),
        ("not a path here", "str"),
        (None, "NoneType"),
    ],
)
def test_what_is_no_picture_is_refused(wrong: Held, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        unpack(wrong)


def test_bytes_that_are_no_picture_are_refused() -> None:
    with pytest.raises(ImageReadError):
        unpack(b"not a picture")
