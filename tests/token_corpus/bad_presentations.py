"""Tokens in the wrong hands, at the wrong time, asked for what they do not grant, with staples that prove nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tallystick.base64s import to_base64url
from tallystick.canonical import encode
from tallystick.times import format_time
from tallystick.token.binding import bind
from tallystick.token.jose import sign_jws, write_jwk
from tallystick.token.sdjwt import SdJwt, digest_of
from tests.core.licence.paper import DAY
from tests.core.token.kit import AUDIENCE, NONCE
from tests.token_corpus.case import NO_KEY_ASKED, Case, Wallet, bad, elsewhere, wallet
from tests.token_corpus.good import NEEDED
from tests.token_corpus.people import steady
from tests.token_corpus.staples import STAPLES

HOLDER, DATES, STATUS = "holder", "dates", "status"


def cases() -> Iterator[Case]:
    """All of them."""
    held = wallet()
    yield from _keys(held)
    yield from _bindings(held)
    yield from _times(held)
    yield from _questions(held)
    yield from _staples(held)
    yield from _logs(held)


def _keys(held: Wallet) -> Iterator[Case]:
    clock = held.paper.world.clock
    thief = steady("thief")
    mine = held.forged(cnf={"jwk": write_jwk(thief.public)})
    for name, token, code in (
        ("none shown", held.token, "binding.absent"),
        ("of a thief", held.present(signer=thief), "binding.signature"),
        ("of another kind", held.present(signer=steady("thief", "ed25519")), "binding.signature"),
        ("of a thief in cnf", bind(mine, thief, AUDIENCE, NONCE, clock), "the licensee's is"),
    ):
        yield bad(f"key {name}", token, HOLDER, code)
    forged = held.present(signer=thief)
    yield bad("key of a thief where none is asked", forged, HOLDER, "binding.signature", asked=NO_KEY_ASKED)


def _bindings(held: Wallet) -> Iterator[Case]:
    clock, token = held.paper.world.clock, held.show(*NEEDED)
    made = held.shown(token)
    for name, shown, code in (
        ("for another audience", bind(token, held.holder, "https://other.example", NONCE, clock), "binding.audience"),
        ("for nearly this audience", bind(token, held.holder, f"{AUDIENCE}/", NONCE, clock), "binding.audience"),
        ("to another nonce", bind(token, held.holder, AUDIENCE, "used before", clock), "binding.nonce"),
        ("of six minutes ago", held.shown(token, -360), "binding.time"),
        ("of the future", held.shown(token, 61), "binding.time"),
        ("with a disclosure fewer", replace(made, disclosures=made.disclosures[1:]), "binding.hash"),
        ("with a disclosure more", replace(made, disclosures=held.token.disclosures[:5]), "binding.hash"),
        ("with disclosures in another order", replace(made, disclosures=made.disclosures[::-1]), "binding.hash"),
        ("of another presentation", replace(token, binding=held.present("use").binding), "binding.hash"),
        ("of another type", _binding(held, token, "JWT"), "typ"),
        ("with a hash of the jwt alone", _binding(held, token, sd_hash=digest_of(token.jwt)), "binding.hash"),
        ("that is unsigned", _unsigned(held, token), "alg"),
    ):
        yield bad(f"binding {name}", shown, HOLDER, code)
    for name, changes in {
        "without a time": {"iat": None},
        "with a time that is true": {"iat": True},
        "with two audiences": {"aud": [AUDIENCE, "https://other.example"]},
        "without a nonce": {"nonce": None},
        "without a hash": {"sd_hash": None},
    }.items():
        yield bad(f"binding {name}", _binding(held, token, **changes), None)


def _binding(held: Wallet, token: SdJwt, typ: str = "kb+jwt", **changes: object) -> SdJwt:
    claims = {"aud": AUDIENCE, "iat": held.paper.world.clock, "nonce": NONCE, "sd_hash": digest_of(token.presented)}
    said = {name: value for name, value in {**claims, **changes}.items() if value is not None}
    return replace(token, binding=sign_jws({"typ": typ}, said, held.holder))  # type: ignore[arg-type]


def _unsigned(held: Wallet, token: SdJwt) -> SdJwt:
    header = to_base64url(encode({"alg": "none", "typ": "kb+jwt"}))
    body = (_binding(held, token).binding or "").split(".")[1]
    return replace(token, binding=f"{header}.{body}.")


def _times(held: Wallet) -> Iterator[Case]:
    clock = held.paper.world.clock
    for name, later, stage, answer in (
        ("a second before it speaks", -1, DATES, "not_valid"),
        ("when it has ended", 30 * DAY, DATES, "not_valid"),
        ("when its status has ended", 7 * DAY, STATUS, "cannot_tell"),
    ):
        token, at = held.shown(held.token, later), format_time(clock + later)
        yield bad(f"time {name}", token, stage, asked={"at": at}, answer=answer)


def _questions(held: Wallet) -> Iterator[Case]:
    token = held.present()
    for question in (
        "play in US on streaming",
        "play in DE on theatrical",
        "print in DE on streaming",
        "ai-generative-training in DE",
        "sublicense in DE on streaming",
        f"play in DE on streaming as {held.paper.world.studio.id}",
    ):
        name = "play as the studio" if "as" in question.split() else question
        yield bad(f"question {name}", token, "question", asked={"question": question})


def _staples(held: Wallet) -> Iterator[Case]:
    token = held.present()
    decided = {
        "revoked": (STATUS, None, "not_valid"),
        "suspended": (STATUS, None, "not_valid"),
        "expired": (STATUS, None, "not_valid"),
        "suspended-in-the-log": (STATUS, "themselves say: suspended", "not_valid"),
        "after-a-transfer": ("inclusion", "log.commitments", "not_valid"),
    }
    for name in STAPLES:
        if name in decided:
            stage, code, answer = decided[name]
            yield bad(f"staple {name}", token, stage, code, status=name, answer=answer)
        elif name.startswith("with-a-list") or name in ("without-the-list", "with-the-list-of-another-log"):
            yield bad(f"staple {name}", token, STATUS, status=name, answer="cannot_tell")
        elif name != "fresh":
            yield bad(f"staple {name}", token, "question", status=name, answer="cannot_tell")
    yield bad("staple missing", token, "question", status=None, answer="cannot_tell")


def _logs(held: Wallet) -> Iterator[Case]:
    other = elsewhere()
    yield bad("of another log with the staple of this one", other.present(), "question", answer="cannot_tell")
    stranger = held.forged(iss="https://log.example/third", licence=_at(held, "log.example/third"))
    yield bad("of a log that is not trusted", held.shown(stranger), "issuer", "issuer.name")


def _at(held: Wallet, origin: str) -> dict[str, object]:
    granted = held.claims().licence
    return {"v": 1, "id": granted.id, "origin": origin, "grant": granted.grant, "leaf": granted.leaf}
