"""The data folder of a witness: its name, its keys, the logs that it knows, and what it has cosigned."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ledger.batch import Clock
from ledger.disk import LocalDisk
from ledger.errors import LogExists, NoLog
from ledger.witness.heads import Heads
from ledger.witness.witness import Voice, Witness
from tallystick.checkpoint import Checkpoint
from tallystick.cosignature import cosigned_message
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.keyfile import read_key, write_key
from tallystick.keys import LocalSigner
from tallystick.note import OTHER, NoteVerifier, check_name, parse_verifier_key
from tallystick.witness_policy import parse_log_verifier

_LOGS = """\
# The logs that this witness knows: one C2SP verifier key a line, of type 01 or 06; the name is the log's origin.
# A log may have several keys; each of its checkpoints must be signed by one of them, and by none falsely.
"""


class WitnessFolder:
    """Where everything stands."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.database = path / "witness.sqlite"
        self.keys = path / "keys"
        self.passphrase = self.keys / "passphrase"
        self.name = path / "name"
        self.logs = path / "logs"


def create_witness(path: Path, name: str, passphrase: str | None) -> Voice:
    """Begin a witness in a folder that is not there, whole or not at all. Raises ``LogExists``, ``MalformedInput``."""
    _check_cosigner(name)
    if path.exists():
        raise LogExists(
            f"{path} exists: a witness is begun once; open it with `witness serve`, or choose another folder"
        )
    draft = WitnessFolder(path.with_name(path.name + ".new"))
    shutil.rmtree(draft.path, ignore_errors=True)
    draft.keys.mkdir(parents=True, mode=0o700)
    secret = _secret(draft, passphrase, create=True)
    voice = Voice(name, LocalSigner.generate("ed25519"), LocalSigner.generate("ml-dsa-44"))
    for signer in (voice.ed25519, voice.ml_dsa):
        assert isinstance(signer, LocalSigner)
        write_key(draft.keys / f"{signer.public.alg}.pem", signer, secret)
    draft.name.write_text(name + "\n", encoding="utf-8")
    draft.logs.write_text(_LOGS, encoding="utf-8")
    Heads.create(draft.database)
    disk = LocalDisk()
    disk.sync([file for file in draft.path.rglob("*") if file.is_file()])
    disk.sync_folders([draft.keys, draft.path])
    draft.path.rename(path)
    disk.sync_folders([path.absolute().parent])
    return voice


def open_voice(path: Path, passphrase: str | None) -> Voice:
    """Name and keys of a witness. Raises ``NoLog`` and ``MalformedInput``."""
    folder = WitnessFolder(path)
    if not folder.name.is_file():
        raise NoLog(f"there is no witness in {path}: correct the path, or begin one there with `witness init`")
    secret = _secret(folder, passphrase, create=False)
    ed25519, ml_dsa = (read_key(folder.keys / f"{alg}.pem", secret) for alg in ("ed25519", "ml-dsa-44"))
    name = folder.name.read_text(encoding="utf-8").removesuffix("\n")
    _check_cosigner(name)
    return Voice(name, ed25519, ml_dsa)


@contextmanager
def open_witness(path: Path, passphrase: str | None, clock: Clock) -> Iterator[Witness]:
    """The witness in ``path``; creates nothing. Raises ``NoLog``, ``UnknownSchema`` and ``MalformedInput``."""
    voice = open_voice(path, passphrase)
    folder = WitnessFolder(path)
    logs = read_logs(folder.logs.read_text(encoding="utf-8"))
    heads = Heads(folder.database)
    try:
        yield Witness(voice, logs, heads, clock)
    finally:
        heads.close()


def read_logs(text: str) -> dict[str, list[NoteVerifier]]:
    """The keys of each log by its origin. Raises ``MalformedInput`` that names the line."""
    found: dict[str, list[NoteVerifier]] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            verifier = parse_log_verifier(line.strip())
        except MalformedInput as error:
            raise MalformedInput(f"line {number} of the known logs: {error}") from None
        if verifier in found.setdefault(verifier.name, []):
            raise MalformedInput(f"line {number} of the known logs: the key stands above")
        found[verifier.name].append(verifier)
    return found


def add_log(path: Path, lines: Sequence[str]) -> tuple[list[str], list[str]]:
    """Make a log known by its verifier keys, as ``GET /vkeys`` gives them; (added, left out).

    Left out are keys that are known already, and those of type ff, which are no business
    of witnesses. Raises ``MalformedInput``, and then nothing was added.
    """
    folder = WitnessFolder(path)
    if not folder.logs.is_file():
        raise NoLog(f"there is no witness in {path}: correct the path, or begin one there with `witness init`")
    before = folder.logs.read_text(encoding="utf-8")
    known = set(before.split("\n"))
    wanted = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    added = [line for line in dict.fromkeys(wanted) if line not in known and parse_verifier_key(line)[1] != OTHER]
    after = before + "".join(f"{line}\n" for line in added)
    read_logs(after)
    draft = folder.logs.with_name("logs.new")
    draft.write_text(after, encoding="utf-8")
    disk = LocalDisk()
    disk.sync([draft])
    draft.rename(folder.logs)
    disk.sync_folders([path])
    return added, [line for line in wanted if line not in added]


def _check_cosigner(name: str) -> None:
    check_name(name)
    try:
        cosigned_message(name, 0, Checkpoint("any", 0, bytes(32)).body())
    except VerificationFailed as error:
        raise MalformedInput(str(error)) from None


def _secret(folder: WitnessFolder, given: str | None, *, create: bool) -> bytes:
    """The passphrase as given, else from its file (mode 0600), which is made if ``create``."""
    if given is not None:
        return given.encode()
    if create:
        descriptor = os.open(folder.passphrase, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32))
    try:
        return folder.passphrase.read_bytes().strip()
    except FileNotFoundError:
        raise MalformedInput(f"no passphrase: set WITNESS_PASSPHRASE, or restore {folder.passphrase}") from None
