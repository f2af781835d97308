"""One token of the corpus, what is asked about it, and what must come of that; and the two wallets it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

from credentials.token_signer import TokenIssuer
from tallystick.token.binding import bind
from tallystick.token.sdjwt import SdJwt
from tests.core.licence.paper import Paper
from tests.core.token.kit import AUDIENCE, NONCE, Pocket
from tests.token_corpus.people import OTHER_SIGNER, SIGNER, issuing, steady
from tests.world import Someone, World

FRESH = "fresh"
NO_KEY_ASKED: Mapping[str, str | None] = {"audience": None, "nonce": None}


@dataclass(frozen=True)
class Case:
    """``status``: name of the staple that comes with it, if any; ``code``: what the deciding reason must name.

    ``asked``: what differs from the question, instant, audience and nonce of all.
    """

    name: str
    token: str
    answer: str = "valid"
    stage: str | None = "question"
    code: str | None = None
    status: str | None = FRESH
    asked: Mapping[str, str | None] = field(default_factory=dict)


def bad(name: str, token: SdJwt | str, stage: str | None, code: str | None = None, **more: Any) -> Case:
    """A token that must not be valid; without a stage it is malformed."""
    text = token if isinstance(token, str) else token.text
    answer = more.pop("answer", "malformed" if stage is None else "not_valid")
    return Case(slug(name), text, answer, stage, code, **more)


def slug(name: str) -> str:
    """A name for a file."""
    return "-".join("".join(one if one.isalnum() else " " for one in name).split()).lower()


class CorpusWorld(World):
    """A world whose licensee has a P-256 key, as wallets do, and whose signatures are the same each time."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.licensee = Someone(self.licensee.id, steady(f"{self.name} licensee"))


class Wallet(Pocket):
    """A pocket whose issuer is the one of the corpus."""

    @cached_property
    def issuer(self) -> TokenIssuer:
        """Under the root that the trust file names for tokens."""
        return issuing(SIGNER if self.paper.world.origin == World().origin else OTHER_SIGNER)

    def shown(self, token: SdJwt, later: int = 0) -> SdJwt:
        """Presented with the holder's key, now or so many seconds later."""
        return bind(token, self.holder, AUDIENCE, NONCE, self.paper.world.clock + later)


@cache
def wallet() -> Wallet:
    """The licensee of the corpus."""
    return Wallet(Paper(world=CorpusWorld(name="token corpus")))


@cache
def elsewhere() -> Wallet:
    """The licensee of another log, whose log and issuer are as honest and as trusted."""
    return Wallet(Paper(world=CorpusWorld(name="token corpus elsewhere", origin="log.example/another")))
