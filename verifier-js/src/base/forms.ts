/** Forms of JSON values: each takes a value and gives what it means, or says that it does not have the form. */
import { fromBase64, fromHex } from "./bytes.ts";
import { Malformed } from "./errors.ts";
import type { DigestPair } from "./hashes.ts";
import { parseIdentifier } from "./identifiers.ts";
import type { Json, JsonObject } from "./json.ts";
import { parseTime } from "./time.ts";

export type Form<T> = (value: Json) => T;
export type Of<F> = F extends Form<infer T> ? T : never;
type Forms = Record<string, Form<unknown>>;
type Required<R extends Forms> = { [K in keyof R]: Of<R[K]> };
type Optional<O extends Forms> = { [K in keyof O]?: Of<O[K]> };

export const MOST = Number.MAX_SAFE_INTEGER;

/** An object with exactly these fields; the second ones may be absent. */
export function record<R extends Forms, O extends Forms = Record<never, never>>(required: R, optional?: O): Form<Required<R> & Optional<O>> {
  const known = new Map<string, Form<unknown>>([...Object.entries(required), ...Object.entries(optional ?? {})]);
  return (value) => {
    const object = anyObject(value);
    const found: Record<string, unknown> = {};
    for (const [key, member] of Object.entries(object)) {
      const form = known.get(key);
      if (form === undefined) throw new Malformed(`an unknown field ${key}`);
      found[key] = within(key, () => form(member));
    }
    for (const key of Object.keys(required)) if (!(key in object)) throw new Malformed(`a missing field ${key}`);
    return found as Required<R> & Optional<O>;
  };
}

function within<T>(field: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof Malformed) throw new Malformed(`${field}: ${error.message}`);
    throw error;
  }
}

export const anyObject: Form<JsonObject> = (value) => {
  if (value === null || typeof value !== "object" || Array.isArray(value)) throw new Malformed("not an object");
  return value;
};

export const anyText: Form<string> = (value) => {
  if (typeof value !== "string") throw new Malformed("not text");
  return value;
};

export const bool: Form<boolean> = (value) => {
  if (typeof value !== "boolean") throw new Malformed("not true or false");
  return value;
};

export function integer(least = 0, most = MOST): Form<number> {
  return (value) => {
    if (typeof value !== "number" || value < least || value > most) throw new Malformed(`not an integer from ${least} to ${most}`);
    return value;
  };
}

const INVISIBLE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;

export function isVisible(text: string): boolean {
  return !INVISIBLE.test(text);
}

/** Visible text of so many code points. */
export function text(least: number, most: number): Form<string> {
  return (value) => {
    const found = anyText(value);
    const count = [...found].length;
    if (count < least || count > most) throw new Malformed(`not text of ${least} to ${most} characters`);
    if (!isVisible(found)) throw new Malformed("text with characters that cannot be seen");
    return found;
  };
}

export function matching(pattern: RegExp): Form<string> {
  const whole = new RegExp(`^(?:${pattern.source})$`);
  return (value) => {
    const found = anyText(value);
    if (!whole.test(found)) throw new Malformed(`text that is not ${pattern.source}`);
    return found;
  };
}

export function oneOf<const T extends string | number>(...allowed: T[]): Form<T> {
  return (value) => {
    const found = allowed.find((each) => each === value);
    if (found === undefined) throw new Malformed(`none of ${allowed.join(", ")}`);
    return found;
  };
}

export function list<T>(least: number, most: number, form: Form<T>): Form<T[]> {
  return (value) => {
    if (!Array.isArray(value)) throw new Malformed("not a list");
    if (value.length < least || value.length > most) throw new Malformed(`not a list of ${least} to ${most}`);
    return value.map((member, index) => within(String(index), () => form(member)));
  };
}

/** Hex of so many bytes, kept as text. */
export function hexOf(length: number): Form<string> {
  return (value) => {
    const found = anyText(value);
    fromHex(found, length);
    return found;
  };
}

export function base64Of(limit: number): Form<Uint8Array> {
  return (value) => fromBase64(anyText(value), limit);
}

export const time: Form<string> = (value) => {
  const found = anyText(value);
  parseTime(found);
  return found;
};

export function identifier(letter?: string): Form<string> {
  return (value) => {
    const found = anyText(value);
    parseIdentifier(found, letter);
    return found;
  };
}

export const digestPairForm: Form<DigestPair> = record({ sha256: hexOf(32), sm3: hexOf(32) });
export const name = matching(/[A-Za-z0-9][A-Za-z0-9._-]{0,63}/);
export const word = matching(/[a-z][a-z0-9-]{0,39}/);
export const origin = matching(/[!-*,-~]{1,200}/);
export const prefix = matching(/10\.[0-9]{4,9}(?:\.[0-9]{1,9}){0,3}/);

/** A map of names to one form. */
export function mapOf<T>(least: number, most: number, key: Form<string>, form: Form<T>): Form<Map<string, T>> {
  return (value) => {
    const members = Object.entries(anyObject(value));
    if (members.length < least || members.length > most) throw new Malformed(`not a map of ${least} to ${most}`);
    return new Map(members.map(([each, member]) => [key(each), within(each, () => form(member))]));
  };
}
