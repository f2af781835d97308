"""6. The checkpoint is anchored, and again as the log grows; a fork, a real second tree, is refused by the contract."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from api.settings import Settings
from demo.stage import ShownWrong, Stage
from tallystick.identifiers import Letter

PATIENCE = 90.0
"""Seconds: the first anchor waits for the contract to be deployed and named in the log."""


def anchor_twice(stage: Stage) -> None:
    """Anchor, let the log grow, anchor again: the contract checks that the second tree extends the first."""
    stage.screen.chapter(
        "6",
        "The checkpoint is anchored on the embedded chain",
        "A contract keeps the log's checkpoint. It accepts only one that extends what it holds, and checks the proof "
        "of that itself: the log's own key cannot put another history there. This chain is the operator's own; how far "
        "to believe its blocks is for a court, and a public chain is nobody's.",
    )
    first = anchor_now(stage)
    stage.screen.good(
        f"{first['size']} entries anchored in block {first['block_number']}, transaction {first['tx_hash'][:18]}…"
    )
    stage.speakers["studio"].client.submit(
        "dispute.open",
        {"target": stage.ids["image"], "claim": "authorship"},
        subject=stage.new(Letter.DISPUTE),
        private={"statement": "The concept resembles our lantern of 2019. 概念图与我们2019年的灯笼近似。"},
    )
    second = anchor_now(stage)
    stage.screen.good(
        f"{second['size']} entries anchored in block {second['block_number']}",
        f"the contract verified an RFC 6962 consistency proof {first['size']} → {second['size']}",
    )
    stage.screen.tell(f"what that proves: {second['trust']}")
    stage.record(
        "anchor",
        f"block {second['block_number']}",
        "the contract checked that the log only grew; the chain is the operator's own",
    )


def anchor_now(stage: Stage) -> dict[str, Any]:
    """Publish, ask for an anchor, wait until it is final."""
    size = int(stage.registrar.publish()["size"])
    stage.registrar.anchor("demo")

    def final() -> dict[str, Any] | None:
        known = stage.registrar.anchors()
        return next((one for one in known if one["state"] == "final" and one["size"] >= size), None)

    never = f"no anchor of size {size} became final"
    return stage.awaited(f"anchoring {size} entries", final, PATIENCE, never)


def try_fork(stage: Stage) -> None:
    """Stop the service, act as a dishonest operator with all keys, fail, start again, anchor honestly."""
    stage.screen.tell("The service stops; a dishonest operator, who has every key, tries to anchor another history.")
    stage.service.stop()
    # Heavy, and wanted only here: the chain's own libraries.
    from anchors.errors import AnchorRefused
    from api.worker import open_worker
    from demo import fork

    settings = Settings(data=stage.service.folder)
    with open_worker(settings) as worker:
        forged = fork.forge(settings, _anchored(settings))
        try:
            worker.try_anchor(forged.old, forged.new, forged.proof, forged.signature)
        except AnchorRefused as refused:
            stage.screen.refused(
                f"a second tree of {forged.new.size} entries, signed by the log's own key",
                f"the contract reverts: {refused.reason}",
            )
            stage.record("fork", "nowhere", "nothing: another history under the log's own key; the contract refused it")
        else:
            raise ShownWrong("the contract accepted a fork")
    with stage.screen.busy("starting the service again"):
        stage.service.start()
    stage.screen.good("the service starts again: the same log, the same chain")
    stage.registrar.submit("dispute.resolve", {"outcome": "withdrawn", "grounds": "agreement"}, subject=_dispute(stage))
    honest = anchor_now(stage)
    stage.screen.good(f"the honest call succeeds: {honest['size']} entries anchored in block {honest['block_number']}")


def _anchored(settings: Settings) -> int:
    """The largest size that the contract holds for good."""
    from anchors.outbox import Outbox

    with closing(Outbox(settings.outbox)) as outbox:
        return max(anchor.size for anchor in outbox.anchors(state="final"))


def _dispute(stage: Stage) -> str:
    subject: str = stage.registrar.events(type="dispute.open", limit=1)["events"][0]["subject"]
    return subject
