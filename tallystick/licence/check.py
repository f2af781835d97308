"""The offline check of a licence file: may this be done, as of this instant?

Seven stages in a fixed order (docs/licence.md): issuer chain, signature,
holder, dates, question, status, inclusion. All are always reported; the first that
fails decides, else the first that cannot be told. Never *valid* on a stale status.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from tallystick.c2pa.training import require_agreement
from tallystick.errors import VerificationFailed
from tallystick.lazy_dataclass import dataclass
from tallystick.licence.answer import Answer, Effect, TermReason
from tallystick.licence.chain import answer_chain, as_answer
from tallystick.licence.credential import LicenceCredential
from tallystick.licence.evidence import LicenceEvidence
from tallystick.licence.grant import ProvedGrant
from tallystick.licence.proving import EvidenceFailed, Given, prove_code, prove_file, prove_token
from tallystick.licence.qr import PaperCode
from tallystick.licence.question import Question
from tallystick.licence.seen import NOTHING_SEEN, SeenLists
from tallystick.licence.staple import ProvedStatus, StatusStaple, prove_status
from tallystick.licence.status_list import STATUS_OF_STANDING, FreshnessPolicy, Status
from tallystick.times import format_time, parse_time
from tallystick.token.binding import Expected
from tallystick.token.licence import LicenceToken
from tallystick.trust import LogTrust
from tallystick.wording import Wording

if TYPE_CHECKING:
    from tallystick.c2pa.receipt_shown import ReceiptShown


class Stage(StrEnum):
    """The stages in their order."""

    ISSUER = "issuer"
    SIGNATURE = "signature"
    HOLDER = "holder"
    DATES = "dates"
    QUESTION = "question"
    STATUS = "status"
    INCLUSION = "inclusion"


class Outcome(StrEnum):
    """What a stage, or one term within it, came to."""

    MET = "met"
    FAILED = "failed"
    UNKNOWN = "unknown"
    CONDITION = "condition"
    """Left to the reader: not asked about, or a duty that no offline check can enforce."""


class LicenceAnswer(StrEnum):
    """The answer to the whole check."""

    VALID = "valid"
    NOT_VALID = "not_valid"
    CANNOT_TELL = "cannot_tell"


@dataclass(frozen=True)
class Reason:
    """One finding. ``term`` and ``clause``: the term of the licence that it rests on, and its words."""

    stage: Stage
    outcome: Outcome
    text: Wording
    term: str | None = None
    clause: Wording | None = None


@dataclass(frozen=True)
class TokenFacts:
    """A licence token of a trusted issuer, whether its holder was there, and whether it speaks at that time."""

    token: LicenceToken
    holder: Reason
    dates: Reason


@dataclass(frozen=True)
class FileFacts:
    """The first two stages, and what was signed if both were met: a file's credential, or a token.

    Judged by ``tallystick.licence.file`` (C2PA) and ``tallystick.licence.bearer`` (SD-JWT).
    """

    issuer: Reason
    signature: Reason
    credential: LicenceCredential | None
    token: TokenFacts | None = None
    code: str | None = None
    """Why a file's Content Credential was refused: for comparing with what other engines say of it."""
    training: tuple[Any, ...] = ()
    """What the file tells machines (``cawg.training-mining``), besides its licence."""

    paper: PaperCode | None = None
    """A code that was read off a paper: it names a grant, and says nothing else."""

    receipt: ReceiptShown | None = None
    """The log's receipt that a file brings. It decides nothing: the licence brings proofs of its own."""

    @property
    def licence(self) -> str | None:
        """The licence that it says it is of."""
        if self.paper is not None:
            return self.paper.licence
        if self.token is not None:
            return self.token.token.claims.licence.id
        return None if self.credential is None else self.credential.licence


@dataclass(frozen=True)
class StatusAsOf:
    """The list, the instant and the log size for which the status speaks."""

    list: str
    issued_at: str
    log_size: int


@dataclass(frozen=True)
class LicenceCheck:
    """The answer as of the instant ``as_of``, every reason in order, and the one that decides."""

    answer: LicenceAnswer
    as_of: str
    question: str
    licence: str | None
    status_as_of: StatusAsOf | None
    reasons: tuple[Reason, ...]
    deciding: Reason


