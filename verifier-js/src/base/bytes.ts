import { Malformed } from "./errors.ts";

export type Bytes = Uint8Array;

const STRICT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const ENCODER = new TextEncoder();

export function utf8(text: string): Bytes {
  return ENCODER.encode(text);
}

/** The text of UTF-8 bytes. */
export function decodeUtf8(bytes: Bytes): string {
  try {
    return STRICT.decode(bytes);
  } catch {
    throw new Malformed("bytes that are not UTF-8");
  }
}

export function concat(...parts: Bytes[]): Bytes {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

export function equal(a: Bytes, b: Bytes): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/** Order of byte strings. */
export function compare(a: Bytes, b: Bytes): number {
  const shorter = Math.min(a.length, b.length);
  for (let index = 0; index < shorter; index++) {
    const difference = a[index]! - b[index]!;
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

export function hex(bytes: Bytes): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Lowercase hex, two digits for each byte. */
export function fromHex(text: string, length?: number): Bytes {
  if (!/^([0-9a-f]{2})*$/.test(text)) throw new Malformed("hex that is not lowercase pairs of digits");
  if (length !== undefined && text.length !== 2 * length) throw new Malformed(`hex of another length than ${length} bytes`);
  return Uint8Array.from({ length: text.length / 2 }, (_, index) => parseInt(text.slice(2 * index, 2 * index + 2), 16));
}

/** Bytes as text of one character each. */
export function binary(bytes: Bytes): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; at += 8192) parts.push(String.fromCharCode(...bytes.subarray(at, at + 8192)));
  return parts.join("");
}

export function base64(bytes: Bytes): string {
  return btoa(binary(bytes));
}

/** RFC 4648 §4 with padding; the one text for these bytes. */
export function fromBase64(text: string, limit = Infinity): Bytes {
  if (text.length > 4 * Math.ceil(limit / 3)) throw new Malformed(`base64 of more than ${limit} bytes`);
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0) throw new Malformed("text that is not base64");
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  if (base64(bytes) !== text) throw new Malformed("base64 with unused bits");
  if (bytes.length > limit) throw new Malformed(`base64 of more than ${limit} bytes`);
  return bytes;
}

/** RFC 4648 §5 without padding. */
export function fromBase64url(text: string): Bytes {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) throw new Malformed("text that is not base64url");
  const plain = text.replace(/-/g, "+").replace(/_/g, "/");
  return fromBase64(plain + "=".repeat((4 - (plain.length % 4)) % 4));
}

/** A number from big-endian bytes. */
export function bigEndian(bytes: Bytes): bigint {
  return bytes.length === 0 ? 0n : BigInt("0x" + hex(bytes));
}

/** `length` big-endian bytes of a number. */
export function toBigEndian(value: bigint, length: number): Bytes {
  return fromHex(value.toString(16).padStart(2 * length, "0"), length);
}

export function u64(value: bigint): Bytes {
  return toBigEndian(value, 8);
}
