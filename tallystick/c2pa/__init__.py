"""Content Credentials (C2PA): reading a file's manifest, and the verdict on it at a given time. Writing is elsewhere.

`read` takes what is there, `judge` says whether it holds; what is wrong with a signer's certificates, `doctor` names.
"""

from __future__ import annotations

from tallystick.c2pa.chain import Fault, SignerRoots
from tallystick.c2pa.containers import EMBEDDED, media_type_of
from tallystick.c2pa.facts import C2paVerdict
from tallystick.c2pa.reading import C2paReading, read
from tallystick.c2pa.refusal import CredentialRefused, NoCredential
from tallystick.c2pa.trusted import roots_of
from tallystick.c2pa.verdict import OtherRoots, judge

__all__ = [
    "EMBEDDED",
    "C2paReading",
    "C2paVerdict",
    "CredentialRefused",
    "Fault",
    "NoCredential",
    "OtherRoots",
    "SignerRoots",
    "judge",
    "media_type_of",
    "read",
    "roots_of",
]
