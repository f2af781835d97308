"""What issuers said of revocation, beside the files of a case: named by its bytes, and nothing in it is read here."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

from tallystick.case.model import MAX_REVOCATION_BYTES, REVOCATION
from tallystick.errors import MalformedInput
from tallystick.timestamp import der


def read_revocation(names: Iterable[str], read: Callable[[str, int], bytes]) -> dict[str, bytes]:
    """The bytes (DER) by member name. Raises ``MalformedInput`` for a name or bytes of another form.

    Whose word it is, of whom, and whether it counts, is found where a signer is judged: a word that says nothing of
    anybody here must not decide anything, neither for a signer nor against a case.
    """
    found = {}
    for name in names:
        data = read(name, MAX_REVOCATION_BYTES)
        der.single(data, der.SEQUENCE, name)
        if hashlib.sha256(data).hexdigest() != name.removeprefix(REVOCATION).partition(".")[0]:
            raise MalformedInput(f"{name} does not have the SHA-256 that its name says")
        found[name] = data
    return found
