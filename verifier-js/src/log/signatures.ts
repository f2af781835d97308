/** Signature lines of a log and of its witnesses (The log 5 and 7). */
import { bigEndian, concat, equal, hex, u64, utf8, type Bytes } from "../base/bytes.ts";
import { Failed, Malformed } from "../base/errors.ts";
import { keccak, sha256 } from "../base/hashes.ts";
import { address, makeKey, recoverAddress, verify, type Algorithm, type Key } from "../base/keys.ts";
import { keyId, lineOf, type Checkpoint, type VerifierKey } from "./note.ts";

export const ED25519 = 0x01;
export const WITNESS_ED25519 = 0x04;
export const ML_DSA = 0x06;
/** The type for keys that C2SP gives no number: a label, which ends in a newline, stands before the key. */
export const UNASSIGNED = 0xff;

const EIP712_LABEL = utf8("tallystick/eip712-checkpoint/v1\n");
const LONGEST_NAME = 255;
const TIME_BYTES = 8;
const LAST_TIME = 1n << 63n;

/** The keys that sign checkpoints, by the role that key sets give them. */
export interface CheckpointKeys {
  log: Key;
  "log-pq": Key;
  authority: Key;
}

export type LogRole = keyof CheckpointKeys;

/** In which lines each role signs: the type, what stands before the raw key, and the algorithm. */
const LINES: Record<LogRole, { type: number; label: Bytes; alg: Algorithm }> = {
  log: { type: ED25519, label: new Uint8Array(), alg: "ed25519" },
  "log-pq": { type: ML_DSA, label: new Uint8Array(), alg: "ml-dsa-44" },
  authority: { type: UNASSIGNED, label: EIP712_LABEL, alg: "es256k" },
};
const ROLES = Object.keys(LINES) as LogRole[];

/** The role and the key of a log's verifier key. */
export function logKey({ type, key }: VerifierKey): { role: LogRole; key: Key } {
  for (const role of ROLES) {
    const { type: expected, label, alg } = LINES[role];
    if (type === expected && equal(key.subarray(0, label.length), label)) return { role, key: makeKey(alg, key.subarray(label.length)) };
  }
  throw new Malformed(`a verifier key of type ${type}, which is none of a log's`);
}

/** Unix seconds of the ML-DSA line, where all three signatures of this log hold; else `Failed`. */
export function verifyLog(note: Checkpoint, origin: string, keys: CheckpointKeys): number {
  demandOrigin(note, origin);
  for (const role of ROLES) if (!holds(note, role, keys[role])) throw new Failed(`the checkpoint bears no signature of the log's key ${keys[role].kid} (${role})`);
  return Number(cosignedAt(fieldOf(note, "log-pq", keys["log-pq"])!));
}

/** Which kinds of key signed; a line of one of them that does not verify is `Failed` (Convictions 1). */
export function verifyLines(note: Checkpoint, origin: string, keys: CheckpointKeys): LogRole[] {
  demandOrigin(note, origin);
  return ROLES.filter((role) => holds(note, role, keys[role]));
}

function demandOrigin(note: Checkpoint, origin: string): void {
  if (note.origin !== origin) throw new Failed(`a checkpoint of ${note.origin}, not of ${origin}`);
}

/** Whether there is a line of this key; one that does not verify is `Failed`. */
function holds(note: Checkpoint, role: LogRole, key: Key): boolean {
  const field = fieldOf(note, role, key);
  if (field === undefined) return false;
  if (role === "log") verify(key, utf8(note.text), field);
  else if (role === "log-pq") verifySubtree(note, note.origin, key, field);
  else if (recoverAddress(eip712Digest(note), field) !== address(key.raw)) throw new Failed("the EIP-712 signature is of another address than the authority's");
  return true;
}

/** The signature field of the log's line under this key, or none. */
function fieldOf(note: Checkpoint, role: LogRole, { raw }: Key): Bytes | undefined {
  const { type, label } = LINES[role];
  const key = concat(label, raw);
  return lineOf(note, { name: note.origin, keyId: keyId(note.origin, type, key), type, key });
}

function verifySubtree(note: Checkpoint, name: string, key: Key, field: Bytes): void {
  verify(key, subtreeMessage(note, name, cosignedAt(field)), field.subarray(TIME_BYTES));
}

/** What an ML-DSA-44 line signs (C2SP tlog-cosignature). */
export function subtreeMessage(note: Checkpoint, name: string, time: bigint): Bytes {
  return concat(
    utf8("subtree/v1\n\0"), shortText(name), u64(time), shortText(note.origin), u64(0n), u64(note.size), note.root,
  );
}

/** One byte of length, then the text: of a longer one there is no message, so nothing verifies. */
function shortText(text: string): Bytes {
  const bytes = utf8(text);
  if (bytes.length < 1 || bytes.length > LONGEST_NAME) throw new Failed("a name that does not have 1 to 255 bytes");
  return concat(Uint8Array.of(bytes.length), bytes);
}

/** The time before a signature, whatever it is. */
export function signedTime(field: Bytes): bigint {
  if (field.length < TIME_BYTES) throw new Failed("a signature field without a time");
  return bigEndian(field.subarray(0, TIME_BYTES));
}

/** The time of a log or a witness: with 0 tlog-cosignature says nothing of what was seen when, so such a line does not verify. */
function cosignedAt(field: Bytes): bigint {
  const time = signedTime(field);
  if (time === 0n || time >= LAST_TIME) throw new Failed("a time of signing that is 0, or 2^63 or more");
  return time;
}

const DOMAIN = keccak(concat(keccak(utf8("EIP712Domain(string name,string version)")), keccak(utf8("tallystick")), keccak(utf8("1"))));
const CHECKPOINT = keccak(utf8("Checkpoint(bytes32 origin,uint64 size,bytes32 root)"));

/** What the authority signs: the domain names no chain and no contract. */
export function eip712Digest(note: Checkpoint): Bytes {
  const message = keccak(concat(CHECKPOINT, sha256(utf8(note.origin)), new Uint8Array(24), u64(note.size), note.root));
  return keccak(concat(Uint8Array.of(0x19, 0x01), DOMAIN, message));
}

/** Whose word a cosignature is: the name. Several keys under one name are one witness. */
export interface Witness {
  name: string;
  verifier: VerifierKey;
  key: Key;
}

const WITNESS_ALGORITHMS = new Map<number, Algorithm>([[WITNESS_ED25519, "ed25519"], [ML_DSA, "ml-dsa-44"]]);

export function witness(verifier: VerifierKey): Witness {
  const alg = WITNESS_ALGORITHMS.get(verifier.type);
  if (alg === undefined) throw new Malformed(`a witness's key of type ${verifier.type}, neither 04 nor 06`);
  return { name: verifier.name, verifier, key: makeKey(alg, verifier.key) };
}

export interface Cosignature {
  witness: Witness;
  /** Unix seconds. */
  time: number;
  /** SHA-256 of the signature field, hex: by it a `log.time` names the line. */
  digest: string;
}

/** What this witness says of the checkpoint, none where there is no line of its key; one that does not verify is `Failed`. */
export function cosignature(note: Checkpoint, by: Witness): Cosignature | undefined {
  const field = lineOf(note, by.verifier);
  if (field === undefined) return undefined;
  const time = cosignedAt(field);
  if (by.verifier.type === ML_DSA) verifySubtree(note, by.name, by.key, field);
  else verify(by.key, utf8(`cosignature/v1\ntime ${time}\n${note.text}`), field.subarray(TIME_BYTES));
  return { witness: by, time: Number(time), digest: hex(sha256(field)) };
}
