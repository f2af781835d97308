/** Values of a PDF (ISO 32000-2, 7.3), and what makes two of them the same. */
import { nameAt, numberAt, referenceAt, stringAt, wordAt, type Said } from "./atoms.ts";
import { KeyIndex } from "./keyIndex.ts";
import { sameAt, type Placed } from "./same.ts";
import type { Kind, Tape } from "./tape.ts";

/** So many members are looked through one by one. */
const FEW = 16;

/** A value where it stands. What it says may be asked of its kind alone, and is read then. */
export class Value implements Placed {
  readonly kind: Exclude<Kind, "key">;
  readonly tape: Tape;
  readonly place: number;
  private said: Said | undefined;
  private dictionary: Dictionary | undefined;

  constructor(tape: Tape, place: number) {
    this.tape = tape;
    this.place = place;
    this.kind = tape.kind(place) as Exclude<Kind, "key">;
  }

  /** The byte at which it begins. */
  get from(): number {
    return this.tape.byte(this.place);
  }

  /** Of a name: without the solidus, `#xx` replaced by its byte. */
  get name(): string {
    return nameAt(this.tape.text, this.from);
  }

  /** Of a reference: the number of the object, which is of generation 0. */
  get number(): number {
    return referenceAt(this.tape.text, this.from);
  }

  /** Of a string: its bytes, one character each. */
  get bytes(): string {
    return (this.said ??= stringAt(this.tape.text, this.from)).bytes;
  }

  /** Of a string: the byte behind its `)` or `>`. */
  get to(): number {
    return (this.said ??= stringAt(this.tape.text, this.from)).to;
  }

  /** Of a number: as it is written. */
  get written(): string {
    return numberAt(this.tape.text, this.from);
  }

  get word(): string {
    return wordAt(this.tape.text, this.from);
  }

  /** Of a list. One after the other, for there may be millions. */
  get items(): Iterable<Value> {
    const { tape, place } = this;
    return { *[Symbol.iterator]() { for (let at = tape.inside(place); at < tape.behind(place); at = tape.behind(at)) yield new Value(tape, at); } };
  }

  get members(): Dictionary {
    return (this.dictionary ??= new Dictionary(this.tape, this.place));
  }

  /** Numbers of the objects that are named in it, at any depth. */
  *references(): Generator<number> {
    for (const place of this.tape.places(this.place, "reference")) yield referenceAt(this.tape.text, this.tape.byte(place));
  }

  /** The keys of all dictionaries in it, at any depth. */
  *keys(): Generator<string> {
    for (const place of this.tape.places(this.place, "key")) yield nameAt(this.tape.text, this.tape.byte(place));
  }
}

/** No key says the same as another one: the reader saw to that. */
export class Dictionary {
  private readonly tape: Tape;
  private readonly place: number;
  private index: KeyIndex | undefined;

  constructor(tape: Tape, place: number) {
    this.tape = tape;
    this.place = place;
  }

  get(key: string): Value | undefined {
    const place = this.index === undefined ? this.search(key) : this.index.find(key);
    return place === undefined ? undefined : new Value(this.tape, place + 1);
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  *keys(): Generator<string> {
    for (const place of this.places()) yield nameAt(this.tape.text, this.tape.byte(place));
  }

  *values(): Generator<Value> {
    for (const place of this.places()) yield new Value(this.tape, place + 1);
  }

  /** Of its keys. */
  private *places(): Generator<number> {
    const end = this.tape.behind(this.place);
    for (let at = this.tape.inside(this.place); at < end; at = this.tape.behind(at + 1)) yield at;
  }

  private search(key: string): number | undefined {
    let looked = 0;
    for (const place of this.places()) {
      if (looked++ === FEW) return this.indexed().find(key);
      if (nameAt(this.tape.text, this.tape.byte(place)) === key) return place;
    }
    return undefined;
  }

  private indexed(): KeyIndex {
    const index = new KeyIndex(this.tape);
    for (const place of this.places()) index.add(place);
    this.index = index;
    return index;
  }
}

export function isName(value: Value | undefined, name: string): boolean {
  return value?.kind === "name" && value.name === name;
}

export function isNumber(value: Value | undefined, written: string | undefined): boolean {
  return value?.kind === "number" && value.written === written;
}

export function isReferenceTo(value: Value | undefined, number: number | undefined): boolean {
  return value?.kind === "reference" && value.number === number;
}

/** The number of the object that is named here. */
export function referenced(value: Value | undefined): number | undefined {
  return value?.kind === "reference" ? value.number : undefined;
}

/** The first items, and one more where there are more: enough to see whether it is as long as it should be. */
export function firstItems({ items }: Value, count: number): Value[] {
  const found: Value[] = [];
  for (const item of items) if (found.push(item) > count) break;
  return found;
}

export function same(one: Value | undefined, other: Value | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return sameAt(one.tape, one.place, other.tape, other.place);
}

/** What stands behind all that was there before: nothing where some of that is not there; of more than one the first two. */
export function added(before: Iterable<Value>, after: Iterable<Value>): Value[] | undefined {
  const rest = after[Symbol.iterator]();
  for (const item of before) if (!same(item, rest.next().value as Value | undefined)) return undefined;
  const found: Value[] = [];
  for (let next = rest.next(); next.done !== true && found.length < 2; next = rest.next()) found.push(next.value);
  return found;
}

/** Keys whose values differ, or that one of the two has alone. */
export function* differing(one: Dictionary, other: Dictionary): Generator<string> {
  for (const key of one.keys()) if (!same(one.get(key), other.get(key))) yield key;
  for (const key of other.keys()) if (!one.has(key)) yield key;
}

/** Whether a dictionary anywhere in the value has one of these keys. */
export function hasKey(value: Value, keys: Set<string>): boolean {
  for (const key of value.keys()) if (keys.has(key)) return true;
  return false;
}
