"""Licences: granted, changed, handed on, carded, checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tallystick.client.channel import Channel


class Licences(Channel):
    """The service's licences."""

    def reserve_status(self) -> dict[str, Any]:
        """A status list and an index in it, for a licence that the party signs itself."""
        return self._json("POST", "/v1/status-indexes")

    def issue_card(self, licence: str, disclose: Sequence[str] | None = None) -> dict[str, Any]:
        """Have the licence card made, signed and logged."""
        return self._json(
            "POST", f"/v1/licences/{licence}/card", json={} if disclose is None else {"disclose": disclose}
        )

    def sign_original(self, licence: str, path: Path, media_type: str, **form: str) -> bytes:
        """The licensed original with the licence signed into it."""
        with path.open("rb") as file:
            answer = self._send(
                "POST",
                f"/v1/licences/{licence}/original",
                files={"file": (path.name, file, media_type)},
                data=form,
            )
        return answer.content

    def grant_licence(self, object_id: str, terms: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        """Grant a licence, or with ``parent`` a sublicence, of an object (docs/licence.md).

        ``more``: ``holder``, ``parent``, ``sublicences``, ``transfer``, ``title_chain``, ``licence``, ``event_id``.
        """
        return self._json("POST", "/v1/licences", json={"object": object_id, "terms": terms, **more})

    def change_licence(self, licence: str, action: str, grounds: str, **more: Any) -> dict[str, Any]:
        """Suspend, reinstate, revoke, expire, commence or withdraw; ``more``: ``effective``, ``change``, ..."""
        said = {"action": action, "grounds": grounds, **more}
        return self._json("POST", f"/v1/licences/{licence}/status", json=said)

    def consent_to_transfer(self, licence: str, to: str, **more: Any) -> dict[str, Any]:
        """The licensor's consent to a transfer to the party ``to``; ``more``: ``until``, ``event_id``."""
        return self._json("POST", f"/v1/licences/{licence}/consent", json={"to": to, **more})

    def transfer_licence(self, licence: str, to: str, holder_kid: str, grounds: str, **more: Any) -> dict[str, Any]:
        """Hand a licence on. ``holder_kid``: thumbprint (hex) of the new holder's key; ``more``: ``effective``, ..."""
        said = {"to": to, "holder_kid": holder_kid, "grounds": grounds, **more}
        return self._json("POST", f"/v1/licences/{licence}/transfer", json=said)

    def licence_agreement(self, licence: str) -> dict[str, Any]:
        """The licence as an ODRL 2.2 Agreement, for who may read its terms."""
        return self._json("GET", f"/v1/licences/{licence}/odrl")

    def licence_token(self, licence: str, **asked: Any) -> str:
        """A licence token (SD-JWT VC); ``asked``: ``disclose``, ``holder_key`` (JWK), ``lifetime`` (seconds)."""
        return self._send("POST", f"/v1/licences/{licence}/token", json=asked).text

    def licence_evidence(self, licence: str) -> bytes:
        """What proves the licence and its status offline, as of the published checkpoint: the staple of version 2."""
        return self._send("GET", f"/v1/licences/{licence}/staple", params={"version": "2"}).content

    def check_licence(self, question: str, path: Path | None = None, **asked: str) -> dict[str, Any]:
        """The answer to a question about a signed file, or about ``token`` or ``licence`` (docs/licence.md).

        ``asked``: of these two, and ``audience`` with ``nonce``.
        """
        if path is None:
            return self._json("POST", "/v1/licences/check", json={"question": question, **asked})
        with path.open("rb") as stream:
            files = {"file": (path.name, stream), "question": (None, question)}
            files |= {name: (None, value) for name, value in asked.items()}
            return self._json("POST", "/v1/licences/check", files=files)
