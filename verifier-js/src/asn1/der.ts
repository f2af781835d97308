/**
 * DER (X.690; Timestamps 2): definite lengths of the fewest bytes, integers and object identifiers without a needless byte.
 * What is in a value is read when it is asked for, so that of what nobody reads nothing is demanded; `parseDer` looks at all of it first.
 */
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

const NULL = 0x05;
const RELATIVE_OID = 0x0d;
const CONSTRUCTED = 0x20;
/** Number of a tag; where all its bits are set it would follow in other bytes (X.690 8.1.2.4), which nothing has that is read here. */
const NUMBER = 0x1f;
/** Universal types that are constructed: external, embedded value, sequence, set, character string. Of the others DER has no constructed form (10.2). */
const COMPOSITES = [8, 11, 16, 17, 29];
/** A value lies inside at most so many others. */
const DEEPEST = 32;
/** Bytes of an arc that is written as a decimal number: a UUID (X.667) has 19. Longer ones are nobody's, and would take long. */
const LONGEST_ARC = 32;
const ARC_BITS = 7n;

export interface Der {
  tag: number;
  content: Bytes;
  /** With tag and length. */
  raw: Bytes;
  children: Der[];
}

/** The one value that these bytes are. */
export function parseDer(bytes: Bytes): Der {
  const value = onlyDer(bytes);
  demandDer(value);
  return value;
}

/** The one value that these bytes are; what is in it is not read. */
export function onlyDer(bytes: Bytes): Der {
  const value = firstDer(bytes);
  if (value.raw.length !== bytes.length) throw new Malformed("something follows the value of DER");
  return value;
}

/** The values directly in the one sequence or set that these bytes are; what is in them is not read. */
export function partsOf(bytes: Bytes): Der[] {
  const value = onlyDer(bytes);
  if (!isConstructed(value.raw, 0)) throw new Malformed("a value of DER that has no parts");
  return value.children;
}

/** The value at the beginning of these bytes; what is in it is not read. */
export function firstDer(bytes: Bytes): Der {
  return derAt(bytes, 0, 0);
}

function derAt(bytes: Bytes, at: number, depth: number): Value {
  if (depth > DEEPEST) throw new Malformed("DER that is too deep");
  return new Value(bytes, at, depth);
}

/** Of these a file may have millions, so of each no more is made than is asked for. A copy by `{ ...value }` has nothing of it: see `retagged`. */
class Value implements Der {
  readonly tag: number;
  readonly end: number;
  private readonly bytes: Bytes;
  private readonly at: number;
  private readonly start: number;
  private readonly depth: number;
  private known: Value[] | undefined;

  constructor(bytes: Bytes, at: number, depth: number) {
    [this.tag, this.start, this.end] = bounds(bytes, at);
    this.bytes = bytes;
    this.at = at;
    this.depth = depth;
  }

  get content(): Bytes {
    return this.bytes.subarray(this.start, this.end);
  }

  get raw(): Bytes {
    return this.bytes.subarray(this.at, this.end);
  }

  get children(): Der[] {
    return (this.known ??= isConstructed(this.bytes, this.at) ? derIn(this.content, this.depth + 1) : []);
  }
}

function derIn(content: Bytes, depth: number): Value[] {
  const found: Value[] = [];
  for (let at = 0; at < content.length; at = found.at(-1)!.end) found.push(derAt(content, at, depth));
  return found;
}

/** The same under another tag: what stands under an implicit one. */
export function retagged({ content, raw, children }: Der, tag: number): Der {
  return { tag, content, raw, children };
}

/** `Malformed` unless all that is in a value has the form of DER, but for what is in those `unread`. Without recursion and without copies: whoever wrote the bytes may mean ill. */
export function demandDer({ raw: bytes }: Der, unread: Der[] = []): void {
  const skipped = new Set(unread.map(({ raw }) => raw.byteOffset - bytes.byteOffset));
  /** Where the values end in which we are, from the outermost. */
  const ends = [bytes.length];
  for (let at = 0; ends.length > 0; ) {
    const last = ends.at(-1)!;
    if (at === last) {
      ends.pop();
      continue;
    }
    const [, start, end] = bounds(bytes, at);
    if (end > last) throw new Malformed("DER that ends behind what it is in");
    if (ends.length > DEEPEST + 1) throw new Malformed("DER that is too deep");
    demandForm(bytes, at, start, end);
    if (isConstructed(bytes, at) && !skipped.has(at)) {
      ends.push(end);
      at = start;
    } else at = end;
  }
}

function isConstructed(bytes: Bytes, at: number): boolean {
  return (bytes[at]! & CONSTRUCTED) !== 0;
}

/** Tag of the value at this place, and where its content begins and ends; nothing is made of it. */
export function bounds(bytes: Bytes, at: number): [tag: number, start: number, end: number] {
  const tag = byteAt(bytes, at);
  if ((tag & NUMBER) === NUMBER) throw new Malformed("a tag of several bytes");
  const short = byteAt(bytes, at + 1);
  let start = at + 2;
  let length = short;
  if (short >= 0x80) {
    const digits = short & 0x7f;
    if (digits === 0) throw new Malformed("DER of indefinite length");
    length = 0;
    // Of more digits than bytes can be counted with the first would be zeros.
    for (const behind = start + digits; start < behind && length <= bytes.length; start++) {
      length = length * 256 + byteAt(bytes, start);
      if (length === 0) throw new Malformed("a length in DER with a needless byte");
    }
    if (length < 0x80) throw new Malformed("a length in DER that is not of the fewest bytes");
  }
  const end = start + length;
  if (end > bytes.length) throw new Malformed("DER that ends early");
  return [tag, start, end];
}

