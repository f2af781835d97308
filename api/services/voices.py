"""In whose name the service speaks: the registrar, the service itself, or the log."""

from __future__ import annotations

from functools import cached_property

from api.accounts import Account
from api.services.errors import Forbidden
from tallystick.events.envelope import RecordedFor
from tallystick.keys import Signer
from tallystick.lazy_dataclass import dataclass
from tallystick.schema import write


@dataclass(frozen=True)
class Voice:
    """A key and the issuer for whom it speaks. ``recorded_for``: whom a statement of the service is about to name."""

    issuer: str
    signer: Signer
    recorded_for: RecordedFor | None = None

    @cached_property
    def recorded_value(self) -> dict[str, str]:
        """``recorded_for`` as it stands in events."""
        value: dict[str, str] = write(self.recorded_for)
        return value

    @property
    def party(self) -> str:
        """The party for whom statements of this voice count."""
        return self.recorded_for.party if self.recorded_for else self.issuer


@dataclass(frozen=True)
class Voices:
    """The log's identity and its three speaking keys."""

    origin: str
    prefix: str
    registrar: str
    service: str
    registrar_key: Signer
    service_key: Signer
    log_key: Signer

    def of_account(self, account: Account) -> Voice:
        """The registrar's own key for the registrar; for everybody else the service records."""
        if self.is_registrar(account):
            return self.of_registrar()
        return Voice(self.service, self.service_key, RecordedFor(account.party, "api-token"))

    def of_service(self) -> Voice:
        """The service for itself: what it issued or withdrew on its own."""
        return Voice(self.service, self.service_key)

    def of_registrar(self) -> Voice:
        """The registrar, for what it issued itself: its key stands in every trust file, the service's does not."""
        return Voice(self.registrar, self.registrar_key)

    def of_log(self) -> Voice:
        """The log about itself."""
        return Voice(self.origin, self.log_key)

    def is_registrar(self, account: Account) -> bool:
        """Whether the account may act as the registrar: its party *and* the scope."""
        return account.party == self.registrar and "registrar" in account.scopes

    def require_registrar(self, account: Account) -> None:
        """Raise ``Forbidden`` unless the account is the registrar's."""
        if not self.is_registrar(account):
            raise Forbidden(
                "only the registrar may do this", "use a token of the registrar party with the scope registrar"
            )


def require_scope(account: Account, scope: str) -> None:
    """Raise ``Forbidden`` unless the token has ``scope``."""
    if scope not in account.scopes:
        raise Forbidden(
            f"the token has the scopes {', '.join(sorted(account.scopes)) or 'none'}, this takes {scope}",
            f"ask the administrator for a token with the scope {scope}",
        )
