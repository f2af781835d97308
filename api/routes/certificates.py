"""Registration certificates."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from fastapi import Response
from fastapi.responses import FileResponse
from pydantic import Field

from api.routes.base import KnownAccount, Schema, UsedServices, router
from api.routes.licences import IssuedSchema, issued_schema
from api.services.certificate_cards import MEDIA_TYPE, PURPOSE
from api.services.certificate_request import CertificateRequest
from api.services.standing import Standing

routes = router("certificates")


Line: TypeAlias = Annotated[str, Field(max_length=300)]
"""A text of which there may be many on a certificate."""


class HolderSchema(Schema):
    """A rights holder; ``share``: 33.3 % or 1/3; of all or of none, and then exactly 100 % together."""

    name: Line
    party: Line = ""
    share: Line = ""


class ReferenceSchema(Schema):
    """A number by which others know the work: of a film permit, EIDR, ISAN, DOI."""

    name: Line
    value: Line


class CertificateSchema(Schema):
    """What the registrar certifies. The log holds object, number and ``supersedes``; commitments to all the rest."""

    object: str
    number: str = Field(
        default="", max_length=80, description="Used once; left out where the registrar's own scheme gives it"
    )
    category: str = Field(default="", max_length=8, description="Code of the kind in the registrar's scheme")
    title: str = Field(min_length=1, max_length=300)
    kind: Line = ""
    authority: Line = ""
    authors: list[Line] = Field(default_factory=list, max_length=50)
    holders: list[HolderSchema] = Field(default_factory=list, max_length=50)
    created: Line = ""
    published: Line = ""
    film_permit: Line = ""
    isan: Line = Field(default="", description="ISO 15706, checked by its check characters")
    eidr: Line = Field(default="", description="10.5240/…, checked by its check character")
    doi: Line = ""
    iscc: Line = Field(default="", description="ISO 24138, checked for its form")
    edit: Line = Field(default="", description="Which cut or version")
    runtime: Line = ""
    human_authorship: str = Field(default="", max_length=2000, description="What people did, as declared")
    references: list[ReferenceSchema] = Field(default_factory=list, max_length=50)
    supersedes: str | None = None
    reason: Literal["reissue", "correction"] | None = Field(
        default=None, description="Why it supersedes; follows from what differs, and must be that where it is given"
    )
    event_id: str | None = None

    def request(self) -> CertificateRequest:
        """For the service."""
        return CertificateRequest(**self.model_dump())


class CertifiedSchema(Schema):
    """A certificate in the log, and its signed PDF."""

    certificate: str
    number: str
    position: int
    credential: IssuedSchema


@routes.post("/certificates", status_code=201, responses={200: {"model": CertifiedSchema}})
async def issue_certificate(
    certificate: CertificateSchema, services: UsedServices, account: KnownAccount, response: Response
) -> CertifiedSchema:
    """Log, print and sign a certificate; the registrar alone. 200 where it was logged already: repeating is safe."""
    recorded, number, issued = await services.certificates.issue(account, certificate.request())
    response.status_code = 200 if recorded.duplicate else 201
    return CertifiedSchema(
        certificate=recorded.subject, number=number, position=recorded.position, credential=issued_schema(issued)
    )


@routes.post("/certificates/{certificate:path}/renewal", status_code=201)
async def renew_certificate(certificate: str, services: UsedServices, account: KnownAccount) -> IssuedSchema:
    """One more document timestamp with the newest revocation lists; the registrar alone. The renewed file is logged."""
    return issued_schema(await services.certificates.renew(account, certificate))


@routes.get("/certificates/{certificate:path}/standing")
def get_standing(certificate: str, services: UsedServices) -> Standing:
    """How a certificate stands now, by identifier or number; for anybody, and without names."""
    return services.standings.of(certificate)


@routes.get("/certificates/{certificate:path}/file", response_class=FileResponse)
def get_certificate(certificate: str, services: UsedServices, account: KnownAccount) -> FileResponse:
    """The signed PDF, which shows names: for the registrar and the holder of the object, who may show it to others."""
    return FileResponse(services.certificates.file(account, certificate), media_type="application/pdf")


@routes.post("/certificates/{certificate:path}/card", status_code=201)
async def issue_certificate_card(certificate: str, services: UsedServices, account: KnownAccount) -> IssuedSchema:
    """The certificate as a picture, signed (C2PA) and logged; the registrar alone."""
    return issued_schema(await services.certificates.cards.issue(account, certificate))


@routes.get("/certificates/{certificate:path}/card", response_class=FileResponse)
def get_certificate_card(certificate: str, services: UsedServices, account: KnownAccount) -> FileResponse:
    """The latest card, for whom the PDF is."""
    return FileResponse(services.certificates.file(account, certificate, PURPOSE), media_type=MEDIA_TYPE)
