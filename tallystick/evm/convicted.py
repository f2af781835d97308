"""Verify a conviction proof offline, step by step, and say what it shows and by whose word.

1. The evidence: both checkpoints are the log's, they contradict each other, and one authority signed both.
2. The court's code is a known ForkCourt.
3. – 6. Header, transaction, event ``Convicted`` and slot: see ``deed``.

Step 1 needs no chain: whoever made block, court and slot, nobody is convicted whose own signatures do not. What the
other steps add counts as far as somebody vouches for the header: ``ConvictionFact.vouched_by``.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial

from tallystick.errors import VerificationFailed
from tallystick.evm import conviction, deed
from tallystick.evm.chains import Place, TrustedChain, Voucher
from tallystick.evm.conviction import KNOWN_COURTS
from tallystick.evm.conviction_proof import ConvictionProof, Court
from tallystick.evm.deed import Deed
from tallystick.evm.keccak import reckoned_together
from tallystick.evm.transaction import Log
from tallystick.fork import ForkFact, verify_fork
from tallystick.lazy_dataclass import dataclass
from tallystick.tree_head import SIGNATURE_KINDS, CheckpointKeys, origin_hash
from tallystick.trust_line import TrustLine, convicted_line

_AUTHORITY = SIGNATURE_KINDS[2]


@dataclass(frozen=True)
class ConvictionFact:
    """What a verified conviction proof shows.

    fork: what was signed, proved by itself. authority: the 20-byte address that stands convicted.
    court: name of the known contract; contract: its 20-byte address.
    chain_id, block_number, block_hash: where. block_time: Unix seconds that the block's producer claims.
    vouched_by: on whose word the header rests. ``operator`` is the word of the chain's operator, ``nobody`` nothing
    until the reader has compared the block hash. finality: the kind that the packer recorded, and his word only.
    """

    fork: ForkFact
    authority: bytes
    court: str
    contract: bytes
    chain_id: int
    block_number: int
    block_hash: bytes
    block_time: int
    vouched_by: Voucher
    finality: str

    @property
    def line(self) -> TrustLine:
        """The same in one sentence."""
        return convicted_line(
            authority=self.authority,
            court=self.court,
            time=self.block_time,
            chain_id=self.chain_id,
            block=self.block_number,
            block_hash=self.block_hash,
            vouched_by=self.vouched_by,
        )


def verify(
    proof: ConvictionProof,
    keys: CheckpointKeys,
    chains: Sequence[TrustedChain] = (),
    sealed: Collection[Place] = (),
) -> ConvictionFact:
    """Check ``proof`` against the log that signs by ``keys``.

    ``chains``: what the reader believes of chains' headers. ``sealed``: targets that the reader trusts; a seal is
    that of a stranger, which anybody can make, unless one of them is on the same chain with the same sealer.

    Raises ``VerificationFailed`` with the step that does not hold, or ``MalformedInput``.
    """
    try:
        fork = verify_fork(proof.evidence, keys)
    except VerificationFailed as error:
        raise VerificationFailed(f"step 1: the evidence does not hold: {error}") from None
    authority = accused_authority(fork, keys)
    known = KNOWN_COURTS.get(proof.court.code_hash)
    if known is None:
        raise VerificationFailed(
            f"step 2: code {proof.court.code_hash} is no ForkCourt that this version knows; "
            "a newer tallystick may know it"
        )
    with reckoned_together(partial(deed.hashed, proof, proof.court)):
        header, vouched_by = deed.check_header(proof, proof.court, chains)
        transaction = deed.check_transaction(proof, proof.court, header)
        done = _deed(proof.court, known, authority, fork)
        deed.check_event(proof, header, transaction.kind, done)
        deed.check_state(proof, header, proof.court, done)
    return ConvictionFact(
        fork=fork,
        authority=authority,
        court=known.name,
        contract=bytes.fromhex(proof.court.contract),
        chain_id=proof.court.chain_id,
        block_number=header.number,
        block_hash=header.hash,
        block_time=header.time,
        vouched_by="nobody" if vouched_by == "operator" and not _is_known(proof.court, sealed) else vouched_by,
        finality=proof.finality.kind,
    )


def accused_authority(fork: ForkFact, keys: CheckpointKeys) -> bytes:
    """The address whose signatures a court judges, 20 bytes: it judges one key, and no other kind of signature.

    Raises ``VerificationFailed`` where that is not what proves the fork.
    """
    if _AUTHORITY not in fork.signed_by:
        raise VerificationFailed(
            "step 1: the log's authority did not sign both checkpoints: a court judges no other key"
        )
    first, second = (keys.at(head.size).authority_address for head in (fork.first, fork.second))
    if first != second:
        raise VerificationFailed(
            f"step 1: two authorities signed, 0x{first.hex()} and 0x{second.hex()}: a court judges one key at a time"
        )
    return first


def _deed(court: Court, known: conviction.Court, authority: bytes, fork: ForkFact) -> Deed:
    log = origin_hash(fork.origin)
    first, second = ((head.size, head.root) for head in (fork.first, fork.second))
    return Deed(
        event=Log(
            bytes.fromhex(court.contract),
            conviction.event_topics(authority, log),
            conviction.event_data(log, first, second),
        ),
        says="Convicted by the court for these two checkpoints of this authority",
        key=conviction.storage_key(known, conviction.defendant(authority, log)),
        held=conviction.commitment(first, second),
        holds="the commitment to both checkpoints",
    )


def _is_known(court: Court, sealed: Collection[Place]) -> bool:
    here = (court.chain_id, court.genesis, court.sealer)
    return any((one.chain_id, one.genesis, one.sealer) == here for one in sealed)
