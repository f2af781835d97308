/** Revocation data beside the files (section 3): the form of its members, and nothing of what they say. */
import { type Bytes } from "../base/bytes.ts";
import { Malformed } from "../base/errors.ts";
import type { Bag } from "./bag.ts";

const NAME = /^data\/revocation\/([0-9a-f]{64})\.(?:crl|ocsp)$/;
const SEQUENCE = 0x30;

/** The members that `case.json` names, in its order, each under its own digest. */
export function readRevocation(bag: Bag, names: string[]): Map<string, Bytes> {
  return new Map(names.map((name) => {
    const digest = NAME.exec(name)?.[1];
    if (digest === undefined || bag.record(name).sha256 !== digest) throw new Malformed(`${name} is not the SHA-256 of its bytes`);
    const bytes = bag.read(name);
    if (!isSequence(bytes)) throw new Malformed(`${name} is not one DER SEQUENCE`);
    return [name, bytes];
  }));
}

/**
 * One DER SEQUENCE of a definite length in the fewest bytes, with nothing after it. What is in it is not looked at: who would
 * refuse a case for that would let a stranger decide, whose bytes may stand here too.
 */
function isSequence(bytes: Bytes): boolean {
  const [tag, short] = bytes;
  if (tag !== SEQUENCE || short === undefined) return false;
  if (short < 0x80) return bytes.length === 2 + short;
  const digits = bytes.subarray(2, 2 + (short & 0x7f));
  if (digits.length < 1 || digits.length > 4 || digits.length !== (short & 0x7f) || digits[0] === 0) return false;
  const length = digits.reduce((sum, digit) => sum * 256 + digit, 0);
  return length >= 0x80 && bytes.length === 2 + digits.length + length;
}
