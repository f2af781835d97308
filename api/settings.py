"""Settings from the environment, read once at the edge and passed down as a value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypeAlias

from ledger.aligned import ALIGNMENT, aligned_below
from ledger.bucket.place import BucketPlace, parse_place
from tallystick.errors import MalformedInput
from tallystick.events.kinds import SUBJECTS
from tallystick.events.log import ORIGIN
from tallystick.identifiers import DEFAULT_PREFIX, check_prefix
from tallystick.lazy_dataclass import dataclass

Role: TypeAlias = Literal["full", "ledger"]

DEFAULT_ORIGIN = "tallystick.local/log"

AT_ONCE = ("dispute", "licence", "urgent")
"""What is anchored at once: families of events, event types, and ``urgent``: what whoever submits wishes so."""

ANCHOR_GRACE = 1800
"""Seconds that a chain gets to make an anchor final, where no other alarm is set."""


@dataclass(frozen=True)
class Settings:
    """Everything that an operator may choose. Intervals are seconds.

    checkpoints: where the checkpoint signed last is kept, if not in the data folder; apart from it, a data folder that
    is restored from an old copy is seen.
    anchor_budget: wei that anchoring at one chain that is not our own may cost in a day; ``None``: no limit.
    anchor_at_once: see ``AT_ONCE``.
    predecessor: folder or URL of the log that a new one succeeds; predecessor_trust: a trust file that names it.
    database: the address of the PostgreSQL database that several services share; ``signed`` is that of its checkpoint
    store, if it is another one. ``name``: what the others call this service. ``role``: ``full``, the one service that
    keeps anchors and credential files, or ``ledger``.
    chains: file that names the chains to anchor to beside the embedded one; timestamps: one that names timestamp
    authorities.
    map_seconds: for which an entry may be covered by no stated root of the map; auditors: file with the verifier keys
    of those whose audits of the map are kept and put into bundles. evidence_tail: entries behind the newest audited
    root that a bundle may show to reach the end of the tree. platform: folder of the operator's documents.
    revocation: folder of what issuers said of the revocation of signers, lists and answers.
    public_url: the address of the service for others, which is printed. certificate_numbers: how numbers of
    certificates are made, certificate_zone: by whose year.
    tiles: the object store in which tiles and checkpoint are published, if not in the data folder or database.
    witnesses: policy file (C2SP tlog-policy) of those who cosign checkpoints; witness_seconds: for which a publication
    waits for them.
    """

    data: Path
    host: str = "127.0.0.1"
    port: int = 8000
    origin: str = DEFAULT_ORIGIN
    prefix: str = DEFAULT_PREFIX
    passphrase: str | None = None
    checkpoints: Path | None = None
    predecessor: str | None = None
    predecessor_trust: Path | None = None
    witnesses: Path | None = None
    witness_seconds: int = 2
    publish_every: float = 0.15
    anchor_entries: int = 1024
    anchor_seconds: int = 3600
    chains: Path | None = None
    timestamps: Path | None = None
    public_url: str | None = None
    certificate_numbers: str | None = None
    certificate_zone: str = "Asia/Shanghai"
    anchor_alarm_seconds: int | None = None
    anchor_budget: int | None = None
    anchor_at_once: tuple[str, ...] = AT_ONCE
    map_seconds: int = 60
    auditors: Path | None = None
    evidence_tail: int = 64
    platform: Path | None = None
    revocation: Path | None = None
    status_lifetime: int = 86_400
    database: str | None = None
    signed: str | None = None
    name: str | None = None
    role: Role = "full"
    tiles: BucketPlace | None = None

    @property
    def anchor_limit(self) -> int:
        """Seconds for which an entry may be without a final anchor before that is an alarm."""
        return self.anchor_alarm_seconds or self.anchor_seconds + ANCHOR_GRACE

    @property
    def align(self) -> int | None:
        """Leaves: anchors by count are taken at multiples of this; ``None`` where they come too often for that."""
        return aligned_below(self.anchor_entries, ALIGNMENT) or None

    @property
    def log(self) -> Path:
        """The ledger's folder."""
        return self.data / "log"

    @property
    def keys(self) -> Path:
        """Encrypted private keys."""
        return self.data / "keys"

    @property
    def map(self) -> Path:
        """The map, which can be made anew, and audits of it."""
        return self.data / "map"

    @property
    def anchors(self) -> Path:
        """Outbox, embedded chain, keystore."""
        return self.data / "anchors"

    @property
    def outbox(self) -> Path:
        """Where service and worker meet."""
        return self.anchors / "anchors.db"

    @property
    def credentials(self) -> Path:
        """Issued credential files."""
        return self.data / "credentials"

    @property
    def orders(self) -> Path:
        """The order book of licences."""
        return self.credentials / "orders.db"

    @property
    def accounts(self) -> Path:
        """Token database."""
        return self.data / "accounts.db"

    @property
    def clock(self) -> Path:
        """The local timestamp authority, where no other dates certificates."""
        return self.data / "timestamps"

    @property
    def address(self) -> str:
        """What stands on paper as the address of the service."""
        return self.public_url or self.base_url

    @property
    def base_url(self) -> str:
        """Where the service listens."""
        return f"http://{self.host}:{self.port}"


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Settings from ``TALLYSTICK_*`` variables. Raises ``MalformedInput`` that names the variable."""
    kept, database = environment.get("TALLYSTICK_CHECKPOINTS"), environment.get("TALLYSTICK_DATABASE")
    settings = Settings(
        data=Path(environment.get("TALLYSTICK_DATA", "data")),
        host=environment.get("TALLYSTICK_HOST", Settings.host),
        port=_number(environment, "TALLYSTICK_PORT", Settings.port, 1, 65_535),
        origin=environment.get("TALLYSTICK_ORIGIN", Settings.origin),
        prefix=environment.get("TALLYSTICK_PREFIX", Settings.prefix),
        passphrase=environment.get("TALLYSTICK_PASSPHRASE"),
        checkpoints=Path(kept) if kept and not _is_address(kept) else None,
        predecessor=environment.get("TALLYSTICK_PREDECESSOR"),
        predecessor_trust=Path(trust) if (trust := environment.get("TALLYSTICK_PREDECESSOR_TRUST")) else None,
        witnesses=Path(policy) if (policy := environment.get("TALLYSTICK_WITNESSES")) else None,
        witness_seconds=_number(environment, "TALLYSTICK_WITNESS_SECONDS", Settings.witness_seconds, 1, 60),
        anchor_entries=_number(environment, "TALLYSTICK_ANCHOR_ENTRIES", Settings.anchor_entries, 1, 1 << 40),
        anchor_seconds=_number(environment, "TALLYSTICK_ANCHOR_SECONDS", Settings.anchor_seconds, 1, 1 << 40),
        chains=Path(chains) if (chains := environment.get("TALLYSTICK_CHAINS")) else None,
        public_url=_address(environment, "TALLYSTICK_PUBLIC_URL"),
        certificate_numbers=environment.get("TALLYSTICK_CERTIFICATE_NUMBERS") or None,
        certificate_zone=environment.get("TALLYSTICK_CERTIFICATE_ZONE", Settings.certificate_zone),
        timestamps=Path(named) if (named := environment.get("TALLYSTICK_TIMESTAMPS")) else None,
        anchor_alarm_seconds=_number(environment, "TALLYSTICK_ANCHOR_ALARM_SECONDS", 0, 1, 1 << 40) or None,
        anchor_budget=_budget(environment),
        anchor_at_once=_at_once(environment),
        map_seconds=_number(environment, "TALLYSTICK_MAP_SECONDS", Settings.map_seconds, 1, 1 << 31),
        auditors=Path(named) if (named := environment.get("TALLYSTICK_AUDITORS")) else None,
        evidence_tail=_number(environment, "TALLYSTICK_EVIDENCE_TAIL", Settings.evidence_tail, 0, 10_000),
        platform=Path(folder) if (folder := environment.get("TALLYSTICK_PLATFORM")) else None,
        revocation=Path(folder) if (folder := environment.get("TALLYSTICK_REVOCATION")) else None,
        status_lifetime=_number(environment, "TALLYSTICK_STATUS_LIFETIME", Settings.status_lifetime, 60, 1 << 31),
        database=database,
        signed=kept if kept and _is_address(kept) else None,
        name=environment.get("TALLYSTICK_NAME"),
        role=_role(environment),
        tiles=_bucket(environment),
    )
    _check_database(settings)
    for name, check in (("TALLYSTICK_ORIGIN", ORIGIN.check), ("TALLYSTICK_PREFIX", check_prefix)):
        try:
            check(settings.origin if name.endswith("ORIGIN") else settings.prefix)
        except MalformedInput as error:
            raise MalformedInput(f"{name}: {error}") from None
    return settings


def _address(environment: Mapping[str, str], name: str) -> str | None:
    told = environment.get(name)
    if told is not None and not re.fullmatch(r"https?://[!-~]{1,200}[!-.0-~]", told):
        raise MalformedInput(f"{name}: expected http://… or https://… without a stroke at the end, found {told[:40]!r}")
    return told


def _is_address(text: str) -> bool:
    return text.startswith(("postgresql://", "postgres://"))


def _role(environment: Mapping[str, str]) -> Role:
    role = environment.get("TALLYSTICK_ROLE", "full")
    if role == "full":
        return "full"
    if role == "ledger":
        return "ledger"
    raise MalformedInput(f"TALLYSTICK_ROLE: expected full or ledger, found {role[:40]!r}")


def _bucket(environment: Mapping[str, str]) -> BucketPlace | None:
    told = environment.get("TALLYSTICK_TILES")
    try:
        return parse_place(told) if told else None
    except MalformedInput as error:
        raise MalformedInput(f"TALLYSTICK_TILES: {error}") from None


def _budget(environment: Mapping[str, str]) -> int | None:
    name = "TALLYSTICK_ANCHOR_BUDGET"
    return _number(environment, name, 0, 0, 10**30) if name in environment else None


def _at_once(environment: Mapping[str, str]) -> tuple[str, ...]:
    name = "TALLYSTICK_ANCHOR_AT_ONCE"
    told = environment.get(name)
    if told is None:
        return AT_ONCE
    found = tuple(part.strip() for part in told.split(",") if part.strip())
    known = {"urgent", *SUBJECTS, *(kind.partition(".")[0] for kind in SUBJECTS)}
    for one in found:
        if one not in known:
            raise MalformedInput(f"{name}: {one[:40]!r} is no event type, no family of them, and not urgent")
    return found


def _check_database(settings: Settings) -> None:
    if settings.database is not None and not _is_address(settings.database):
        raise MalformedInput("TALLYSTICK_DATABASE: expected an address that begins with postgresql://")
    if settings.database is None and (settings.signed or settings.role != "full"):
        name = "TALLYSTICK_CHECKPOINTS" if settings.signed else "TALLYSTICK_ROLE"
        raise MalformedInput(f"{name}: this is for services that share a log; set TALLYSTICK_DATABASE too")
    if settings.database and settings.checkpoints:
        raise MalformedInput(
            "TALLYSTICK_CHECKPOINTS: services that share a log share its checkpoint store: expected postgresql://…"
        )


def _number(environment: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = environment.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise MalformedInput(f"{name}: expected a whole number from {least} to {most}, found {text[:40]!r}")
    return int(text)
