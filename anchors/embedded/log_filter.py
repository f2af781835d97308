"""Which logs a caller of ``eth_getLogs`` wants."""

from __future__ import annotations

from collections.abc import Iterable

from eth.abc import BlockHeaderAPI
from eth_bloom.bloom import BloomFilter

from anchors.embedded.chain import EmbeddedChain
from anchors.embedded.params import InvalidParams, parse_bytes
from anchors.embedded.views import Json, block_logs, data
from tallystick.lazy_dataclass import dataclass

TOPICS_MAX = 4


@dataclass(frozen=True)
class LogFilter:
    """An empty set of addresses, or of topics at a position, means any."""

    block_hash: bytes | None
    addresses: frozenset[bytes]
    topics: tuple[frozenset[bytes], ...]

    @classmethod
    def parse(cls, criteria: Json) -> LogFilter:
        """Read the filter object of ``eth_getLogs``. Raises ``InvalidParams``."""
        block_hash = criteria.get("blockHash")
        if block_hash is not None and ("fromBlock" in criteria or "toBlock" in criteria):
            raise InvalidParams("a filter has either blockHash or fromBlock and toBlock")
        topics = criteria.get("topics") or []
        if len(topics) > TOPICS_MAX:
            raise InvalidParams(f"a log has at most {TOPICS_MAX} topics, the filter names {len(topics)}")
        return cls(
            block_hash=None if block_hash is None else parse_bytes(block_hash, 32),
            addresses=frozenset(parse_bytes(item, 20) for item in _as_list(criteria.get("address"))),
            topics=tuple(frozenset(parse_bytes(item, 32) for item in _as_list(topic)) for topic in topics),
        )

    def may_match(self, header: BlockHeaderAPI) -> bool:
        """False when the block's bloom filter rules every wanted log out."""
        bloom = BloomFilter(header.bloom)
        return all(not wanted or any(item in bloom for item in wanted) for wanted in (self.addresses, *self.topics))

    def matches(self, log: Json) -> bool:
        """Whether a log, as shown by ``views``, is wanted."""
        if self.addresses and bytes.fromhex(log["address"][2:]) not in self.addresses:
            return False
        if len(log["topics"]) < len(self.topics):
            return False
        return all(
            not wanted or found in {data(item) for item in wanted}
            for wanted, found in zip(self.topics, log["topics"], strict=False)
        )


def matching_logs(chain: EmbeddedChain, wanted: LogFilter, headers: Iterable[BlockHeaderAPI]) -> list[Json]:
    """Logs of these blocks that the filter wants, in order."""
    return [
        log
        for header in headers
        if wanted.may_match(header)
        for log in block_logs(chain, header)
        if wanted.matches(log)
    ]


def _as_list(value: object) -> list[object]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]
