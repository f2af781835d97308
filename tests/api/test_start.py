"""Starting, stopping and starting again, on real processes; and the sentences of starts that cannot be."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.__main__ import listen
from api.founding import Misplaced
from api.settings import Settings
from api.wiring import open_services
from tallystick.errors import MalformedInput
from tallystick.events.log import AnchorTarget
from tallystick.evm import anchor as verifier
from tallystick.evm import proof as formats
from tallystick.schema import read
from tests.api.process import PATIENCE, ROOT, Server, free_port, outcome, running, until
from tests.api.test_submission import picture

First = dict[str, Any]
TOKEN = re.compile(r"ts_[A-Za-z0-9_-]{43}")


def final_anchors(status: dict[str, Any]) -> list[dict[str, Any]]:
    return [anchor for anchor in status["anchors"] if anchor["state"] == "final"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def first(data: Path) -> Iterator[First]:
    """What the first start on the folder said and did; it is stopped again."""
    with running(data) as server:
        status = until(server.url, final_anchors)
        (token,) = TOKEN.findall(server.output)
        proof = httpx.get(f"{server.url}/v1/anchors/{status['anchors'][0]['id']}/proof").content
        worker = server.worker()
        code = server.stop()
        yield {
            "status": status,
            "token": token,
            "code": code,
            "output": server.output,
            "proof": proof,
            "worker": worker,
        }


def test_the_first_start_names_the_chain_in_the_log_and_anchors(first: First) -> None:
    (target,) = first["status"]["targets"]
    assert (target["state"], target["log_position"]) == ("named", 3)
    announced = read(AnchorTarget, target["announcement"])
    fact = verifier.verify(formats.decode(first["proof"]), announced)
    (anchor,) = final_anchors(first["status"])
    assert (fact.size, fact.root.hex()) == (anchor["size"], anchor["root"])
    assert anchor["size"] > target["log_position"]
    assert "vouched for by: operator only" in anchor["trust"]


def test_ctrl_c_stops_server_and_worker_in_order(first: First) -> None:
    assert first["code"] == 0
    assert "Traceback" not in first["output"]
    with pytest.raises(ProcessLookupError):
        os.kill(first["worker"], 0)


def lasting(targets: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What a target is, without how it stands just now."""
    return [{name: target[name] for name in ("name", "state", "announcement")} for target in targets]


def test_a_restart_continues_the_same_log_and_chain(data: Path, first: First) -> None:
    with running(data) as server:
        assert TOKEN.findall(server.output) == []
        bearer = {"Authorization": f"Bearer {first['token']}"}
        event = {"type": "object.register", "body": picture()}
        told = httpx.post(f"{server.url}/v1/events", json=event, headers=bearer).json()
        assert told["position"] == first["status"]["size"]
        assert httpx.post(f"{server.url}/v1/anchors", json={}, headers=bearer).status_code == 202
        status = until(server.url, lambda now: len(final_anchors(now)) > 1)
        for name in ("origin", "registrar", "service"):
            assert status[name] == first["status"][name]
        assert lasting(status["targets"]) == lasting(first["status"]["targets"])
        newest, oldest = status["anchors"][0], status["anchors"][-1]
        assert oldest == first["status"]["anchors"][-1]
        assert newest["block_number"] > oldest["block_number"]
        assert newest["size"] > told["position"]
        assert server.stop(signal.SIGTERM) == 0


def test_a_worker_that_dies_is_started_again(data: Path, first: First) -> None:
    with running(data) as server:
        before = until(server.url, lambda status: True)
        worker = server.worker()
        os.kill(worker, signal.SIGKILL)
        bearer = {"Authorization": f"Bearer {first['token']}"}
        event = {"type": "object.register", "body": picture(b"while the worker is dead")}
        assert httpx.post(f"{server.url}/v1/events", json=event, headers=bearer).status_code == 201
        assert httpx.post(f"{server.url}/v1/anchors", json={}, headers=bearer).status_code == 202
        until(server.url, lambda now: len(final_anchors(now)) > len(final_anchors(before)))
        assert server.workers() != [worker]
        assert "starting it again" in server.output


def test_a_worker_ends_with_a_server_that_is_killed(data: Path, first: First) -> None:
    with running(data) as server:
        worker = server.worker()
        os.kill(server.pid, signal.SIGKILL)
    # The next service gets the chain: nobody else holds it.
    with running(data) as server:
        assert worker not in server.workers()
        bearer = {"Authorization": f"Bearer {first['token']}"}
        before = until(server.url, lambda status: True)
        event = {"type": "object.register", "body": picture(b"after the kill")}
        assert httpx.post(f"{server.url}/v1/events", json=event, headers=bearer).status_code == 201
        assert httpx.post(f"{server.url}/v1/anchors", json={}, headers=bearer).status_code == 202
        until(server.url, lambda now: len(final_anchors(now)) > len(final_anchors(before)))


