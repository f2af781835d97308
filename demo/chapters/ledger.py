"""1. A fresh ledger, and the parties with their keys."""

from __future__ import annotations

from typing import Any

from demo.stage import Stage, now
from tallystick.client.http import Client
from tallystick.client.speaker import Speaker
from tallystick.events.party import ValidKey
from tallystick.identifiers import Letter
from tallystick.keyfile import write_key
from tallystick.keys import LocalSigner
from tallystick.schema import write

PARTIES: dict[str, tuple[list[str], str]] = {
    "studio": (["studio"], "Lantern Pictures 灯笼影业"),
    "provider": (["provider"], "Foundry Models 铸模科技"),
    "laboratory": (["tester"], "Lamplight Test House 明灯检测"),
    "licensee": (["licensee"], "Harbour Streaming 海港视频"),
}


def begin(stage: Stage) -> None:
    """Start the service on an empty folder; register four parties, each with a key of its own."""
    stage.screen.chapter(
        "1",
        "A fresh ledger: own keys, own embedded chain, contract deployed",
        "The registrar's service begins a log that can only grow, on an empty folder, with keys of its own. "
        "Studio, provider, test laboratory and licensee are registered, each with a key of its own; names stand in "
        "the log as salted commitments only.",
    )
    with stage.screen.busy("starting the service"):
        stage.service.start()
    stage.registrar = Client(stage.service.url, stage.service.administrator_token())
    status = stage.registrar.status()
    stage.screen.good(f"log {status['origin']} at {stage.service.url}, data in {stage.service.folder}")
    for name, (roles, title) in PARTIES.items():
        stage.speakers[name] = _register(stage, name, roles, title)
    stage.record("ledger", stage.service.folder, f"log {status['origin']}: one history, every entry signed")


def _register(stage: Stage, name: str, roles: list[str], title: str) -> Speaker:
    signer = LocalSigner.generate("ed25519")
    folder = stage.out / name
    folder.mkdir()
    write_key(folder / "key.pem", signer, b"demo only")
    party = stage.new(Letter.PARTY)
    request: dict[str, Any] = {
        "subject": party,
        "kind": "organisation",
        "roles": roles,
        "keys": [write(ValidKey(signer.public.to_text(), now()))],
        "private": {"name": title},
    }
    answer = stage.registrar.register_party(request)
    token = stage.registrar.issue_token(party, ["submit", "read-private", "evidence"])["token"]
    stage.screen.good(f"{name} {party} at position {answer['position']}; its name kept private")
    return Speaker(party, signer, Client(stage.service.url, token))
