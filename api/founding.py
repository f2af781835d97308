"""The first start: keys, then the log with its genesis, then its first checkpoint. Cut short anywhere, it goes on."""

from __future__ import annotations

import secrets
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from api.folders import make_whole, write_whole
from api.keyring import Keyring, create_keyring, open_keyring, passphrase_of
from api.settings import Settings
from ledger.batch import Clock
from ledger.copies.source import open_source
from ledger.errors import LogExists
from ledger.face import Cosigners
from ledger.folder import Folder
from ledger.genesis import Founding
from ledger.log import Log
from ledger.reader import PublishedLog
from ledger.succession import read_predecessor
from ledger.tiles import Tiles
from ledger.tilestore import TileStore
from tallystick import canonical
from tallystick.admission.log_rules import role_key
from tallystick.admission.state import LogState
from tallystick.errors import TallystickError
from tallystick.events.log import KeySet, Predecessor
from tallystick.identifiers import RANDOM_BYTES, Letter, new_identifier
from tallystick.key_history import KeyHistory, Replacement, history_of
from tallystick.keys import PublicKey
from tallystick.schema import read, write
from tallystick.statement import parse_statement
from tallystick.tree_head import parse_log_keys
from tallystick.trust import parse_trust

VKEYS = "vkeys"
"""In the key folder: the log's public verifier keys, for whoever needs no private one."""
REPLACED = "replaced"
"""In the key folder, once a key was replaced: the rotations as a trust file has them, for whoever needs no database."""
PREDECESSOR = "predecessor-checkpoint"
"""In the key folder of a log that succeeds another: the last checkpoint of that one."""
GENESIS = "genesis-checkpoint"
"""In the key folder: the first checkpoint that these keys signed. Where it stands, a log was begun with them."""


_MAX_HISTORY = 1 << 24


class Misplaced(TallystickError):
    """Keys without their log, or a log without its keys."""


def found_keyring(settings: Settings) -> Keyring:
    """The log's keys, made at the first start. Raises ``MalformedInput`` for a wrong passphrase."""
    if not settings.keys.exists() and Folder(settings.log).database.exists():
        raise Misplaced(
            f"{settings.log} holds a log and {settings.keys} no keys: bring the keys back, "
            "or choose an empty folder with TALLYSTICK_DATA"
        )
    if settings.database and not settings.keys.exists():
        from api import sharing

        if sharing.has_log(settings):
            raise Misplaced(
                f"the database holds a log and {settings.keys} no keys: copy that folder from a service that has "
                "them, or choose an empty database with TALLYSTICK_DATABASE"
            )
    make_whole(settings.keys, lambda folder: _make_keys(folder, settings))
    return open_keyring(settings.keys, passphrase_of(settings.keys, settings.passphrase, create=False))


def _make_keys(folder: Path, settings: Settings) -> None:
    keyring = create_keyring(folder, passphrase_of(folder, settings.passphrase, create=True))
    lines = keyring.log_signers(settings.origin).keys.verifier_keys()
    (folder / VKEYS).write_text("".join(f"{line}\n" for line in lines))


def found_log(settings: Settings, keyring: Keyring, clock: Clock, cosigners: Cosigners | None = None) -> Log:
    """The open log, begun at the first start. Raises what opening it does, and ``Misplaced``."""
    begin = _begun_shared if settings.database else _begun_here
    log = begin(settings, keyring, clock, cosigners)
    try:
        check_keyring(log.keys(), keyring)
        write_history(settings.keys, history_of(log.keys()))
    except BaseException:
        log.close()
        raise
    return log


def _begun_shared(settings: Settings, keyring: Keyring, clock: Clock, cosigners: Cosigners | None) -> Log:
    # The database's driver is loaded where there is a database.
    from api import sharing

    genesis = settings.keys / GENESIS
    if not genesis.exists():
        with suppress(LogExists):
            sharing.begin(settings, _founding(settings, keyring, _predecessor(settings)), clock)
    elif not sharing.has_log(settings):
        raise Misplaced(
            f"the keys in {settings.keys} have begun a log, and the database holds none: correct its address; "
            "a second log under the same keys would be a fork"
        )
    log = sharing.open_log(settings, keyring.log_signers(settings.origin), clock, cosigners)
    if not genesis.exists():
        write_whole(genesis, log.publish_now().note.encode().encode())
    return log


