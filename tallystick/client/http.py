"""A thin client of the service: one method per resource, problems raised as errors that carry code, field and hint."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

from tallystick import cose
from tallystick.base64s import to_base64
from tallystick.bundle import Slice
from tallystick.checkpoint import parse_body
from tallystick.client.lazy import LazyFile
from tallystick.commitments import Disclosure
from tallystick.errors import MalformedInput, TallystickError
from tallystick.lazy_dataclass import dataclass
from tallystick.note import parse_note
from tallystick.receipt import parse_inclusion
from tallystick.statement import Statement, parse_statement
from tallystick.transparent import split

PROBLEM, CONCISE = "application/problem+json", "application/concise-problem-details+cbor"
MAX_MEETINGS = 10
"""Attempts at a receipt and a checkpoint of one size."""
MAX_WAIT = 30.0
"""Seconds for which the service waits for a publication."""


class ServiceProblem(TallystickError):
    """The service refused. ``code`` is stable; ``field`` and ``hint`` say where and what to do."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.code = str(problem.get("code", "unknown"))
        self.detail = str(problem.get("detail") or problem.get("title") or "")
        self.field = problem.get("field")
        self.hint = problem.get("hint")
        where = f" [{self.field}]" if self.field else ""
        super().__init__(f"{self.code}{where}: {self.detail}" + (f" ({self.hint})" if self.hint else ""))


class Unreachable(TallystickError):
    """No answer from the service."""


@dataclass(frozen=True)
class Registered:
    """A statement in the log: its position, the bytes that stand there, the receipt, and both as one."""

    position: int
    entry: bytes
    receipt: bytes
    transparent: bytes


@dataclass(frozen=True)
class Exported:
    """A bundle that was written: bytes, whether an anchor covers all of it, whether its checkpoint has the log's
    quorum of witnesses, and the positions of entries about signed files that are not in it, because the service has
    no copy or they are not the asker's to show. histories: whether it shows them by the map. seconds: how long the
    service took."""

    size: int
    anchored: bool
    witnessed: bool
    left_out: tuple[int, ...]
    histories: bool
    seconds: float


Told = Callable[[str, int, int], None]


