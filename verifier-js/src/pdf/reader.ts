/** Reads values byte for byte (Signed files 5.1): what ISO 32000 lets stand in several ways stands here in one. */
import { binary } from "../base/bytes.ts";
import { demandForm } from "./refusal.ts";
import type { Dictionary, Value } from "./values.ts";

const DEEPEST = 24;
const LONGEST_NAME = 127;
const WHITE_SPACE = /[ \t\n\r]*/y;
/** What ends a number, reference, name or word; `%` does not, for there are no comments. */
const ENDED = String.raw`(?![^ \t\n\r()<>[\]/])`;
const REFERENCE = new RegExp(`([1-9][0-9]{0,6}) 0 R${ENDED}`, "y");
const NUMBER = new RegExp(String.raw`[+-]?(?:[0-9]{1,10}(?:\.[0-9]{0,12})?|\.[0-9]{1,12})${ENDED}`, "y");
/** Without a null character, at which some readers would end the name (ISO 32000-2, 7.3.5). */
const NAME = new RegExp(String.raw`/((?:[!"$&'*-.0-;=?-Z\\^-z|~]|#(?!00)[0-9A-Fa-f]{2}){1,127})${ENDED}`, "y");
const WORD = new RegExp(`(?:true|false|null)${ENDED}`, "y");
const HEX_STRING = /<([0-9A-Fa-f]*)>/y;
const PLAIN = /[^()\\]+/y;
const ESCAPE = /\\(?:([nrtbf()\\])|([0-7]{3}))/y;
const ESCAPED: Record<string, string> = { n: "\n", r: "\r", t: "\t", b: "\b", f: "\f", "(": "(", ")": ")", "\\": "\\" };

export class Reader {
  /** The bytes, one character each. */
  readonly text: string;
  at: number;

  constructor(text: string, at = 0) {
    this.text = text;
    this.at = at;
  }

  /** What of this (sticky) form stands here, if anything does; it is passed. */
  take(form: RegExp): RegExpExecArray | undefined {
    form.lastIndex = this.at;
    const found = form.exec(this.text) ?? undefined;
    if (found !== undefined) this.at += found[0].length;
    return found;
  }

  /** Whether these characters stand here; they are passed. */
  taken(characters: string): boolean {
    const stands = this.text.startsWith(characters, this.at);
    if (stands) this.at += characters.length;
    return stands;
  }

  demand(form: RegExp, what: string): RegExpExecArray {
    const found = this.take(form);
    demandForm(found !== undefined, `no ${what} at byte ${this.at}`);
    return found;
  }

  space(): void {
    this.take(WHITE_SPACE);
  }

  /** The value here, behind white space. */
  value(depth = 0): Value {
    demandForm(depth <= DEEPEST, `values nested deeper than ${DEEPEST} at byte ${this.at}`);
    this.space();
    if (this.taken("<<")) return { kind: "dictionary", members: this.dictionary(depth) };
    if (this.taken("[")) return { kind: "array", items: this.array(depth) };
    if (this.text[this.at] === "(") return this.literalString();
    return this.simple();
  }

  private dictionary(depth: number): Dictionary {
    const members: Dictionary = new Map();
    for (this.space(); !this.taken(">>"); this.space()) {
      const key = this.name();
      demandForm(!members.has(key), `a key twice in a dictionary: ${key}`);
      members.set(key, this.value(depth + 1));
    }
    return members;
  }

  private array(depth: number): Value[] {
    const items: Value[] = [];
    for (this.space(); !this.taken("]"); this.space()) items.push(this.value(depth + 1));
    return items;
  }

  private name(): string {
    const written = this.demand(NAME, "name")[1]!;
    demandForm(written.length <= LONGEST_NAME, `a name of more than ${LONGEST_NAME} characters`);
    return written.replace(/#(..)/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 16)));
  }

  private simple(): Value {
    const from = this.at;
    if (this.text[from] === "/") return { kind: "name", name: this.name() };
    const reference = this.take(REFERENCE);
    if (reference !== undefined) return { kind: "reference", number: Number(reference[1]) };
    const digits = this.take(HEX_STRING)?.[1];
    if (digits !== undefined) return { kind: "string", bytes: bytesOfHex(digits), from, to: this.at };
    const number = this.take(NUMBER);
    if (number !== undefined) return { kind: "number", written: number[0] };
    return { kind: "word", word: this.demand(WORD, "value")[0] };
  }

  /** In parts, for a string may be as long as the file. An end of a line that is not escaped is a line feed (ISO 32000-2, 7.3.4.2). */
  private literalString(): Value {
    const from = this.at++;
    const parts: string[] = [];
    while (!this.taken(")")) {
      const plain = this.take(PLAIN);
      if (plain !== undefined) parts.push(plain[0].replace(/\r\n?/g, "\n"));
      else parts.push(escaped(this.demand(ESCAPE, "character of a string, or end of it,")));
    }
    return { kind: "string", bytes: parts.join(""), from, to: this.at };
  }
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
