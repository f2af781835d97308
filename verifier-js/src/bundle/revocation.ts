/** What issuers said of revocation, beside the files (section 3, revocation data). */
import { hex, type Bytes } from "../base/bytes.ts";
import { Malformed } from "../base/errors.ts";
import { sha256 } from "../base/hashes.ts";
import type { Bag } from "./bag.ts";

const SEQUENCE = 0x30;

/** Bytes by the name of the member. What is in them, who it concerns finds out. */
export function readRevocation(bag: Bag, names: string[]): Map<string, Bytes> {
  return new Map(names.map((name) => {
    const bytes = bag.read(name);
    demandSequence(bytes, name);
    if (!name.startsWith(`data/revocation/${hex(sha256(bytes))}.`)) throw new Malformed(`${name} has other bytes than its name says`);
    return [name, bytes];
  }));
}

/** One value, of a definite length in the fewest bytes, and nothing after it. */
function demandSequence(bytes: Bytes, name: string): void {
  const first = bytes[1];
  if (bytes[0] !== SEQUENCE || first === undefined) throw new Malformed(`${name} is no DER sequence`);
  const count = first < 0x80 ? 0 : first & 0x7f;
  const digits = bytes.subarray(2, 2 + count);
  const length = count === 0 ? first : digits.reduce((sum, digit) => sum * 256 + digit, 0);
  const needless = count > 0 && (length < 0x80 || digits[0] === 0);
  if (first === 0x80 || count > 4 || digits.length !== count || needless || 2 + count + length !== bytes.length) throw new Malformed(`${name} is not one DER value`);
}
