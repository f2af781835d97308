/** COSE_Sign1 in the one form that is used here. */
import { concat, type Bytes } from "../base/bytes.ts";
import { bytesHead, decodeCbor, Tagged, type Cbor, type CborMap } from "../base/cbor.ts";
import { Malformed } from "../base/errors.ts";

export const COSE_ALGORITHMS = new Map([[-8, "ed25519"], [-7, "es256"]] as const);

export interface Sign1 {
  protectedBytes: Bytes;
  protectedHeader: CborMap;
  payload: Bytes | null;
  signature: Bytes;
}

export function parseSign1(bytes: Bytes, limit: number): Sign1 {
  if (bytes.length > limit) throw new Malformed(`a COSE_Sign1 of more than ${limit} bytes`);
  const item = decodeCbor(bytes);
  if (!(item instanceof Tagged) || item.tag !== 18 || !Array.isArray(item.value) || item.value.length !== 4)
    throw new Malformed("not a COSE_Sign1 of four members with tag 18");
  const [header, unprotected, payload, signature] = item.value as [Cbor, Cbor, Cbor, Cbor];
  if (!(header instanceof Uint8Array)) throw new Malformed("a protected header that is no byte string");
  if (!(unprotected instanceof Map) || unprotected.size !== 0) throw new Malformed("an unprotected header that is not empty");
  if (payload !== null && !(payload instanceof Uint8Array)) throw new Malformed("a payload that is no byte string");
  if (!(signature instanceof Uint8Array)) throw new Malformed("a signature that is no byte string");
  const protectedHeader = decodeCbor(header);
  if (!(protectedHeader instanceof Map)) throw new Malformed("a protected header that is no map");
  return { protectedBytes: header, protectedHeader, payload, signature };
}

/** The protected header has exactly these labels, an algorithm of statements, this content type and a kid; the kid. */
export function readHeader(header: CborMap, labels: number[], contentType: string): { alg: "ed25519" | "es256"; kid: Bytes } {
  const alg = COSE_ALGORITHMS.get(header.get(1) as -8 | -7);
  const kid = header.get(4);
  if (header.size !== labels.length || labels.some((label) => !header.has(label))) throw new Malformed("a protected header of other labels");
  if (alg === undefined) throw new Malformed("an algorithm that is neither EdDSA nor ES256");
  if (header.get(3) !== contentType) throw new Malformed("another content type");
  if (!(kid instanceof Uint8Array) || kid.length !== 32) throw new Malformed("a kid that does not have 32 bytes");
  return { alg, kid };
}

/** What is signed (RFC 9052 §4.4). */
export function signedBytes(sign1: Sign1, payload: Bytes): Bytes {
  const { protectedBytes } = sign1;
  const start = Uint8Array.of(0x84, 0x6a, ...[..."Signature1"].map((letter) => letter.charCodeAt(0)));
  return concat(start, bytesHead(protectedBytes.length), protectedBytes, Uint8Array.of(0x40), bytesHead(payload.length), payload);
}
