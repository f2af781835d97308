"""Idempotency for events that the service signs: a client that repeats itself gets its old position.

The service gives every submission fresh salts and, where the client claims no time, its
own; so a repeated request makes other bytes. What the client said is compared instead.
Ask before building a statement, and again when submitting one raised ``Conflict``: two
equal requests may have raced.
"""

from __future__ import annotations

from collections.abc import Mapping

from ledger.errors import Conflict
from ledger.store import Reads
from ledger.submission import Receipt
from tallystick import canonical
from tallystick.canonical import JsonValue
from tallystick.commitments import parse_disclosure
from tallystick.events import Event
from tallystick.statement import parse_statement


def find_repeat(
    reads: Reads, party: str, event: Event, values: Mapping[str, JsonValue], time_claimed: bool
) -> Receipt | None:
    """The receipt of this event if ``party`` said it before; ``None`` if its event id is new.

    ``event`` is what would be signed, its commitments left out; ``values`` are the
    private values; ``time_claimed``: the client gave ``event.time`` itself. Raises
    ``Conflict`` when the event id stands for another event, or for one whose values
    were erased, so that nobody can tell.
    """
    position = reads.position_of_event(party, event.event_id)
    record = reads.record(position) if position is not None else None
    if record is None:
        return None
    said = parse_statement(record.entry).event
    opened = {name: parse_disclosure(text).value for name, text in reads.disclosures(record.position).items()}
    same = (
        (said.type, said.subject, said.body, said.recorded_for)
        == (event.type, event.subject, event.body, event.recorded_for)
        and (said.time == event.time or not time_claimed)
        and set(said.commitments) == set(values)
        # As canonical JSON, where true is not 1.
        and canonical.encode(opened) == canonical.encode(dict(values))
    )
    if not same:
        raise Conflict(party, event.event_id, record.position)
    return Receipt(record.position, record.batch, record.admitted_at, True)
