"""SD-JWT (RFC 9901): the compact form, and which claims its disclosures open (§7.1).

SHA-256 alone. Whatever the text leaves to the reader is refused: a disclosure that opens nothing, one that stands
twice, a digest in two places, a name that is there already, the words ``_sd`` and ``...`` anywhere else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import field

from tallystick import canonical
from tallystick.base64s import from_base64url, to_base64url
from tallystick.canonical import MAX_DEPTH, JsonValue
from tallystick.errors import MalformedInput
from tallystick.lazy_dataclass import dataclass
from tallystick.token.refusal import TokenRefused

MAX_CHARACTERS = 1 << 20
MAX_DISCLOSURES = 256
DIGESTS, ALGORITHM, ELEMENT = "_sd", "_sd_alg", "..."
SHA_256 = "sha-256"


@dataclass(frozen=True)
class SdJwt:
    """``jwt``: the issuer-signed JWT; ``disclosures``: in their order; ``binding``: the key binding JWT, if any."""

    jwt: str
    disclosures: tuple[str, ...]
    binding: str | None = None

    @property
    def presented(self) -> str:
        """What a key binding JWT hashes: everything up to and with the last ``~`` (§4.3.1)."""
        return "~".join((self.jwt, *self.disclosures, ""))

    @property
    def text(self) -> str:
        """The compact form."""
        return self.presented + (self.binding or "")


def parse_sd_jwt(text: str) -> SdJwt:
    """Take the compact form apart (§4). Raises ``MalformedInput``, ``TokenRefused`` for a repeated disclosure."""
    if len(text) > MAX_CHARACTERS or not text.isascii():
        raise MalformedInput(f"an SD-JWT is ASCII text of at most {MAX_CHARACTERS} characters")
    jwt, *disclosures = text.split("~", MAX_DISCLOSURES + 2)
    if not disclosures:
        raise MalformedInput("an SD-JWT has a ~ after its JWT and after each disclosure")
    binding = disclosures.pop()
    if len(disclosures) > MAX_DISCLOSURES:
        raise MalformedInput(f"an SD-JWT with more than {MAX_DISCLOSURES} disclosures")
    if not jwt or not all(disclosures):
        raise MalformedInput("an SD-JWT with an empty part before its last ~")
    if len(set(disclosures)) != len(disclosures):
        raise TokenRefused("disclosure.repeated", "a disclosure stands twice")
    return SdJwt(jwt, tuple(disclosures), binding or None)


def digest_of(disclosure: str) -> str:
    """The digest that stands for a disclosure: base64url of SHA-256 over its ASCII (§4.2.3)."""
    return to_base64url(hashlib.sha256(disclosure.encode("ascii")).digest())


def open_claims(payload: dict[str, JsonValue], disclosures: Iterable[str]) -> dict[str, JsonValue]:
    """The processed payload (§7.1 step 3): disclosed claims in their places, withheld ones and decoys gone.

    Raises ``MalformedInput`` on a disclosure without its form, ``TokenRefused`` for what the RFC rejects.
    """
    algorithm = payload.get(ALGORITHM, SHA_256)
    if algorithm != SHA_256:
        raise TokenRefused("disclosure.algorithm", f"_sd_alg is {algorithm!r:.40}; {SHA_256!r} is read")
    opener = _Opener({digest_of(text): _array(text) for text in disclosures})
    claims = opener.opened_object({name: value for name, value in payload.items() if name != ALGORITHM}, 0)
    if opener.waiting:
        raise TokenRefused("disclosure.unreferenced", f"{len(opener.waiting)} disclosures open no digest of the token")
    return claims


def _array(text: str) -> list[JsonValue]:
    array = canonical.decode_relaxed(from_base64url(text), MAX_CHARACTERS)
    if not isinstance(array, list) or len(array) not in (2, 3) or not isinstance(array[0], str):
        raise MalformedInput("a disclosure is a JSON array [salt, name, value], or [salt, value] for an array element")
    return array


@dataclass
class _Opener:
    """``waiting``: disclosures by digest that nothing has named yet; ``named``: every digest met so far."""

    waiting: dict[str, list[JsonValue]]
    named: set[str] = field(default_factory=set)

    def opened_object(self, value: dict[str, JsonValue], depth: int) -> dict[str, JsonValue]:
        if ELEMENT in value:
            raise TokenRefused("disclosure.place", "the name ... stands outside an array")
        found = {name: self.opened(each, depth) for name, each in value.items() if name != DIGESTS}
        for digest in _digests(value.get(DIGESTS, [])):
            array = self.take(digest)
            if array is None:
                continue
            if len(array) != 3 or not isinstance(array[1], str):
                raise TokenRefused("disclosure.place", "an array element's disclosure stands for a claim")
            name = array[1]
            if name in (DIGESTS, ELEMENT, ALGORITHM):
                raise TokenRefused("disclosure.name", f"a disclosure is named {name!r}")
            if name in found:
                raise TokenRefused("disclosure.name", f"the claim {name!r:.60} is there already, beside its disclosure")
            found[name] = self.opened(array[2], depth)
        return found

    def opened_array(self, value: list[JsonValue], depth: int) -> list[JsonValue]:
        found = []
        for each in value:
            if not (isinstance(each, dict) and ELEMENT in each):
                found.append(self.opened(each, depth))
                continue
            if len(each) != 1 or not isinstance(each[ELEMENT], str):
                raise TokenRefused("disclosure.place", "an object with ... holds more than one digest")
            array = self.take(each[ELEMENT])
            if array is None:
                continue
            if len(array) != 2:
                raise TokenRefused("disclosure.place", "a claim's disclosure stands for an array element")
            found.append(self.opened(array[1], depth))
        return found

    def opened(self, value: JsonValue, depth: int) -> JsonValue:
        # Disclosures may lie in disclosures: what each alone keeps to, all of them together must keep to as well.
        if depth >= MAX_DEPTH:
            raise TokenRefused("disclosure.place", f"the claims nest deeper than {MAX_DEPTH}")
        if isinstance(value, dict):
            return self.opened_object(value, depth + 1)
        return self.opened_array(value, depth + 1) if isinstance(value, list) else value

    def take(self, digest: str) -> list[JsonValue] | None:
        if digest in self.named:
            raise TokenRefused("disclosure.digest", "a digest stands in two places")
        self.named.add(digest)
        return self.waiting.pop(digest, None)


def _digests(value: JsonValue) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise TokenRefused("disclosure.digest", "_sd is not a list of digests")
    return value