@dataclass(frozen=True)
class CheckRequest:
    """What is asked: the question, the instant, and the verifier's policy.

    ``holder_kid``: thumbprint (hex) of a key whose possession the presenter has
    proved to the verifier; ``None`` when nobody proved any.
    """

    question: Question
    at: str
    policy: FreshnessPolicy
    holder_kid: str | None = None
    expected: Expected | None = None
    """What a key binding must be made for; ``None``: the verifier demanded none."""
    seen: SeenLists = NOTHING_SEEN
    """The newest status lists that this verifier has seen: an older one is no news."""


def check_licence(
    file: FileFacts,
    logs: Mapping[str, LogTrust],
    request: CheckRequest,
    staple: StatusStaple | LicenceEvidence | None,
) -> LicenceCheck:
    """Run all seven stages; ``logs``: those that the verifier trusts, by origin.

    Raises ``MalformedInput`` on bytes that have not their form, and nothing else.
    """
    parse_time(request.at)
    if file.credential is None and file.token is None and file.paper is None:
        return _conclude(file, request, [_untold(stage) for stage in list(Stage)[2:]], None, None)
    try:
        given = _given(file, logs, staple)
    except EvidenceFailed as error:
        return _conclude(file, request, _unproved(file, request, error), None, None)
    except VerificationFailed as error:
        failed = _detail(Stage.INCLUSION, Outcome.FAILED, "日志未证明该许可", "the log does not prove the grant", error)
        return _conclude(file, request, [*(_untold(stage) for stage in list(Stage)[2:6]), failed], None, None)
    grant = given.grant
    answered = as_answer(answer_chain(grant.chain, request.question, request.at))
    status, status_reason = _status(given, request)
    reasons = [
        _shown_by(file, grant, request),
        *([] if file.token is None else [file.token.dates]),
        _logged(grant, request.at),
        *_terms(answered, Stage.DATES),
        *_machines(grant, file.training),
        *_terms(answered, Stage.QUESTION),
        status_reason,
        _inclusion(grant, status),
    ]
    return _conclude(file, request, reasons, answered, status)


def _given(file: FileFacts, logs: Mapping[str, LogTrust], staple: StatusStaple | LicenceEvidence | None) -> Given:
    if file.token is not None:
        return prove_token(file.token.token, staple if isinstance(staple, LicenceEvidence) else None, logs)
    if file.paper is not None:
        return prove_code(file.paper, staple if isinstance(staple, LicenceEvidence) else None, logs)
    if file.credential is None:
        raise ValueError("check_licence saw to it that there is one or the other")
    return prove_file(file.credential, staple, logs)


def _unproved(file: FileFacts, request: CheckRequest, error: EvidenceFailed) -> list[Reason]:
    """A token or a code without what proves it in the log: only what it says itself is judged."""
    proof = _detail(Stage.INCLUSION, Outcome.UNKNOWN, "未证明授权已入账", "nothing proves the grant in the log", error)
    untold = [_untold(Stage.QUESTION), _untold(Stage.STATUS)]
    if file.paper is not None:
        return [_on_paper(request), _untold(Stage.DATES), *untold, proof]
    if file.token is None:
        raise ValueError("a file brings its own entries")
    return [file.token.holder, file.token.dates, *untold, proof]


def _conclude(
    file: FileFacts, request: CheckRequest, later: list[Reason], answered: Answer | None, status: ProvedStatus | None
) -> LicenceCheck:
    reasons = (file.issuer, file.signature, *later)
    result, deciding = _decide(reasons, answered)
    return LicenceCheck(
        answer=result,
        as_of=request.at,
        question=request.question.text,
        licence=file.licence,
        status_as_of=None if status is None else _as_of(status),
        reasons=reasons,
        deciding=deciding,
    )


def _decide(reasons: tuple[Reason, ...], answered: Answer | None) -> tuple[LicenceAnswer, Reason]:
    for outcome, result in ((Outcome.FAILED, LicenceAnswer.NOT_VALID), (Outcome.UNKNOWN, LicenceAnswer.CANNOT_TELL)):
        for reason in reasons:
            if reason.outcome is outcome:
                return result, reason
    if answered is None:
        raise ValueError("without terms some stage is failed or unknown")
    granting = answered.deciding.term
    return LicenceAnswer.VALID, next(each for each in reasons if (each.stage, each.term) == (Stage.QUESTION, granting))


def _as_of(status: ProvedStatus) -> StatusAsOf:
    return StatusAsOf(status.list.uri, format_time(status.list.issued_at), status.list.checkpoint.size)


# --- stages 3 to 7 --------------------------------------------------------------


def _untold(stage: Stage) -> Reason:
    return Reason(stage, Outcome.UNKNOWN, Wording("前提不成立，未予判断", "not judged: what it rests on does not hold"))


