/** The six steps of an anchor proof, and who vouches for its header (Anchors 4 and 5). */
import { bigEndian, concat, equal, fromHex, hex, toBigEndian, u64, utf8, type Bytes } from "../base/bytes.ts";
import { Failed } from "../base/errors.ts";
import { keccak } from "../base/hashes.ts";
import { encode } from "../base/json.ts";
import { recoverAddress } from "../base/keys.ts";
import type { AnchorTarget } from "../events/types.ts";
import type { Trust } from "../trust.ts";
import { parseHeader, parseReceipt, parseTransaction, type Header } from "./block.ts";
import type { AnchorProof } from "./proof.ts";
import { bytesOf, decodeRlp, encodeInteger, integerOf, listOf } from "./rlp.ts";
import { trieValue } from "./trie.ts";

const ANCHORED = fromHex("7196d6002b555d592bc808cc522b6e167501be1b6185fd206cd187b7330acf7a");

interface Registry {
  name: string;
  slot: bigint;
  rotates: boolean;
}

const REGISTRIES = new Map<string, Registry>([
  ["d08e163da7d1cb7bc57de52644dda44b6225cfce5c7f32b125578c0e936dab5a", { name: "AnchorRegistry 1", slot: 1n, rotates: false }],
  ["a89e35fbc2a3ff294d057f78c5fe5f1195a65b8430e16c33cb73bf15a1f21141", { name: "AnchorRegistry 2", slot: 1n, rotates: true }],
]);

export type Voucher = "operator" | "named-block" | "nobody";

export interface Anchored {
  registry: string;
  size: number;
  root: Bytes;
  block: number;
  /** Hex. */
  blockHash: string;
  /** Unix seconds. */
  blockTime: number;
  chainId: number;
  vouchedBy: Voucher;
  sealed: boolean;
  /** Its kind, as packed: recorded, no proof. */
  finality: string;
}

export function sameTarget(a: AnchorTarget, b: AnchorTarget): boolean {
  return encode({ ...a }) === encode({ ...b });
}

export function word(value: bigint | Bytes): Bytes {
  return toBigEndian(typeof value === "bigint" ? value : bigEndian(value), 32);
}

/** `Failed` begins with the number of the step that does not hold. */
export function verifyAnchor(proof: AnchorProof, target: AnchorTarget, trust: Trust): Anchored {
  const registry = inStep(1, () => trustedTarget(proof, target));
  inStep(2, () => logId(proof, target, registry));
  const block = parseHeader(proof.header);
  const vouchedBy = inStep(3, () => vouch(proof, block, target, trust));
  const type = inStep(4, () => transaction(proof, block, target));
  inStep(5, () => receipt(proof, block, target, type));
  inStep(6, () => storage(proof, block, target, registry));
  const { checkpoint } = proof;
  return {
    registry: registry.name, size: checkpoint.size, root: fromHex(checkpoint.root), block: Number(block.number), blockHash: hex(block.hash),
    blockTime: Number(block.timestamp), chainId: target.chain_id, vouchedBy, sealed: target.vouched_by === "operator", finality: proof.finality.kind,
  };
}

export function inStep<T>(step: number, check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (error instanceof Failed) throw new Failed(`step ${step}: ${error.message}`);
    throw error;
  }
}

function trustedTarget(proof: AnchorProof, target: AnchorTarget): Registry {
  if (!sameTarget(proof.target, target)) throw new Failed("the proof is for another target");
  if ((target.vouched_by === "operator") !== (target.sealer !== undefined)) throw new Failed("a sealer belongs to an operator's chain, and only there");
  const registry = REGISTRIES.get(target.code_hash);
  if (registry === undefined) throw new Failed("the contract's code is not known to check consistency");
  return registry;
}

function firstAuthority(proof: AnchorProof): Bytes {
  return fromHex(proof.checkpoint.first_authority ?? proof.checkpoint.authority);
}

