/** JSON as everything here is hashed and signed in it (Values 2): one value, one text. */
import { decodeUtf8, utf8, type Bytes } from "./bytes.ts";
import { Malformed } from "./errors.ts";

export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json;
}

const DEEPEST = 32;
const SHORT: Record<string, string> = { '"': '"', "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };
const WRITTEN: Record<string, string> = {
  '"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r",
};

/** The value of canonical bytes, of at most `limit`. */
export function parseCanonical(bytes: Bytes, limit: number): Json {
  if (bytes.length > limit) throw new Malformed(`JSON of more than ${limit} bytes`);
  const text = decodeUtf8(bytes);
  const value = new Reader(text).whole();
  if (encode(value) !== text) throw new Malformed("JSON that is not canonical");
  return value;
}

/** The value where spacing, escapes and the order of keys are free. */
export function parseRelaxed(bytes: Bytes, limit: number): Json {
  if (bytes.length > limit) throw new Malformed(`JSON of more than ${limit} bytes`);
  return new Reader(decodeUtf8(bytes)).whole();
}

export function encodeBytes(value: Json): Bytes {
  return utf8(encode(value));
}

/** Canonical JSON. */
export function encode(value: Json): string {
  if (value === null || typeof value === "boolean" || typeof value === "number") return String(value);
  if (typeof value === "string") return quote(value);
  if (Array.isArray(value)) return `[${value.map(encode).join(",")}]`;
  const members = Object.keys(value).sort().map((key) => `${quote(key)}:${encode(value[key]!)}`);
  return `{${members.join(",")}}`;
}

function quote(text: string): string {
  const escaped = text.replace(/["\\\u0000-\u001f]/g, (character) =>
    WRITTEN[character] ?? "\\u" + character.charCodeAt(0).toString(16).padStart(4, "0"));
  return `"${escaped}"`;
}

class Reader {
  readonly text: string;
  at = 0;

  constructor(text: string) {
    this.text = text;
  }

  whole(): Json {
    this.space();
    const value = this.value(0);
    this.space();
    if (this.at !== this.text.length) throw new Malformed("something follows the JSON value");
    return value;
  }

  private value(depth: number): Json {
    if (depth > DEEPEST) throw new Malformed(`JSON inside more than ${DEEPEST} arrays and objects`);
    const next = this.text[this.at];
    if (next === "{" || next === "[") {
      this.at += 1;
      return next === "{" ? this.object(depth) : this.array(depth);
    }
    if (next === '"') return this.string();
    for (const [word, value] of [["null", null], ["true", true], ["false", false]] as const) {
      if (this.text.startsWith(word, this.at)) {
        this.at += word.length;
        return value;
      }
    }
    return this.integer();
  }

  private integer(): number {
    const found = /^-?[0-9.eE+-]*/.exec(this.text.slice(this.at, this.at + 24))![0];
    if (!/^(-?[1-9][0-9]{0,15}|0)$/.test(found)) throw new Malformed("a JSON value that is none of this profile");
    const value = Number(found);
    if (!Number.isSafeInteger(value)) throw new Malformed("a JSON integer of 2^53 or more");
    this.at += found.length;
    return value;
  }

  private array(depth: number): Json[] {
    const items: Json[] = [];
    this.space();
    if (this.take("]")) return items;
    for (;;) {
      this.space();
      items.push(this.value(depth + 1));
      this.space();
      if (this.take("]")) return items;
      this.demand(",");
    }
  }

  private object(depth: number): JsonObject {
    const members: JsonObject = Object.create(null);
    this.space();
    if (this.take("}")) return members;
    for (;;) {
      this.space();
      const key = this.string();
      if (!/^[\x00-\x7f]*$/.test(key)) throw new Malformed("a JSON key that is not ASCII");
      if (key in members) throw new Malformed("a JSON key that stands twice");
      this.space();
      this.demand(":");
      this.space();
      members[key] = this.value(depth + 1);
      this.space();
      if (this.take("}")) return members;
      this.demand(",");
    }
  }

  private string(): string {
    this.demand('"');
    const parts: string[] = [];
    for (;;) {
      const plain = /[^"\\\u0000-\u001f]*/y;
      plain.lastIndex = this.at;
      parts.push(plain.exec(this.text)![0]);
      this.at = plain.lastIndex;
      if (this.take('"')) break;
      this.demand("\\");
      parts.push(this.escape());
    }
    const text = parts.join("");
    if (!isWellFormed(text)) throw new Malformed("JSON text with a lone surrogate");
    return text;
  }

  private escape(): string {
    const letter = this.text[this.at++];
    if (letter === "u") {
      const digits = this.text.slice(this.at, this.at + 4);
      if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw new Malformed("a JSON escape without four digits");
      this.at += 4;
      return String.fromCharCode(parseInt(digits, 16));
    }
    const short = letter === undefined ? undefined : SHORT[letter];
    if (short === undefined) throw new Malformed("an unknown JSON escape");
    return short;
  }

  private space(): void {
    while (" \t\n\r".includes(this.text[this.at] ?? "x")) this.at += 1;
  }

  private take(character: string): boolean {
    if (this.text[this.at] !== character) return false;
    this.at += 1;
    return true;
  }

  private demand(character: string): void {
    if (!this.take(character)) throw new Malformed(`JSON without an expected ${character}`);
  }
}

function isWellFormed(text: string): boolean {
  return !/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(text);
}
