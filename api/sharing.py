"""What is different where several services share a log: loaded only there, for it needs the database's driver."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from api.accounts import Accounts
from api.accounts_shared import SharedAccounts
from api.keyring import Keyring
from api.settings import Settings
from ledger.batch import Clock
from ledger.face import Cosigners
from ledger.genesis import Founding
from ledger.log import Log
from ledger.shared import log as shared
from ledger.shared.place import Place
from ledger.shared.tiles_postgres import PostgresTiles
from ledger.store.postgres_wire import Pool, connect
from ledger.submission import Receipt
from ledger.tiles import Tiles
from tallystick.errors import TallystickError
from tallystick.events.log import Role
from tallystick.keys import Signer
from tallystick.tree_head import LogSigners

_HOME = 0x7A12
"""Of the advisory lock that the home holds as long as it lives."""


class TwoHomes(TallystickError):
    """Another service keeps the anchors and the credential files of this log."""


def place(settings: Settings) -> Place:
    """Where the log is, and what the other services call this one."""
    name = settings.name or f"{socket.gethostname()}:{settings.port}"
    return Place(_database(settings), name, settings.signed, bucket=settings.tiles)


def _database(settings: Settings) -> str:
    assert settings.database is not None  # else nothing here is called
    return settings.database


def has_log(settings: Settings) -> bool:
    """Whether it was begun."""
    return shared.has_log(_database(settings))


def begin(settings: Settings, founding: Founding, clock: Clock) -> None:
    """Begin it. Raises ``LogExists``, and ``LogBusy`` while another service does."""
    shared.create_shared(place(settings), founding, clock)


def rotate(settings: Settings, keyring: Keyring, role: Role, new: Signer, clock: Clock) -> Receipt:
    """Replace a key while no service runs. Raises ``LogBusy`` while one does, and ``Refused``."""
    return shared.rotate_shared(place(settings), keyring.signers, role, new, clock)


def open_log(settings: Settings, signers: LogSigners, clock: Clock, cosigners: Cosigners | None) -> Log:
    """As one of its candidates. Raises what ``open_shared`` does."""
    return shared.open_shared(
        place(settings),
        signers,
        clock,
        publish_every=settings.publish_every,
        cosigners=cosigners,
        align=settings.align,
    )


def open_tiles(settings: Settings) -> Tiles:
    """What is published, for who only reads."""
    return PostgresTiles(Pool(_database(settings), "tallystick reader"))


def open_accounts(settings: Settings) -> Accounts:
    """Tokens that open their accounts at each of the services."""
    return SharedAccounts(_database(settings))


@contextmanager
def home(settings: Settings) -> Iterator[None]:
    """Be the service that keeps anchors and credential files. Raises ``TwoHomes``.

    It guards against a mistake in the settings, not against a network that is cut: two homes would anchor twice.
    """
    with connect(_database(settings), "tallystick home") as connection:
        found = connection.execute("SELECT pg_try_advisory_lock(%s)", (_HOME,)).fetchone()
        if found != (True,):
            raise TwoHomes(
                "another service keeps this log's anchors and credential files: start this one with "
                "TALLYSTICK_ROLE=ledger, or stop the other"
            )
        yield
