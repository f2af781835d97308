/** Conviction proofs (Convictions 3 and 4): a court on a chain judged fork evidence. */
import { bigEndian, concat, equal, fromHex, hex, utf8, type Bytes } from "../base/bytes.ts";
import { Failed, LaterVersion, Malformed } from "../base/errors.ts";
import { anyObject, hexOf, integer, oneOf, record, type Of } from "../base/forms.ts";
import { keccak, sha256 } from "../base/hashes.ts";
import type { Json } from "../base/json.ts";
import { formatTime, parseTime } from "../base/time.ts";
import { forkForm, parseAccusation, verifyFork, type Fork } from "../log/fork.ts";
import { parseCheckpoint } from "../log/note.ts";
import type { CheckpointKeys } from "../log/signatures.ts";
import type { Outcome } from "../steps/findings.ts";
import type { Trust, TrustedLog } from "../trust.ts";
import { inStep, vouch, word, type Voucher } from "./anchor.ts";
import { parseHeader, parseReceipt, parseTransaction, type Header } from "./block.ts";
import { demandFinality, onChain } from "./proof.ts";
import { bytesOf, decodeRlp, encodeInteger, integerOf, listOf } from "./rlp.ts";
import { trieValue } from "./trie.ts";

const CONVICTED = keccak(utf8("Convicted(bytes32,address,bytes32,uint64,bytes32,uint64,bytes32)"));
/** Mapping slot by code hash. */
const COURTS = new Map([["82e600a8a5e6c411cf1a9a83fe750c8ca2fea68e6c31c85014e7747cf7ed5032", { name: "ForkCourt 1", slot: 1n }]]);

const form = record({
  v: oneOf(1), kind: oneOf("conviction"),
  court: record({ chain_id: integer(), genesis: hexOf(32), contract: hexOf(20), code_hash: hexOf(32) }, { sealer: hexOf(20) }),
  evidence: forkForm, ...onChain,
});
export type ConvictionProof = Of<typeof form>;

export function parseConviction(value: Json): ConvictionProof {
  const { v } = anyObject(value);
  if (typeof v === "number" && v !== 1) throw new LaterVersion(`a conviction proof of version ${v}`);
  const proof = form(value);
  demandFinality(proof.finality);
  return proof;
}

export interface Conviction {
  fork: Fork;
  court: string;
  chainId: number;
  block: number;
  /** Hex. */
  blockHash: string;
  /** Unix seconds. */
  blockTime: number;
  vouchedBy: Voucher;
}

/** `Failed` begins with the number of the step that does not hold. */
export function verifyConviction(proof: ConvictionProof, origin: string, keys: (size: bigint) => CheckpointKeys, trust: Trust): Conviction {
  const { court } = proof;
  const fork = inStep(1, () => {
    const found = verifyFork(proof.evidence, origin, keys);
    if (found.authority === undefined) throw new Failed("one authority did not sign both checkpoints");
    return found;
  });
  const known = inStep(2, () => {
    const found = COURTS.get(court.code_hash);
    if (found === undefined) throw new Failed("the contract's code is no known court");
    return found;
  });
  const defendant = keccak(concat(word(fromHex(fork.authority!)), sha256(utf8(origin))));
  const block = parseHeader(proof.header);
  const vouchedBy = inStep(3, () => voucher(proof, block, trust));
  const type = inStep(4, () => transaction(proof, block));
  inStep(5, () => receipt(proof, block, type, fork, origin, defendant));
  inStep(6, () => storage(proof, block, known.slot, defendant, fork));
  return {
    fork, court: known.name, chainId: court.chain_id, block: Number(block.number), blockHash: hex(block.hash), blockTime: Number(block.timestamp), vouchedBy,
  };
}

/** A seal is the operator's only on a chain that the trust file names with this sealer. */
function voucher(proof: ConvictionProof, block: Header, trust: Trust): Voucher {
  const { court } = proof;
  const found = vouch(proof, block, court, trust);
  const own = trust.evmTargets.some((each) => each.chain_id === court.chain_id && each.genesis === court.genesis && each.sealer === court.sealer);
  return found === "operator" && !own ? "nobody" : found;
}

