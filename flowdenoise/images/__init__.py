"""Image files in and out: whatever kind comes in, the same kind goes out.

`read` decodes a file into a `Picture`, whose bands become tensors with `Picture.tensor`;
`quantize` brings a result back to samples, and `write` encodes them as the file was.

```
picture          a decoded picture, and its way to tensors and back
formats          the table: how each format is recognized, read and written
reading          a file becomes a picture
writing          a picture becomes a file, whole or not at all
finding          which pictures files, folders and patterns name
ranges           black and white of pictures whose type does not say
limits           how many pixels and how much memory a file may take
fitting          what a format can't hold is converted, and named in words
metadata         what a picture carries besides its pixels
ends             where a picture ends in a stream
canvas           an upright picture while it is decoded
png, png_chunks, jpeg, webp, pnm, tiff/  formats that are partly or wholly ours
pillow_images    pictures to and from Pillow's images
pillow_formats   formats that Pillow decodes and encodes alone
in_memory        pictures as programs hold them: bytes, arrays, tensors
native_messages  keeps decoders from printing
drawing, sheets  figures made of pictures
turns            the eight ways to turn and mirror an image
borders          what lies beyond the borders of an image
```
"""

from flowdenoise.images.finding import OTHER_KINDS, Found, LeftOut, Search, check_named, find
from flowdenoise.images.formats import (
    HEAD,
    SUFFIXES,
    WRITABLE,
    format_named,
    format_of,
    is_lossy,
    is_written,
    lack_of,
    looks_like_image,
    sniff,
    suffix_of,
    writable_suffixes,
)
from flowdenoise.images.jpeg import jpeg_round_trip
from flowdenoise.images.limits import MAX_PIXELS
from flowdenoise.images.metadata import Metadata
from flowdenoise.images.picture import Picture, Samples, as_floats, quantize, white
from flowdenoise.images.pillow_images import QUALITY, from_pillow, to_pillow
from flowdenoise.images.reading import is_followed, read, read_pages, read_uint8
from flowdenoise.images.writing import encode, write, write_bytes, write_png

__all__ = [
    "HEAD",
    "MAX_PIXELS",
    "OTHER_KINDS",
    "QUALITY",
    "SUFFIXES",
    "WRITABLE",
    "Found",
    "LeftOut",
    "Metadata",
    "Picture",
    "Samples",
    "Search",
    "as_floats",
    "borders",
    "check_named",
    "drawing",
    "encode",
    "find",
    "format_named",
    "format_of",
    "from_pillow",
    "in_memory",
    "is_followed",
    "is_lossy",
    "is_written",
    "jpeg_round_trip",
    "lack_of",
    "looks_like_image",
    "quantize",
    "read",
    "read_pages",
    "read_uint8",
    "sheets",
    "sniff",
    "suffix_of",
    "to_pillow",
    "turns",
    "white",
    "writable_suffixes",
    "write",
    "write_bytes",
    "write_png",
]
