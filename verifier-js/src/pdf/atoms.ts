/** Names, numbers, references, strings and words as they are written (Signed files 5.1), and what they say. */
import { binary } from "../base/bytes.ts";

/** What ends a number, reference, name or word; `%` does not, for there are no comments. */
const ENDED = String.raw`(?![^ \t\n\r()<>[\]/])`;
export const REFERENCE = new RegExp(`([1-9][0-9]{0,6}) 0 R${ENDED}`, "y");
export const NUMBER = new RegExp(String.raw`[+-]?(?:[0-9]{1,10}(?:\.[0-9]{0,12})?|\.[0-9]{1,12})${ENDED}`, "y");
/** Without a null character, at which some readers would end the name (ISO 32000-2, 7.3.5). */
export const NAME = new RegExp(String.raw`/((?:[!"$&'*-.0-;=?-Z\\^-z|~]|#(?!00)[0-9A-Fa-f]{2}){1,127})${ENDED}`, "y");
export const WORD = new RegExp(`(?:true|false|null)${ENDED}`, "y");
export const HEX_STRING = /<([0-9A-Fa-f]*)>/y;
export const PLAIN = /[^()\\]+/y;
export const ESCAPE = /\\(?:([nrtbf()\\])|([0-7]{3}))/y;
const ESCAPED: Record<string, string> = { n: "\n", r: "\r", t: "\t", b: "\b", f: "\f", "(": "(", ")": ")", "\\": "\\" };

/** What was read once in this form, again. */
function at(form: RegExp, text: string, byte: number): RegExpExecArray {
  form.lastIndex = byte;
  return form.exec(text)!;
}

/** Without the solidus, `#xx` replaced by its byte. */
export function nameAt(text: string, byte: number): string {
  const written = at(NAME, text, byte)[1]!;
  return written.includes("#") ? written.replace(/#(..)/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 16))) : written;
}

export function referenceAt(text: string, byte: number): number {
  return Number(at(REFERENCE, text, byte)[1]);
}

export function numberAt(text: string, byte: number): string {
  return at(NUMBER, text, byte)[0];
}

export function wordAt(text: string, byte: number): string {
  return at(WORD, text, byte)[0];
}

export interface Said {
  /** One character each. */
  bytes: string;
  /** The byte behind it. */
  to: number;
}

/** In parts, for a string may be as long as the file. An end of a line that is not escaped is a line feed (ISO 32000-2, 7.3.4.2). */
export function stringAt(text: string, byte: number): Said {
  if (text[byte] === "<") {
    const [written, digits] = at(HEX_STRING, text, byte);
    return { bytes: bytesOfHex(digits!), to: byte + written.length };
  }
  const parts: string[] = [];
  let to = byte + 1;
  while (text[to] !== ")") {
    const escape = text[to] === "\\" ? at(ESCAPE, text, to) : undefined;
    const [written] = escape ?? at(PLAIN, text, to);
    parts.push(escape === undefined ? written.replace(/\r\n?/g, "\n") : escaped(escape));
    to += written.length;
  }
  return { bytes: parts.join(""), to: to + 1 };
}

/** Three octal digits above 377 keep their low eight bits (ISO 32000-2, 7.3.4.2). */
function escaped([, character, octal]: RegExpExecArray): string {
  return character !== undefined ? ESCAPED[character]! : String.fromCharCode(parseInt(octal!, 8) & 0xff);
}

/** A last digit that is alone has a 0 behind it (ISO 32000-2, 7.3.4.3). */
function bytesOfHex(digits: string): string {
  const bytes = new Uint8Array(Math.ceil(digits.length / 2));
  for (let place = 0; place < bytes.length; place++) bytes[place] = parseInt(digits.slice(2 * place, 2 * place + 2).padEnd(2, "0"), 16);
  return binary(bytes);
}
