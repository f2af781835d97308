"""Capability two: from a picture a relief mesh, and from the mesh a material for it."""

from __future__ import annotations

import json
from pathlib import Path

from PIL import Image

GRID = 48


def make_mesh(picture: Path, height: float, destination: Path) -> None:
    """Write a Wavefront OBJ: brightness becomes height."""
    with Image.open(picture) as image:
        grey = image.convert("L").resize((GRID, GRID), Image.Resampling.BOX)
    brightness = grey.tobytes()
    lines = ["# relief of a picture"]
    for row in range(GRID):
        for column in range(GRID):
            level = brightness[row * GRID + column] / 255 * height
            lines.append(f"v {column / (GRID - 1):.4f} {level:.4f} {row / (GRID - 1):.4f}")
    for row in range(GRID - 1):
        for column in range(GRID - 1):
            a = row * GRID + column + 1
            lines += [f"f {a} {a + 1} {a + GRID}", f"f {a + 1} {a + GRID + 1} {a + GRID}"]
    destination.write_text("\n".join(lines) + "\n", encoding="ascii")


def make_material(mesh: Path, metalness: float, destination: Path) -> None:
    """Write a glTF material whose roughness follows the mesh's relief."""
    heights = [float(line.split()[2]) for line in mesh.read_text("ascii").splitlines() if line.startswith("v ")]
    relief = max(heights) - min(heights)
    material = {
        "name": "aged bronze",
        "pbrMetallicRoughness": {
            "baseColorFactor": [0.55, 0.35, 0.17, 1.0],
            "metallicFactor": round(metalness, 3),
            "roughnessFactor": round(min(1.0, 0.25 + relief), 3),
        },
    }
    destination.write_text(json.dumps(material, indent=1) + "\n", encoding="ascii")