def _detail(stage: Stage, outcome: Outcome, zh: str, en: str, error: Exception) -> Reason:
    return Reason(stage, outcome, Wording(f"{zh}：{error}", f"{en}: {error}"))


def _shown_by(file: FileFacts, grant: ProvedGrant, request: CheckRequest) -> Reason:
    if file.paper is not None:
        return _on_paper(request)
    return _holder(grant, request.holder_kid) if file.token is None else _bearer(grant, file.token)


def _on_paper(request: CheckRequest) -> Reason:
    if request.expected is not None:
        text = Wording("纸上的码不能出示密钥", "a code on paper shows no key")
        return Reason(Stage.HOLDER, Outcome.FAILED, text, "licensee")
    text = Wording(
        "未出示持有人密钥：任何见过此码者均可出示它",
        "no holder key was shown: anyone who has seen the code can show it",
    )
    return Reason(Stage.HOLDER, Outcome.CONDITION, text, "licensee")


def _holder(grant: ProvedGrant, holder_kid: str | None) -> Reason:
    licensee = grant.disclosed.terms.licensee
    if holder_kid is None:
        text = Wording(
            "未出示持有人密钥：任何持有此文件者均可出示它",
            "no holder key was shown: anyone who has the file can show it",
        )
        return Reason(Stage.HOLDER, Outcome.CONDITION, text, "licensee")
    if licensee is None:
        text = Wording(
            "被许可人条款未披露，无法核对持有人", "the term licensee is withheld: the holder cannot be compared"
        )
        return Reason(Stage.HOLDER, Outcome.UNKNOWN, text, "licensee")
    if licensee.holder_kid != holder_kid:
        text = Wording(
            f"出示的密钥{holder_kid}不是被许可人的密钥{licensee.holder_kid}",
            f"the key shown is {holder_kid}, the licensee's is {licensee.holder_kid}",
        )
        return Reason(Stage.HOLDER, Outcome.FAILED, text, "licensee")
    text = Wording("出示者持有被许可人的密钥", "the presenter holds the licensee's key")
    return Reason(Stage.HOLDER, Outcome.MET, text, "licensee")


def _bearer(grant: ProvedGrant, facts: TokenFacts) -> Reason:
    """A token is bound to one key; where the licensee is shown, the log must name the same."""
    licensee, bound = grant.disclosed.terms.licensee, facts.token.holder.kid.hex()
    if licensee is not None and licensee.holder_kid != bound:
        text = Wording(
            f"令牌绑定的密钥{bound}不是被许可人的密钥{licensee.holder_kid}",
            f"the token is bound to key {bound}, the licensee's is {licensee.holder_kid}",
        )
        return Reason(Stage.HOLDER, Outcome.FAILED, text, "licensee")
    if licensee is None and facts.holder.outcome is Outcome.MET:
        text = Wording(
            f"{facts.holder.text.zh}；被许可人条款未披露，该密钥属被许可人仅为签发者陈述",
            f"{facts.holder.text.en}; that it is the licensee's is its issuer's word: the term licensee is withheld",
        )
        return Reason(Stage.HOLDER, Outcome.MET, text, "licensee")
    return facts.holder


def _logged(grant: ProvedGrant, at: str) -> Reason:
    logged = format_time(grant.admitted_at)
    if logged > at:
        text = Wording(f"授权于{logged}入账，晚于{at}", f"the grant entered the log at {logged}, after {at}")
        return Reason(Stage.DATES, Outcome.FAILED, text)
    text = Wording(
        f"授权于{logged}入账（运营方陈述）", f"the grant entered the log at {logged}, by the operator's word"
    )
    return Reason(Stage.DATES, Outcome.MET, text)


_OUTCOMES = {
    Effect.MET: Outcome.MET,
    Effect.PROHIBITS: Outcome.FAILED,
    Effect.UNKNOWN: Outcome.UNKNOWN,
    Effect.CONDITION: Outcome.CONDITION,
}


def _terms(answered: Answer, stage: Stage) -> list[Reason]:
    """The window is a matter of dates, every other term one of the question."""
    return [_term(reason, stage) for reason in answered.reasons if (reason.term == "window") == (stage is Stage.DATES)]


def _term(reason: TermReason, stage: Stage) -> Reason:
    return Reason(stage, _OUTCOMES[reason.effect], reason.why, reason.term, reason.clause)


