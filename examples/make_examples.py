"""Make the example pictures beside this script from CC0 photographs that scikit-image ships.

`coffee` is by Rachel Michetti, `chelsea` (the cat) by Stéfan van der Walt, `camera` by Lav
Varshney; all three gave them up under CC0. The noisy ones get Gaussian noise, are clipped and
rounded to 8 bits, as a file has to be.

    python examples/make_examples.py
"""

from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data

HERE = Path(__file__).parent


def save(name: str, pixels: np.ndarray) -> None:
    """Write one picture as a PNG."""
    Image.fromarray(pixels).save(HERE / f"{name}.png", optimize=True)


def noisy(pixels: np.ndarray, sigma: float) -> np.ndarray:
    """Add noise of deviation `sigma` on the 0 to 255 scale; 8-bit result."""
    noise = sigma * np.random.default_rng(0).standard_normal(pixels.shape)
    return (pixels + noise).clip(0, 255).round().astype(np.uint8)


if __name__ == "__main__":
    coffee = data.coffee()[60:316, 130:514]
    cat = data.chelsea()[20:276, 60:444]
    camera = data.camera()[80:336, 120:376]
    save("coffee", coffee)
    save("cat", cat)
    save("camera", camera)
    save("coffee-noisy", noisy(coffee, 25))
    save("camera-noisy", noisy(camera, 15))
