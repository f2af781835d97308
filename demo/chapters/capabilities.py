"""3. Two generative capabilities are filed, signed, tested, graded and approved."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from demo.capabilities import picture, shape
from demo.stage import Stage, expect_refusal
from tallystick.digests import digest_pair
from tallystick.events.capability import CapabilityFiling, CapabilityTest, Weights
from tallystick.identifiers import Letter
from tallystick.keys import LocalSigner
from tallystick.modelsig import fingerprint, sign_model


@dataclass(frozen=True)
class Model:
    """A capability as the provider knows it."""

    name: str
    version: str
    program: ModuleType
    consumes: tuple[str, ...]
    produces: tuple[str, ...]


MODELS = {
    "picture": Model("lantern-picture", "1.0.0", picture, ("any",), ("image",)),
    "shape": Model("lantern-shape", "1.2.0", shape, ("image", "model-3d"), ("model-3d", "material")),
}


def file(stage: Stage) -> None:
    """File both; a signature by a key that is not the provider's is refused."""
    stage.screen.chapter(
        "3",
        "Two generative capabilities are filed",
        "Programs that generate content are filed by their provider: which version, which weights, which signature.",
    )
    for key, model in MODELS.items():
        _file(stage, key, model, refuse_first=key == "picture")


def approve(stage: Stage, key: str) -> None:
    """Test, grade, approve."""
    laboratory, capability = stage.speakers["laboratory"], stage.ids[key]
    suite = digest_pair(inspect.getsource(MODELS[key].program).encode())
    laboratory.say("capability.test", capability, CapabilityTest(suite, digest_pair(b"report"), "pass", "0.97"))
    stage.registrar.submit("capability.grade", {"grade": "A", "scheme": "demo-2026"}, subject=capability)
    answer = stage.registrar.submit("capability.approve", {"grounds": "requirements-met"}, subject=capability)
    stage.screen.good(f"{MODELS[key].name} passed its test, grade A, approved at position {answer['position']}")


def _file(stage: Stage, key: str, model: Model, *, refuse_first: bool) -> None:
    provider, capability = stage.speakers["provider"], stage.new(Letter.CAPABILITY)
    weights = _weights(Path(inspect.getfile(model.program)))

    def filing(signer: LocalSigner) -> CapabilityFiling:
        signature = sign_model(signer, capability, model.version, weights)
        return CapabilityFiling(model.name, model.version, True, model.consumes, model.produces, weights, signature)

    if refuse_first:
        stranger = filing(LocalSigner.generate("ed25519"))
        expect_refusal(
            stage,
            "a model signature by a key that is not the provider's",
            "bad-model-signature",
            lambda: provider.say("capability.file", capability, stranger),
        )
    body = filing(provider.signer)
    answer, _ = provider.say("capability.file", capability, body)
    stage.ids[key], stage.ids[f"{key}-signature"] = capability, fingerprint(body.model_signature)
    stage.screen.good(
        f"{model.name} {model.version} {capability} filed at position {answer['position']}",
        f"weights {weights.sha256[:32]}…, signed with the provider's registered key",
    )
    stage.record("capability", capability, f"{model.name} {model.version}: the provider's key signed these weights")


def _weights(path: Path) -> Weights:
    data = path.read_bytes()
    pair = digest_pair(data)
    return Weights(pair.sha256, pair.sm3, len(data))