def _machines(grant: ProvedGrant, training: tuple[Any, ...]) -> list[Reason]:
    """A crawler reads the assertion and never the licence: the two must say the same."""
    flags = grant.disclosed.terms.ai_use
    if not training:
        return []
    if flags is None:
        text = Wording(
            "文件对机器的声明（cawg.training-mining）无从核对：人工智能条款未披露",
            "what the file tells machines (cawg.training-mining) cannot be compared: the term ai_use is withheld",
        )
        return [Reason(Stage.QUESTION, Outcome.CONDITION, text, "ai_use")]
    try:
        for value in training:
            require_agreement(value, flags)
    except VerificationFailed as error:
        return [_detail(Stage.QUESTION, Outcome.FAILED, "文件自相矛盾", "the file contradicts its licence", error)]
    text = Wording("文件对机器的声明与许可条款一致", "what the file tells machines is what the licence says")
    return [Reason(Stage.QUESTION, Outcome.MET, text)]


_WORDS = {
    Status.VALID: Wording("有效", "valid"),
    Status.INVALID: Wording("已撤销", "revoked"),
    Status.SUSPENDED: Wording("已中止", "suspended"),
    Status.EXPIRED: Wording("已届满", "expired"),
}


def _status(given: Given, request: CheckRequest) -> tuple[ProvedStatus | None, Reason]:
    """A staple that proves nothing is no staple: it can take validity away from nobody, and give it to nobody."""
    shown = STATUS_OF_STANDING[given.grant.standing_at(request.at).status]
    if shown is not Status.VALID:
        word = _WORDS[shown]
        text = Wording(f"所附日志条目显示：{word.zh}", f"the log entries in the file themselves say: {word.en}")
        return _list_beside(given, request), Reason(Stage.STATUS, Outcome.FAILED, text)
    if given.staple is None and given.refused is None:
        text = Wording("未附状态证明，无法判断是否已撤销", "no status was given: whether it was revoked is unknown")
        return None, Reason(Stage.STATUS, Outcome.UNKNOWN, text)
    try:
        found = _proved_status(given, request)
    except VerificationFailed as error:
        return None, _detail(
            Stage.STATUS,
            Outcome.UNKNOWN,
            "所附状态不足为凭",
            "the status that was given proves nothing",
            error,
        )
    return found, _judged_status(found)


def _list_beside(given: Given, request: CheckRequest) -> ProvedStatus | None:
    """The list that came with entries which decide already: it says as of when, and is remembered."""
    try:
        return _proved_status(given, request) if given.staple is not None else None
    except VerificationFailed:
        return None


def _proved_status(given: Given, request: CheckRequest) -> ProvedStatus:
    if given.staple is None:
        raise given.refused or ValueError("_status saw to it that something was given")
    found = prove_status(given.staple, given.grant, parse_time(request.at), request.policy)
    request.seen.require_newest(found.list)
    return found


def _judged_status(found: ProvedStatus) -> Reason:
    word, size = _WORDS[found.status], found.list.checkpoint.size
    issued = format_time(found.list.issued_at)
    if found.stale is not None:
        text = Wording(
            f"状态已过时，须取得新的状态；{issued}（日志大小{size}）时为：{word.zh}",
            f"{found.stale}; at {issued} it said: {word.en}",
        )
        return Reason(Stage.STATUS, Outcome.UNKNOWN, text)
    text = Wording(
        f"{issued}（日志大小{size}）时状态为：{word.zh}（以日志状态密钥的陈述为据）",
        f"{word.en} as of {issued}, log size {size}, by the word of the log's status key",
    )
    return Reason(Stage.STATUS, Outcome.MET if found.status is Status.VALID else Outcome.FAILED, text)


def _inclusion(grant: ProvedGrant, status: ProvedStatus | None) -> Reason:
    position, size = grant.position, grant.checkpoint.size
    zh, en = (
        f"授权在日志第{position}位，检查点大小{size}",
        f"the grant is entry {position} under the checkpoint of size {size}",
    )
    if status is not None:
        size = status.list.checkpoint.size
        zh, en = (
            f"授权（第{position}位）在大小为{size}的检查点之内，状态列表所称亦为该检查点",
            f"the grant is entry {position} under the checkpoint of size {size}, and the status list names the same",
        )
    if grant.recorded_by_service:
        zh, en = f"{zh}；由服务方代{grant.licensor}记录", f"{en}; recorded by the service for {grant.licensor}"
    return Reason(Stage.INCLUSION, Outcome.MET, Wording(zh, en))
