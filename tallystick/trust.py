"""The trust file, versions 1 to 4: whom a verifier believes. It is the court's or the reader's, never from a bundle.

JSON that people edit (any spacing and key order); its fingerprint is the SHA-256
of its bytes, to be compared by another channel (see docs/trust.md). Every field is
demanded, so that nothing is trusted, or left out, by silence. Version 2 says of each
log which of its keys were replaced; version 1 knows those of entry 0 alone. Version 3
is version 2 with at least one of ``V3_MEMBERS``, or with certificates of a timestamp authority; version 4 is version 2
or 3 with at least one of ``V4_MEMBERS``.

Purposes are kept apart: a certificate or key counts for what its list says, and for nothing else. Who stands under a
root of one list gains nothing for the purpose of another, unless the publisher lists that root there too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from tallystick import canonical
from tallystick.admission.log_rules import ROLE_ALGORITHMS
from tallystick.base64s import from_base64
from tallystick.cosignature import Witness, cosigned_at, parse_witness
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.events.log import ORIGIN, AnchorTarget
from tallystick.evm.chains import TrustedChain, check_chains
from tallystick.key_history import KeyHistory, Replacement
from tallystick.keys import KeyText, PublicKey
from tallystick.lazy_dataclass import dataclass
from tallystick.map.audit import Auditor, parse_auditor
from tallystick.note import Note, parse_verifier_key, verify_note
from tallystick.schema import TIME, WORD, base64_bytes, between, items, read, record, text, write
from tallystick.times import parse_time
from tallystick.timestamp import Authority
from tallystick.tree_head import LogKeys, parse_log_keys
from tallystick.versions import check_version

VERSIONS = (1, 2, 3, 4)
V3_MEMBERS = ("evm_chains", "independent_witnesses")
V4_MEMBERS = ("cawg_roots", "token_roots", "pdf_roots", "auditors")
"""Optional members of the file since version 4; to add one, name it here, in ``TrustFile`` and in docs/trust.md."""
MAX_TRUST_BYTES = 1 << 20

_VERIFIER_KEY = text(4096)
_DER = base64_bytes(8192)


@record
class TrustedLog:
    """A log: its origin, its three verifier keys (C2SP text), and the registrar, who is the root of its parties.

    All as entry 0 names them; ``replaced`` (version 2): every rotation up to the last one listed.
    """

    origin: Annotated[str, ORIGIN]
    keys: Annotated[tuple[Annotated[str, _VERIFIER_KEY], ...], items(3, 3)]
    registrar: KeyText
    replaced: Annotated[tuple[Replacement, ...], items(4096)] | None = None


@record
class TrustedExporter:
    """Who may put a case together. An exporter cannot make a claim proved; it vouches that the case is as exported."""

    name: Annotated[str, text(200)]
    key: KeyText


@record
class TimeAuthority:
    """Root certificate (base64 DER) of an RFC 3161 authority; ``independent`` of the log's operator or not.

    certificates (version 3): of its signers or of authorities between them and the root, where its tokens do not
    carry them.
    """

    name: Annotated[str, text(200)]
    root: Annotated[str, _DER]
    independent: bool
    certificates: Annotated[tuple[Annotated[str, _DER], ...], items(16, 1)] | None = None


@record
class TrustedAuditor:
    """Who replays maps (``tallystick.map.audit``): a verifier key in C2SP text form; audits after ``not_after`` count
    for nothing.
    """

    key: Annotated[str, _VERIFIER_KEY]
    not_after: Annotated[str, TIME] | None = None


@record
class Witnesses:
    """Cosigners of checkpoints (C2SP verifier keys), and how many of them a checkpoint must bear."""

    keys: Annotated[tuple[Annotated[str, _VERIFIER_KEY], ...], items(64)]
    quorum: Annotated[int, between(0, 64)]


@record
class TrustFile:
    """The file as it is written.

    publisher, issued: who publishes it, and since when it stands.
    c2pa_roots: root certificates (base64 DER) under which signers of credential files must stand. They sign claims;
    not timestamps (``tsa_roots``), identities (``cawg_roots``) or licence tokens (``token_roots``).
    evm_targets: contracts believed on the reader's own word, besides those that a log names.
    tsa_roots: timestamp authorities: of tokens over checkpoints and blocks, and of countersignatures in credentials.
    independent_time: whether time must be shown by someone independent of the operator to call a case proved.
    status_max_age: seconds for which a signed licence status is fresh.
    required: ids of claims demanded beyond those that the verifier always demands.
    evm_chains (version 3): whose word the headers of a chain are; without an entry, a seal is the operator's word,
    and a header without a seal nobody's.
    independent_witnesses (version 3): names among ``witnesses`` whose clocks are not the operator's.
    cawg_roots (version 4): root certificates (base64 DER) under which those stand who identify themselves in a
    credential (CAWG identity assertions).
    token_roots (version 4): root certificates (base64 DER) under which the issuers of licence tokens stand.
    pdf_roots (version 4): root certificates (base64 DER) under which the signers of certificates as PDF (PAdES) stand.
    auditors (version 4): whose replay of a log's map counts.
    """

    v: Literal[1, 2, 3, 4]
    publisher: Annotated[str, text(200)]
    issued: Annotated[str, TIME]
    logs: Annotated[tuple[TrustedLog, ...], items(64, 1)]
    exporters: Annotated[tuple[TrustedExporter, ...], items(64)]
    c2pa_roots: Annotated[tuple[Annotated[str, _DER], ...], items(64)]
    evm_targets: Annotated[tuple[AnchorTarget, ...], items(64)]
    tsa_roots: Annotated[tuple[TimeAuthority, ...], items(64)]
    independent_time: bool
    witnesses: Witnesses
    status_max_age: Annotated[int, between(0, 10 * 366 * 86400)]
    required: Annotated[tuple[Annotated[str, WORD], ...], items(16)]
    evm_chains: Annotated[tuple[TrustedChain, ...], items(64)] | None = None
    independent_witnesses: Annotated[tuple[Annotated[str, text(255)], ...], items(64, 1)] | None = None
    cawg_roots: Annotated[tuple[Annotated[str, _DER], ...], items(64, 1)] | None = None
    token_roots: Annotated[tuple[Annotated[str, _DER], ...], items(64, 1)] | None = None
    pdf_roots: Annotated[tuple[Annotated[str, _DER], ...], items(64, 1)] | None = None
    auditors: Annotated[tuple[TrustedAuditor, ...], items(64, 1)] | None = None


@dataclass(frozen=True)
class LogTrust:
    """A trusted log's keys, ready for use, and how many of which witnesses must have cosigned its checkpoints.

    ``keys`` and ``registrar``: of entry 0. ``replaced``: the rotations that the trust file names; a bundle may show
    later ones. ``independent``: names of the witnesses whose clocks count as independent of the log's operator.
    """

    keys: LogKeys
    registrar: PublicKey
    witnesses: tuple[Witness, ...] = ()
    quorum: int = 0
    replaced: tuple[Replacement, ...] = ()
    independent: frozenset[str] = frozenset()

    @property
    def history(self) -> KeyHistory:
        """The keys by size, as far as the trust file knows."""
        return KeyHistory(self.keys, self.replaced)

    def require_quorum(self, note: Note, at: int | None = None) -> tuple[str, ...]:
        """Names of the witnesses that cosigned, and (where given) by ``at``, Unix seconds; none where none must have.

        Raises ``VerificationFailed`` unless they are enough.
        """
        if self.quorum == 0:
            return ()
        named = {(witness.name, witness.key_id) for witness in self.witnesses}
        if not any((one.name, one.key_id) in named for one in note.signatures):
            raise VerificationFailed(f"none of the trusted witnesses cosigned, {self.quorum} must have")
        signed_by = {(witness.name, witness.key_id) for witness in verify_note(note, self.witnesses)}
        lines = [one for one in note.signatures if (one.name, one.key_id) in signed_by]
        # By names: of a witness that signs with two keys both may stand in the trust file.
        timely = tuple(dict.fromkeys(one.name for one in lines if at is None or cosigned_at(one.signature) <= at))
        if len(timely) < self.quorum:
            raise VerificationFailed(
                f"{len(timely)} of the trusted witnesses cosigned by then, {self.quorum} must have"
            )
        return timely


@dataclass(frozen=True)
class Trust:
    """A trust file that was read. ``fingerprint``: SHA-256 of its bytes, hex; ``exporters``: by kid."""

    file: TrustFile
    fingerprint: str
    logs: Mapping[str, LogTrust]
    exporters: Mapping[bytes, tuple[str, PublicKey]]

    @property
    def chains(self) -> tuple[TrustedChain, ...]:
        """Whose word the headers of chains are."""
        return self.file.evm_chains or ()

    @property
    def c2pa_roots(self) -> tuple[bytes, ...]:
        """DER of each root certificate."""
        return tuple(from_base64(root) for root in self.file.c2pa_roots)

    @property
    def cawg_roots(self) -> tuple[bytes, ...]:
        """DER of each root certificate above identities."""
        return tuple(from_base64(root) for root in self.file.cawg_roots or ())

    @property
    def token_roots(self) -> tuple[bytes, ...]:
        """DER of each root certificate above issuers of licence tokens."""
        return tuple(from_base64(root) for root in self.file.token_roots or ())

    @property
    def pdf_roots(self) -> tuple[bytes, ...]:
        """DER of each root certificate above signers of documents."""
        return tuple(from_base64(root) for root in self.file.pdf_roots or ())

    @property
    def auditors(self) -> tuple[tuple[Auditor, int | None], ...]:
        """Auditors, and until when (Unix seconds) their audits count."""
        return tuple(
            (parse_auditor(one.key), None if one.not_after is None else parse_time(one.not_after))
            for one in self.file.auditors or ()
        )

    @property
    def time_authorities(self) -> tuple[Authority, ...]:
        """Timestamp authorities, ready for use."""
        return tuple(
            Authority(one.name, from_base64(one.root), one.independent, tuple(map(from_base64, one.certificates or ())))
            for one in self.file.tsa_roots
        )


def parse_trust(data: bytes) -> Trust:
    """Read a trust file. Raises ``MalformedInput``; for a later version ``UnknownVersion``."""
    value = canonical.decode_relaxed(data, MAX_TRUST_BYTES)
    check_version(value, "trust file", *VERSIONS)
    file = read(TrustFile, value)
    witnesses = _witnesses(file.witnesses)
    _check_members(file)
    independent = _independent(file, witnesses)
    logs = {log.origin: _log(log, witnesses, file.witnesses.quorum, independent) for log in file.logs}
    exporters = {key.kid: (name, key) for name, key in ((e.name, PublicKey.from_text(e.key)) for e in file.exporters)}
    if len(logs) != len(file.logs) or len(exporters) != len(file.exporters):
        raise MalformedInput("the trust file names a log or an exporter's key twice")
    if any(authority.independent for authority in file.tsa_roots) and not file.independent_time:
        raise MalformedInput("the trust file names an independent time authority, so independent_time must be true")
    return Trust(file, hashlib.sha256(data).hexdigest(), logs, exporters)


def _check_members(file: TrustFile) -> None:
    """One meaning has one version."""
    if any((log.replaced is not None) != (file.v != 1) for log in file.logs):
        raise MalformedInput(
            "from version 2 on a trust file says of each log which keys were replaced, version 1 of none"
        )
    third = any(getattr(file, name) is not None for name in V3_MEMBERS)
    third = third or any(one.certificates is not None for one in file.tsa_roots)
    fourth = any(getattr(file, name) is not None for name in V4_MEMBERS)
    if fourth != (file.v == 4):
        raise MalformedInput(f"a trust file is of version 4 exactly if it has one of: {', '.join(V4_MEMBERS)}")
    if file.v < 4 and third != (file.v == 3):
        members = ", ".join((*V3_MEMBERS, "tsa_roots[].certificates"))
        raise MalformedInput(f"below version 4 a trust file is of version 3 exactly if it has one of: {members}")
    check_chains(file.evm_chains or ())
    _check_algorithms(file)
    _check_auditors(file)


def _check_algorithms(file: TrustFile) -> None:
    """A key of another algorithm than its role fits no log: whoever wrote the file made a mistake."""
    roles = [("registrar", log.registrar) for log in file.logs]
    roles += [("exporter", one.key) for one in file.exporters]
    roles += [(one.role, one.key) for log in file.logs for one in log.replaced or ()]
    for role, key in roles:
        if key.alg not in ROLE_ALGORITHMS[role]:
            fitting = " or ".join(ROLE_ALGORITHMS[role])
            raise MalformedInput(f"a key of the role {role} is of {key.alg}, not {fitting}")


def _check_auditors(file: TrustFile) -> None:
    """An auditor is nobody's other half: not the log, whose word it looks into, and no witness, who replays nothing."""
    auditors = [parse_auditor(one.key) for one in file.auditors or ()]
    keys = {one.key.raw for one in auditors}
    if len(keys) != len(auditors):
        raise MalformedInput("two auditors share a key")
    others = {parse_witness(line).key.raw for line in file.witnesses.keys}
    others |= {parse_verifier_key(line)[2] for log in file.logs for line in log.keys}
    later = [one.key for log in file.logs for one in log.replaced or ()]
    others |= {PublicKey.from_text(text).raw for text in (*(log.registrar for log in file.logs), *later)}
    if keys & others:
        raise MalformedInput("an auditor has a key of a log, of its registrar or of a witness")


