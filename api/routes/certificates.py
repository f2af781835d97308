"""Registration certificates."""

from __future__ import annotations

from fastapi.responses import FileResponse
from pydantic import Field

from api.routes.base import KnownAccount, Schema, UsedServices, router
from api.routes.licences import IssuedSchema, issued_schema
from api.services.certificates import CertificateRequest

routes = router("certificates")


class HolderSchema(Schema):
    """A rights holder; ``share`` in words, such as 100 %."""

    name: str
    party: str = ""
    share: str = ""


class CertificateSchema(Schema):
    """What the registrar certifies. Title, authors, holders and references are committed, not written, in the log."""

    object: str
    number: str = Field(description="By the registrar's own scheme; used once")
    title: str
    kind: str = ""
    authority: str = ""
    authors: list[str] = Field(default_factory=list)
    holders: list[HolderSchema] = Field(default_factory=list)
    created: str = ""
    published: str = ""
    references: dict[str, str] = Field(default_factory=dict, description="Film permit number, EIDR, ISAN, by name")
    supersedes: str | None = None
    event_id: str | None = None

    def request(self) -> CertificateRequest:
        """For the service."""
        holders = tuple(holder.model_dump() for holder in self.holders)
        return CertificateRequest(**{**self.model_dump(exclude={"holders"}), "holders": holders})


class CertifiedSchema(Schema):
    """A certificate in the log, and its signed PDF."""

    certificate: str
    position: int
    credential: IssuedSchema


@routes.post("/certificates", status_code=201)
async def issue_certificate(
    certificate: CertificateSchema, services: UsedServices, account: KnownAccount
) -> CertifiedSchema:
    """Log, print and sign a certificate; the registrar alone."""
    recorded, issued = await services.certificates.issue(account, certificate.request())
    return CertifiedSchema(certificate=recorded.subject, position=recorded.position, credential=issued_schema(issued))


@routes.get("/certificates/{certificate:path}/file", response_class=FileResponse)
def get_certificate(certificate: str, services: UsedServices) -> FileResponse:
    """The signed PDF: a certificate is made to be shown."""
    return FileResponse(services.certificates.file(certificate), media_type="application/pdf")
