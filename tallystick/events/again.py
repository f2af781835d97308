"""Events made again of the values that they were read from, where they need not be checked a second time."""

from __future__ import annotations

from typing import Any

from tallystick.events.envelope import Event
from tallystick.events.kinds import BODIES
from tallystick.schema_written import maker


def event_again(value: dict[str, Any]) -> Event:
    """The event of a value that ``parse_event`` read before, here or elsewhere; it must be nobody else's."""
    del value["v"]
    value["body"] = maker(BODIES[value["type"]])(value["body"])
    event: Event = maker(Event)(value)
    return event
