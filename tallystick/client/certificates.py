"""Certificates of registration: issued, renewed, drawn as a card, and how they stand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tallystick.client.channel import Channel


class Certificates(Channel):
    """The service's certificates; ``certificate``: its identifier."""

    def issue_certificate(self, certificate: Mapping[str, Any]) -> dict[str, Any]:
        """Issue a registration certificate (registrar)."""
        return self._json("POST", "/v1/certificates", json=certificate)

    def renew_certificate(self, certificate: str) -> dict[str, Any]:
        """One more document timestamp with the newest revocation lists (registrar); the entry of the longer file."""
        return self._json("POST", f"/v1/certificates/{certificate}/renewal")

    def certificate_standing(self, certificate: str) -> dict[str, Any]:
        """How one stands now, by identifier or number; without a token."""
        return self._json("GET", f"/v1/certificates/{certificate}/standing")

    def certificate_file(self, certificate: str, destination: Path) -> int:
        """Write the signed PDF to ``destination``, whole or not at all; bytes."""
        return self._download("GET", f"/v1/certificates/{certificate}/file", destination)[1]

    def issue_certificate_card(self, certificate: str) -> dict[str, Any]:
        """Have the certificate drawn as a picture, signed and logged (registrar); the entry of that file."""
        return self._json("POST", f"/v1/certificates/{certificate}/card")

    def certificate_card(self, certificate: str, destination: Path) -> int:
        """Write the latest card (PNG) to ``destination``, whole or not at all; bytes."""
        return self._download("GET", f"/v1/certificates/{certificate}/card", destination)[1]

    def with_receipt(self, path: Path, media_type: str, destination: Path) -> int:
        """Write a signed file with the log's receipt in it, or a newer one, to ``destination``; bytes.

        Give out a card so: only then a reader is shown that the registrar issued the picture.
        """
        with path.open("rb") as file:
            sent = {"file": (path.name, file, media_type)}
            return self._download("POST", "/v1/signed-files/receipt", destination, files=sent)[1]
