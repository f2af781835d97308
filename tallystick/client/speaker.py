"""A party that signs what it says with its own key: nobody has to believe that the service spoke for it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tallystick.commitments import Disclosure, disclose
from tallystick.events import Event
from tallystick.keys import LocalSigner
from tallystick.lazy_dataclass import dataclass
from tallystick.statement import sign_statement
from tallystick.times import format_time

if TYPE_CHECKING:
    from tallystick.client.http import Client

SALT_BYTES = 16


@dataclass(frozen=True)
class Speaker:
    """A registered party: its identifier, its key, and a client with its token."""

    party: str
    signer: LocalSigner
    client: Client

    def say(
        self, kind: str, subject: str, body: Any, private: Mapping[str, Any] | None = None
    ) -> tuple[dict[str, Any], list[Disclosure]]:
        """Sign an event as of now and submit it: the service's answer, and what opens the commitments to ``private``.

        Raises ``ServiceProblem`` where the service refuses it or cannot be reached. To be sure of recording it once
        in spite of that, sign a statement with an ``event_id`` of one's own and submit it by ``Client.state``.
        """
        opened = [disclose(name, value, secrets.token_bytes(SALT_BYTES)) for name, value in (private or {}).items()]
        event = Event(
            type=kind,
            event_id=secrets.token_hex(12),
            subject=subject,
            time=format_time(int(time.time())),
            body=body,
            private={one.name: one.commitment for one in opened} or None,
        )
        return self.client.state(sign_statement(self.signer, self.party, event), opened), opened
