"""How a log begins: entry 0 its key set, entry 1 its registration policy, then the batch that closes over both.

A log that succeeds another says so in entry 2, before the batch entry.
"""

from __future__ import annotations

from collections.abc import Mapping

from ledger.batch import Clock, Scribe
from ledger.errors import LogExists
from ledger.store import Store
from ledger.submission import prepare
from tallystick.admission.log_rules import ROLE_ALGORITHMS, prove_key_set
from tallystick.events import Event
from tallystick.events.kinds import RULES
from tallystick.events.log import KeySet, Policy, Predecessor, RoleKey
from tallystick.keys import Signer
from tallystick.lazy_dataclass import dataclass
from tallystick.statement import Statement, sign_statement
from tallystick.times import format_time


@dataclass(frozen=True)
class Founding:
    """What a new log is made of. ``signers``: one for each role of ``ROLE_ALGORITHMS``; each proves that it agrees.

    ``predecessor``: the log that it succeeds, verified (``ledger.succession``).
    """

    origin: str
    prefix: str
    registrar: str
    service: str
    signers: Mapping[str, Signer]
    predecessor: Predecessor | None = None


def begin(store: Store, founding: Founding, clock: Clock) -> None:
    """Write the genesis entries, all or none. Raises ``LogExists`` when the store holds any entry."""
    with store.snapshot() as reads:
        if reads.size():
            raise LogExists(f"the store holds {reads.size()} entries: this log has begun, open it")
    now = format_time(clock())
    statements = [_key_set(founding, now), _policy(founding, now)]
    if founding.predecessor is not None:
        statements.append(_say(founding, "log.predecessor", now, founding.predecessor))
    scribe = Scribe(store, founding.origin, founding.signers["log"], clock)
    for outcome in scribe.write([prepare(statement) for statement in statements]):
        if isinstance(outcome, Exception):
            raise outcome


def _key_set(founding: Founding, now: str) -> Statement:
    signers = dict(founding.signers)
    keys = tuple(RoleKey(role, signers[role].public.to_text(), now) for role in ROLE_ALGORITHMS)  # type: ignore[arg-type]
    body = KeySet(founding.origin, founding.prefix, founding.registrar, founding.service, keys)
    return _say(founding, "log.key-set", now, prove_key_set(body, signers))


def _policy(founding: Founding, now: str) -> Statement:
    return _say(founding, "log.policy", now, Policy("tallystick-admission", RULES))


def _say(founding: Founding, kind: str, now: str, body: KeySet | Policy | Predecessor) -> Statement:
    event_id = f"genesis-{kind.removeprefix('log.')}"
    event = Event(type=kind, event_id=event_id, subject=founding.origin, time=now, body=body)
    return sign_statement(founding.signers["registrar"], founding.registrar, event)
