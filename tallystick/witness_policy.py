"""Trust policies in the text form of C2SP tlog-policy: logs, witnesses, groups of them, and one quorum.

The format is for people to edit: lines of words, comments, blank lines. Names stand
for nothing outside the file and are compared byte by byte.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import field
from typing import TypeAlias

from tallystick.cosignature import MlDsaCosigner, Witness, cosigned_at, parse_witness
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.keys import PublicKey
from tallystick.lazy_dataclass import dataclass
from tallystick.note import COSIGNATURE_ML_DSA_44, ED25519, Ed25519Verifier, Note, parse_verifier_key, verify_note

MAX_POLICY_BYTES = 1 << 20
MAX_EACH = 64
"""Logs, witnesses and groups, of each."""

NONE = "none"
"""The quorum that needs nobody."""

LogVerifier: TypeAlias = Ed25519Verifier | MlDsaCosigner

_BLANKS = re.compile(r"[ \t]+")
_COUNT = re.compile(r"[1-9][0-9]?", re.ASCII)


@dataclass(frozen=True)
class PolicyLog:
    """A log whose checkpoints are accepted. ``url``: application-specific."""

    verifier: LogVerifier
    url: str | None


@dataclass(frozen=True)
class PolicyWitness:
    """A witness. ``key``: its verifier key as written; ``url``: its submission prefix (tlog-witness)."""

    name: str
    key: str
    verifier: Witness
    url: str | None


@dataclass(frozen=True)
class Group:
    """Witnesses a checkpoint when at least ``threshold`` of its members do."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True)
class WitnessPolicy:
    """A policy that was read. ``quorum`` is the name of a witness or group, or ``none``."""

    logs: tuple[PolicyLog, ...]
    witnesses: tuple[PolicyWitness, ...]
    groups: tuple[Group, ...]
    quorum: str

    def satisfied_by(self, names: Collection[str]) -> bool:
        """Whether the quorum is met when the witnesses of these (policy) names have cosigned."""
        met = set(names) | {NONE}
        for group in self.groups:  # a group names only what stands before it
            if sum(member in met for member in group.members) >= group.threshold:
                met.add(group.name)
        return self.quorum in met

    def cosigners(self, note: Note, at: int | None = None) -> tuple[str, ...]:
        """Policy names of the witnesses that cosigned ``note`` (by ``at``, Unix seconds).

        Raises ``VerificationFailed`` when a line of one of them does not verify.
        """
        times = {(one.name, one.key_id): one for one in note.signatures}
        found = []
        for witness in self.witnesses:
            line = times.get((witness.verifier.name, witness.verifier.key_id))
            if line is not None:
                verify_note(note, [witness.verifier])
                if at is None or cosigned_at(line.signature) <= at:
                    found.append(witness.name)
        return tuple(found)

    def require(self, note: Note, at: int | None = None) -> tuple[str, ...]:
        """``cosigners``, when they are a quorum; else raises ``VerificationFailed``."""
        found = self.cosigners(note, at)
        if not self.satisfied_by(found):
            raise VerificationFailed(
                f"cosigned by {', '.join(found) or 'no witness of the policy'}: not the quorum {self.quorum!r}"
            )
        return found

    def threshold(self) -> int:
        """k, when the quorum is k of all the witnesses; a trust file can say no other.

        Raises ``MalformedInput`` for every other quorum.
        """
        names = tuple(witness.name for witness in self.witnesses)
        if self.quorum == NONE:
            return 0
        if (self.quorum,) == names:
            return 1
        for group in self.groups:
            if group.name == self.quorum and sorted(group.members) == sorted(names):
                return group.threshold
        raise MalformedInput(f"the quorum {self.quorum!r} is not so many of all the witnesses that the policy names")


def parse_policy(data: bytes) -> WitnessPolicy:
    """Read a policy file. Raises ``MalformedInput`` that names the line."""
    if len(data) > MAX_POLICY_BYTES:
        raise MalformedInput(f"the policy has {len(data)} bytes, at most {MAX_POLICY_BYTES} are read")
    if any((byte < 32 and byte not in b"\t\n") or byte == 127 for byte in data):
        raise MalformedInput("the policy holds a control character")
    reader = _Reader()
    # Octets beyond ASCII are opaque: names are equal when their bytes are.
    for number, line in enumerate(data.decode("utf-8", "surrogateescape").split("\n"), 1):
        words = [word for word in _BLANKS.split(line) if word]
        if words and not words[0].startswith("#"):
            try:
                reader.take(words)
            except MalformedInput as error:
                raise MalformedInput(f"line {number} of the policy: {error}") from None
    return reader.policy()


