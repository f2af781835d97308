"""The file that names other chains: one table of TOML for each, read whole and strictly before anything is opened.

It loads neither a chain nor a keystore: the service reads it too, to refuse what is wrong when it starts.

    [sepolia]
    url = "https://rpc.sepolia.example/key"
    chain-id = 11155111
    finality = "finalized"          # or "immediate", or a number of blocks
    keystore = "sepolia.json"       # beside this file; or signer = "http://…" with address = "0x…"
    contract = "0x…"                # once there is one: else `python -m api chain deploy sepolia`
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from anchors.account import GWEI, FeeLimits
from anchors.errors import AnchorError
from anchors.finality import FinalityRule, UnknownRule, parse_rule
from anchors.node import BadAddress, HttpEndpoint
from anchors.sender import Patience
from anchors.tables import read_toml
from tallystick.lazy_dataclass import dataclass

RESERVED = "embedded"
"""The name of the chain in the data folder."""

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_HASH = re.compile(r"0x[0-9a-fA-F]{64}")
_PUBLIC_KEY = re.compile(r"0x[0-9a-fA-F]{128}")
_KNOWN = {
    "url", "chain-id", "finality", "keystore", "signer", "signer-api", "signer-key", "address", "contract", "court",
    "genesis", "fee-cap-gwei", "tip-cap-gwei", "stuck-seconds", "timeout-seconds", "poll-seconds",
}  # fmt: skip

SignerApi = Literal["eth_signTransaction", "eth1-sign"]


class BadChains(AnchorError):
    """The file of chains is not as it should be; the message names the table and the member."""


@dataclass(frozen=True)
class ChainConfig:
    """One other chain. ``keystore`` or ``signer`` says who pays."""

    name: str
    url: str
    chain_id: int
    finality: FinalityRule
    keystore: Path | None
    signer: str | None
    signer_api: SignerApi
    signer_key: str
    """Public key by which web3signer's REST interface knows the key: 0x and 128 hex digits."""
    address: bytes | None
    """Of a remote signer: 20 bytes."""
    contract: bytes | None
    court: bytes | None
    """A ForkCourt that stands already: for `chain convict`, which else deploys one."""
    genesis: bytes | None
    """Hash of its block 0; None: whatever the node shows at first contact is it from then on."""
    limits: FeeLimits
    stuck_seconds: int
    timeout_seconds: int
    poll_seconds: int


def read_chains(path: Path) -> tuple[ChainConfig, ...]:
    """Every chain that the file names, in its order. Raises ``BadChains``."""
    return tuple(_chain(path, name, table) for name, table in read_toml(path, "TALLYSTICK_CHAINS", BadChains).items())


def _chain(path: Path, name: str, table: object) -> ChainConfig:
    if not _NAME.fullmatch(name) or name == RESERVED:
        raise BadChains(
            f"{path}: [{name}]: a chain has a name of up to 32 small letters, digits and -, other than {RESERVED!r}"
        )
    if not isinstance(table, dict):
        raise BadChains(f"{path}: {name}: expected a table [{name}]")
    return _Table(path, name, table).config()


@dataclass(frozen=True)
class _Table:
    path: Path
    name: str
    members: Mapping[str, Any]

    def config(self) -> ChainConfig:
        unknown = sorted(set(self.members) - _KNOWN)
        if unknown:
            raise self.wrong(unknown[0], f"there is no such member; known are {', '.join(sorted(_KNOWN))}")
        key, signer = self.text("keystore"), self.text("signer")
        if (key is None) == (signer is None):
            raise self.wrong("keystore", "give either keystore or signer: who pays?")
        address = self.hexed("address", _ADDRESS, required=signer is not None)
        if signer is None and address is not None:
            raise self.wrong("address", "a keystore has its own")
        return ChainConfig(
            name=self.name,
            url=self.url("url"),
            chain_id=self.number("chain-id", None, 1, (1 << 53) - 1),
            finality=self.finality(),
            keystore=None if key is None else self.path.parent / key,
            signer=None if signer is None else self.url("signer"),
            signer_api=self.signer_api(),
            signer_key=self.signer_key(),
            address=address,
            contract=self.hexed("contract", _ADDRESS),
            court=self.hexed("court", _ADDRESS),
            genesis=self.hexed("genesis", _HASH),
            limits=FeeLimits(
                self.number("fee-cap-gwei", FeeLimits.fee_cap // GWEI, 1, 1_000_000) * GWEI,
                self.number("tip-cap-gwei", FeeLimits.tip_cap // GWEI, 1, 1_000_000) * GWEI,
            ),
            stuck_seconds=self.number("stuck-seconds", Patience.stuck, 1, 1 << 31),
            timeout_seconds=self.number("timeout-seconds", 20, 1, 600),
            poll_seconds=self.number("poll-seconds", 5, 1, 86_400),
        )

    def wrong(self, member: str, why: str) -> BadChains:
        return BadChains(f"{self.path}: [{self.name}] {member}: {why}")

    def text(self, member: str) -> str | None:
        value = self.members.get(member)
        if value is not None and (not isinstance(value, str) or not value):
            raise self.wrong(member, "expected text")
        return value

    def url(self, member: str) -> str:
        value = self.text(member)
        if value is None:
            raise self.wrong(member, "this is needed")
        try:
            HttpEndpoint(value, 1)
        except (BadAddress, ValueError) as error:
            raise self.wrong(member, str(error)) from None
        return value

    def number(self, member: str, default: int | None, least: int, most: int) -> int:
        value = self.members.get(member, default)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise self.wrong(member, f"expected a whole number from {least} to {most}")
        return value

    def finality(self) -> FinalityRule:
        try:
            return parse_rule(self.members.get("finality"))
        except UnknownRule as error:
            raise self.wrong("finality", str(error)) from None

    def hexed(self, member: str, pattern: re.Pattern[str], *, required: bool = False) -> bytes | None:
        value = self.text(member)
        if value is None and not required:
            return None
        if value is None or not pattern.fullmatch(value):
            raise self.wrong(member, f"expected 0x and {64 if pattern is _HASH else 40} hex digits")
        return bytes.fromhex(value[2:])

    def signer_api(self) -> SignerApi:
        value = self.members.get("signer-api", "eth_signTransaction")
        if value == "eth_signTransaction":
            return "eth_signTransaction"
        if value == "eth1-sign":
            return "eth1-sign"
        raise self.wrong("signer-api", 'expected "eth_signTransaction" or "eth1-sign"')

    def signer_key(self) -> str:
        value = self.text("signer-key")
        wanted = self.members.get("signer-api") == "eth1-sign"
        if wanted != (value is not None) or (value is not None and not _PUBLIC_KEY.fullmatch(value)):
            raise self.wrong("signer-key", "eth1-sign, and it alone, needs the public key: 0x and 128 hex digits")
        return value or ""
