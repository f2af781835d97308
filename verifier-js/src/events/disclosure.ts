/** Disclosures and commitments (Values 8). */
import { fromBase64url, utf8 } from "../base/bytes.ts";
import { Malformed } from "../base/errors.ts";
import { digestPair, type DigestPair } from "../base/hashes.ts";
import { parseRelaxed, type Json } from "../base/json.ts";

const LONGEST = 1_048_576;

export interface Disclosure {
  name: string;
  value: Json;
  commitment: DigestPair;
}

export function parseDisclosure(text: string): Disclosure {
  if (text.length > LONGEST) throw new Malformed(`a disclosure of more than ${LONGEST} characters`);
  const array = parseRelaxed(fromBase64url(text), LONGEST);
  if (!Array.isArray(array) || array.length !== 3) throw new Malformed("a disclosure that is not salt, name, value");
  const [salt, name, value] = array as [Json, Json, Json];
  if (typeof salt !== "string" || fromBase64url(salt).length < 16) throw new Malformed("a salt of fewer than 16 bytes");
  if (typeof name !== "string") throw new Malformed("a disclosure whose name is not text");
  return { name, value, commitment: digestPair(utf8(text)) };
}
