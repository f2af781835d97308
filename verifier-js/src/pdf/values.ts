/** Values of a PDF in the restricted form of Signed files 5.1. */
import { Malformed } from "../base/errors.ts";

export type Dictionary = Map<string, Value>;
export type Value =
  | { kind: "name"; name: string }
  | { kind: "reference"; number: number }
  /** Bytes as characters; where it stands in the file. */
  | { kind: "text"; text: string; from: number; to: number }
  /** As it is written. */
  | { kind: "number"; text: string }
  | { kind: "word"; word: string }
  | { kind: "list"; values: Value[] }
  | { kind: "dictionary"; members: Dictionary };

const DEEPEST = 24;
const SPACE = /[ \n\r\t]*/y;
const END = "(?![^ \\n\\r\\t[\\]<>/()])";
const REFERENCE = new RegExp(`([1-9][0-9]{0,6}) 0 R${END}`, "y");
const NUMBER = new RegExp(`[+-]?(?:[0-9]{1,10}(?:\\.[0-9]{0,12})?|\\.[0-9]{1,12})${END}`, "y");
const NAME = new RegExp(`/([!-"$&'*-.0-;=?-Z\\\\^-z|~#]{1,127})${END}`, "y");
const WORD = new RegExp(`(true|false|null)${END}`, "y");
const HEX = /<([0-9A-Fa-f]*)>/y;
const MARKED = /[()\\]/g;
const LETTERS: Record<string, string> = { n: "\n", r: "\r", t: "\t", b: "\b", f: "\f", "(": "(", ")": ")", "\\": "\\" };

/** Reads a file, whose bytes are characters, from a place on. */
export class Reader {
  readonly text: string;
  at: number;

  constructor(text: string, at: number) {
    this.text = text;
    this.at = at;
  }

  space(): void {
    this.take(SPACE);
  }

  /** What stands here in this form, if it does. */
  take(form: RegExp): RegExpExecArray | undefined {
    form.lastIndex = this.at;
    const found = form.exec(this.text);
    if (found === null) return undefined;
    this.at = form.lastIndex;
    return found;
  }

  taken(word: string): boolean {
    if (!this.text.startsWith(word, this.at)) return false;
    this.at += word.length;
    return true;
  }

  value(depth = 0): Value {
    if (depth > DEEPEST) throw new Malformed(`values of the PDF nested more than ${DEEPEST} deep`);
    this.space();
    if (this.taken("<<")) return { kind: "dictionary", members: this.members(depth) };
    if (this.taken("[")) return { kind: "list", values: this.list(depth) };
    return this.simple();
  }

  private members(depth: number): Dictionary {
    const found: Dictionary = new Map();
    for (this.space(); !this.taken(">>"); this.space()) {
      const key = this.value(depth + 1);
      if (key.kind !== "name" || found.has(key.name)) throw new Malformed("a dictionary of the PDF with a key that is no name, or with one twice");
      found.set(key.name, this.value(depth + 1));
    }
    return found;
  }

  private list(depth: number): Value[] {
    const found: Value[] = [];
    for (this.space(); !this.taken("]"); this.space()) found.push(this.value(depth + 1));
    return found;
  }

  private simple(): Value {
    const from = this.at;
    const name = this.take(NAME);
    if (name !== undefined) return { kind: "name", name: nameOf(name[1]!) };
    const reference = this.take(REFERENCE);
    if (reference !== undefined) return { kind: "reference", number: Number(reference[1]) };
    const number = this.take(NUMBER);
    if (number !== undefined) return { kind: "number", text: number[0] };
    const hex = this.take(HEX);
    if (hex !== undefined) return { kind: "text", text: ofHex(hex[1]!), from, to: this.at };
    if (this.taken("(")) return { kind: "text", text: ofLiteral(this.literal()), from, to: this.at };
    const word = this.take(WORD);
    if (word !== undefined) return { kind: "word", word: word[1]! };
    throw new Malformed(`no value of the PDF at byte ${from}`);
  }

  /** Up to the parenthesis that ends it; another one is escaped. */
  private literal(): string {
    const from = this.at;
    MARKED.lastIndex = from;
    for (let found = MARKED.exec(this.text); found !== null; found = MARKED.exec(this.text)) {
      if (found[0] === "(") break;
      this.at = MARKED.lastIndex;
      if (found[0] === ")") return this.text.slice(from, found.index);
      MARKED.lastIndex++;
    }
    throw new Malformed("a string of the PDF that does not end, or has a bare parenthesis");
  }
}

function nameOf(written: string): string {
  return written.replace(/#(.{0,2})/gs, (_, digits: string) => {
    if (!/^[0-9A-Fa-f]{2}$/.test(digits)) throw new Malformed("a name of the PDF with an escape that is none");
    return String.fromCharCode(parseInt(digits, 16));
  });
}

/** A last digit that stands alone has a zero behind it. */
function ofHex(digits: string): string {
  return (digits.length % 2 === 0 ? digits : `${digits}0`).replace(/../g, (pair) => String.fromCharCode(parseInt(pair, 16)));
}

function ofLiteral(written: string): string {
  return written.replace(/\\([0-7]{3}|[^])/g, (_, escaped: string) => {
    const found = escaped.length === 3 ? String.fromCharCode(parseInt(escaped, 8) & 0xff) : LETTERS[escaped];
    if (found === undefined) throw new Malformed("a string of the PDF with an escape that is not known");
    return found;
  });
}

/** Whether two values say the same, however they are escaped; numbers as they are written. */
export function same(one: Value | undefined, other: Value | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  if (one.kind === "list") return other.kind === "list" && one.values.length === other.values.length && one.values.every((each, place) => same(each, other.values[place]));
  if (one.kind === "dictionary") return other.kind === "dictionary" && sameBut(one.members, other.members, []);
  return one.kind === other.kind && plain(one) === plain(other);
}

function plain(value: Value): string | number {
  if (value.kind === "name") return value.name;
  if (value.kind === "reference") return value.number;
  if (value.kind === "text" || value.kind === "number") return value.text;
  return value.kind === "word" ? value.word : "";
}

/** Whether two dictionaries are the same in all members but these. */
export function sameBut(one: Dictionary, other: Dictionary, left: string[]): boolean {
  const keys = new Set([...one.keys(), ...other.keys()].filter((key) => !left.includes(key)));
  return [...keys].every((key) => same(one.get(key), other.get(key)));
}

/** Every value within, this one first. */
export function* within(value: Value): Generator<Value> {
  yield value;
  const inner = value.kind === "list" ? value.values : value.kind === "dictionary" ? [...value.members.values()] : [];
  for (const each of inner) yield* within(each);
}

/** Whether a dictionary within has one of these keys. */
export function hasKey(value: Value, keys: Set<string>): boolean {
  return [...within(value)].some((each) => each.kind === "dictionary" && [...each.members.keys()].some((key) => keys.has(key)));
}

export function isName(value: Value | undefined, name: string): boolean {
  return value?.kind === "name" && value.name === name;
}
