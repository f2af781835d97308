"""Several hosts: the sequencer's cable is cut in the middle of its work, and mended when another has taken over."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.ledger.network import Host, NoNetworks
from tests.ledger.sharer import STEPS
from tests.ledger.test_shared_faults import Lives, Rescue, end_lease, keeper, lives
from tests.postgres import Server

__all__ = ["keeper", "lives"]


@pytest.fixture
def host(postgres: Server) -> Iterator[Host]:
    try:
        made = Host(1, postgres.folder)
    except NoNetworks as error:
        pytest.skip(f"network namespaces cannot be made here: {error}")
    with closing(made):
        yield made


def seen_from(host: Host, dsn: str) -> str:
    """The address of a database as it is over there."""
    fields = dict(part.split("=", 1) for part in dsn.split())
    return f"host={host.address} port={host.port} user={fields['user']} dbname={fields['dbname']}"


POINTS = [(step, when) for step in STEPS for when in ("before", "done")]


@pytest.mark.parametrize(("step", "when"), POINTS)
def test_cut_off_until_another_took_over(lives: Lives, log_dsn: str, host: Host, step: str, when: str) -> None:
    lives.begin(seen_from(host, log_dsn), "cut", step, when, network=host.namespace)
    assert lives.until("at") == f"at {step} {when}"
    host.cut()
    end_lease(log_dsn)
    lives.signal(signal.SIGUSR1)  # it goes on, into the dark
    with closing(Rescue(log_dsn)) as rescue:
        rescue.look()
        rescue.work()
        seat = rescue.log.status().seat
        assert seat is not None
        assert seat.here
        host.heal()
        lives.signal(signal.SIGUSR2)
        assert lives.until("ended") == "ended 0"
        assert lives.said == lives.got.keys()
        rescue.work()
        assert rescue.log.status().seat == seat
        rescue.check(lives)


def test_another_host_takes_over_by_itself(lives: Lives, log_dsn: str, host: Host) -> None:
    lives.begin(seen_from(host, log_dsn), "cut", "append", "done", network=host.namespace, lease=1.0)
    lives.until("at")
    host.cut()
    lives.signal(signal.SIGUSR1)
    with closing(Rescue(log_dsn, lease=1.0)) as rescue:
        rescue.work()
        host.heal()
        lives.signal(signal.SIGUSR2)
        assert lives.until("ended") == "ended 0"
        rescue.check(lives)