function logId(proof: AnchorProof, target: AnchorTarget, registry: Registry): void {
  if (proof.checkpoint.first_authority !== undefined && !registry.rotates) throw new Failed("this registry knows no rotation");
  const found = keccak(concat(word(firstAuthority(proof)), fromHex(proof.checkpoint.origin_hash)));
  if (hex(found) !== target.log_id) throw new Failed("the log id is not that of the authority and the origin");
}

/** Where a block stands, and who seals it if anybody does. */
export interface Place {
  chain_id: number;
  genesis: string;
  sealer?: string;
}

export function vouch({ finality }: Pick<AnchorProof, "finality">, block: Header, target: Place, trust: Trust): Voucher {
  if (target.sealer !== undefined) {
    if (finality.signature === undefined) throw new Failed("the block bears no seal");
    const sealed = keccak(concat(utf8("tallystick/embedded-seal/v1\n"), u64(BigInt(target.chain_id)), fromHex(target.genesis), block.hash));
    if (recoverAddress(sealed, fromHex(finality.signature)) !== target.sealer) throw new Failed("the seal is by another key");
  } else if (finality.kind === "operator-seal") throw new Failed("a seal on a chain that has no sealer");
  const chain = trust.evmChains.find((each) => each.chain_id === target.chain_id && each.genesis === target.genesis);
  if (chain === undefined || chain.headers === "operator-seal") return target.sealer === undefined ? "nobody" : "operator";
  const named = chain.blocks.find((each) => BigInt(each.number) === block.number);
  if (named === undefined) return "nobody";
  if (named.hash !== hex(block.hash)) throw new Failed("the trust file names another block of this number");
  return "named-block";
}

function transaction(proof: AnchorProof, block: Header, target: AnchorTarget): number {
  const { index, raw, proof: nodes } = proof.transaction;
  if (!equal(trieValue(block.transactionsRoot, encodeInteger(index), nodes), raw)) throw new Failed("another transaction stands there");
  const found = parseTransaction(raw);
  if (found.chainId !== BigInt(target.chain_id)) throw new Failed("the transaction is for another chain");
  if (hex(found.to) !== target.contract) throw new Failed("the transaction goes to another contract");
  return found.type;
}

function receipt(proof: AnchorProof, block: Header, target: AnchorTarget, type: number): void {
  const { raw, proof: nodes } = proof.receipt;
  if (!equal(trieValue(block.receiptsRoot, encodeInteger(proof.transaction.index), nodes), raw)) throw new Failed("another receipt stands there");
  const found = parseReceipt(raw);
  if (found.type !== type) throw new Failed("the receipt is of another type than the transaction");
  if (!found.succeeded) throw new Failed("the transaction failed");
  const event = found.logs[proof.log_index];
  if (event === undefined) throw new Failed(`the receipt has ${found.logs.length} events, none at ${proof.log_index}`);
  const topics = [ANCHORED, fromHex(target.log_id)];
  const same = hex(event.address) === target.contract && event.topics.length === 2 && event.topics.every((topic, place) => equal(topic, topics[place]!));
  if (!same || !equal(event.data, anchoredData(proof))) throw new Failed("the event is not Anchored of this checkpoint");
}

function anchoredData(proof: AnchorProof): Bytes {
  const { size, root, authority } = proof.checkpoint;
  return concat(word(BigInt(size)), fromHex(root), word(fromHex(authority)));
}

function storage(proof: AnchorProof, block: Header, target: AnchorTarget, registry: Registry): void {
  const account = listOf(decodeRlp(trieValue(block.stateRoot, keccak(fromHex(target.contract)), proof.account_proof)), 4);
  const storageRoot = bytesOf(account[2], 32);
  if (hex(bytesOf(account[3], 32)) !== target.code_hash) throw new Failed("the account has other code");
  const position = keccak(concat(word(registry.slot), fromHex(target.log_id)));
  const value = integerOf(decodeRlp(trieValue(storageRoot, keccak(position), proof.storage_proof)), 32);
  if (value !== bigEndian(keccak(anchoredData(proof)))) throw new Failed("the slot holds another commitment");
}
