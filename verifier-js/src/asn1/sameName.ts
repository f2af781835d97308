/** Whether two names say the same (RFC 5280 §7.1, with case and spaces as they are written). */
import { decodeUtf8, equal, hex, type Bytes } from "../base/bytes.ts";
import { parseDer, sequence, type Der } from "./der.ts";
import { attributesOf } from "./names.ts";

const ASCII = /^[\x00-\x7f]*$/;
/** Kinds of text, and how many bytes each character of them has; UTF-8 has its own way. */
const UTF8 = 0x0c;
const WIDTHS = new Map([[0x12, 1], [0x13, 1], [0x14, 1], [0x16, 1], [0x1a, 1], [0x1e, 2], [0x1c, 4]]);

/** The same attributes with the same texts in the same order, whichever kind of string a text is written in. */
export function sameName(one: Bytes, other: Bytes): boolean {
  return equal(one, other) || said(one) === said(other);
}

function said(name: Bytes): string {
  return JSON.stringify(sequence(parseDer(name)).map((set) => attributesOf(set).map(([type, value]) => `${type} ${textOf(value)}`).sort()));
}

/** Text as text, T61String as far as it is ASCII; what is no text stays what it is. */
function textOf({ tag, content, raw }: Der): string {
  const width = WIDTHS.get(tag);
  if (tag === UTF8) return `"${decodeUtf8(content)}`;
  if (width === undefined || content.length % width !== 0) return hex(raw);
  const codes = Array.from({ length: content.length / width }, (_, at) => content.subarray(at * width, (at + 1) * width).reduce((sum, byte) => sum * 256 + byte, 0));
  if (codes.some((code) => code > 0x10ffff)) return hex(raw);
  const text = codes.map((code) => String.fromCodePoint(code)).join("");
  return width === 1 && !ASCII.test(text) ? hex(raw) : `"${text}`;
}
