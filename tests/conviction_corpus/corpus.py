"""The corpus as files: conviction proofs, the trust file by which they are judged, and what must come of each."""

from __future__ import annotations

import json

from tallystick.events.log import AnchorTarget
from tallystick.evm.chains import NamedBlock, TrustedChain
from tallystick.evm.conviction_proof import ConvictionProof, encode
from tallystick.key_history import Replacement
from tallystick.schema import write
from tallystick.trust import TrustFile, Witnesses, trusted_log
from tests.conviction_corpus.faults import faults
from tests.conviction_corpus.good import good
from tests.conviction_corpus.scene import PUBLIC_GENESIS, ROTATED_AT, SUCCESSOR, WORLD, Scene, signers

AT = "2026-12-01T00:00:00Z"


def corpus() -> dict[str, bytes]:
    """Path within fixtures/convictions -> file. The same bytes on every machine."""
    scene = Scene()
    accepted = good(scene)
    files = {f"good/{name}.json": encode(proof) for name, proof in accepted.items()}
    bad = {}
    for name, data, expected in faults(scene):
        if f"bad/{name}.json" in files:
            raise ValueError(f"two faults are named {name}")
        files[f"bad/{name}.json"], bad[name] = data, expected
    files["trust.json"] = _json(write(_trust(scene, accepted)))
    listed = {name: "operator" if proof.court.sealer else "named-block" for name, proof in accepted.items()}
    files["expected.json"] = _json({"at": AT, "good": listed, "bad": bad})
    return files


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True) + "\n").encode()


def _trust(scene: Scene, accepted: dict[str, ConvictionProof]) -> TrustFile:
    """One log, which replaced its authority once; the operators who seal; one block of the public chain."""
    replaced = Replacement(ROTATED_AT, "2026-03-01T00:00:00Z", "authority", SUCCESSOR.public.to_text())
    courts = {(one.court.chain_id, one.court.genesis): one.court for one in accepted.values() if one.court.sealer}
    targets = tuple(
        # Any contract there: what counts is who seals the chain.
        AnchorTarget(
            "evm", one.chain_id, one.genesis, "00" * 20, "00" * 32, "00" * 32, "keccak256", "operator", one.sealer
        )
        for one in courts.values()
    )
    header = scene.mined.block.header
    named = (NamedBlock(header.block_number, header.hash.hex()),)
    return TrustFile(
        v=3,
        publisher="The test court",
        issued="2026-01-01T00:00:00Z",
        logs=(trusted_log(signers().keys, WORLD.roles["registrar"].public, (replaced,)),),
        exporters=(),
        c2pa_roots=(),
        evm_targets=targets,
        tsa_roots=(),
        independent_time=False,
        witnesses=Witnesses((), 0),
        status_max_age=86_400,
        required=(),
        evm_chains=(TrustedChain(scene.public.court.chain_id, PUBLIC_GENESIS, "named-blocks", named),),
    )
