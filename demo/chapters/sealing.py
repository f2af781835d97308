"""5. The log is sealed: a signed checkpoint, tiles, proofs, all checked here with the core alone."""

from __future__ import annotations

from demo.stage import Stage
from tallystick.base64s import from_base64
from tallystick.client.http import Client
from tallystick.merkle import leaf_hash, verify_consistency, verify_inclusion
from tallystick.tree_head import LogKeys, SignedCheckpoint, parse_log_keys, verify_tree_head


def seal(stage: Stage) -> None:
    """Publish; check signatures, the prop's inclusion, and that the log only grew since the first checkpoint."""
    stage.screen.chapter(
        "5",
        "The log is sealed",
        "The log signs all its entries at once, in a checkpoint. Whoever keeps one can tell if anything before it is "
        "ever changed, removed or slipped in.",
    )
    client = stage.registrar
    keys = log_keys(client)
    before = checkpoint(client, keys)
    client.publish()
    after = checkpoint(client, keys)
    stage.screen.good(
        f"checkpoint of {after.checkpoint.size} entries, root {after.checkpoint.root.hex()[:32]}…",
        "signed with Ed25519, ML-DSA-44 and, for contracts, secp256k1 (EIP-712)",
    )
    position = check_inclusion(client, stage.ids["prop"], after)
    stage.screen.good(f"the prop's registration stands at position {position}: inclusion proof verified")
    check_growth(client, before, after)
    stage.screen.good(
        f"consistency proof verified: {before.checkpoint.size} → {after.checkpoint.size} entries: it only grew"
    )
    public = stage.service.folder / "log" / "public" / "checkpoint"
    stage.record("checkpoint", public, f"the prop is one of {after.checkpoint.size} entries; the log only grew")


def log_keys(client: Client) -> LogKeys:
    """The log's verifier keys."""
    return parse_log_keys(client.fetch("/vkeys").decode().splitlines())


def checkpoint(client: Client, keys: LogKeys) -> SignedCheckpoint:
    """The published checkpoint, its signatures verified."""
    return verify_tree_head(client.fetch("/checkpoint"), keys)


def check_inclusion(client: Client, subject: str, head: SignedCheckpoint) -> int:
    """Verify that the first event on ``subject`` is in the tree; its position."""
    position = int(client.events(subject=subject, limit=1)["events"][0]["position"])
    entry = client.fetch(f"/v1/entries/{position}")
    path = [from_base64(text) for text in client.inclusion(position, head.checkpoint.size)["path"]]
    verify_inclusion(leaf_hash(entry), position, head.checkpoint.size, path, head.checkpoint.root)
    return position


def check_growth(client: Client, before: SignedCheckpoint, after: SignedCheckpoint) -> None:
    """Verify that the second tree extends the first."""
    old, new = before.checkpoint, after.checkpoint
    path = [from_base64(text) for text in client.consistency(old.size, new.size)["path"]]
    verify_consistency(old.size, old.root, new.size, new.root, path)
