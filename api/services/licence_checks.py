"""The check of a licence online: the engine and the answer of the offline check, with the status as of now."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from api.accounts import Account
from api.services.errors import Forbidden, NotFound, ServiceError
from api.services.kept import terms_shown
from api.services.licence_tokens import LicenceTokens, licence_state
from api.services.voices import Voices, require_scope
from ledger.log import Log
from tallystick.admission.standing import concerned, licensor_of
from tallystick.commitments import parse_disclosure
from tallystick.licence.bearer import read_licence_token
from tallystick.licence.check import CheckRequest, FileFacts, Outcome, Reason, Stage
from tallystick.licence.document import Presented, answer_document, check_presented, read_presented
from tallystick.licence.evidence import LicenceEvidence, pieces
from tallystick.licence.question import parse_question
from tallystick.licence.status_list import FreshnessPolicy
from tallystick.token.binding import Expected
from tallystick.trust import Trust
from tallystick.wording import Wording

_ASKED = Wording("按编号查询：未出示文件", "asked by its identifier: no file was shown")


class LicenceChecks:
    """Answers questions about licences of this log, under the log's own trust file."""

    def __init__(self, log: Log, voices: Voices, tokens: LicenceTokens, trust: Trust) -> None:
        self._log = log
        self._voices = voices
        self._tokens = tokens
        self._trust = trust

    def request(self, question: str, at: str, expected: Expected | None) -> CheckRequest:
        """Raises ``MalformedInput`` for a question that has not its form."""
        return CheckRequest(
            parse_question(question), at, FreshnessPolicy(self._trust.file.status_max_age), None, expected
        )

    def check_token(self, account: Account, text: str, request: CheckRequest) -> dict[str, Any]:
        """The answer for a licence token. Raises ``MalformedInput``."""
        return self._answer(account, Presented(read_licence_token(text, self._trust, request)), request)

    def check_file(self, account: Account, path: Path, request: CheckRequest, sidecar: bytes | None) -> dict[str, Any]:
        """The answer for a signed file, or a file with a token in it. Raises ``MalformedInput``."""
        return self._answer(account, read_presented(path, self._trust, request, sidecar), request)

    def check_licence(self, account: Account, licence: str, request: CheckRequest) -> dict[str, Any]:
        """The answer for a licence by its identifier: for licensor, licensee and registrar, since its terms decide.

        Raises ``Forbidden``, ``NotFound``, ``ServiceError``.
        """
        require_scope(account, "read-private")
        with self._log.store.snapshot() as reads:
            state = licence_state(reads, licence)
            if account.party not in concerned(reads, state) and not self._voices.is_registrar(account):
                raise Forbidden(
                    f"the terms of {licence} are not yours to ask about", "check a file or a token", "licence"
                )
            evidence = self._tokens.evidence_of(licence, account)
            agreed = account.party == licensor_of(reads, state) or self._voices.is_registrar(account)
            kept = terms_shown(reads, licence, agreed)
        shown = pieces(evidence, tuple(map(parse_disclosure, kept.values())))
        asked = [Reason(stage, Outcome.CONDITION, _ASKED) for stage in (Stage.ISSUER, Stage.SIGNATURE)]
        return self._answer(account, Presented(FileFacts(asked[0], asked[1], shown.credential)), request, evidence)

    def _answer(
        self, account: Account, presented: Presented, request: CheckRequest, evidence: LicenceEvidence | None = None
    ) -> dict[str, Any]:
        if evidence is None and presented.facts.licence is not None:
            evidence = self._evidence(presented.facts.licence, account)
        found = check_presented(presented, self._trust, request, evidence)
        return answer_document(found, self._trust.fingerprint, presented.disagreements, presented.facts.receipt)

    def _evidence(self, licence: str, account: Account) -> LicenceEvidence | None:
        """Of another log's licence there is none here, and the answer says that it cannot be told."""
        try:
            return self._tokens.evidence_of(licence, account)
        except (NotFound, ServiceError):
            return None
