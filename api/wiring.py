"""Wiring: the one place where adapters are chosen and services are made of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import field
from datetime import UTC, datetime
from functools import partial

from anchors.chains import RESERVED, read_chains
from anchors.outbox import Outbox
from anchors.timestamps.outbox import Stamps
from anchors.timestamps.service import Service
from api.accounts import SCOPES, Accounts
from api.batches.pool import Pool
from api.batches.workshop import Workshop
from api.crew.pool import cores
from api.folders import data_folder
from api.founding import found_keyring, found_log
from api.keyring import Keyring, passphrase_of
from api.limits import UPLOADED_AT_A_TIME, Bodies, Limits
from api.orders.book import OrderBook
from api.orders.hands import Hands
from api.orders.service import LicenceOrders
from api.services.anchor_picture import PictureService
from api.services.anchor_watch import AnchorWatch
from api.services.anchoring import AnchorDesk, TargetNaming
from api.services.certificate_cards import CertificateCards
from api.services.certificate_print import Printer
from api.services.certificates import CertificateService
from api.services.claim_stamps import ClaimStamps, asking
from api.services.completeness import CompletenessCheck
from api.services.credential_files import CredentialFiles
from api.services.erasures import ErasedFiles
from api.services.evidence import EvidenceService
from api.services.file_receipts import FileReceipts
from api.services.issuing import Issuer
from api.services.licence_checks import LicenceChecks
from api.services.licence_files import LicenceFiles
from api.services.licence_tokens import LicenceTokens, has_tokens
from api.services.licences import LicenceService
from api.services.log_keys import LogKeyService
from api.services.maps import MapService, read_auditors
from api.services.numbering import Numbering
from api.services.parties import PartyService
from api.services.proofs import ProofService
from api.services.reading import ReadingService
from api.services.receipts import ReceiptService
from api.services.registration import RegistrationService
from api.services.sealing import Seal
from api.services.settlements import SettlementService
from api.services.standing import StandingService
from api.services.status import StatusService
from api.services.status_lists import StatusLists
from api.services.submission import SubmissionService
from api.services.time_marks import TimeMarks
from api.services.timestamps import TimestampDesk, named_authorities
from api.services.trusting import trust_file
from api.services.voices import Voices
from api.services.witnesses import WitnessService, read_policy
from api.settings import Settings
from credentials.keeping import ClaimKeys, actors, claim_keys, identity_roots
from credentials.manifests import Actor
from credentials.token_signer import TokenIssuer, kept_issuer
from ledger.batch import Clock
from ledger.log import Log, system_clock
from ledger.map.roots import MapRoots
from ledger.witness.gather import open_gatherer
from tallystick.key_history import history_of
from tallystick.lazy_dataclass import dataclass
from tallystick.times import format_time
from tallystick.token.licence import issuer_of
from tallystick.trust import parse_trust


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
    log_keys: LogKeyService
    receipts: ReceiptService
    registration: RegistrationService
    desk: AnchorDesk
    timestamps: TimestampDesk
    watch: AnchorWatch
    pictures: PictureService
    naming: TargetNaming
    time_marks: TimeMarks
    maps: MapService
    completeness: CompletenessCheck
    parties: PartyService
    status: StatusService
    statuses: StatusLists
    files: CredentialFiles
    erased: ErasedFiles
    licences: LicenceService
    settlements: SettlementService
    licence_files: LicenceFiles
    orders: LicenceOrders
    licence_tokens: LicenceTokens
    licence_checks: LicenceChecks
    file_receipts: FileReceipts
    certificates: CertificateService
    standings: StandingService
    evidence: EvidenceService
    trust: bytes
    limits: Limits = field(default_factory=Limits)
    bodies: Bodies = field(default_factory=Bodies)
    uploads: Bodies = field(default_factory=partial(Bodies, UPLOADED_AT_A_TIME))

    def now(self) -> str:
        """The service's clock, as it stands in events."""
        return format_time(self.clock())

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
        policy = read_policy(settings.witnesses, keyring.log_signers(settings.origin).keys)
        with (
            _home(settings),
            closing(open_gatherer(policy, clock, settings.witness_seconds)) as gatherer,
            found_log(settings, keyring, clock, gatherer) as log,
        ):
            settings.anchors.mkdir(exist_ok=True, mode=0o700)
            accounts, desk = open_accounts(settings), AnchorDesk(Outbox(settings.outbox), clock)
            stamps, witnesses = TimestampDesk(Stamps(settings.outbox)), WitnessService(policy, gatherer)
            services = _services(settings, clock, keyring, log, accounts, desk, stamps, witnesses)
            try:
                yield services
            finally:
                services.orders.close()
                services.maps.close()
                services.submission.close()
                stamps.close()
                desk.close()
                accounts.close()


