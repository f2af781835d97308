"""Chains and clocks: the embedded chain, any JSON-RPC chain, outbox, scheduler, offline proofs of anchors."""
