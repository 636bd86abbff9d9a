"""Corpora of images and the patches that training draws from them."""

__all__ = ["coloring", "corpus", "download", "pairs", "patches", "remote_file", "sources"]