def _home(settings: Settings) -> AbstractContextManager[None]:
    if settings.database and settings.role == "full":
        from api import sharing

        return sharing.home(settings)
    return nullcontext()


def open_accounts(settings: Settings) -> Accounts:
    """Tokens: in the database that services share, or in a file."""
    if settings.database:
        from api import sharing

        return sharing.open_accounts(settings)
    return Accounts(settings.accounts)


def _services(
    settings: Settings,
    clock: Clock,
    keyring: Keyring,
    log: Log,
    accounts: Accounts,
    desk: AnchorDesk,
    stamps: TimestampDesk,
    witnesses: WitnessService,
) -> Services:
    voices, files, book = _voices(log, keyring), CredentialFiles(settings.credentials), OrderBook(settings.orders)
    erased, workshop = _swept(ErasedFiles(log, files, book.scrub)), Workshop(log, voices, clock, _pool(voices))
    submission = SubmissionService(log, voices, workshop, desk.urgent, erased.sweep, settings.anchor_at_once)
    proofs, completeness = ProofService(log.published, history := history_of(log.keys())), CompletenessCheck(log)
    receipts = ReceiptService(log.published, proofs, lambda: log.status().size, keyring.signers["log"], history)
    maps, watch = _maps(settings, log, keyring, clock), _watch(settings, log, desk, stamps, clock)
    (seal, dating), (claims, standing_by) = _dating(settings, clock), _signing(settings, clock)
    issuer = Issuer(log, submission, voices, files, claims.signer, clock, witnesses, dating, standing_by)
    statuses = StatusLists(log, settings.origin, keyring.signers["status"], settings.status_lifetime, clock)
    tokens, trust = _tokens(settings, log, issuer, statuses, claims, seal, witnesses, clock)
    licences, licence_files = LicenceService(issuer, statuses), LicenceFiles(issuer, statuses)
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
        log_keys=LogKeyService(log),
        receipts=receipts,
        registration=RegistrationService(log, submission, receipts),
        desk=desk,
        timestamps=stamps,
        watch=watch,
        pictures=PictureService(log, desk, proofs),
        naming=TargetNaming(desk, submission, voices, log.publish_now),
        time_marks=TimeMarks(desk, submission, voices, log, witnesses, stamps, settings.anchor_seconds, clock),
        completeness=completeness,
        parties=PartyService(submission, accounts, log, voices),
        status=StatusService(log, voices, proofs, desk, watch, completeness, witnesses),
        statuses=statuses,
        files=files,
        erased=erased,
        licences=licences,
        settlements=SettlementService(submission, voices, log),
        licence_files=licence_files,
        orders=_orders(book, issuer, licences, licence_files, clock),
        licence_tokens=tokens,
        licence_checks=LicenceChecks(log, voices, tokens, parse_trust(trust)),
        file_receipts=FileReceipts(issuer, desk, stamps, parse_trust(trust)),
        certificates=_certificates(settings, issuer, desk, stamps, seal, clock),
        standings=StandingService(log),
        evidence=EvidenceService(issuer, desk, stamps, keyring.signers["exporter"], maps, trust, settings),
        maps=maps,
        trust=trust,
    )


def _orders(
    book: OrderBook, issuer: Issuer, licences: LicenceService, files: LicenceFiles, clock: Clock
) -> LicenceOrders:
    return LicenceOrders(book, Hands(issuer.signer, issuer.actors), issuer, licences, files, clock)


def _maps(settings: Settings, log: Log, keyring: Keyring, clock: Clock) -> MapService:
    if settings.role != "full":
        return MapService(None, log.published)
    auditors = read_auditors(settings.auditors)
    roots = MapRoots(log, keyring.signers["log"], settings.map, settings.map_seconds, clock, auditors)
    return MapService(roots, log.published)


def _watch(settings: Settings, log: Log, desk: AnchorDesk, stamps: TimestampDesk, clock: Clock) -> AnchorWatch:
    limit = settings.anchor_limit if settings.role == "full" else None
    return AnchorWatch(log, desk, stamps, anchor_targets(settings), limit, clock)


