"""The tags of TIFF and EXIF by their numbers, named once.

Source: TIFF Revision 6.0 (Adobe, 1992), appendix A; the EXIF, GDAL and DNG specifications.
"""

from __future__ import annotations

from enum import IntEnum


class Tag(IntEnum):
    """The numbers of the tags that this program knows."""

    SUBFILE_TYPE = 254
    WIDTH = 256
    HEIGHT = 257
    BITS = 258
    COMPRESSION = 259
    PHOTOMETRIC = 262
    FILL_ORDER = 266
    DESCRIPTION = 270
    STRIP_PLACES = 273
    ORIENTATION = 274
    SAMPLES_PER_PIXEL = 277
    ROWS_PER_STRIP = 278
    STRIP_SIZES = 279
    X_RESOLUTION = 282
    Y_RESOLUTION = 283
    PLANAR = 284
    T4_OPTIONS = 292
    T6_OPTIONS = 293
    RESOLUTION_UNIT = 296
    PREDICTOR = 317
    COLOR_MAP = 320
    TILE_WIDTH = 322
    TILE_HEIGHT = 323
    TILE_PLACES = 324
    TILE_SIZES = 325
    SUB_DIRECTORIES = 330
    EXTRA_SAMPLES = 338
    SAMPLE_FORMAT = 339
    XMP = 700
    IPTC = 33723
    PHOTOSHOP = 34377
    EXIF_DIRECTORY = 34665
    ICC_PROFILE = 34675
    GPS_DIRECTORY = 34853
    ISO = 34855  # PhotographicSensitivity, in the directory of EXIF
    PIXEL_WIDTH = 40962  # PixelXDimension, in the directory of EXIF
    PIXEL_HEIGHT = 40963
    INTEROPERABILITY_DIRECTORY = 40965
    GDAL_NO_DATA = 42113
    MULTI_PICTURE_COUNT = 45057  # of the Multi-Picture Format (CIPA DC-007)
    DNG_VERSION = 50706


LAYOUT = frozenset(
    {254, 255, 256, 257, 258, 259, 262, 263, 264, 265, 266, 273, 277, 278, 279, 280, 281, 284}
    | {288, 289, 290, 291, 292, 293, 297, 301, 317, 318, 319, 320, 321, 322, 323, 324, 325, 330}
    | {332, 333, 334, 336, 338, 339, 340, 341, 342, 347, 512, 513, 514, 515, 517, 518, 519, 520}
    | {521, 529, 530, 531, 532}
)
"""The tags that lay out and color a file's pixels, which are not carried over to another file."""