def published_tiles(settings: Settings) -> Tiles:
    """What is published, for who only reads."""
    if settings.tiles:
        from ledger.bucket.opening import reading

        return reading(settings.tiles)
    if settings.database:
        from api import sharing

        return sharing.open_tiles(settings)
    return TileStore(Folder(settings.log).public)


def _begun_here(settings: Settings, keyring: Keyring, clock: Clock, cosigners: Cosigners | None) -> Log:
    signers = keyring.log_signers(settings.origin)
    genesis, kept, bucket = settings.keys / GENESIS, settings.checkpoints, settings.tiles
    if not genesis.exists():
        try:
            founding = _founding(settings, keyring, _predecessor(settings))
            log = Log.create(
                settings.log, founding, signers, clock, checkpoints=kept, bucket=bucket, publish_every=None
            )
        except LogExists:
            log = Log.open(settings.log, signers, clock, checkpoints=kept, bucket=bucket, publish_every=None)
        with log:
            write_whole(genesis, log.publish_now().note.encode().encode())
    elif not Folder(settings.log).database.exists():
        raise Misplaced(
            f"the keys in {settings.keys} have begun a log, and {settings.log} holds none: bring it back with "
            "`python -m ledger restore`; "
            "a second log under the same keys would be a fork"
        )
    return Log.open(
        settings.log,
        signers,
        clock,
        checkpoints=kept,
        bucket=bucket,
        publish_every=settings.publish_every,
        cosigners=cosigners,
        align=settings.align,
    )


def check_keyring(log: LogState, keyring: Keyring) -> None:
    """Raise ``Misplaced`` unless each key is the one in force in its role: half a rotation is finished first."""
    for role, signer in keyring.signers.items():
        if role_key(log.keys, role) != signer.public:
            gone = [one for one in log.retired or () if PublicKey.from_text(one.key) == signer.public]
            since = f"was replaced at position {gone[0].until}" if gone else "is none that the log ever had"
            raise Misplaced(
                f"{role}.pem {since}: run `python -m api rotate {role}` again if it was cut short, "
                "or bring the key in force"
            )


def write_history(folder: Path, history: KeyHistory) -> None:
    """Keep the rotations for the worker, which has no database."""
    if history.replaced:
        write_whole(folder / REPLACED, canonical.encode([write(one) for one in history.replaced]))


def read_log_keys(settings: Settings) -> KeyHistory:
    """The log's public keys, for who needs no private one. Raises ``Misplaced`` where no service ever started."""
    try:
        text = (settings.keys / VKEYS).read_text()
    except FileNotFoundError:
        raise Misplaced(f"there is no log in {settings.data}: start the service first") from None
    replaced: Any = []
    with suppress(FileNotFoundError):
        replaced = canonical.decode((settings.keys / REPLACED).read_bytes(), _MAX_HISTORY)
    return KeyHistory(parse_log_keys(text.splitlines()), tuple(read(Replacement, one) for one in replaced))


def read_registrar(settings: Settings) -> str:
    """The registrar's party id, from entry 0 as published."""
    published = PublishedLog(published_tiles(settings), read_log_keys(settings))
    (entry,) = published.entries([0], published.checkpoint().checkpoint.size)
    body: KeySet = parse_statement(entry).event.body
    return body.registrar


def _predecessor(settings: Settings) -> Predecessor | None:
    """What the new log says of the one that it succeeds; its last checkpoint is kept beside the keys."""
    if settings.predecessor is None:
        return None
    if settings.predecessor_trust is None:
        raise Misplaced(
            "TALLYSTICK_PREDECESSOR names a log and TALLYSTICK_PREDECESSOR_TRUST no file: give the old log's trust file"
        )
    trust = parse_trust(settings.predecessor_trust.read_bytes())
    if len(trust.logs) != 1:
        raise Misplaced(f"{settings.predecessor_trust} names {len(trust.logs)} logs: give one of the old log alone")
    (log,) = trust.logs.values()
    with closing(open_source(settings.predecessor)) as source:
        ended = read_predecessor(source, log, settings.origin)
    write_whole(settings.keys / PREDECESSOR, ended.note)
    return ended.predecessor


def _founding(settings: Settings, keyring: Keyring, predecessor: Predecessor | None) -> Founding:
    registrar, service = (
        str(new_identifier(Letter.PARTY, secrets.token_bytes(RANDOM_BYTES), settings.prefix)) for _ in range(2)
    )
    return Founding(settings.origin, settings.prefix, registrar, service, keyring.signers, predecessor)