function transaction({ transaction: { index, raw, proof }, court }: ConvictionProof, block: Header): number {
  if (!equal(trieValue(block.transactionsRoot, encodeInteger(index), proof), raw)) throw new Failed("another transaction stands there");
  const found = parseTransaction(raw);
  if (found.chainId !== BigInt(court.chain_id)) throw new Failed("the transaction is for another chain");
  return found.type;
}

function pair({ first, second }: Fork): Bytes {
  return concat(word(first.size), first.root, word(second.size), second.root);
}

function receipt({ receipt: { raw, proof }, transaction: { index }, log_index, court }: ConvictionProof, block: Header, type: number, fork: Fork, origin: string, defendant: Bytes): void {
  if (!equal(trieValue(block.receiptsRoot, encodeInteger(index), proof), raw)) throw new Failed("another receipt stands there");
  const found = parseReceipt(raw);
  if (found.type !== type || !found.succeeded) throw new Failed("the receipt is of another type than the transaction, or it failed");
  const event = found.logs[log_index];
  if (event === undefined) throw new Failed(`the receipt has ${found.logs.length} events, none at ${log_index}`);
  const topics = [CONVICTED, defendant, word(fromHex(fork.authority!))];
  const same = hex(event.address) === court.contract && event.topics.length === topics.length && event.topics.every((topic, place) => equal(topic, topics[place]!));
  if (!same || !equal(event.data, concat(sha256(utf8(origin)), pair(fork)))) throw new Failed("the event is not Convicted of these checkpoints");
}

function storage({ court, account_proof, storage_proof }: ConvictionProof, block: Header, slot: bigint, defendant: Bytes, fork: Fork): void {
  const account = listOf(decodeRlp(trieValue(block.stateRoot, keccak(fromHex(court.contract)), account_proof)), 4);
  const storageRoot = bytesOf(account[2], 32);
  if (hex(bytesOf(account[3], 32)) !== court.code_hash) throw new Failed("the account has other code");
  const position = keccak(concat(word(slot), defendant));
  const value = integerOf(decodeRlp(trieValue(storageRoot, keccak(position), storage_proof)), 32);
  if (value !== bigEndian(keccak(pair(fork)))) throw new Failed("the slot holds another conviction");
}

export interface ConvictionReport {
  verdict: "proved" | "not_proved" | "malformed";
  outcome: Outcome | null;
  why: string;
  /** The step that refuses. */
  step: number | null;
  vouched_by: Voucher | null;
  trust_fingerprint: string;
}

/** One conviction proof by itself, against the logs of a trust file. */
export function examineConviction(bytes: Bytes, trust: Trust, at: string): ConvictionReport {
  const say = (outcome: Outcome | null, why: string, step: number | null = null, vouched_by: Voucher | null = null): ConvictionReport =>
    ({ verdict: outcome === "proved" ? "proved" : outcome === null ? "malformed" : "not_proved", outcome, why, step, vouched_by, trust_fingerprint: trust.fingerprint });
  try {
    const proof = parseConviction(parseAccusation(bytes));
    const { origin } = parseCheckpoint(proof.evidence.first);
    const log = trust.logs.find((each) => each.origin === origin);
    if (log === undefined) return say("not_proved", "the trust file names no such log");
    const found = verifyConviction(proof, origin, (size) => keysOf(log, size), trust);
    if (found.blockTime > parseTime(at)) return say("not_proved", `the block is of ${formatTime(found.blockTime)}, after the time of examination`);
    if (found.vouchedBy === "nobody") return say("needs_external_fact", `compare: block ${found.block} of chain ${found.chainId} has hash ${found.blockHash}`, null, "nobody");
    return say("proved", "it stands convicted", null, found.vouchedBy);
  } catch (error) {
    if (error instanceof Malformed) return say(null, error.message);
    if (error instanceof LaterVersion) return { ...say(null, error.message), verdict: "not_proved" };
    if (error instanceof Failed) return say("contradicted", error.message, Number(/^step ([0-9])/.exec(error.message)?.[1]));
    throw error;
  }
}

function keysOf(log: TrustedLog, size: bigint): CheckpointKeys {
  const keys = { ...log.keys };
  for (const { position, role, key } of log.replaced) if (BigInt(position) < size && role in keys) keys[role as keyof CheckpointKeys] = key;
  return keys;
}
