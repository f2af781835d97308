"""Another chain by configuration, from the file to a final anchor: the service, its worker, the commands."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from anchors.outbox import Outbox
from tallystick.evm import anchor as verifier
from tallystick.evm import proof as formats
from tests.anvil import Anvil
from tests.api.process import PATIENCE, ROOT, Server


def command(server: Server, chains: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "TALLYSTICK_DATA": str(server.data), "TALLYSTICK_CHAINS": str(chains)}
    return subprocess.run(
        [sys.executable, "-m", "api", "chain", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


def anchored(server: Server, names: set[str]) -> None:
    """Wait until each of these targets has a final anchor whose proof the core verifies."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        outbox = Outbox(server.data / "anchors" / "anchors.db")
        try:
            targets = {target.id: target for target in outbox.targets()}
            finals = outbox.anchors(state="final")
        finally:
            outbox.close()
        if {targets[anchor.target_id].spec.name for anchor in finals} == names:
            for anchor in finals:
                verifier.verify(formats.decode(anchor.proof or b""), targets[anchor.target_id].announcement)
            return
        time.sleep(0.2)
    raise AssertionError(server.output)


def test_from_the_file_of_chains_to_a_final_anchor_beside_the_embedded_one(tmp_path: Path) -> None:
    chains = tmp_path / "chains.toml"
    server = Server(tmp_path / "data", TALLYSTICK_CHAINS=str(chains))
    with Anvil() as node, Anvil("--chain-id", "5") as gone:
        gone.kill()
        chains.write_text(
            f'[outside]\nurl = "{node.url}"\nchain-id = 31337\nfinality = "immediate"\nkeystore = "key.json"\n'
            f'poll-seconds = 1\n[gone]\nurl = "{gone.url}"\nchain-id = 5\nfinality = 3\nkeystore = "key.json"\n'
        )
        server.start()
        try:
            made = command(server, chains, "key", "outside")
            assert "give it money on outside" in made.stdout, made.stderr
            assert command(server, chains, "key", "outside").returncode == 1
            node.set_balance(bytes.fromhex(made.stdout[2:42]), 10**19)
            first, again = (command(server, chains, "deploy", "outside") for _ in range(2))
            assert first.stdout == again.stdout != "", first.stderr
            anchored(server, {"embedded", "outside"})
            shown = command(server, chains, "show").stdout
            assert "node: chain 31337" in shown
            assert "does not answer" in shown
            assert "state: named" in shown
        finally:
            server.stop()


def test_a_file_that_is_wrong_is_refused_before_anything_begins(tmp_path: Path) -> None:
    chains = tmp_path / "chains.toml"
    chains.write_text('[outside]\nurl = "http://127.0.0.1:1"\nchain-id = 0\n')
    environment = {**os.environ, "TALLYSTICK_DATA": str(tmp_path / "data"), "TALLYSTICK_CHAINS": str(chains)}
    said = subprocess.run(
        [sys.executable, "-m", "api", "serve"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert said.returncode == 1
    assert "[outside] keystore: give either keystore or signer" in said.stderr
    assert not (tmp_path / "data").exists()
