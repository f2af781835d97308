/** DER: definite lengths of the fewest bytes, integers and object identifiers without a needless byte. */
import { hex, type Bytes } from "../base/bytes.ts";
import { Malformed } from "../base/errors.ts";

export const BOOLEAN = 0x01;
export const INTEGER = 0x02;
export const BIT_STRING = 0x03;
export const OCTET_STRING = 0x04;
export const OID = 0x06;
export const ENUMERATED = 0x0a;
export const GENERALIZED_TIME = 0x18;
export const UTC_TIME = 0x17;
export const SEQUENCE = 0x30;
export const SET = 0x31;
const DEEPEST = 32;

export interface Der {
  tag: number;
  content: Bytes;
  /** With tag and length. */
  raw: Bytes;
  children: Der[];
}

/** The one value that these bytes are. */
export function parseDer(bytes: Bytes): Der {
  const found = read(bytes, 0, 0);
  if (found.raw.length !== bytes.length) throw new Malformed("something follows the DER value");
  return found;
}

/** The values directly in the one sequence or set that these bytes are; what is in them is not read. */
export function partsOf(bytes: Bytes): Der[] {
  const found = read(bytes, 0, 0, 1);
  if (found.raw.length !== bytes.length) throw new Malformed("something follows the DER value");
  return found.children;
}

/** The value at the beginning of these bytes. */
export function firstDer(bytes: Bytes): Der {
  return read(bytes, 0, 0);
}

/** Tag of the value at this place, and where its content begins and ends; nothing is made of it. */
export function bounds(bytes: Bytes, at: number): [tag: number, start: number, end: number] {
  const tag = bytes[at];
  let length = bytes[at + 1];
  if (tag === undefined || length === undefined) throw new Malformed("DER that ends early");
  if ((tag & 31) === 31) throw new Malformed("a DER tag of several bytes");
  let start = at + 2;
  if (length >= 0x80) {
    const count = length & 0x7f;
    const digits = bytes.subarray(start, start + count);
    if (count < 1 || count > 4 || digits.length !== count || digits[0] === 0) throw new Malformed("a DER length of another form");
    length = digits.reduce((sum, digit) => sum * 256 + digit, 0);
    if (length < 0x80) throw new Malformed("a DER length that is not of the fewest bytes");
    start += count;
  }
  if (start + length > bytes.length) throw new Malformed("DER that ends early");
  return [tag, start, start + length];
}

function read(bytes: Bytes, at: number, depth: number, levels = Infinity): Der {
  if (depth > DEEPEST) throw new Malformed("DER that is too deep");
  const [tag, start, end] = bounds(bytes, at);
  const content = bytes.subarray(start, end);
  demandForm(tag, content);
  return { tag, content, raw: bytes.subarray(at, end), children: (tag & 0x20) !== 0 && depth < levels ? all(content, depth + 1, levels) : [] };
}

function all(content: Bytes, depth: number, levels: number): Der[] {
  const children: Der[] = [];
  for (let at = 0; at < content.length; ) {
    const child = read(content, at, depth, levels);
    children.push(child);
    at += child.raw.length;
  }
  return children;
}

function demandForm(tag: number, content: Bytes): void {
  const [first] = content;
  if (tag === INTEGER || tag === ENUMERATED) integerForm(content, 0, content.length);
  if (tag === BOOLEAN && (content.length !== 1 || (first !== 0 && first !== 0xff))) throw new Malformed("a DER boolean of another form");
  if (tag === OID) oidOf(content);
}

/** One byte at least, and none that is needless. */
export function integerForm(bytes: Bytes, from: number, to: number): void {
  const [first, second] = [bytes[from]!, bytes[from + 1]!];
  if (to === from || (to > from + 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80)))) throw new Malformed("a DER integer with a needless byte");
}

/** Dotted text of an object identifier. */
function oidOf(content: Bytes): string {
  const arcs: bigint[] = [];
  let arc = 0n;
  let begun = false;
  for (const byte of content) {
    if (!begun && byte === 0x80) throw new Malformed("an object identifier with a needless byte");
    arc = (arc << 7n) | BigInt(byte & 0x7f);
    begun = byte >= 0x80;
    if (!begun) {
      arcs.push(arc);
      arc = 0n;
    }
  }
  if (begun || arcs.length === 0) throw new Malformed("an object identifier that ends early");
  const head = arcs[0]! < 80n ? arcs[0]! / 40n : 2n;
  return [head, arcs[0]! - 40n * head, ...arcs.slice(1)].join(".");
}

/** A value with this tag. */
export function demandTag(value: Der | undefined, tag: number): Der {
  if (value === undefined || value.tag !== tag) throw new Malformed(`DER without an expected value of tag ${tag.toString(16)}`);
  return value;
}

export function oid(value: Der | undefined): string {
  return oidOf(demandTag(value, OID).content);
}

export function integer(value: Der | undefined): bigint {
  const { content } = demandTag(value, INTEGER);
  return BigInt.asIntN(8 * content.length, BigInt("0x" + hex(content)));
}

export function sequence(value: Der | undefined): Der[] {
  return demandTag(value, SEQUENCE).children;
}

/** The one value inside an explicit context tag. */
export function explicit(value: Der | undefined, number: number): Der {
  const { children } = demandTag(value, 0xa0 | number);
  if (children.length !== 1) throw new Malformed("an explicit tag around another count than one");
  return children[0]!;
}

/** The bytes of a bit string without unused bits. */
export function bits(value: Der | undefined): Bytes {
  const { content } = demandTag(value, BIT_STRING);
  if (content[0] !== 0) throw new Malformed("a bit string with unused bits");
  return content.subarray(1);
}

/** The bytes of a bit string that is a signature: whole ones, or with unused bits at the end that are zeros. */
export function signatureBits(value: Der | undefined): Bytes {
  const { content } = demandTag(value, BIT_STRING);
  const [unused] = content;
  if (unused === undefined || unused > 7 || (unused > 0 && content.length === 1)) throw new Malformed("a bit string that does not say how many bits it has");
  if ((content.at(-1)! & ((1 << unused) - 1)) !== 0) throw new Malformed("a bit string with unused bits that are not zeros");
  return content.subarray(1);
}

/** Values one after another, optional ones by their tag. */
export class Fields {
  private readonly values: Der[];
  private at = 0;

  constructor(values: Der[]) {
    this.values = values;
  }

  next(): Der | undefined {
    return this.values[this.at++];
  }

  optional(tag: number): Der | undefined {
    return this.values[this.at]?.tag === tag ? this.next() : undefined;
  }

  end(): void {
    if (this.at !== this.values.length) throw new Malformed("DER with a value more than belongs there");
  }
}
