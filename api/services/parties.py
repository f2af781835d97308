"""Parties and their tokens: the registrar registers, and says who may speak through the service."""

from __future__ import annotations

from collections.abc import Sequence

from api.accounts import Account, Accounts
from api.services.drafts import Draft
from api.services.errors import NotFound
from api.services.submission import Recorded, SubmissionService
from api.services.voices import Voices
from ledger.log import Log
from tallystick.admission.state import PartyState
from tallystick.errors import MalformedInput
from tallystick.schema import FieldError


class PartyService:
    """For the registrar alone."""

    def __init__(self, submission: SubmissionService, accounts: Accounts, log: Log, voices: Voices) -> None:
        self._submission = submission
        self._accounts = accounts
        self._log = log
        self._voices = voices

    async def register(self, account: Account, draft: Draft) -> Recorded:
        """Record a ``party.register``. Raises ``Forbidden``, and what recording does."""
        self._voices.require_registrar(account)
        return await self._submission.record_one(self._voices.of_account(account), draft)

    def issue_token(self, account: Account, party: str, scopes: Sequence[str]) -> tuple[str, Account]:
        """A token of a registered party, told once. Raises ``Forbidden``, ``NotFound``, ``FieldError``."""
        self._voices.require_registrar(account)
        with self._log.store.snapshot() as reads:
            if not isinstance(reads.get(party), PartyState):
                raise NotFound(f"{party[:60]} is not a registered party", "register the party first", "party")
        if "registrar" in scopes and party != self._voices.registrar:
            raise FieldError("scopes", f"the scope registrar is for {self._voices.registrar} alone")
        try:
            return self._accounts.issue(party, scopes)
        except MalformedInput as error:
            raise FieldError("scopes", str(error)) from None

    def revoke_token(self, account: Account, token_id: str) -> None:
        """Make a token worthless. Raises ``Forbidden``, ``NotFound``."""
        self._voices.require_registrar(account)
        if not self._accounts.revoke(token_id):
            raise NotFound(f"there is no token {token_id[:40]}", "give the id that came with the token", "id")