@dataclass
class _Reader:
    logs: list[PolicyLog] = field(default_factory=list)
    witnesses: list[PolicyWitness] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    quorum: str | None = None
    named: set[str] = field(default_factory=set)
    grouped: set[str] = field(default_factory=set)
    keys: dict[str, set[bytes]] = field(default_factory=lambda: {"log": set(), "witness": set()})
    behind: dict[str, frozenset[str]] = field(default_factory=dict)
    """The witnesses, by the names in their keys, behind the name of each line."""

    def take(self, words: list[str]) -> None:
        takers = {"log": self._log, "witness": self._witness, "group": self._group, "quorum": self._quorum}
        take = takers.get(words[0])
        if take is None:
            raise MalformedInput(f"{words[0][:40]!r} is none of {', '.join(takers)}")
        take(words[1:])

    def policy(self) -> WitnessPolicy:
        if self.quorum is None:
            raise MalformedInput("the policy has no quorum line")
        for what in (self.logs, self.witnesses, self.groups):
            if len(what) > MAX_EACH:
                raise MalformedInput(f"the policy has more than {MAX_EACH} logs, witnesses or groups")
        logs = {log.verifier.name for log in self.logs}
        if own := next((one.name for one in self.witnesses if one.verifier.name in logs), None):
            raise MalformedInput(f"the witness {own[:40]!r} is a log of the policy, which would cosign for itself")
        keys = {log.verifier.key.raw for log in self.logs}
        if own := next((one.name for one in self.witnesses if one.verifier.key.raw in keys), None):
            raise MalformedInput(f"the witness {own[:40]!r} has the key of a log, which would cosign for itself")
        return WitnessPolicy(tuple(self.logs), tuple(self.witnesses), tuple(self.groups), self.quorum)

    def _log(self, words: list[str]) -> None:
        key, url = _with_url("log <vkey> [<url>]", words)
        verifier = parse_log_verifier(key)
        self._fresh("log", verifier.key)
        self.logs.append(PolicyLog(verifier, url))

    def _witness(self, words: list[str]) -> None:
        if len(words) < 2:
            raise MalformedInput("expected: witness <name> <vkey> [<url>]")
        key, url = _with_url("witness <name> <vkey> [<url>]", words[1:])
        verifier = parse_witness(key)
        self._fresh("witness", verifier.key)
        self._name(words[0])
        self.behind[words[0]] = frozenset({verifier.name})
        self.witnesses.append(PolicyWitness(words[0], key, verifier, url))

    def _group(self, words: list[str]) -> None:
        if len(words) < 3:
            raise MalformedInput("expected: group <name> <all|any|number> <member>...")
        name, count, *members = words
        for member in members:
            if member not in self.named:
                raise MalformedInput(f"{member[:40]!r} is not defined before this line")
            if member in self.grouped:
                raise MalformedInput(f"{member[:40]!r} is a member already")
            self.grouped.add(member)
        threshold = _threshold(count, len(members))
        each = [self.behind[member] for member in members]
        self.behind[name] = frozenset[str]().union(*each)
        # One that signs with two keys has them under one name; by two lines it would count twice.
        if threshold > 1 and len(self.behind[name]) < sum(map(len, each)):
            raise MalformedInput(f"a witness would count twice in {name[:40]!r}: put its keys into a group of its own")
        self._name(name)
        self.groups.append(Group(name, threshold, tuple(members)))

    def _quorum(self, words: list[str]) -> None:
        if len(words) != 1 or self.quorum is not None:
            raise MalformedInput("expected one line: quorum <name>")
        if words[0] not in self.named | {NONE}:
            raise MalformedInput(f"{words[0][:40]!r} is not defined before this line")
        self.quorum = words[0]

    def _name(self, name: str) -> None:
        if name == NONE or name in self.named:
            raise MalformedInput(f"the name {name[:40]!r} is taken")
        self.named.add(name)

    def _fresh(self, what: str, key: PublicKey) -> None:
        # Duplicates wrap one key, even under two names: a witness must not count twice.
        if key.raw in self.keys[what]:
            raise MalformedInput(f"a {what} with this key stands above")
        self.keys[what].add(key.raw)


def parse_log_verifier(key: str) -> LogVerifier:
    """A log's verifier key of a type that every reader of C2SP notes knows. Raises ``MalformedInput``."""
    name, kind, raw = parse_verifier_key(key)
    if kind == ED25519:
        return Ed25519Verifier(name, PublicKey("ed25519", raw))
    if kind == COSIGNATURE_ML_DSA_44:
        return MlDsaCosigner(name, PublicKey("ml-dsa-44", raw))
    raise MalformedInput(f"the log {name!r} has a key of type {kind:#04x}, expected 01 or 06")


def _with_url(form: str, words: list[str]) -> tuple[str, str | None]:
    if len(words) not in (1, 2):
        raise MalformedInput(f"expected: {form}")
    return words[0], words[1] if len(words) == 2 else None


def _threshold(text: str, members: int) -> int:
    if text in ("all", "any"):
        return members if text == "all" else 1
    if not _COUNT.fullmatch(text) or int(text) > members:
        raise MalformedInput(f"expected all, any or a number from 1 to {members}, found {text[:20]!r}")
    return int(text)
