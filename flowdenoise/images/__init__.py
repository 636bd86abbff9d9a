"""Image files in and out: whatever kind comes in, the same kind goes out.

`read` decodes a file into a `Picture`, whose bands become tensors with `Picture.tensor`;
`quantize` brings a result back to samples, and `write` encodes them as the file was.
"""

from flowdenoise.images.formats import SUFFIXES, format_of, looks_like_image, suffix_of
from flowdenoise.images.metadata import Metadata
from flowdenoise.images.picture import Picture, quantize
from flowdenoise.images.pillow import from_pillow, to_pillow
from flowdenoise.images.reading import MAX_PIXELS, read
from flowdenoise.images.shortcuts import jpeg_round_trip, read_uint8, write_png
from flowdenoise.images.writing import QUALITY, encode, write, write_bytes

__all__ = [
    "MAX_PIXELS",
    "QUALITY",
    "SUFFIXES",
    "Metadata",
    "Picture",
    "encode",
    "format_of",
    "from_pillow",
    "jpeg_round_trip",
    "looks_like_image",
    "quantize",
    "read",
    "read_uint8",
    "suffix_of",
    "to_pillow",
    "write",
    "write_bytes",
    "write_png",
]
