"""Tokens that are none, and tokens whose claims, digests or disclosures say what they may not, all honestly signed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from tallystick.base64s import from_base64url, to_base64url
from tallystick.commitments import disclose
from tallystick.schema import write
from tallystick.token.jose import write_jwk
from tallystick.token.sdjwt import SdJwt, digest_of
from tests.core.token.test_licence_token import MALFORMED, REFUSED
from tests.token_corpus.case import Case, Wallet, bad, elsewhere, wallet
from tests.token_corpus.good import NEEDED
from tests.token_corpus.people import SteadySigner, steady

SIGNATURE, INCLUSION = "signature", "inclusion"


def cases() -> Iterator[Case]:
    """All of them."""
    held = wallet()
    for name, (make, code) in REFUSED.items():
        yield bad(f"claims {name}", make(held), SIGNATURE, code)
    for name, malformed in MALFORMED.items():
        yield bad(f"form {name}", malformed(held), None)
    yield from _texts(held)
    yield from _signatures(held)
    yield from _disclosures(held)
    yield from _against_the_log(held)


def _texts(held: Wallet) -> Iterator[Case]:
    text = held.token.text
    changes: dict[str, Callable[[str], str]] = {
        "no tilde at its end": lambda t: held.token.jwt,
        "an empty disclosure": lambda t: t + "~",
        "nothing before the tilde": lambda t: t[len(held.token.jwt) :],
        "two parts": lambda t: t.replace(".", "", 1),
        "four parts": lambda t: t.replace(".", "..", 1),
        "padded": lambda t: t.replace("~", "==~", 1),
        "a space": lambda t: f"eyJ {t}",
        "a letter that is not ascii": lambda t: t + "é",
        "another spelling of the header": lambda t: _respelt(held, 0),
        "another spelling of the claims": lambda t: _respelt(held, 1),
        "a disclosure that is no json": lambda t: f"{t}AAAA~",
        "257 disclosures": lambda t: held.token.jwt + "".join(f"~{number:04d}" for number in range(257)) + "~",
    }
    for name, change in changes.items():
        yield bad(f"text {name}", change(text), None)


def _loose(held: Wallet) -> SdJwt:
    """A disclosure with a space: the digest is honestly of it."""
    text = to_base64url(b'["0123456789abcdef01234w" ,"use",1]')
    return SdJwt(held.forged(_sd=[digest_of(text)]).jwt, (text,))


def _respelt(held: Wallet, part: int) -> str:
    """A space in header or claims, honestly signed."""
    parts = held.token.jwt.split(".")[:2]
    parts[part] = to_base64url(from_base64url(parts[part]).replace(b":", b": ", 1))
    signed = ".".join(parts)
    return replace(held.token, jwt=f"{signed}.{to_base64url(held.issuer.signer.sign(signed.encode()))}").text


def _signatures(held: Wallet) -> Iterator[Case]:
    jwt = held.token.jwt
    head, body, made = jwt.split(".")
    flipped = bytearray(from_base64url(made))
    flipped[0] ^= 1

    def by(thief: SteadySigner, **header: Any) -> SdJwt:
        theirs = Wallet(held.paper)
        theirs.issuer = replace(held.issuer, signer=thief)  # type: ignore[misc]
        return held.shown(theirs.forged(header or None))

    thief, other = steady("thief"), steady("thief", "ed25519")
    for name, token in {
        "of a thief": by(thief),
        "of a thief who brings the key along": by(thief, jwk=write_jwk(thief.public)),
        "of a thief with ed25519": by(other, alg="EdDSA"),
        "with a flipped bit": replace(held.token, jwt=f"{head}.{body}.{to_base64url(bytes(flipped))}"),
        "of zeros": replace(held.token, jwt=f"{head}.{body}.{to_base64url(bytes(64))}"),
        "none": replace(held.token, jwt=f"{head}.{body}."),
        "cut by a byte": replace(held.token, jwt=f"{head}.{body}.{to_base64url(from_base64url(made)[:-1])}"),
    }.items():
        alone = name == "of a thief who brings the key along"
        yield bad(f"signature {name}", token, None if alone else SIGNATURE, None if alone else "signature")
    later = held.forged(exp=held.claims().exp + 1).jwt.split(".")[1]
    yield bad("signature over other claims", replace(held.token, jwt=f"{head}.{later}.{made}"), SIGNATURE, "signature")
    for name, change, code in (
        ("hs256 with the certificate as its secret", {"alg": "HS256"}, "alg"),
        ("es384", {"alg": "ES384"}, "alg"),
        ("another alg than the keys", {"alg": "EdDSA"}, "signature"),
        ("critical extensions", {"crit": ["b64"], "b64": False}, "crit"),
        ("a type in capitals", {"typ": "DC+SD-JWT"}, "typ"),
    ):
        yield bad(f"header {name}", held.shown(held.forged(change)), SIGNATURE, code)


def _disclosures(held: Wallet) -> Iterator[Case]:
    wide = disclose("territory", {"include": ["WW"], "exclude": []}, b"sixteen salt byt").text
    own = {one.name: one.text for one in held.disclosures}
    salted = next(one for one in held.disclosures if one.name == "territory")
    salt = json.loads(from_base64url(salted.text))[0]
    rewritten = disclose("territory", {"include": ["WW"], "exclude": []}, from_base64url(salt)).text
    shown = held.show("use", "window", "media").disclosures
    for name, texts in {
        "a territory of ones own": (*shown, wide),
        "a territory rewritten under its salt": (*shown, rewritten),
        "another licences territory": (
            *shown,
            next(one.text for one in elsewhere().disclosures if one.name == "territory"),
        ),
        "a term added": (*shown, own["territory"], disclose("channel", ["All"], b"sixteen salt byt").text),
    }.items():
        yield bad(f"disclosure {name}", held.shown(replace(held.token, disclosures=texts)), SIGNATURE, "disclosure")
    element = to_base64url(b'["MDEyMzQ1Njc4OWFiY2RlZg","x"]')
    made = replace(held.forged(_sd=[digest_of(element)]), disclosures=(element,))
    yield bad("disclosure of an array element", held.shown(made), SIGNATURE, "disclosure.place")
    for withheld in NEEDED:
        token = held.present(*(name for name in NEEDED if name != withheld))
        yield bad(f"withheld {withheld}", token, "dates" if withheld == "window" else "question", answer="cannot_tell")


def _against_the_log(held: Wallet) -> Iterator[Case]:
    """Signed by the issuer itself; the log says something else."""
    granted = write(held.claims().licence)
    digests = sorted(held.read().digests)
    added = sorted([*digests, digest_of(disclose("channel", ["All"], b"sixteen salt byt").text)])
    for name, token, code in (
        ("another leaf", held.forged(licence={**granted, "leaf": "00" * 32}), "log.leaf"),
        ("the status index of another", held.forged(status=_status(1)), "log.status"),
        ("a status list of another", held.forged(status=_status(3, "https://elsewhere.example/1")), "log.status"),
        ("a digest fewer", replace(held.forged(_sd=digests[1:]), disclosures=()), "log.commitments"),
        ("a digest more", held.forged(_sd=added), "log.commitments"),
        ("a disclosure in a layout of its own", _loose(held), "log.commitments"),
        ("no digest at all", replace(held.forged(_sd=[]), disclosures=()), "log.commitments"),
        (
            "digests of another licence",
            replace(held.forged(_sd=sorted(elsewhere().read().digests)), disclosures=elsewhere().token.disclosures),
            "log.commitments",
        ),
    ):
        yield bad(f"log {name}", held.shown(token), INCLUSION, code)
    for name, changes in {
        "another entry": {"grant": granted["grant"] - 1},
        "another licence": {"id": elsewhere().paper.licence.event.subject},
    }.items():
        token = held.shown(held.forged(licence={**granted, **changes}))
        yield bad(f"log {name}", token, "question", answer="cannot_tell")


def _status(index: int, uri: str = "https://log.example/status/1") -> dict[str, Any]:
    return {"status_list": {"idx": index, "uri": uri}}
