"""Parties and tokens: for the registrar."""

from __future__ import annotations

from typing import Any

from fastapi import Response
from pydantic import Field

from api.routes.base import KnownAccount, Schema, UsedServices, router
from api.routes.events import RecordedSchema, recorded_schema
from api.services.drafts import Draft

routes = router("parties")


class PartySchema(Schema):
    """A party to register. ``private``: its name and contacts, which become commitments."""

    kind: str = Field(description="organisation, person or service")
    roles: list[str]
    keys: list[dict[str, Any]] = Field(default_factory=list, description="{key: {alg, public}, not_before, not_after?}")
    private: dict[str, Any] = Field(default_factory=dict)
    subject: str | None = Field(None, description="Its identifier, if it made one")
    event_id: str | None = None
    time: str | None = None

    def draft(self) -> Draft:
        """For the service."""
        body = {"kind": self.kind, "roles": self.roles, "keys": self.keys}
        return Draft("party.register", body, self.event_id, self.subject, self.time, self.private)


class TokenRequest(Schema):
    """For whom, and what it may do: submit, read-private, evidence, operate; registrar for the registrar alone."""

    party: str
    scopes: list[str] = Field(max_length=16)


class TokenSchema(Schema):
    """A token, shown this once. ``id`` revokes it."""

    id: str
    token: str
    party: str
    scopes: list[str]


@routes.post("/parties", status_code=201, responses={200: {"model": RecordedSchema}})
async def register_party(
    party: PartySchema, services: UsedServices, account: KnownAccount, response: Response
) -> RecordedSchema:
    """Register a party, vouched for by the registrar."""
    recorded = await services.parties.register(account, party.draft())
    response.status_code = 200 if recorded.duplicate else 201
    return recorded_schema(recorded)


@routes.post("/tokens", status_code=201)
def issue_token(wanted: TokenRequest, services: UsedServices, account: KnownAccount) -> TokenSchema:
    """A token for a registered party."""
    token, issued = services.parties.issue_token(account, wanted.party, wanted.scopes)
    return TokenSchema(id=issued.token_id, token=token, party=issued.party, scopes=sorted(issued.scopes))


@routes.delete("/tokens/{id}", status_code=204)
def revoke_token(id: str, services: UsedServices, account: KnownAccount) -> None:
    """Make a token worthless."""
    services.parties.revoke_token(account, id)