def test_two_services_on_one_folder(data: Path, first: First) -> None:
    with running(data):
        code, said = outcome("serve", data, TALLYSTICK_PORT=str(Server(data).port))
    assert code == 1
    assert sentence(said).startswith(f"tallystick: another service has the data folder {data}: stop it")


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, said = outcome("serve", tmp_path / "data", TALLYSTICK_PORT=str(port))
    assert code == 1
    assert re.match(rf"tallystick: cannot listen on 127.0.0.1 port {port} .* TALLYSTICK_PORT$", sentence(said))
    assert not (tmp_path / "data").exists()


def test_a_setting_that_makes_no_sense(tmp_path: Path) -> None:
    code, said = outcome("serve", tmp_path, TALLYSTICK_PORT="80 80")
    assert (code, "TALLYSTICK_PORT: expected a whole number" in sentence(said)) == (1, True)


def test_a_wrong_passphrase(data: Path, first: First) -> None:
    for command in ("serve", "worker"):
        code, said = outcome(command, data, TALLYSTICK_PASSPHRASE="wrong", TALLYSTICK_PORT=str(Server(data).port))
        assert code == 1
        assert "passphrase" in sentence(said)


def test_a_worker_without_a_log(tmp_path: Path) -> None:
    code, said = outcome("worker", tmp_path / "nowhere")
    assert (code, "start the service first" in sentence(said)) == (1, True)


def test_another_token_for_the_administrator(data: Path, first: First) -> None:
    code, said = outcome("token", data)
    assert code == 0
    (token,) = TOKEN.findall(said)
    with running(data) as server:
        answer = httpx.post(f"{server.url}/v1/checkpoints", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200


def sentence(said: str) -> str:
    """All that was said is one line."""
    (line,) = said.splitlines()
    return line


# --- folders that do not belong together ------------------------------------------


def begin(data: Path) -> Settings:
    settings = Settings(data=data)
    with open_services(settings):
        pass
    return settings


def test_keys_without_their_log_never_begin_a_second_one(tmp_path: Path) -> None:
    settings = begin(tmp_path)
    shutil.rmtree(settings.log)
    with pytest.raises(Misplaced, match="a second log under the same keys would be a fork"), open_services(settings):
        pass
    assert not settings.log.exists()


def test_a_log_without_its_keys_gets_no_new_ones(tmp_path: Path) -> None:
    settings = begin(tmp_path)
    shutil.rmtree(settings.keys)
    with pytest.raises(Misplaced, match="bring the keys back"), open_services(settings):
        pass
    assert not settings.keys.exists()


def test_a_lost_key_is_named(tmp_path: Path) -> None:
    settings = begin(tmp_path)
    (settings.keys / "registrar.pem").unlink()
    with pytest.raises(MalformedInput, match=r"registrar\.pem"), open_services(settings):
        pass


@pytest.mark.parametrize("left", ["keys half made", "keys made", "log folder made", "log begun, not remembered"])
def test_a_first_start_that_was_cut_short_goes_on(tmp_path: Path, left: str) -> None:
    settings = Settings(data=tmp_path)
    if left == "keys half made":
        (tmp_path / "keys.new").mkdir()
        (tmp_path / "keys.new" / "log.pem").write_text("half a key")
    else:
        begin(tmp_path)
        if left == "log begun, not remembered":
            (settings.keys / "genesis-checkpoint").unlink()
        else:
            (settings.keys / "genesis-checkpoint").unlink()
            shutil.rmtree(settings.log)
            if left == "log folder made":
                (settings.log / "public").mkdir(parents=True)
    with open_services(settings) as services:
        assert services.log.publish_now().checkpoint.size == 3
    with open_services(settings) as services:
        assert (settings.keys / "genesis-checkpoint").read_bytes() == services.proofs.note()


def test_secrets_are_for_their_owner_alone(tmp_path: Path) -> None:
    settings = begin(tmp_path)
    for path in (settings.keys, settings.keys / "passphrase", *settings.keys.glob("*.pem")):
        assert path.stat().st_mode & 0o077 == 0, path


def test_the_service_loads_neither_chain_nor_migrations() -> None:
    """Of the packages that cost a second to import, none is there when the service answers."""
    code = (
        "import sys, api.__main__, api.app, api.wiring, ledger.store.sqlite\n"
        "print(sorted({'web3', 'eth', 'eth_account', 'alembic', 'sqlmodel', 'sqlalchemy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    assert done.stdout == "[]\n", done.stderr


def test_reopening_a_log_loads_no_migrations(tmp_path: Path) -> None:
    begin(tmp_path)
    code = (
        "import sys; from pathlib import Path\n"
        "from api.settings import Settings; from api.wiring import open_services\n"
        f"with open_services(Settings(data=Path({str(tmp_path)!r}))): pass\n"
        "print(sorted({'alembic', 'sqlalchemy', 'web3'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    assert done.stdout == "[]\n", done.stderr


def test_answers_are_sent_at_once(tmp_path: Path) -> None:
    """asyncio turns Nagle's algorithm off for sockets that say that they are TCP, and for no others."""
    with listen(Settings(data=tmp_path, port=free_port())) as listening:
        assert listening.proto == socket.IPPROTO_TCP
        assert listening.getsockname()[0] == "127.0.0.1"
