"""The answer of a check as JSON, the same from command line and service (docs/licence-check.schema.json)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from tallystick.c2pa import media_type_of, roots_of
from tallystick.c2pa.receipt_shown import ReceiptShown, receipt_document, receipt_words
from tallystick.c2pa.second import Opinion, compare, opinions
from tallystick.errors import MalformedInput
from tallystick.lazy_dataclass import dataclass
from tallystick.licence.bearer import read_licence_token
from tallystick.licence.check import CheckRequest, FileFacts, LicenceCheck, Outcome, Reason, Stage, check_licence
from tallystick.licence.evidence import LicenceEvidence
from tallystick.licence.file import read_licence_file
from tallystick.licence.qr import read_code
from tallystick.licence.staple import StatusStaple
from tallystick.schema import write
from tallystick.times import parse_time
from tallystick.token.licence import MAX_TOKEN_BYTES
from tallystick.trust import Trust
from tallystick.wording import Wording

VERSION: Literal[1] = 1
_JOSE = b"eyJ"


@dataclass(frozen=True)
class Presented:
    """What was read of a file or token; ``second``: what other C2PA engines say of the same file."""

    facts: FileFacts
    second: tuple[Opinion, ...] = ()

    @property
    def disagreements(self) -> tuple[str, ...]:
        """A sentence for each engine that says otherwise. They decide nothing."""
        refused = next(
            (one for one in (self.facts.signature, self.facts.issuer) if one.outcome is Outcome.FAILED), None
        )
        code = None if refused is None else (self.facts.code or "")
        return compare(code, self.second)


def read_presented(path: Path, trust: Trust, request: CheckRequest, sidecar: bytes | None = None) -> Presented:
    """A licence token or a signed file, told apart by its first bytes, judged as of the instant of the request.

    Raises ``MalformedInput``, ``OSError``.
    """
    text = None if sidecar is not None else _token_text(path)
    if text is not None:
        return Presented(read_licence_token(text, trust, request))
    facts = read_licence_file(path, trust, request.at, sidecar)
    moment = datetime.fromtimestamp(parse_time(request.at), UTC)
    return Presented(facts, opinions(path, media_type_of(path.name), sidecar, roots_of(trust)[0], moment))


def read_paper(text: str) -> Presented:
    """The text of a licence's QR code, of a paper or a card. Nobody signed it: it names an entry, and no more.

    Raises ``MalformedInput``.
    """
    unsigned = Wording(
        "码未经签名：它只指明日志中的一条记录", "nobody signed a code: it names an entry of the log, and says no more"
    )
    issuer, signature = (Reason(stage, Outcome.CONDITION, unsigned) for stage in (Stage.ISSUER, Stage.SIGNATURE))
    return Presented(FileFacts(issuer, signature, None, paper=read_code(text)))


def _token_text(path: Path) -> str | None:
    """The text of a token, without the line end that editors add; ``None`` for any other file."""
    with path.open("rb") as stream:
        data = stream.read(MAX_TOKEN_BYTES + 3)
    if not data.startswith(_JOSE):
        return None
    try:
        return data.decode("ascii").rstrip("\r\n")
    except UnicodeDecodeError:
        raise MalformedInput("a licence token is ASCII") from None


def check_presented(
    presented: Presented, trust: Trust, request: CheckRequest, staple: StatusStaple | LicenceEvidence | None
) -> LicenceCheck:
    """The seven stages, over what was read."""
    return check_licence(presented.facts, trust.logs, request, staple)


def answer_document(
    found: LicenceCheck, trust: str, disagreements: Sequence[str] = (), receipt: ReceiptShown | None = None
) -> dict[str, Any]:
    """The whole result. ``trust``: fingerprint of the trust file that it was judged by, hex."""
    document = {"v": VERSION, **write(found), "trust": trust}
    if receipt is not None:
        document["receipt"] = {**receipt_document(receipt), "text": write(receipt_words(receipt))}
    if disagreements:
        document["second_engines"] = list(disagreements)
    return document