def encode_trust(file: TrustFile) -> bytes:
    """Canonical bytes of a trust file. Raises ``MalformedInput`` for one that ``parse_trust`` would refuse."""
    data = canonical.encode(write(file))
    parse_trust(data)
    return data


def trusted_log(keys: LogKeys, registrar: PublicKey, replaced: Sequence[Replacement] | None = None) -> TrustedLog:
    """The entry of a trust file for a log, by the keys of its entry 0; ``replaced``: for a file of version 2."""
    return TrustedLog(
        keys.origin, keys.verifier_keys(), registrar.to_text(), None if replaced is None else tuple(replaced)
    )


def _independent(file: TrustFile, witnesses: tuple[Witness, ...]) -> frozenset[str]:
    names = file.independent_witnesses or ()
    unknown = sorted(set(names) - {witness.name for witness in witnesses})
    if unknown or len(set(names)) != len(names):
        raise MalformedInput(
            f"independent_witnesses names {unknown[0]!r}, which is no witness of this file"
            if unknown
            else "independent_witnesses names a witness twice"
        )
    return frozenset(names)


def _log(log: TrustedLog, witnesses: tuple[Witness, ...], quorum: int, independent: frozenset[str]) -> LogTrust:
    keys = parse_log_keys(log.keys)
    if keys.origin != log.origin:
        raise MalformedInput(f"the verifier keys of log {log.origin!r} are named {keys.origin!r}")
    replaced = log.replaced or ()
    positions = [one.position for one in replaced]
    if positions != sorted(set(positions)) or 0 in positions:
        raise MalformedInput(f"the replaced keys of log {log.origin!r} are not listed by position, each once")
    texts = (log.registrar, *(one.key for one in replaced))
    own = {keys.ed25519.kid, keys.ml_dsa.kid, *(PublicKey.from_text(text).kid for text in texts)}
    if any(witness.key.kid in own for witness in witnesses):
        raise MalformedInput(
            f"a witness has a key of the log {log.origin!r} or of its registrar, which would cosign for itself"
        )
    return LogTrust(keys, PublicKey.from_text(log.registrar), witnesses, quorum, replaced, independent)


def _witnesses(witnesses: Witnesses) -> tuple[Witness, ...]:
    found = tuple(parse_witness(line) for line in witnesses.keys)
    # Two names on one key would let one witness count twice: an Ed25519 cosignature does not cover the name.
    if len({verifier.key.kid for verifier in found}) != len(found):
        raise MalformedInput("two witnesses share a key")
    names = {verifier.name for verifier in found}
    if witnesses.quorum > len(names):
        raise MalformedInput(
            f"a quorum of {witnesses.quorum} of {len(names)} witnesses can never be met"
            + (f": {len(found)} keys have so many names, and a name counts once" if len(found) > len(names) else "")
        )
    return found
