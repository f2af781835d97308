/** Values of a PDF (ISO 32000-2, 7.3), and what makes two of them the same. */

export type Dictionary = Map<string, Value>;

/** A string's bytes, one character each, and where its `(` or `<` stands and what it is written up to. */
export interface PdfString {
  kind: "string";
  bytes: string;
  from: number;
  to: number;
}

export type Value =
  /** Without the solidus, `#xx` replaced by its byte. */
  | { kind: "name"; name: string }
  /** To an object of generation 0. */
  | { kind: "reference"; number: number }
  | PdfString
  /** As it is written. */
  | { kind: "number"; written: string }
  | { kind: "word"; word: string }
  | { kind: "array"; items: Value[] }
  | { kind: "dictionary"; members: Dictionary };

export function isName(value: Value | undefined, name: string): boolean {
  return value?.kind === "name" && value.name === name;
}

export function isNumber(value: Value | undefined, written: string): boolean {
  return value?.kind === "number" && value.written === written;
}

export function isReferenceTo(value: Value | undefined, number: number | undefined): boolean {
  return value?.kind === "reference" && value.number === number;
}

/** The number of the object that is named here. */
export function referenced(value: Value | undefined): number | undefined {
  return value?.kind === "reference" ? value.number : undefined;
}

/** Whether both say the same, however names and strings are escaped; numbers are held as they are written (5.1). */
export function same(one: Value | undefined, other: Value | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  switch (one.kind) {
    case "name": return isName(other, one.name);
    case "reference": return isReferenceTo(other, one.number);
    case "string": return other.kind === "string" && one.bytes === other.bytes;
    case "number": return isNumber(other, one.written);
    case "word": return other.kind === "word" && one.word === other.word;
    case "array": return other.kind === "array" && sameItems(one.items, other.items);
    case "dictionary": return other.kind === "dictionary" && differing(one.members, other.members).length === 0;
  }
}

export function sameItems(one: Value[], other: Value[]): boolean {
  return one.length === other.length && one.every((item, place) => same(item, other[place]));
}

/** Keys whose values differ, or that one of the two has alone. */
export function differing(one: Dictionary, other: Dictionary): string[] {
  return [...new Set([...one.keys(), ...other.keys()])].filter((key) => !same(one.get(key), other.get(key)));
}

/** The value and everything in it. */
export function* within(value: Value): Generator<Value> {
  yield value;
  const inner = value.kind === "array" ? value.items : value.kind === "dictionary" ? value.members.values() : [];
  for (const each of inner) yield* within(each);
}

/** Whether a dictionary anywhere in the value has one of these keys. */
export function hasKey(value: Value, keys: Set<string>): boolean {
  for (const each of within(value)) if (each.kind === "dictionary" && [...each.members.keys()].some((key) => keys.has(key))) return true;
  return false;
}
