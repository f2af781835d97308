"""Tokens of a licence on paper: the issuer's certificate, a token of the grant, presentations by its licensee."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from credentials.token_signer import TokenIssuer, token_root, token_signer
from tallystick import canonical
from tallystick.base64s import from_base64url, to_base64url
from tallystick.commitments import Disclosure
from tallystick.keys import LocalSigner
from tallystick.token.binding import bind
from tallystick.token.licence import Claims, LicenceToken, issue, issuer_of, parse_licence_token, write_claims
from tallystick.token.sdjwt import SdJwt
from tests.core.licence.paper import DAY, Paper
from tests.world import key_from

AUDIENCE, NONCE = "https://cinema.example", "n-0S6_WzA2Mj"


def issuer_for(origin: str, name: str = "token issuer", at: int = 0) -> TokenIssuer:
    """The issuer of a log's tokens, the same in each run; ``name``: of another root and another key."""
    now = datetime.fromtimestamp(at, UTC)
    root = token_root(origin, now, key_from(f"{name} root", "es256").private)
    return TokenIssuer.from_identity(
        token_signer(root, issuer_of(origin), now, key=key_from(f"{name} signer", "es256").private)
    )


def resigned(jwt: str, signer: LocalSigner, claims: dict[str, Any], header: dict[str, Any] | None = None) -> str:
    """The JWT with claims (and members of its header) replaced, ``None`` taken out, signed by ``signer``."""
    head, body, _ = jwt.split(".")
    parts = []
    for part, changes in ((head, header or {}), (body, claims)):
        value = {**canonical.decode(from_base64url(part), 1 << 20), **changes}
        parts.append(to_base64url(canonical.encode({k: v for k, v in value.items() if v is not None})))
    signed = ".".join(parts)
    return f"{signed}.{to_base64url(signer.sign(signed.encode()))}"


@dataclass
class Pocket:
    """What the licensee of ``paper`` carries: its token, bound to its key."""

    paper: Paper = field(default_factory=Paper)

    @cached_property
    def issuer(self) -> TokenIssuer:
        return issuer_for(self.paper.world.origin, at=self.paper.world.clock - DAY)

    @property
    def disclosures(self) -> tuple[Disclosure, ...]:
        return self.paper.world.disclosures[self.paper.licence.statement_id]

    @property
    def holder(self) -> LocalSigner:
        return self.paper.world.licensee.signer

    def claims(self, **changes: Any) -> Claims:
        paper, now = self.paper, self.paper.world.clock
        body = paper.licence.event.body
        made = write_claims(
            paper.world.origin,
            paper.licence.event.subject,
            paper.grant,
            paper.licence.leaf,
            body.status,
            self.holder.public,
            (now, now + 30 * DAY),
        )
        return replace(made, **changes)

    @cached_property
    def token(self) -> SdJwt:
        """As it was issued: everything can be shown."""
        return self.issue()

    def issue(self, **changes: Any) -> SdJwt:
        texts = [one.text for one in self.disclosures]
        committed = self.paper.licence.event.commitments
        return issue(self.claims(**changes), committed, texts, self.issuer.chain, self.issuer.signer)

    def show(self, *names: str) -> SdJwt:
        """Only these terms."""
        return parse_licence_token(self.token.text).showing(names)

    def present(self, *names: str, audience: str = AUDIENCE, nonce: str = NONCE, signer: Any = None) -> SdJwt:
        """These terms (none named: all), with the holder's key."""
        token = self.show(*names) if names else self.token
        return bind(token, signer or self.holder, audience, nonce, self.paper.world.clock)

    def forged(self, header: dict[str, Any] | None = None, **claims: Any) -> SdJwt:
        """The token with claims or members of its header changed, honestly signed by the issuer's key."""
        return replace(self.token, jwt=resigned(self.token.jwt, self.issuer.signer, claims, header))

    def read(self, token: SdJwt | None = None) -> LicenceToken:
        return parse_licence_token((token or self.token).text)
