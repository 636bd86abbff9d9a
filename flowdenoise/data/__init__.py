"""Corpora of images and the patches that training draws from them."""
