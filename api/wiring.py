"""Wiring: the one place where adapters are chosen and services are made of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from anchors.outbox import Outbox
from api.accounts import SCOPES, Accounts
from api.folders import data_folder
from api.founding import found_keyring, found_log
from api.keyring import Keyring
from api.services.anchoring import AnchorDesk, TargetNaming
from api.services.completeness import CompletenessCheck
from api.services.parties import PartyService
from api.services.proofs import ProofService
from api.services.reading import ReadingService
from api.services.status import StatusService
from api.services.submission import SubmissionService
from api.services.voices import Voices
from api.settings import OUTBOX, Settings
from ledger.batch import Clock
from ledger.log import Log, system_clock
from tallystick.admission import LOG
from tallystick.admission.state import LogState


@dataclass(frozen=True)
class Services:
    """Everything that routes may use. ``keyring`` and ``log`` are for services; no route touches them."""

    settings: Settings
    clock: Clock
    keyring: Keyring
    log: Log
    accounts: Accounts
    voices: Voices
    submission: SubmissionService
    reading: ReadingService
    proofs: ProofService
    desk: AnchorDesk
    naming: TargetNaming
    completeness: CompletenessCheck
    parties: PartyService
    status: StatusService

    def first_token(self) -> str | None:
        """An administrator's token where nobody has any yet: of the registrar, with all scopes."""
        if not self.accounts.is_empty():
            return None
        token, _ = self.accounts.issue(self.voices.registrar, SCOPES)
        return token


@contextmanager
def open_services(settings: Settings, clock: Clock = system_clock) -> Iterator[Services]:
    """Open or begin everything in the data folder; let go of it at the end.

    Raises ``TallystickError`` with a sentence that says what is wrong and what to do.
    """
    with data_folder(settings.data):
        keyring = found_keyring(settings)
        with found_log(settings, keyring, clock) as log:
            settings.anchors.mkdir(exist_ok=True, mode=0o700)
            accounts, desk = Accounts(settings.accounts), AnchorDesk(Outbox(settings.anchors / OUTBOX), clock)
            try:
                yield _services(settings, clock, keyring, log, accounts, desk)
            finally:
                desk.close()
                accounts.close()


def _services(
    settings: Settings, clock: Clock, keyring: Keyring, log: Log, accounts: Accounts, desk: AnchorDesk
) -> Services:
    voices = _voices(log, keyring)
    submission = SubmissionService(log, voices, desk.urgent, clock)
    proofs = ProofService(log.published, keyring.log_signers(settings.origin).keys)
    completeness = CompletenessCheck(log)
    return Services(
        settings=settings,
        clock=clock,
        keyring=keyring,
        log=log,
        accounts=accounts,
        voices=voices,
        submission=submission,
        reading=ReadingService(log, voices),
        proofs=proofs,
        desk=desk,
        naming=TargetNaming(desk, submission, voices),
        completeness=completeness,
        parties=PartyService(submission, accounts, log, voices),
        status=StatusService(log, voices, proofs, desk, completeness),
    )


def _voices(log: Log, keyring: Keyring) -> Voices:
    with log.store.snapshot() as reads:
        state = reads.get(LOG)
    assert isinstance(state, LogState)  # Log.open saw to it
    signers = keyring.signers
    return Voices(
        origin=state.origin,
        prefix=state.prefix,
        registrar=state.registrar,
        service=state.service,
        registrar_key=signers["registrar"],
        service_key=signers["service"],
        log_key=signers["log"],
    )
