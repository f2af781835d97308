/** Reads values byte for byte (Signed files 5.1): what ISO 32000 lets stand in several ways stands here in one. */
import { ESCAPE, HEX_STRING, NAME, nameAt, NUMBER, PLAIN, REFERENCE, WORD } from "./atoms.ts";
import { KeyIndex } from "./keyIndex.ts";
import { demandForm } from "./refusal.ts";
import { Tape, type Kind } from "./tape.ts";
import { Value } from "./values.ts";

const DEEPEST = 24;
/** As it is written. */
const LONGEST_NAME = 127;
/** So many keys are compared one by one. */
const FEW = 16;
const WHITE_SPACE = /[ \t\n\r]*/y;
/** In this order: a reference begins like a number. */
const SIMPLE: [Kind, RegExp][] = [["reference", REFERENCE], ["string", HEX_STRING], ["number", NUMBER], ["word", WORD]];

export class Reader {
  /** The bytes, one character each. */
  readonly text: string;
  at: number;
  private readonly tape: Tape;

  constructor(text: string, at = 0) {
    this.text = text;
    this.at = at;
    this.tape = new Tape(text);
  }

  /** What of this (sticky) form stands here, if anything does; it is passed. */
  take(form: RegExp): RegExpExecArray | undefined {
    form.lastIndex = this.at;
    const found = form.exec(this.text) ?? undefined;
    if (found !== undefined) this.at += found[0].length;
    return found;
  }

  /** Whether something of this form stands here; it is passed. */
  private passed(form: RegExp): boolean {
    form.lastIndex = this.at;
    const stands = form.test(this.text);
    if (stands) this.at = form.lastIndex;
    return stands;
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
    this.passed(WHITE_SPACE);
  }

  /** The value here, behind white space. */
  value(): Value {
    return new Value(this.tape, this.read(0));
  }

  /** Its place on the tape. */
  private read(depth: number): number {
    if (depth > DEEPEST) demandForm(false, `values nested deeper than ${DEEPEST} at byte ${this.at}`);
    this.space();
    const from = this.at;
    if (this.taken("<<")) return this.dictionary(from, depth);
    if (this.taken("[")) return this.array(from, depth);
    if (this.taken("(")) return this.literalString(from);
    if (this.text[from] === "/") return this.name("name");
    const kind = SIMPLE.find(([, form]) => this.passed(form))?.[0];
    demandForm(kind !== undefined, `no value at byte ${from}`);
    return this.tape.put(kind, from);
  }

  private dictionary(from: number, depth: number): number {
    const place = this.tape.open("dictionary", from);
    const few: string[] = [];
    const keys: number[] = [];
    let index: KeyIndex | undefined;
    for (this.space(); !this.taken(">>"); this.space()) {
      const key = this.name("key");
      if (index === undefined && few.length < FEW) {
        const name = nameAt(this.text, this.tape.byte(key));
        if (few.includes(name)) demandForm(false, `a key twice in a dictionary: ${name}`);
        few.push(name);
        keys.push(key);
      } else {
        index ??= indexOf(this.tape, keys);
        if (!index.add(key)) demandForm(false, `a key twice in a dictionary: ${nameAt(this.text, this.tape.byte(key))}`);
      }
      this.read(depth + 1);
    }
    this.tape.close(place);
    return place;
  }

  private array(from: number, depth: number): number {
    const place = this.tape.open("array", from);
    for (this.space(); !this.taken("]"); this.space()) this.read(depth + 1);
    this.tape.close(place);
    return place;
  }

  private name(kind: "name" | "key"): number {
    const from = this.at;
    if (!this.passed(NAME)) demandForm(false, `no name at byte ${from}`);
    if (this.at - from - 1 > LONGEST_NAME) demandForm(false, `a name of more than ${LONGEST_NAME} characters`);
    return this.tape.put(kind, from);
  }

  private literalString(from: number): number {
    while (!this.taken(")")) if (!this.passed(PLAIN) && !this.passed(ESCAPE)) demandForm(false, `no character of a string, or end of it, at byte ${this.at}`);
    return this.tape.put("string", from);
  }
}

function indexOf(tape: Tape, keys: number[]): KeyIndex {
  const index = new KeyIndex(tape);
  for (const key of keys) index.add(key);
  return index;
}
