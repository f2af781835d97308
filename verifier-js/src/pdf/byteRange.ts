/** What a signature covers (ISO 32000-2, 12.8.1; Signed files 5.2, numbers 2, 3 and 5). */
import { firstDer, type Der } from "../asn1/der.ts";
import { concat, type Bytes } from "../base/bytes.ts";
import { demand, under } from "./refusal.ts";
import type { Document } from "./revisions.ts";
import { firstItems, isName, isNumber, type Dictionary, type Value } from "./values.ts";

const BEFORE = "/Contents ";

export interface Covered {
  /** All bytes up to the end of the revision, but the value of `Contents`: made when they are asked for, for there may be many revisions of a long file. */
  message: () => Bytes;
  contents: Der;
}

export interface Codes {
  subfilter: string;
  /** Under which a value of another form is refused. */
  code: string;
}

export function covered({ bytes, text }: Document, end: number, signature: Dictionary, { subfilter, code }: Codes): Covered {
  demand(isName(signature.get("SubFilter"), subfilter), code, `the subfilter is not ${subfilter}`);
  const contents = signature.get("Contents");
  demand(contents?.kind === "string" && isInPairs(text, contents), "pdf.range", "Contents is not in pairs of hex digits behind /Contents and a space");
  const { from, to } = contents;
  const range = signature.get("ByteRange");
  const expected = [0, from, to, end - to].map(String);
  const numbers = range?.kind === "array" ? firstItems(range, 4) : [];
  const fits = numbers.length === 4 && numbers.every((item, place) => isNumber(item, expected[place]));
  demand(fits, "pdf.range", `ByteRange is not [${expected.join(" ")}]`);
  return { message: () => concat(bytes.subarray(0, from), bytes.subarray(to, end)), contents: under(code, () => padded(contents, code)) };
}

function isInPairs(text: string, { from, to }: Value): boolean {
  return text.startsWith(BEFORE, from - BEFORE.length) && text[from] === "<" && (to - from) % 2 === 0;
}

/** One DER value, then zeros. */
function padded({ bytes: written }: Value, code: string): Der {
  const bytes = Uint8Array.from(written, (character) => character.charCodeAt(0));
  const value = firstDer(bytes);
  demand(bytes.subarray(value.raw.length).every((byte) => byte === 0), code, "something else than zeros stands behind the value of Contents");
  return value;
}
