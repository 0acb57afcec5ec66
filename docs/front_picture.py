"""Draws the README's picture from the figures of a demo: python docs/front_picture.py demo."""

import sys
from pathlib import Path

from PIL import Image

NAMES = ("decisions-relu", "decisions-tanh", "accuracy-against-linf-radius")
HEIGHT, GAP = 480, 30


def main() -> None:
    """Puts three figures side by side on white, at one height."""
    figures = Path(sys.argv[1]) / "figures"
    images = [Image.open(figures / f"{name}.png").convert("RGBA") for name in NAMES]
    scaled = [image.resize((image.width * HEIGHT // image.height, HEIGHT)) for image in images]
    width = sum(image.width for image in scaled) + GAP * (len(scaled) + 1)
    page = Image.new("RGBA", (width, HEIGHT + 2 * GAP), "white")
    left = GAP
    for image in scaled:
        page.alpha_composite(image, (left, GAP))
        left += image.width + GAP
    page.convert("RGB").save(Path(__file__).parent / "_static" / "demo.png", optimize=True)


if __name__ == "__main__":
    main()
