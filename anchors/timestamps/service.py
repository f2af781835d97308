"""Whom the operator chose to ask for timestamps. Loads nothing."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from tallystick.errors import MalformedInput
from tallystick.lazy_dataclass import dataclass
from tallystick.timestamp import Authority


@dataclass(frozen=True)
class Service:
    """An authority that the operator chose. ``seconds``: for one whole answer; ``roots``, ``certificates``: DER."""

    name: str
    url: str
    roots: tuple[bytes, ...]
    certificates: tuple[bytes, ...] = ()
    policy: str | None = None
    user: str | None = None
    password: str | None = None
    seconds: float = 10.0

    @property
    def authorities(self) -> tuple[Authority, ...]:
        """For the verifier. Whom a reader calls independent is the reader's to say."""
        return tuple(Authority(self.name, root, False, self.certificates) for root in self.roots)


def check_url(url: str) -> SplitResult:
    """The parts of an authority's address. Raises ``MalformedInput``."""
    try:
        parts = urlsplit(url)
        port_fits = parts.port is None or parts.port > 0
    except ValueError as error:
        raise MalformedInput(f"{url[:80]!r} is not the address of an authority: {error}") from None
    strange = parts.fragment or parts.username is not None or not url.isascii() or not url.isprintable() or " " in url
    if parts.scheme not in ("http", "https") or not parts.hostname or strange or not port_fits:
        raise MalformedInput(f"{url[:80]!r} is not the address of an authority: expected http[s]://host[:port][/path]")
    return parts
