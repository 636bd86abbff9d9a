"""TIFF: its tags, its directories of tags, its pixels, and how files are read and written."""
