/** Bytes that are read in parts: a file on disk, a Blob in a worker, bytes in memory. */
import type { Bytes } from "../base/bytes.ts";

export interface Source {
  readonly size: number;
  read(offset: number, length: number): Bytes;
}

export const PART = 1 << 22;

/** `length` bytes from `offset`, one part after another. */
export function* parts(source: Source, offset: number, length: number): Generator<Bytes> {
  for (let at = 0; at < length; at += PART) yield source.read(offset + at, Math.min(PART, length - at));
}

export function bytesSource(bytes: Bytes): Source {
  return { size: bytes.length, read: (offset, length) => bytes.subarray(offset, offset + length) };
}
