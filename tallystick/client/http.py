"""A thin client of the service: one method per resource, problems raised as errors that carry code, field and hint.

What it can do stands by subject: what enters the log and what it holds (``saying``, ``reading``), and what is issued
(``licences``, ``orders``, ``settlements``, ``certificates``, ``exports``).
"""

from __future__ import annotations

from tallystick.client.certificates import Certificates
from tallystick.client.exports import Exported, Exports
from tallystick.client.licences import Licences
from tallystick.client.orders import Orders
from tallystick.client.problems import CONCISE, PROBLEM, ServiceProblem, Unreachable
from tallystick.client.reading import MAX_MEETINGS, MAX_WAIT
from tallystick.client.saying import Registered, Saying
from tallystick.client.settlements import Settlements

__all__ = (
    "CONCISE",
    "MAX_MEETINGS",
    "MAX_WAIT",
    "PROBLEM",
    "Client",
    "Exported",
    "Registered",
    "ServiceProblem",
    "Unreachable",
)


class Client(Saying, Licences, Orders, Settlements, Certificates, Exports):
    """Speaks to one service with one token. Use as a context manager."""
