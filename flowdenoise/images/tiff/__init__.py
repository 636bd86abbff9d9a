"""TIFF: its tags, its directories of tags, its pixels, and how files are read and written.

```
tags       the tags of TIFF and EXIF by their numbers
directory  directories of tags, in TIFF files and EXIF blocks
pages      the pages of a file
described  the metadata of a page
colors     what the numbers of a page mean as colors
pixels     strips and tiles as arrays
read       a file becomes pictures
write      pictures become a file
```
"""