class Client:
    """Speaks to one service with one token. Use as a context manager."""

    def __init__(self, base_url: str, token: str | None = None, timeout: float = 60.0) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.base_url = base_url
        self.has_token = bool(token)
        self._http = httpx.Client(base_url=base_url, headers=headers, timeout=timeout)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    # --- saying ---------------------------------------------------------------

    def submit(self, kind: str, body: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
        """Have the service sign an event for this token's party. ``fields``: subject, event_id, time, private."""
        return self._json("POST", "/v1/events", json={"type": kind, "body": body, **fields})

    def state(self, statement: Statement, disclosures: Iterable[Disclosure] = ()) -> dict[str, Any]:
        """Submit a statement that the party signed itself, with what opens its commitments."""
        texts = [disclosure.text for disclosure in disclosures]
        return self._json(
            "POST", "/v1/statements", json={"statement": to_base64(statement.entry), "disclosures": texts}
        )

    def register_party(self, party: Mapping[str, Any]) -> dict[str, Any]:
        """Register a party (registrar)."""
        return self._json("POST", "/v1/parties", json=party)

    def issue_token(self, party: str, scopes: Sequence[str]) -> dict[str, Any]:
        """A token for a party (registrar), shown once."""
        return self._json("POST", "/v1/tokens", json={"party": party, "scopes": list(scopes)})

    def register(self, statement: Statement, wait: float = MAX_WAIT) -> Registered:
        """Register a statement by its own signature (SCRAPI): no token is needed. Waits for its receipt, in seconds.

        Raises ``ServiceProblem``, also when it is recorded but not published in time: then register it again.
        """
        answer = self._send("POST", "/entries", content=statement.entry, headers={"Content-Type": "application/cose"})
        place = answer.headers.get("location", "").rpartition("/")[2]
        if not (place.isascii() and place.isdigit()):
            raise ServiceProblem(answer.status_code, {"detail": "the service told no place for the statement"})
        whole = self.transparent(int(place), wait)
        entry, receipts = split(whole)
        # An ECDSA signature has a second form: another may have registered these words with that one.
        if parse_statement(entry).statement_id != statement.statement_id:
            raise ServiceProblem(answer.status_code, {"detail": f"position {place} holds another statement"})
        return Registered(int(place), entry, receipts[0], whole)

    def submit_for_receipt(self, kind: str, body: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
        """As ``submit``; the answer has the member ``receipt``, base64."""
        return self._json("POST", "/v1/receipts", json={"type": kind, "body": body, **fields})

    # --- reading ----------------------------------------------------------------

    def receipt(self, position: int, wait: float = 0.0) -> bytes:
        """A fresh receipt of an entry (COSE), after up to ``wait`` seconds (at most 30)."""
        return self._send("GET", f"/v1/receipts/{position}", params={"wait": wait}).content

    def transparent(self, position: int, wait: float = 0.0) -> bytes:
        """An entry with its receipt: a Transparent Statement."""
        return self._send("GET", f"/v1/statements/{position}", params={"wait": wait}).content

    def confirmed(self, position: int, wait: float = 0.0) -> tuple[bytes, bytes]:
        """A Transparent Statement and the checkpoint of its receipt's tree, with what witnesses signed.

        Raises ``ServiceProblem`` when the log grows too fast for the two to meet.
        """
        whole = self.transparent(position, wait)
        for _ in range(MAX_MEETINGS):
            note = self.fetch("/checkpoint")
            size = parse_body(parse_note(note).text).size
            if parse_inclusion(split(whole)[1][0]).size == size:
                return whole, note
            whole = self.transparent(position)
        raise ServiceProblem(200, {"detail": "the log grew between every receipt and checkpoint", "hint": "try again"})

    def growth(self, old_size: int) -> bytes:
        """The receipt that the published tree extends its first ``old_size`` leaves."""
        return self._send("GET", "/v1/receipts/consistency", params={"from": old_size}).content

    def status(self) -> dict[str, Any]:
        """The status page as JSON."""
        return self._json("GET", "/v1/status")

    def subject(self, identifier: str) -> dict[str, Any]:
        """A subject's state and the positions that name it."""
        return self._json("GET", f"/v1/subjects/{identifier}")

    def events(self, **query: Any) -> dict[str, Any]:
        """A page of events: subject, type, from, to, cursor, limit."""
        return self._json("GET", "/v1/events", params=query)

    def inclusion(self, position: int, size: int | None = None) -> dict[str, Any]:
        """Inclusion proof of a position in the published tree, or in that of ``size``."""
        query = {"position": position} | ({} if size is None else {"size": size})
        return self._json("GET", "/v1/proofs/inclusion", params=query)

    def tlog_proof(self, position: int) -> bytes:
        """The proof file of a position (C2SP tlog-proof)."""
        return self._send("GET", "/v1/proofs/tlog", params={"position": position}).content

    def entry(self, position: int) -> bytes:
        """The exact bytes of an entry."""
        return self.fetch(f"/v1/entries/{position}")

    def consistency(self, old: int, new: int) -> dict[str, Any]:
        """Consistency proof between two published sizes."""
        return self._json("GET", "/v1/proofs/consistency", params={"from": old, "to": new})

    def fetch(self, path: str) -> bytes:
        """The bytes under ``path``: the checkpoint, a tile, a file."""
        return self._send("GET", path).content

    # --- sealing and anchoring -----------------------------------------------------

    def publish(self) -> dict[str, Any]:
        """Publish a checkpoint now (scope operate)."""
        return self._json("POST", "/v1/checkpoints")

    def anchor(self, reason: str) -> dict[str, Any]:
        """Ask for an anchor of the published checkpoint (scope operate)."""
        return self._json("POST", "/v1/anchors", json={"reason": reason})

    def anchors(self) -> list[dict[str, Any]]:
        """All anchors with their states."""
        found: list[dict[str, Any]] = self._json("GET", "/v1/anchors")["anchors"]
        return found

    # --- issuing ----------------------------------------------------------------------

    def reserve_status(self) -> dict[str, Any]:
        """A status list and an index in it, for a licence that the party signs itself."""
        return self._json("POST", "/v1/status-indexes")

    def issue_card(self, licence: str, disclose: Sequence[str] | None = None) -> dict[str, Any]:
        """Have the licence card made, signed and logged."""
        return self._json(
            "POST", f"/v1/licences/{licence}/card", json={} if disclose is None else {"disclose": disclose}
        )

    def order_licences(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """Give an order of many licences (docs/licence.md), or find it again; how far it is."""
        return self._json("POST", "/v1/licences/orders", json=order)

    def order(self, name: str) -> dict[str, Any]:
        """How far an order is."""
        return self._json("GET", f"/v1/licences/orders/{name}")

    def order_items(self, name: str) -> Iterator[dict[str, Any]]:
        """What became of each licence of an order."""
        first: int | None = 0
        while first is not None:
            page = self._json("GET", f"/v1/licences/orders/{name}/items", params={"first": first})
            yield from page["items"]
            first = page["next"]

    def order_cards(self, name: str, destination: Path) -> int:
        """Write the cards of an order to ``destination`` (ZIP), whole or not at all; bytes."""
        draft = destination.with_name(f".{destination.name}.part")
        try:
            with self._http.stream("GET", f"/v1/licences/orders/{name}/cards") as answer:
                _raise_problem(answer)
                with draft.open("wb") as out:
                    size = sum(out.write(block) for block in answer.iter_bytes())
            draft.replace(destination)
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        finally:
            draft.unlink(missing_ok=True)
        return size

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

    def settle(self, subject: str, parties: Sequence[str], values: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        """Record how a licence or a dispute was settled; ``values``: private, ``amount`` among them.

        ``more``: ``period``, ``also``, ``documents``, ``supersedes``, ``event_id`` (docs/licence.md).
        """
        said = {"subject": subject, "parties": list(parties), "values": values, **more}
        return self._json("POST", "/v1/settlements", json=said)

    def accept_settlement(self, position: int, **more: Any) -> dict[str, Any]:
        """Accept the settlement recorded at ``position``; ``more``: ``event_id``."""
        return self._json("POST", f"/v1/settlements/{position}/accept", json=more)

    def settlements(self, subject: str) -> list[dict[str, Any]]:
        """What was settled under a licence or in a dispute; ``unnamed``: sides that it leaves out; without a token."""
        found: list[dict[str, Any]] = self._json("GET", "/v1/settlements", params={"subject": subject})["settlements"]
        return found

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

    def issue_certificate(self, certificate: Mapping[str, Any]) -> dict[str, Any]:
        """Issue a registration certificate (registrar)."""
        return self._json("POST", "/v1/certificates", json=certificate)

    def export(
        self,
        request: str,
        files: str,
        originals: Mapping[str, Path | Slice],
        credentials: Sequence[Path],
        destination: Path,
        parts: str = "{}",
        told: Told = lambda stage, count, total: None,
    ) -> Exported:
        """Write the evidence bundle to ``destination``, whole or not at all.

        ``request``, ``files``, ``parts``: JSON as /docs shows it; ``originals``: by path in the file
        list; ``credentials``: signed files that the service keeps no copy of. ``told``: of each block, what became of
        it (``sent``, ``received``), its bytes, and the bytes of all of them.
        """
        # With a file name of None a part is a text: so the body is multipart even without any file.
        sent: list[tuple[str, Any]] = [("request", (None, request)), ("files", (None, files)), ("parts", (None, parts))]
        named: list[tuple[str, str, Path | Slice]] = [("original", name, one) for name, one in originals.items()]
        named += [("credential", path.name, path) for path in credentials]
        total = sum(one.size if isinstance(one, Slice) else one.stat().st_size for _, _, one in named)
        for field, name, one in named:
            file = LazyFile(one, lambda count: told("sent", count, total))
            sent.append((field, (name, file, "application/octet-stream")))
        draft = destination.with_name(f".{destination.name}.part")
        try:
            with self._http.stream("POST", "/v1/evidence", files=sent) as answer:
                _raise_problem(answer)
                size = _receive(answer, draft, told)
            draft.replace(destination)
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        finally:
            draft.unlink(missing_ok=True)
        return _exported(answer, size)

    def _json(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        answer = self._send(method, path, **options)
        try:
            found = answer.json()
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise ServiceProblem(
                answer.status_code, {"detail": f"{path} did not answer with JSON: {answer.text[:200]}"}
            )
        return found

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            answer = self._http.request(method, path, **options)
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        _raise_problem(answer)
        return answer

    def _unreachable(self, error: httpx.HTTPError) -> Unreachable:
        return Unreachable(f"no answer from {self.base_url}: {error or type(error).__name__}")


def _raise_problem(answer: httpx.Response) -> None:
    if answer.is_success:
        return
    answer.read()
    problem: Any = None
    if answer.headers.get("content-type", "").startswith(PROBLEM):
        with suppress(ValueError):
            problem = answer.json()
    elif answer.headers.get("content-type") == CONCISE:
        problem = _concise(answer.content)
    if not isinstance(problem, dict):
        problem = {"detail": f"{answer.status_code} {answer.reason_phrase}: {answer.text[:200]}"}
    raise ServiceProblem(answer.status_code, problem)


def _concise(data: bytes) -> dict[str, Any] | None:
    """RFC 9290, as the service writes it: title, detail, and our own members."""
    try:
        found = cose.load(data, 1 << 16)
    except MalformedInput:
        return None
    if not isinstance(found, dict):
        return None
    ours = found.get("urn:tallystick:problem")
    members = ours if isinstance(ours, dict) else {}
    # The detail ends in the hint already.
    return {
        "title": found.get(-1),
        "detail": found.get(-2),
        "code": members.get("code", "unknown"),
        "field": members.get("field"),
    }


def _receive(answer: httpx.Response, draft: Path, told: Told) -> int:
    length = answer.headers.get("content-length", "")
    total, size = int(length) if length.isdigit() else 0, 0
    with draft.open("wb") as out:
        for block in answer.iter_bytes():
            size += out.write(block)
            told("received", len(block), total)
    return size


def _exported(answer: httpx.Response, size: int) -> Exported:
    said = {name: answer.headers.get(f"x-tallystick-{name}", "") for name in ("left-out", "seconds")}
    yes = [answer.headers.get(f"x-tallystick-{name}") == "yes" for name in ("anchored", "witnessed", "histories")]
    positions = tuple(int(position) for position in said["left-out"].split(",") if position.isdigit())
    seconds = float(said["seconds"]) if _SECONDS.fullmatch(said["seconds"]) else 0.0
    return Exported(size, yes[0], yes[1], positions, yes[2], seconds)


_SECONDS = re.compile(r"[0-9]{1,9}\.[0-9]{3}", re.ASCII)