def _swept(erased: ErasedFiles) -> ErasedFiles:
    """A crash may have come between an erasure and the removal of the files that show what was erased."""
    erased.sweep()
    return erased


def _pool(voices: Voices) -> Pool | None:
    # With one core there is none to spare for a process beside this one.
    return Pool([voices.service_key, voices.registrar_key]) if cores() > 1 else None


def anchor_targets(settings: Settings) -> frozenset[str]:
    """The names of the targets that the settings name."""
    others = read_chains(settings.chains) if settings.chains else ()
    return frozenset({RESERVED, *(chain.name for chain in others)})


def _signing(settings: Settings, clock: Clock) -> tuple[ClaimKeys, dict[str, Actor]]:
    """The claim signer with the roots that were ever above one, and the licensors whose identities are kept here."""
    passphrase = passphrase_of(settings.keys, settings.passphrase, create=False)
    now = datetime.fromtimestamp(clock(), UTC)
    return claim_keys(settings.keys, passphrase, settings.origin, now), actors(settings.keys, passphrase)


def _dating(settings: Settings, clock: Clock) -> tuple[Seal, ClaimStamps]:
    """Who dates documents, and who dates claims."""
    named = _timestamp_authorities(settings)
    return _seal(settings, clock, named), asking(named, clock)


def _timestamp_authorities(settings: Settings) -> tuple[Service, ...]:
    if not settings.timestamps:
        return ()
    from anchors.timestamps.config import read_authorities

    return read_authorities(settings.timestamps)


def _seal(settings: Settings, clock: Clock, authorities: tuple[Service, ...]) -> Seal:
    """The signer of documents, made at the first start, and whom it asks for the time."""
    passphrase = passphrase_of(settings.keys, settings.passphrase, create=False)
    return Seal(settings.keys / "documents", settings.clock, passphrase, settings.origin, clock, authorities)


def _certificates(
    settings: Settings, issuer: Issuer, desk: AnchorDesk, stamps: TimestampDesk, seal: Seal, clock: Clock
) -> CertificateService:
    template, registrar = settings.certificate_numbers, issuer.voices.registrar_key
    numbering = Numbering(template, settings.certificate_zone, clock) if template else None
    printer = Printer(issuer, desk, stamps, registrar, settings.address, seal.clock_words)
    return CertificateService(issuer, printer, seal, numbering, CertificateCards(issuer, printer))


def _tokens(
    settings: Settings,
    log: Log,
    issuer: Issuer,
    statuses: StatusLists,
    claims: ClaimKeys,
    seal: Seal,
    witnesses: WitnessService,
    clock: Clock,
) -> tuple[LicenceTokens, bytes]:
    """Licence tokens, whose signer stands under a root of its own, and the trust file that names it."""
    passphrase = passphrase_of(settings.keys, settings.passphrase, create=False)
    now = datetime.fromtimestamp(clock(), UTC)
    signer = kept_issuer(settings.keys / "tokens", passphrase, settings.origin, issuer_of(settings.origin), now)
    return LicenceTokens(issuer, statuses, signer, clock), _trust(settings, log, claims, signer, seal, witnesses)


def _trust(
    settings: Settings,
    log: Log,
    claims: ClaimKeys,
    token_issuer: TokenIssuer,
    seal: Seal,
    witnesses: WitnessService,
) -> bytes:
    """The same bytes at every start with the same witnesses and authorities: it is issued when the log begins.

    A log under earlier rules keeps the file that readers have of it: its licences have no tokens, and
    its certificates are signed as its rules know.
    """
    with log.store.snapshot() as reads:
        first = reads.record(0)
    assert first is not None  # Log.open saw to it
    third = log.keys().version >= 3
    return trust_file(
        log.keys(),
        claims.roots,
        format_time(first.admitted_at),
        settings.status_lifetime,
        witnesses.trusted(),
        (*named_authorities(settings.timestamps), *(seal.trusted() if third else ())),
        [token_issuer.root] if has_tokens(log.keys()) else [],
        [seal.root] if third else [],
        identity_roots(settings.keys),
    )


def _voices(log: Log, keyring: Keyring) -> Voices:
    state, signers = log.keys(), keyring.signers
    return Voices(
        origin=state.origin,
        prefix=state.prefix,
        registrar=state.registrar,
        service=state.service,
        registrar_key=signers["registrar"],
        service_key=signers["service"],
        log_key=signers["log"],
    )
