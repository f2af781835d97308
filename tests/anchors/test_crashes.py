"""The crash table: every step of the worker fails before or after it was done; then all is as if nothing had been.

Each step is hit twice where it happens twice (deployment, anchor), once by a
death of the process (files reopened) and once by an error in a process that goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from anchors.embedded.chain import EmbeddedChain
from anchors.outbox import Outbox
from anchors.packer import Packer
from tallystick.evm.registry import commitment
from tests.anchors.support import Bench, MemoryLog, authority_address

STEPS: list[tuple[type, str, int]] = [
    (Outbox, "put_target", 1),
    (Outbox, "add_attempt", 1),
    (EmbeddedChain, "submit", 1),
    (Outbox, "attempt_sent", 1),
    (Outbox, "announce", 1),
    (Outbox, "mark_named", 1),
    (Outbox, "prepare", 1),
    (Outbox, "add_attempt", 2),
    (EmbeddedChain, "submit", 2),
    (Outbox, "attempt_sent", 2),
    (Outbox, "mark_sent", 1),
    (Outbox, "mark_mined", 1),
    (Packer, "pack", 1),
    (Outbox, "mark_final", 1),
]


class Killed(BaseException):
    """Stands for the death of the process: nothing in it may catch this."""


class DiskFull(Exception):
    """Stands for an error that the process survives."""


def fail_at(owner: type, method: str, nth: int, moment: str, error: type[BaseException]) -> Callable[..., Any]:
    """The method, made to fail at its ``nth`` call, before or after doing its work."""
    honest = getattr(owner, method)
    calls = []

    def failing(self: Any, *args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        hit = len(calls) == nth
        if hit and moment == "before":
            raise error
        result = honest(self, *args, **kwargs)
        if hit:
            raise error
        return result

    return failing


def settle(bench: Bench) -> None:
    for _ in range(5):
        if bench.worker.run_once().progress == "idle":
            return
    raise RuntimeError("the worker does not come to rest")


@pytest.mark.parametrize("kind", [Killed, DiskFull])
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(("owner", "method", "nth"), STEPS, ids=lambda value: getattr(value, "__name__", str(value)))
def test_one_contract_and_one_anchor_whatever_fails(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    owner: type,
    method: str,
    nth: int,
    moment: str,
    kind: type[BaseException],
) -> None:
    log = MemoryLog()
    log.grow(5)
    bench = Bench.start(tmp_path, log)
    with monkeypatch.context() as patch:
        patch.setattr(owner, method, fail_at(owner, method, nth, moment, kind))
        if owner is EmbeddedChain and kind is DiskFull:
            # The node answers with an internal error, which the client takes for a chain out of reach.
            with pytest.raises(Exception, match="eth_sendRawTransaction"):
                settle(bench)
        else:
            with pytest.raises(kind):
                settle(bench)
    if kind is Killed:
        bench.stop()
        bench = Bench.start(tmp_path, log)
    settle(bench)
    check_one_of_everything(bench)
    bench.stop()


def check_one_of_everything(bench: Bench) -> None:
    (target,) = bench.outbox.targets()
    (anchor,) = bench.outbox.anchors()
    assert (target.state, anchor.state, anchor.error) == ("named", "final", None)
    assert anchor.proof is not None
    # Two blocks: the deployment and the anchor. Nothing was sent twice and no nonce was skipped.
    assert bench.chain.head().block_number == 2
    deployments, sent = bench.outbox.attempts(target.id, None), bench.outbox.attempts(target.id, anchor.id)
    assert [attempt.nonce for attempt in deployments + sent] == [0, 1]
    assert sent[0].tx_hash == anchor.tx_hash
    registry = bench.worker._registry(target)
    checkpoint = bench.log.checkpoint()
    assert [event.checkpoint for event in registry.events()] == [checkpoint]
    assert registry.slot() == commitment(checkpoint.size, checkpoint.root, authority_address())
