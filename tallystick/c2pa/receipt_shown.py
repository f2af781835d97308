"""The log's receipt that a signed file carries, judged and put into words. It decides nothing about the file itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from tallystick.c2pa.facts import C2paVerdict
from tallystick.c2pa.log_receipt import (
    ClaimedReceipt,
    ReceiptFacts,
    claimed_receipt,
    logged_digests,
    verify_receipt,
)
from tallystick.c2pa.reading import C2paReading
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.lazy_dataclass import dataclass
from tallystick.times import format_time
from tallystick.timestamp import TimestampFact
from tallystick.trust import Trust
from tallystick.versions import UnknownVersion
from tallystick.wording import Wording

Outcome = Literal["proved", "not-proved", "needs-external-fact"]
_MICROS = 1_000_000


@dataclass(frozen=True)
class ReceiptStamp:
    """A timestamp over the receipt's checkpoint by an authority of the trust file. ``time``: UTC."""

    authority: str
    time: str
    independent: bool


@dataclass(frozen=True)
class ReceiptShown:
    """What a receipt shows. ``index``: of the entry that records the file; ``size``, ``root`` (hex): of the checkpoint.

    needs-external-fact: the path leads from the entry to `root`, of a log that the trust file does not name; whether
    that log ever had it is for the reader to find out. anchors: how many it brings; they are not judged.
    """

    outcome: Outcome
    log: str | None = None
    index: int | None = None
    size: int | None = None
    root: str | None = None
    anchors: int = 0
    stamps: tuple[ReceiptStamp, ...] = ()
    detail: str = ""


def shown_receipt(
    reading: C2paReading, source: bytes | Path, verdict: C2paVerdict, trust: Trust
) -> ReceiptShown | None:
    """The receipt of a file that was judged, as of the same instant; None where it brings none.

    `source`: what `reading` was read from.
    """
    if verdict.receipt is None:
        return None
    try:
        digests, subject = logged_digests(reading, source), _subject(verdict)
        claimed = claimed_receipt(verdict.receipt, digests, subject)
        if claimed.checkpoint.origin not in trust.logs:
            return _to_be_compared(claimed)
        at = int(verdict.at.timestamp())
        return _proved(verify_receipt(verdict.receipt, digests, subject, trust.logs, at, trust.time_authorities))
    except (VerificationFailed, MalformedInput, UnknownVersion) as error:
        return ReceiptShown("not-proved", detail=str(error))


def _subject(verdict: C2paVerdict) -> str:
    for said, name in ((verdict.licence, "licence"), (verdict.certificate, "certificate")):
        if said is not None:
            return str(said.get(name))
    return ""


def _to_be_compared(claimed: ClaimedReceipt) -> ReceiptShown:
    return ReceiptShown(
        "needs-external-fact",
        log=claimed.checkpoint.origin,
        index=claimed.receipt.index,
        size=claimed.checkpoint.size,
        root=claimed.checkpoint.root.hex(),
        anchors=len(claimed.receipt.anchors),
        detail="the trust file does not name this log",
    )


def _proved(facts: ReceiptFacts) -> ReceiptShown:
    return ReceiptShown(
        "proved",
        log=facts.checkpoint.origin,
        index=facts.index,
        size=facts.checkpoint.size,
        root=facts.checkpoint.root.hex(),
        anchors=len(facts.anchors),
        stamps=tuple(map(_stamp, facts.stamps)),
    )


def _stamp(fact: TimestampFact) -> ReceiptStamp:
    return ReceiptStamp(fact.authority, format_time(fact.gen_time // _MICROS), fact.independent)


def receipt_document(shown: ReceiptShown) -> dict[str, Any]:
    """As JSON; what nobody knows is left out."""
    document: dict[str, Any] = {"outcome": shown.outcome}
    document |= {
        name: value for name in ("log", "index", "size", "root") if (value := getattr(shown, name)) is not None
    }
    stamps = [{"authority": one.authority, "time": one.time, "independent": one.independent} for one in shown.stamps]
    return {**document, "anchors": shown.anchors, "stamps": stamps, "detail": shown.detail}


def receipt_words(shown: ReceiptShown) -> Wording:
    """One sentence."""
    if shown.outcome == "not-proved":
        return Wording(f"日志回执：未证明：{shown.detail}", f"receipt of the log: NOT PROVED: {shown.detail}")
    entry_zh = f"日志{shown.log}第{shown.index}条记录了签发时的本文件（检查点：{shown.size}条，根{shown.root}）"
    checkpoint = f"checkpoint: size {shown.size}, root {shown.root}"
    entry = f"entry {shown.index} of {shown.log} records this file as it was issued ({checkpoint})"
    if shown.outcome == "needs-external-fact":
        return Wording(
            f"日志回执：需要外部事实：信任文件未列出该日志。若该日志确有此根，则{entry_zh}",
            "receipt of the log: NEEDS AN EXTERNAL FACT: the trust file does not name this log. "
            f"If it ever had that root, {entry}",
        )
    stamps_zh = "".join(
        f"；时间戳：{one.authority} {one.time}（{'独立' if one.independent else '非独立'}）" for one in shown.stamps
    )
    stamps = "".join(
        f"; stamped by {one.authority} at {one.time} ({'independent' if one.independent else 'not independent'})"
        for one in shown.stamps
    )
    anchors_zh = f"；附{shown.anchors}项链上锚定证明，此处未判断" if shown.anchors else ""
    anchors = f"; it brings {shown.anchors} anchor proofs, not judged here" if shown.anchors else ""
    return Wording(
        f"日志回执：已证明：{entry_zh}{stamps_zh}{anchors_zh}", f"receipt of the log: PROVED: {entry}{stamps}{anchors}"
    )
