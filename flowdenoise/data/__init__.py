"""Corpora of images and the patches that training draws from them.

```
sources      which images are clean, noisy and for validation
coco         MS COCO, and the paper's way of dividing it
pairs        photographs with noise, and the truth
corpus       many decoded images in one tensor of bytes
patches      random patches of a corpus, turned and with noise
coloring     their colors varied
remote_file  files that lie somewhere else, and how they are known again
download     such files fetched, with no wrong byte kept
archives     archives unpacked, all files or none
web          the door to the network: http and https, and what goes wrong there
```
"""

__all__ = ["coloring", "corpus", "download", "pairs", "patches", "remote_file", "sources"]
