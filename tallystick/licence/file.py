"""From a C2PA-signed licence file to the facts of the first two stages, and the credential that it carries."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from tallystick.c2pa import C2paVerdict, CredentialRefused, judge, media_type_of, read, roots_of
from tallystick.c2pa.receipt_shown import shown_receipt
from tallystick.licence.check import FileFacts, Outcome, Reason, Stage
from tallystick.licence.credential import decode_credential
from tallystick.times import parse_time
from tallystick.trust import Trust
from tallystick.wording import Wording

_ABSENT = Wording("文件带有内容凭证，但其中没有许可", "the file has a Content Credential, and no licence stands in it")
_NOT_JUDGED = Wording("签名不成立，未予判断", "not judged: the signature does not hold")


def read_licence_file(path: Path, trust: Trust, at: str, sidecar: bytes | None = None) -> FileFacts:
    """Read and judge the file as of the instant ``at``; ``sidecar``: its manifest store, when it stands beside it.

    Raises ``MalformedInput`` on a file or a licence assertion that has not its form;
    what does not hold is a failed stage.
    """
    moment = datetime.fromtimestamp(parse_time(at), UTC)
    roots, others = roots_of(trust)
    try:
        reading = read(path, media_type_of(path.name), sidecar)
        verdict = judge(reading, roots, moment, others)
    except CredentialRefused as refused:
        return _refused(refused)
    return replace(_trusted(verdict), receipt=shown_receipt(reading, path, verdict, trust))


def _refused(refused: CredentialRefused) -> FileFacts:
    """``judge`` asks who signed (codes ``signer.*``) only once signature and file were found to fit."""
    text = Wording(f"内容凭证被拒绝：{refused}", f"the Content Credential is refused: {refused}")
    if refused.code.startswith("signer."):
        return FileFacts(
            Reason(Stage.ISSUER, Outcome.FAILED, text),
            Reason(Stage.SIGNATURE, Outcome.MET, Wording("签名与文件相符", "the signature fits the file")),
            None,
            code=refused.code,
        )
    return FileFacts(
        Reason(Stage.ISSUER, Outcome.UNKNOWN, _NOT_JUDGED),
        Reason(Stage.SIGNATURE, Outcome.FAILED, text),
        None,
        code=refused.code,
    )


def _trusted(verdict: C2paVerdict) -> FileFacts:
    root = verdict.chain[-1].subject
    issuer = Reason(
        Stage.ISSUER,
        Outcome.MET,
        Wording(f"由{verdict.signer}签署，可追溯至{root}", f"signed by {verdict.signer}, who stands under {root}"),
    )
    if verdict.licence is None:
        return FileFacts(issuer, Reason(Stage.SIGNATURE, Outcome.FAILED, _ABSENT), None)
    text = Wording("签名有效，文件自签署后未改动", "the signature holds, and the file is as it was signed")
    if verdict.problems:
        found = "; ".join(verdict.problems)
        text = Wording(f"{text.zh}；提示：{found}", f"{text.en}; note: {found}")
    return FileFacts(
        issuer,
        Reason(Stage.SIGNATURE, Outcome.MET, text),
        decode_credential(verdict.licence),
        training=verdict.training,
    )
