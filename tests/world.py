"""A whole little world for tests: a log with its keys, five parties, a capability, a job and objects.

Everything is derived from the world's name, so that two runs make the same statements.
The keys are worth nothing: anyone can derive them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa

from tallystick.admission.log_rules import prove_key_set
from tallystick.admission.rotation import prove_rotation
from tallystick.commitments import Disclosure, disclose
from tallystick.content import file_content
from tallystick.digests import DigestPair, digest_pair
from tallystick.events import Event, RecordedFor
from tallystick.events.capability import CapabilityDecision, CapabilityFiling, CapabilityGrade, CapabilityTest, Weights
from tallystick.events.job import PARAMETERS, Input, JobCompletion, JobRegistration
from tallystick.events.kinds import RULES
from tallystick.events.licence import LicenceGrant, StatusPointer
from tallystick.events.log import Batch, KeySet, Policy, Role, RoleKey, RulesVersion
from tallystick.events.objects import Basis, Generation, ObjectRegistration
from tallystick.events.party import PartyRegistration, ValidKey
from tallystick.identifiers import DEFAULT_PREFIX, Letter, new_identifier
from tallystick.keys import Algorithm, LocalSigner
from tallystick.modelsig import fingerprint, sign_model
from tallystick.schema import write
from tallystick.statement import Statement, sign_statement
from tallystick.times import format_time
from tallystick.tree_head import LocalAuthority, LogSigners

START = 1_769_904_000
"""2026-02-01T00:00:00Z: when each world begins."""
KEYS_FROM = "2026-01-01T00:00:00Z"
DECLARED = (Basis("declared", "own-work"),)

ROLES: dict[str, Algorithm] = {
    "log": "ed25519",
    "log-pq": "ml-dsa-44",
    "authority": "es256k",
    "registrar": "ed25519",
    "service": "ed25519",
    "exporter": "ed25519",
    "status": "ed25519",
}


def key_from(name: str, alg: Algorithm = "ed25519") -> LocalSigner:
    """The key that ``name`` always gives."""
    seed = hashlib.sha256(f"tallystick test key {name}".encode()).digest()
    if alg == "ed25519":
        return LocalSigner(ed25519.Ed25519PrivateKey.from_private_bytes(seed))
    if alg == "ml-dsa-44":
        return LocalSigner(mldsa.MLDSA44PrivateKey.from_seed_bytes(seed))
    curve = ec.SECP256R1() if alg == "es256" else ec.SECP256K1()
    # Shifted down: below the order of both curves.
    return LocalSigner(ec.derive_private_key(int.from_bytes(seed, "big") >> 8, curve))


@dataclass(frozen=True)
class Someone:
    """Whoever signs statements: an issuer and a key."""

    id: str
    signer: LocalSigner

    def valid_key(self) -> ValidKey:
        """The key as a party registration lists it."""
        return ValidKey(self.signer.public.to_text(), KEYS_FROM)


@dataclass(frozen=True)
class Capability:
    """A capability as its filing describes it."""

    id: str
    version: str
    model_signature: str


@dataclass(frozen=True)
class Job:
    """A job and what its outputs repeat."""

    id: str
    capability: Capability
    parameters: DigestPair
    environment: DigestPair

    def generation(self) -> Generation:
        """What an output of this job says about how it came about."""
        made = fingerprint(self.capability.model_signature)
        return Generation(self.id, self.capability.id, self.capability.version, made, self.parameters, self.environment)


@dataclass
class World:
    """Makes keys, identifiers, events and statements. ``clock`` (Unix seconds) is the time of what is said next.

    ``rules``: version of the registration policy with which its log begins.
    ``disclosures`` keeps what opens the commitments of each statement, by statement id.
    """

    name: str = "little world"
    origin: str = "log.example/little"
    prefix: str = DEFAULT_PREFIX
    clock: int = START
    rules: RulesVersion = RULES
    disclosures: dict[bytes, tuple[Disclosure, ...]] = field(default_factory=dict)
    _made: int = 0
    _coming: dict[bytes, tuple[Role, LocalSigner]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.roles = {role: key_from(f"{self.name}/{role}", alg) for role, alg in ROLES.items()}
        self.signers = LogSigners(
            self.origin, self.roles["log"], self.roles["log-pq"], LocalAuthority(self.roles["authority"])
        )
        self.log = Someone(self.origin, self.roles["log"])
        self.registrar = Someone(self.identifier(Letter.PARTY), self.roles["registrar"])
        self.service = Someone(self.identifier(Letter.PARTY), self.roles["service"])
        self.studio = self.someone("studio")
        self.provider = self.someone("provider")
        self.tester = self.someone("tester", "es256")
        self.licensee = self.someone("licensee")
        self.outsider = self.someone("outsider")

    # --- names, keys, values ---------------------------------------------------

    def someone(self, name: str, alg: Algorithm = "ed25519") -> Someone:
        """A new party id with a key; not registered yet."""
        return Someone(self.identifier(Letter.PARTY), key_from(f"{self.name}/{name}", alg))

    def identifier(self, letter: Letter) -> str:
        """The next identifier."""
        return str(new_identifier(letter, self._random()[:10], self.prefix))

    def now(self) -> str:
        """``clock`` as text."""
        return format_time(self.clock)

    def _random(self) -> bytes:
        self._made += 1
        return hashlib.sha256(f"{self.name}/{self._made}".encode()).digest()

    # --- saying things -----------------------------------------------------------

    def event(self, kind: str, subject: str, body: Any, **more: Any) -> Event:
        """An event with a fresh ``event_id``, now; ``more`` sets other fields of ``Event``."""
        fields = {"event_id": f"e-{self._random().hex()[:12]}", "time": self.now(), **more}
        return Event(type=kind, subject=subject, body=body, **fields)

    def say(
        self, who: Someone, kind: str, subject: str, body: Any, private: dict[str, Any] | None = None, **more: Any
    ) -> Statement:
        """A statement that ``who`` signs; ``private`` values become commitments, disclosures are kept."""
        opened = tuple(disclose(name, value, self._random()[:16]) for name, value in (private or {}).items())
        commitments = {one.name: one.commitment for one in opened} or None
        statement = sign_statement(who.signer, who.id, self.event(kind, subject, body, private=commitments, **more))
        if opened:
            self.disclosures[statement.statement_id] = opened
        return statement

    def record(self, party: Someone, kind: str, subject: str, body: Any, **more: Any) -> Statement:
        """A statement that the service signs for ``party``."""
        return self.say(self.service, kind, subject, body, recorded_for=RecordedFor(party.id, "api-token"), **more)

    # --- the log about itself ------------------------------------------------------

    def key_set(self) -> Statement:
        """Entry 0."""
        keys = tuple(RoleKey(role, key.public.to_text(), KEYS_FROM) for role, key in self.roles.items())  # type: ignore[arg-type]
        body = KeySet(self.origin, self.prefix, self.registrar.id, self.service.id, keys)
        return self.say(self.registrar, "log.key-set", self.origin, prove_key_set(body, dict(self.roles)))

    def policy(self) -> Statement:
        """Entry 1."""
        return self.say(self.registrar, "log.policy", self.origin, Policy("tallystick-admission", self.rules))

    def genesis(self) -> list[Statement]:
        """Entries 0, 1 and 2."""
        return self.sequence([self.key_set(), self.policy()])

    def batch(self, first: int, last: int, policy: int = 1, **more: Any) -> Statement:
        """The entry that closes ``first`` to ``last``, now."""
        return self.say(
            self.log, "log.batch", self.origin, Batch(first, last, policy), **{"event_id": f"batch-{last + 1}", **more}
        )

    def rotate(self, role: Role, new: LocalSigner | None = None) -> Statement:
        """The rotation of a role's key to ``new``, by the keys in force; ``rotated`` makes the world use it."""
        new = new or key_from(f"{self.name}/{role}/{self._random().hex()[:8]}", ROLES[role])
        body = prove_rotation(self.origin, role, self.roles[role], new, self.roles["log"])
        said = self.say(self.registrar, "log.rotate", self.origin, body)
        self._coming[said.statement_id] = (role, new)
        return said

    def rotated(self, said: Statement) -> Statement:
        """From here on the world speaks with the key that ``said`` brought."""
        role, new = self._coming[said.statement_id]
        self.roles = {**self.roles, role: new}
        self.signers = LogSigners(
            self.origin, self.roles["log"], self.roles["log-pq"], LocalAuthority(self.roles["authority"])
        )
        if role in ("log", "registrar", "service"):
            setattr(self, role, Someone(getattr(self, role).id, new))
        return said

    def sequence(self, statements: Iterable[Statement], start: int = 0, per_batch: int = 1 << 20) -> list[Statement]:
        """``statements`` as they stand in a log from position ``start``: each ``per_batch`` closed by a batch entry."""
        pending = list(statements)
        placed: list[Statement] = []
        while pending:
            batch, pending = pending[:per_batch], pending[per_batch:]
            first = start + len(placed)
            placed += [*batch, self.batch(first, first + len(batch) - 1)]
        return placed

    # --- parties -----------------------------------------------------------------

    def register(self, who: Someone, *roles: str, kind: str = "organisation") -> Statement:
        """The registrar registers a party with its key and the private value ``name``."""
        body = PartyRegistration(kind, roles, (who.valid_key(),))  # type: ignore[arg-type]
        return self.say(self.registrar, "party.register", who.id, body, {"name": f"Party {who.id}"})

    def parties(self) -> list[Statement]:
        """Studio, provider, tester and licensee, registered; the outsider is not."""
        return [
            self.register(self.studio, "studio"),
            self.register(self.provider, "provider"),
            self.register(self.tester, "tester"),
            self.register(self.licensee, "licensee"),
        ]

    # --- capabilities ----------------------------------------------------------------

    def capability(self, version: str = "1.0") -> tuple[Capability, list[Statement]]:
        """A new capability: filed by the provider, tested, graded, approved."""
        subject = self.identifier(Letter.CAPABILITY)
        pair = digest_pair(f"weights of {subject} {version}".encode())
        weights = Weights(pair.sha256, pair.sm3, 4096)
        made = sign_model(self.provider.signer, subject, version, weights)
        filing = CapabilityFiling("maker", version, True, ("text",), ("image",), weights, made)
        report = digest_pair(b"test report")
        return Capability(subject, version, made), [
            self.say(self.provider, "capability.file", subject, filing),
            self.say(self.tester, "capability.test", subject, CapabilityTest(report, report, "pass", "0.97")),
            self.say(self.registrar, "capability.grade", subject, CapabilityGrade("A", "demo")),
            self.decide_capability(subject, "approve", "requirements-met"),
        ]

    def decide_capability(self, capability: str, decision: str, grounds: str = "security") -> Statement:
        """The registrar's ``capability.<decision>``."""
        body = CapabilityDecision(grounds)  # type: ignore[arg-type]
        return self.say(self.registrar, f"capability.{decision}", capability, body)

    # --- objects and jobs ------------------------------------------------------------

    def object(self, who: Someone | None = None, data: bytes | None = None, **fields: Any) -> Statement:
        """``who`` (the studio) registers a file with these bytes; ``fields`` override those of the body."""
        subject = fields.pop("subject", None) or self.identifier(Letter.OBJECT)
        content = write(file_content([subject.encode() if data is None else data]))
        body = {"kind": "image", "origin": "authored", "content": content, "basis": DECLARED, **fields}
        return self.say(who or self.studio, "object.register", subject, ObjectRegistration(**body))

    def job(
        self, capability: Capability, inputs: Sequence[str] = (), who: Someone | None = None
    ) -> tuple[Job, Statement]:
        """``who`` (the studio) registers a job that reads ``inputs``."""
        subject = self.identifier(Letter.JOB)
        environment = digest_pair(b"container image")
        body = JobRegistration(capability.id, tuple(Input(one, "source") for one in inputs), environment)
        values = {PARAMETERS: {"seed": self._made}}
        statement = self.say(who or self.studio, "job.register", subject, body, values)
        return Job(subject, capability, statement.event.commitments[PARAMETERS], environment), statement

    def output(self, job: Job, who: Someone | None = None, data: bytes | None = None, **fields: Any) -> Statement:
        """An object that ``job`` generated."""
        made = {"origin": "generated", "basis": (Basis("job", None, job.id),), "generation": job.generation()}
        return self.object(who, data, **{**made, **fields})

    def complete(self, job: Job, outputs: Sequence[str], who: Someone | None = None) -> Statement:
        """The job ends with these outputs; without any it failed."""
        body = JobCompletion("done" if outputs else "failed", tuple(outputs))
        return self.say(who or self.studio, "job.complete", job.id, body)

    # --- licences ----------------------------------------------------------------------

    def terms(self, object_id: str) -> dict[str, Any]:
        """What ``licence`` grants unless told otherwise: play and display in three countries, on streaming."""
        kid = self.licensee.signer.public.kid.hex()
        price = {"amount": "1200000", "currency": "EUR", "shares": [{"party": self.studio.id, "basis_points": 10_000}]}
        ai_use = ("data_mining", "inference", "generative_training", "other_training")
        return {
            "licensee": {"party": self.licensee.id, "holder_kid": kid},
            "asset": {"object": object_id, "sha256": hashlib.sha256(object_id.encode()).hexdigest()},
            "use": {"include": ["display", "play"], "exclude": []},
            "exclusivity": "non-exclusive",
            "territory": {"include": ["AT", "CH", "DE"], "exclude": []},
            "window": {"start": KEYS_FROM, "end": "2030-01-01T00:00:00Z"},
            "media": {"include": ["streaming"], "exclude": []},
            "sublicensing": {"allowed": False, "max_depth": 0},
            "ai_use": dict.fromkeys(ai_use, "prohibited"),
            "payment": price,
        }

    def licence(self, object_id: str, index: int = 0, holder: str | None = None, **terms: Any) -> Statement:
        """The studio grants a licence of its object."""
        stated = {**self.terms(object_id), **terms}
        pointer = StatusPointer("https://log.example/status/1", index)
        body = LicenceGrant(object_id, (object_id,), pointer, holder)
        return self.say(self.studio, "licence.grant", self.identifier(Letter.LICENCE), body, stated)

    # --- the main job --------------------------------------------------------------------

    def main_job(self) -> list[Statement]:
        """Parties, a capability, an authored source, a job that makes an object of it, and a licence of that."""
        capability, filed = self.capability()
        source = self.object()
        job, registered = self.job(capability, [source.event.subject])
        output = self.output(job)
        made = output.event.subject
        return [
            *self.parties(),
            *filed,
            source,
            registered,
            output,
            self.complete(job, [made]),
            self.licence(made, holder=self.licensee.id),
        ]
