"""Capability one: from any picture, a concept image of the same motif, in the colours that a prompt asks for."""

from __future__ import annotations

import hashlib
from pathlib import Path

from PIL import Image, ImageOps

SIDE = 256


def make(source: Path, prompt: str, destination: Path) -> None:
    """Write a PNG. A source that is no picture gives one from its bytes, so that every asset has a concept."""
    image = ImageOps.fit(_open(source), (SIDE, SIDE)).convert("L")
    hue = hashlib.sha256(prompt.encode()).digest()
    dark, light = (hue[0] // 3, hue[1] // 3, hue[2] // 3), (255, 200 + hue[3] % 56, 120 + hue[4] % 120)
    ImageOps.colorize(ImageOps.autocontrast(image), dark, light).save(destination, "PNG")


def _open(source: Path) -> Image.Image:
    if source.suffix.lower() in (".png", ".jpg", ".jpeg", ".webp"):
        with Image.open(source) as image:
            return image.convert("RGB")
    with source.open("rb") as file:
        seed = hashlib.file_digest(file, "sha256").digest()
    return Image.frombytes("L", (16, 16), seed * 8).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
