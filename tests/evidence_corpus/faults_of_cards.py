"""Licence cards: what a card invents about its licence, and a signer whose issuer had revoked him."""

from __future__ import annotations

from datetime import timedelta

from tallystick.c2pa.verdict import LICENCE
from tests.core.verify.test_credentials import desk
from tests.core.verify.test_licence_cards import INVENTED, misdirected, transferred
from tests.core.verify.test_revoked_signers import SIGNED, enclosing
from tests.evidence_corpus.good import Worlds
from tests.evidence_corpus.shelf import Faults, made_so


def faults(worlds: Worlds) -> Faults:
    for number, (lie, told) in enumerate(INVENTED.items()):
        made = desk(worlds.folder / f"card-{number}", lambda honest, told=told: {LICENCE: told(dict(honest[LICENCE]))})
        name = "card-that-shows-" + lie.replace(" ", "-")
        yield made_so(name, made.scene, made.case(), 12, credential="contradicted")
    made = misdirected(worlds.folder / "misdirected", lie=True)
    name = "card-whose-grant-is-another-entry-of-the-log"
    yield made_so(name, made.scene, made.case(), 12, credential="contradicted")
    for before, name in ((True, "card-of-before-a-transfer-with-the-later-status"),
                         (False, "card-of-after-a-transfer-with-the-earlier-status")):  # fmt: skip
        made = transferred(worlds.folder / name, before=before, old=not before)
        yield made_so(name, made.scene, made.case(), 12, credential="contradicted")
    made = desk(worlds.folder / "revoked", finish=enclosing(SIGNED - timedelta(days=1)))
    yield made_so("card-whose-signer-was-revoked-before", made.scene, made.case(), 12, credential="contradicted")
