"""Files of TOML that settings name: chains, timestamp authorities."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from anchors.errors import AnchorError


def read_toml(path: Path, setting: str, wrong: type[AnchorError]) -> dict[str, Any]:
    """The document. Raises ``wrong``, which says what is the matter with the file; ``setting`` is what names it."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise wrong(f"{path}: {error.strerror}: correct {setting}") from None
    except (ValueError, RecursionError) as error:
        raise wrong(f"{path} is no TOML: {error}") from None
