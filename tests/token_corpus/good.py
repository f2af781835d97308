"""Tokens that must be valid, and some that are valid for less than they might seem."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property

from credentials.token_signer import TokenIssuer
from tallystick.base64s import to_base64url
from tallystick.commitments import parse_disclosure
from tallystick.events.licence import StatusPointer
from tallystick.times import format_time
from tallystick.token.binding import bind
from tallystick.token.licence import issue, parse_licence_token, write_claims
from tallystick.token.sdjwt import SdJwt, digest_of
from tests.c2pa_corpus.people import constraints, usage
from tests.core.licence.paper import DAY, URI
from tests.core.token.kit import AUDIENCE, NONCE
from tests.token_corpus.case import NO_KEY_ASKED, Case, Wallet, wallet
from tests.token_corpus.people import ISSUER, ROOT, certified, issuing, leaf
from tests.token_corpus.staples import MOVED_TO, heirs, transferred

NEEDED = ("use", "territory", "window", "media")
"""What ``play in DE on streaming`` touches."""


class EdWallet(Wallet):
    """Its issuer has an Ed25519 key."""

    @cached_property
    def issuer(self) -> TokenIssuer:
        return issuing(certified("ed25519 signer", ROOT, leaf(ISSUER), "ed25519"))


class DeepWallet(Wallet):
    """Its issuer stands under an authority in between."""

    @cached_property
    def issuer(self) -> TokenIssuer:
        between = certified("between", ROOT, (constraints(True, 0), usage("key_cert_sign", "crl_sign")))
        return issuing(certified("deep signer", between, leaf(ISSUER)))


class OpenWallet(Wallet):
    """Its issuer shows the root as well."""

    @cached_property
    def issuer(self) -> TokenIssuer:
        found = super().issuer
        return replace(found, chain=(*found.chain, found.root))


def good() -> Iterator[Case]:
    """All of them."""
    yield from _shown()
    yield from _issued()
    yield from _moments()
    yield from _moved()


def _shown() -> Iterator[Case]:
    held = wallet()
    yield Case("everything-shown", held.present().text)
    yield Case("four-terms-without-the-price", held.present(*NEEDED).text)
    yield Case("with-the-licensee", held.present(*NEEDED, "licensee").text)
    yield Case("no-key-shown-and-none-asked-for", held.token.text, asked=NO_KEY_ASKED)
    yield Case("a-key-shown-to-who-asked-for-none", held.present(*NEEDED).text, asked=NO_KEY_ASKED)
    yield Case("a-binding-as-a-wallet-writes-it", _as_wallets_write(held).text)


def _as_wallets_write(held: Wallet) -> SdJwt:
    """Members in their own order, with spaces, and one that the verifier does not know."""
    token = held.show(*NEEDED)
    header = b'{ "typ": "kb+jwt", "alg": "ES256" }'
    hashed = digest_of(token.presented)
    payload = (
        f'{{"nonce": "{NONCE}", "aud": "{AUDIENCE}", "iat": {held.paper.world.clock}, "sd_hash": "{hashed}", "x": 1}}'
    )
    signed = f"{to_base64url(header)}.{to_base64url(payload.encode())}"
    return replace(token, binding=f"{signed}.{to_base64url(held.holder.sign(signed.encode()))}")


def _issued() -> Iterator[Case]:
    paper = wallet().paper
    yield Case("an-issuer-with-an-ed25519-key", EdWallet(paper).present().text)
    named = EdWallet(paper).forged({"alg": "Ed25519"})
    yield Case("an-issuer-that-says-ed25519-as-rfc-9864-does", EdWallet(paper).shown(named).text)
    yield Case("an-authority-in-between", DeepWallet(paper).present().text)
    yield Case("the-root-in-the-header", OpenWallet(paper).present().text)


def _moments() -> Iterator[Case]:
    held = wallet()
    clock = held.paper.world.clock
    last = format_time(clock + 7 * DAY - 1)
    yield Case("the-last-second-of-its-status", held.shown(held.token, 7 * DAY - 1).text, asked={"at": last})
    yield Case("shown-five-minutes-ago", held.present().text, asked={"at": format_time(clock + 300)})
    ahead = bind(held.token, held.holder, AUDIENCE, NONCE, clock + 60)
    yield Case("shown-by-a-clock-a-minute-ahead", ahead.text)


def _moved() -> Iterator[Case]:
    held = heirs()
    yield Case("after-a-transfer", held.shown(_of_heir(held)).text, status="after-a-transfer")


def _of_heir(held: Wallet) -> SdJwt:
    """The grant's terms, but for the licensee, who is the transfer's."""
    paper, heir = transferred()
    (moved,) = (one for one in paper.log if one.event.type == "licence.transfer")
    (own,) = paper.world.disclosures[moved.statement_id]
    texts = [one.text for one in held.disclosures if parse_disclosure(one.text).name != "licensee"]
    now = paper.world.clock
    claims = write_claims(
        paper.world.origin,
        paper.licence.event.subject,
        paper.grant,
        paper.licence.leaf,
        StatusPointer(URI, MOVED_TO),
        heir.signer.public,
        (now, now + 30 * DAY),
    )
    commitments = {**paper.licence.event.commitments, **moved.event.commitments}
    made = issue(claims, commitments, [*texts, own.text], held.issuer.chain, held.issuer.signer)
    return parse_licence_token(made.text).showing([*NEEDED, "licensee"])
