"""What machines may do with an asset, in the words of CAWG (Training and Data Mining 1.1) and of the licence."""

from __future__ import annotations

from typing import Any

from tallystick.errors import VerificationFailed
from tallystick.licence.clauses import AiUse

TRAINING = "cawg.training-mining"
FLAGS = {
    "data_mining": "cawg.data_mining",
    "inference": "cawg.ai_inference",
    "generative_training": "cawg.ai_generative_training",
    "other_training": "cawg.ai_training",
}
"""The four flags of the term ``ai_use``, and the entry that says the same."""
_USES = {"permitted": "allowed", "prohibited": "notAllowed"}


def training_mining(flags: AiUse) -> dict[str, Any]:
    """The assertion's value: all four entries, and nothing else."""
    return {"entries": {entry: {"use": _USES[getattr(flags, name)]} for name, entry in FLAGS.items()}}


def require_agreement(value: Any, flags: AiUse) -> None:
    """Raise VerificationFailed unless the assertion says exactly what the licence's term says."""
    if value != training_mining(flags):
        raise VerificationFailed(f"{TRAINING} says something else than the licence's term ai_use")
