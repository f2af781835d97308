"""What a QR code of a licence holds: a link for a phone, and after the # what binds it to one entry of the log.

``https://<origin>#<licence>;<grant>;<leaf>``: leaf index in decimal, leaf hash in base64url. What stands after the # is
sent to nobody. It is no proof: it names the entry that evidence must show, so that both belong together. A card's code
is ``<licence> <leaf>``, the hash in hex: the same without log and index.
"""

from __future__ import annotations

import re

from tallystick.base64s import from_base64url, to_base64url
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.events.log import ORIGIN
from tallystick.identifiers import Letter, parse_identifier
from tallystick.lazy_dataclass import dataclass
from tallystick.licence.evidence import LicenceEvidence, grant_of
from tallystick.merkle import HASH_SIZE

MAX_CHARACTERS = 400
_CARD = re.compile(r"([0-9./A-Z-]+) ([0-9a-f]{64})", re.ASCII)
_FORM = re.compile(r"https://([!-*,-~]+)#([0-9./A-Z-]+);(0|[1-9][0-9]{0,15});([A-Za-z0-9_-]{43})", re.ASCII)


@dataclass(frozen=True)
class LicenceCode:
    """The licence, its log, and its grant: leaf index and leaf hash."""

    origin: str
    licence: str
    grant: int
    leaf: bytes

    @property
    def text(self) -> str:
        """What stands in the QR code."""
        return f"https://{self.origin}#{self.licence};{self.grant};{to_base64url(self.leaf)}"

    def require_same(self, evidence: LicenceEvidence) -> None:
        """Raise ``VerificationFailed`` unless the evidence is of this licence and shows this entry."""
        if (evidence.licence, evidence.grant) != (self.licence, self.grant) or grant_of(evidence).leaf != self.leaf:
            raise VerificationFailed(
                f"the code is of {self.licence} (entry {self.grant}), the evidence of another grant"
            )


@dataclass(frozen=True)
class PaperCode:
    """What was read off a paper, or off a card, whose code names neither ``origin`` nor ``grant``."""

    licence: str
    leaf: bytes
    origin: str | None = None
    grant: int | None = None


def read_code(text: str) -> PaperCode:
    """The code of a paper, or of a card. Raises ``MalformedInput``."""
    card = _CARD.fullmatch(text) if len(text) <= MAX_CHARACTERS else None
    if card is None:
        found = parse_code(text)
        return PaperCode(found.licence, found.leaf, found.origin, found.grant)
    parse_identifier(card[1], Letter.LICENCE)
    return PaperCode(card[1], bytes.fromhex(card[2]))


def parse_code(text: str) -> LicenceCode:
    """Inverse of ``LicenceCode.text``. Raises ``MalformedInput``."""
    found = _FORM.fullmatch(text) if len(text) <= MAX_CHARACTERS else None
    if found is None:
        raise MalformedInput("not the QR code of a licence: https://<origin>#<licence>;<grant>;<leaf>")
    origin, licence, grant, leaf = found.groups()
    ORIGIN.check(origin)
    parse_identifier(licence, Letter.LICENCE)
    code = LicenceCode(origin, licence, int(grant), from_base64url(leaf))
    if len(code.leaf) != HASH_SIZE or code.text != text:
        raise MalformedInput("the QR code of a licence is not in its one form")
    return code
