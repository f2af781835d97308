"""The events of the log, version 1: what a statement may say. One module per subject.

An event is canonical JSON with exactly these fields: ``v`` (1), ``type``,
``event_id`` (chosen by the client, unique per party), ``subject`` (identifier, or
the log's origin for ``log.*``), ``time`` (claimed by whoever says it),
``recorded_for`` (only where the service signs for a party), ``private`` (salted
commitments by name) and ``body`` (a record per type). Unknown fields are refused.
"""

from tallystick.events.envelope import (
    Event,
    RecordedFor,
    Settled,
    encode_event,
    event_value,
    parse_event,
    settle_event,
)
from tallystick.events.kinds import BODIES

__all__ = ["BODIES", "Event", "RecordedFor", "Settled", "encode_event", "event_value", "parse_event", "settle_event"]