function byteAt(bytes: Bytes, at: number): number {
  const found = bytes[at];
  if (found === undefined) throw new Malformed("DER that ends early");
  return found;
}

/** What the universal types demand of their bytes. Text, times and the order in sets are looked at by who reads them. */
function demandForm(bytes: Bytes, at: number, start: number, end: number): void {
  const tag = bytes[at]!;
  if (tag > (CONSTRUCTED | NUMBER)) return;
  const type = tag & NUMBER;
  if (type === 0 || isConstructed(bytes, at) !== COMPOSITES.includes(type)) throw new Malformed("a tag that DER does not have");
  const [length, first] = [end - start, bytes[start]!];
  if (tag === BOOLEAN && (length !== 1 || (first !== 0 && first !== 0xff))) throw new Malformed("a truth value that is neither 00 nor FF");
  else if (tag === INTEGER || tag === ENUMERATED) integerForm(bytes, start, end);
  else if (tag === NULL && length !== 0) throw new Malformed("a NULL with content");
  else if (tag === OID || tag === RELATIVE_OID) arcsForm(bytes, start, end);
  else if (tag === BIT_STRING) bitsForm(bytes, start, end);
}

/** One byte at least, and none that is needless. */
export function integerForm(bytes: Bytes, from: number, to: number): void {
  if (to <= from) throw new Malformed("an integer without a byte");
  const [first, second] = [bytes[from]!, bytes[from + 1]!];
  if (to - from > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))) throw new Malformed("an integer with a needless byte");
}

/** One arc at least, each of the fewest bytes, the last one ended (8.19.2). */
function arcsForm(bytes: Bytes, from: number, to: number): void {
  if (to <= from || bytes[to - 1]! >= 0x80) throw new Malformed("an object identifier that ends early");
  for (let at = from; at < to; at++)
    if (bytes[at] === 0x80 && (at === from || bytes[at - 1]! < 0x80)) throw new Malformed("an object identifier with a needless byte");
}

/** At most seven bits at the end are unused, of a byte that is there, and they are zeros (8.6.2, 11.2.1). */
function bitsForm(bytes: Bytes, from: number, to: number): void {
  const unused = bytes[from];
  if (unused === undefined || to <= from || unused > 7 || (unused > 0 && to === from + 1)) throw new Malformed("a bit string of another form");
  if (unused > 0 && (bytes[to - 1]! & ((1 << unused) - 1)) !== 0) throw new Malformed("a bit string whose unused bits are not zeros");
}

/** A value with this tag. */
export function demandTag(value: Der | undefined, tag: number): Der {
  if (value === undefined) throw new Malformed("DER in which a value is missing");
  if (value.tag !== tag) throw new Malformed(`a value of the tag ${value.tag.toString(16)} instead of ${tag.toString(16)}`);
  return value;
}

/** Dotted text of an object identifier. */
export function oid(value: Der | undefined): string {
  const { content } = demandTag(value, OID);
  arcsForm(content, 0, content.length);
  const arcs: string[] = [];
  for (let at = 0, from = 0; at < content.length; at++) {
    if (content[at]! >= 0x80) continue;
    arcs.push(...(from === 0 ? firstArcs(content.subarray(0, at + 1)) : [arc(content.subarray(from, at + 1))]));
    from = at + 1;
  }
  return arcs.join(".");
}

/** The first two stand in one number: forty times the one and the other (8.19.4). */
function firstArcs(digits: Bytes): [string, string] {
  const top = digits.length > 1 ? 2 : Math.min(2, Math.floor(digits[0]! / 40));
  return [String(top), arc(digits, BigInt(40 * top))];
}

function arc(digits: Bytes, less = 0n): string {
  if (digits.length > LONGEST_ARC) return `0x${hex(digits)}`;
  return String(digits.reduce((sum, digit) => (sum << ARC_BITS) | BigInt(digit & 0x7f), 0n) - less);
}

export function integer(value: Der | undefined): bigint {
  const { content } = demandTag(value, INTEGER);
  integerForm(content, 0, content.length);
  return BigInt.asIntN(8 * content.length, BigInt(`0x${hex(content)}`));
}

export function sequence(value: Der | undefined): Der[] {
  return demandTag(value, SEQUENCE).children;
}

/** The one value inside an explicit context tag. */
export function explicit(value: Der | undefined, number: number): Der {
  const [only, ...more] = demandTag(value, 0xa0 | number).children;
  if (only === undefined || more.length > 0) throw new Malformed("an explicit tag around another count of values than one");
  return only;
}

/** The bytes of a bit string without unused bits. */
export function bits(value: Der | undefined): Bytes {
  const { content } = demandTag(value, BIT_STRING);
  if (content[0] !== 0) throw new Malformed("a bit string that is not of whole bytes");
  return content.subarray(1);
}

/** The bytes of a bit string that is a signature: whole ones, or with unused bits at the end that are zeros. */
export function signatureBits(value: Der | undefined): Bytes {
  const { content } = demandTag(value, BIT_STRING);
  bitsForm(content, 0, content.length);
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
    if (this.at < this.values.length) throw new Malformed("something follows the last field");
  }
}
