"""The case: what stands in the payload of an evidence bundle, as typed values (docs/evidence-format.md).

``CaseMaterial`` is what an exporter has and ``case_members`` turns it into
members, the same bytes for the same facts. ``read_case`` is the way back: every
member has exactly one form and place, and a member without a place is refused.
Nothing here is verified; that is ``tallystick.verify``.
"""

from tallystick.case.histories import CaseMap
from tallystick.case.model import (
    AnchorMaterial,
    CaseIndex,
    CaseMaterial,
    CredentialFile,
    Kind,
    MapMaterial,
    Original,
    OriginalMaterial,
    RevocationMaterial,
    TimestampMaterial,
    kind_of,
    slug_of,
)
from tallystick.case.reader import Anchor, Case, Members, Timestamp, read_case
from tallystick.case.writer import case_members

__all__ = [
    "Anchor",
    "AnchorMaterial",
    "Case",
    "CaseIndex",
    "CaseMap",
    "CaseMaterial",
    "CredentialFile",
    "Kind",
    "MapMaterial",
    "Members",
    "Original",
    "OriginalMaterial",
    "RevocationMaterial",
    "Timestamp",
    "TimestampMaterial",
    "case_members",
    "kind_of",
    "read_case",
    "slug_of",
]
