/** The three signature lines of a log and the lines of witnesses (The log 5 and 7). */
import { bigEndian, concat, equal, fromHex, hex, toBigEndian, u64, utf8, type Bytes } from "../base/bytes.ts";
import { Failed, Malformed } from "../base/errors.ts";
import { keccak, sha256 } from "../base/hashes.ts";
import { address, makeKey, recoverAddress, verify, type Key } from "../base/keys.ts";
import { keyId, lineOf, type Checkpoint, type VerifierKey } from "./note.ts";

export const ED25519 = 0x01;
export const WITNESS_ED25519 = 0x04;
export const ML_DSA = 0x06;
export const UNASSIGNED = 0xff;
const EIP712_PREFIX = utf8("tallystick/eip712-checkpoint/v1\n");
const DOMAIN = fromHex("6b70827b7abd38da98de00db0cd565ea4b10296f77be77021f6a6cbe1e4d1999");
const MESSAGE_TYPE = fromHex("1694b75f4dde754f3e6ee0aadbfdc0e38cb19f0fa756be2e17e8e53ac069e354");

/** The keys with which a log signs its checkpoints. */
export interface CheckpointKeys {
  log: Key;
  "log-pq": Key;
  authority: Key;
}

/** The role and key behind a verifier key of a log. */
export function logKey(key: VerifierKey): { role: keyof CheckpointKeys; key: Key } {
  if (key.type === ED25519) return { role: "log", key: makeKey("ed25519", key.key) };
  if (key.type === ML_DSA) return { role: "log-pq", key: makeKey("ml-dsa-44", key.key) };
  const start = key.key.subarray(0, EIP712_PREFIX.length);
  if (key.type !== UNASSIGNED || !equal(start, EIP712_PREFIX)) throw new Malformed("a verifier key of no type of a log");
  return { role: "authority", key: makeKey("es256k", key.key.subarray(EIP712_PREFIX.length)) };
}

function verifierKey(name: string, type: number, key: Bytes): VerifierKey {
  return { name, type, key, keyId: keyId(name, type, key) };
}

export type LogRole = keyof CheckpointKeys;

interface Lines {
  /** Kinds of key that signed. */
  signed: LogRole[];
  /** Unix seconds of the ML-DSA line. */
  time: number | undefined;
}

/** Lines of the log's keys, each of which holds; others count for nothing. */
function readLines(note: Checkpoint, origin: string, keys: CheckpointKeys): Lines {
  if (note.origin !== origin) throw new Failed(`a checkpoint of ${note.origin}, not of ${origin}`);
  const signed: LogRole[] = [];
  const ed25519 = lineOf(note, verifierKey(origin, ED25519, keys.log.raw));
  const mlDsa = lineOf(note, verifierKey(origin, ML_DSA, keys["log-pq"].raw));
  const evm = lineOf(note, verifierKey(origin, UNASSIGNED, concat(EIP712_PREFIX, keys.authority.raw)));
  let time: number | undefined;
  if (ed25519 !== undefined) {
    verify(keys.log, utf8(note.text), ed25519);
    signed.push("log");
  }
  if (mlDsa !== undefined) {
    time = verifySubtree(note, origin, keys["log-pq"], mlDsa);
    signed.push("log-pq");
  }
  if (evm !== undefined) {
    if (recoverAddress(eip712Digest(note), evm) !== address(keys.authority.raw)) throw new Failed("the EIP-712 signature is by another key");
    signed.push("authority");
  }
  return { signed, time };
}

/** All three lines hold; the Unix seconds of the ML-DSA line. */
export function verifyLog(note: Checkpoint, origin: string, keys: CheckpointKeys): number {
  const { signed, time } = readLines(note, origin, keys);
  if (signed.length < 3 || time === undefined) throw new Failed("the checkpoint does not bear all three signatures of its log, by the keys in force at its size");
  return time;
}

/** Kinds of key that signed; none need have. */
export function verifyLines(note: Checkpoint, origin: string, keys: CheckpointKeys): LogRole[] {
  return readLines(note, origin, keys).signed;
}

export function eip712Digest(note: Checkpoint): Bytes {
  const message = keccak(concat(MESSAGE_TYPE, sha256(utf8(note.origin)), toBigEndian(note.size, 32), note.root));
  return keccak(concat(fromHex("1901"), DOMAIN, message));
}

/** The message of tlog-cosignature with ML-DSA. */
export function subtreeMessage(note: Checkpoint, name: string, time: bigint): Bytes {
  const sized = (text: string): Bytes => {
    const bytes = utf8(text);
    if (bytes.length < 1 || bytes.length > 255) throw new Failed("a name of more than 255 bytes");
    return concat(Uint8Array.of(bytes.length), bytes);
  };
  return concat(utf8("subtree/v1\n\0"), sized(name), u64(time), sized(note.origin), u64(0n), u64(note.size), note.root);
}

function verifySubtree(note: Checkpoint, name: string, key: Key, field: Bytes): number {
  const time = cosignedTime(field);
  verify(key, subtreeMessage(note, name, time), field.subarray(8));
  return Number(time);
}

/** Without a time it is of a part of a tree (C2SP tlog-witness, sign-subtree), which witnesses sign for anybody. */
function cosignedTime(field: Bytes): bigint {
  const time = signedTime(field);
  if (time === 0n) throw new Failed("a cosignature of a part of a tree, without time");
  return time;
}

export function signedTime(field: Bytes): bigint {
  if (field.length < 8) throw new Failed("a cosignature without time");
  const time = bigEndian(field.subarray(0, 8));
  if (time >= 1n << 63n) throw new Failed("a cosignature with a time of 2^63 or more");
  return time;
}

export interface Witness {
  name: string;
  verifier: VerifierKey;
  key: Key;
}

export function witness(verifier: VerifierKey): Witness {
  if (verifier.type === WITNESS_ED25519) return { name: verifier.name, verifier, key: makeKey("ed25519", verifier.key) };
  if (verifier.type === ML_DSA) return { name: verifier.name, verifier, key: makeKey("ml-dsa-44", verifier.key) };
  throw new Malformed("a witness key of another type than 04 and 06");
}

export interface Cosignature {
  witness: Witness;
  /** Unix seconds. */
  time: number;
  /** SHA-256 of the signature field, hex: what a `log.time` names. */
  digest: string;
}

/** The cosignature of a witness, none if it has no line here; `Failed` where its line does not hold. */
export function cosignature(note: Checkpoint, by: Witness): Cosignature | undefined {
  const field = lineOf(note, by.verifier);
  if (field === undefined) return undefined;
  const time = cosignedTime(field);
  if (by.verifier.type === ML_DSA) verifySubtree(note, by.name, by.key, field);
  else verify(by.key, utf8(`cosignature/v1\ntime ${time}\n${note.text}`), field.subarray(8));
  return { witness: by, time: Number(time), digest: hex(sha256(field)) };
}
