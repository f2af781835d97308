"""What a registrar asks to be certified, checked before anything is logged."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from api.services.drafts import Draft
from credentials.certificate_facts import Bilingual
from credentials.days import check_day
from credentials.shares import check_shares
from credentials.work_numbers import CHECKS, check_reference
from tallystick import canonical
from tallystick.errors import MalformedInput
from tallystick.lazy_dataclass import dataclass
from tallystick.schema import FieldError

_NUMBERED = {
    "film_permit": "电影片公映许可证 film permit",
    "isan": "ISAN",
    "eidr": "EIDR",
    "doi": "DOI",
    "iscc": "ISCC",
    "edit": "版本 edit",
    "runtime": "时长 runtime",
}
"""How the members that name a film are printed, in this order."""


@dataclass(frozen=True)
class CertificateRequest:
    """What the registrar certifies. All but ``object``, ``number``, ``supersedes`` and its reason are private values.

    number: empty where the registrar's scheme gives it; category: the code of the kind in that scheme. reason: why an
    earlier certificate is superseded; corrected: the private values that differ. human_authorship: what people did, in
    the registrar's words. isan, eidr, doi, iscc: checked by their own digits.
    """

    object: str
    number: str
    title: str
    category: str = ""
    kind: str = ""
    authority: str = ""
    authors: Sequence[str] = ()
    holders: Sequence[Mapping[str, str]] = ()
    created: str = ""
    published: str = ""
    film_permit: str = ""
    isan: str = ""
    eidr: str = ""
    doi: str = ""
    iscc: str = ""
    edit: str = ""
    runtime: str = ""
    human_authorship: str = ""
    references: Sequence[Mapping[str, str]] = ()
    supersedes: str | None = None
    reason: Literal["reissue", "correction"] | None = None
    corrected: Sequence[str] = ()
    event_id: str | None = None

    def checked(self) -> CertificateRequest:
        """With every number in its one form. Raises ``FieldError`` for a wrong one, or shares that do not add up."""
        found: dict[str, Any] = {
            name: _field(name, check, value) for name, check in CHECKS.items() if (value := getattr(self, name))
        }
        for name in ("created", "published"):
            _field(name, check_day, getattr(self, name))
        _field("holders", check_shares, [one.get("share", "") for one in self.holders])
        found["references"] = [
            {**one, "value": _field(f"references[{at}].value", check_reference, one["name"], one["value"])}
            for at, one in enumerate(self.references)
        ]
        return dataclasses.replace(self, **found)

    def printed_references(self) -> tuple[tuple[str, str], ...]:
        """Pairs of a name and a value, those of films first."""
        own = ((label, str(getattr(self, name))) for name, label in _NUMBERED.items())
        others = ((one["name"], one["value"]) for one in self.references)
        return (*(pair for pair in own if pair[1]), *others)

    def authorship(self) -> Bilingual | None:
        """The statement, which is in one language as it was given."""
        said = Bilingual(self.human_authorship, "（依申请人陈述 as declared）")
        return said if self.human_authorship else None

    def draft(self) -> Draft:
        """The event. Its id follows from the number, so that a request that was cut short can be repeated."""
        body: dict[str, Any] = {"object": self.object, "number": self.number}
        if self.supersedes is not None:
            body["supersedes"] = self.supersedes
        if self.reason is not None:
            body["reason"] = self.reason
        if self.corrected:
            body["corrected"] = list(self.corrected)
        return Draft(
            type="certificate.issue",
            body=body,
            event_id=self.event_id or f"certificate-{hashlib.sha256(self.number.encode()).hexdigest()[:40]}",
            private={name: value for name, value in self.private().items() if value},
        )

    def with_event_id(self) -> CertificateRequest:
        """Where the scheme gives the number, the id follows from all else: the same request is the same certificate."""
        told = canonical.encode({"object": self.object, "supersedes": self.supersedes, **self.private()})
        return dataclasses.replace(
            self, event_id=self.event_id or f"certificate-{hashlib.sha256(told).hexdigest()[:40]}"
        )

    def differing(self, before: Mapping[str, Any]) -> tuple[str, ...]:
        """Names of the private values that are not those of an earlier certificate."""
        return tuple(
            sorted(name for name, value in self.private().items() if value != (before.get(name) or type(value)()))
        )

    def private(self) -> dict[str, Any]:
        """The values that the log holds commitments to, empty ones too."""
        return {
            "title": self.title,
            "kind": self.kind,
            "authority": self.authority,
            "authors": list(self.authors),
            "holders": [dict(holder) for holder in self.holders],
            "created": self.created,
            "published": self.published,
            **{name: getattr(self, name) for name in _NUMBERED},
            "human_authorship": self.human_authorship,
            "references": [dict(reference) for reference in self.references],
        }


def _field(name: str, check: Callable[..., Any], *values: object) -> Any:
    try:
        return check(*values)
    except MalformedInput as error:
        raise FieldError(name, str(error)) from None
