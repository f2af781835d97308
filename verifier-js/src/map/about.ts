/** What an entry is about (Map 1): a function of its payload alone. */
import { parseIdentifier } from "../base/identifiers.ts";
import { Malformed } from "../base/errors.ts";
import type { Json } from "../base/json.ts";

export type Relation = "own" | "named";

export interface About {
  own: Set<string>;
  named: Set<string>;
}

const UNSPOKEN = new Set(["log.batch", "log.time", "log.map-root"]);

export function about(payload: Json): About {
  const nothing: About = { own: new Set(), named: new Set() };
  if (!isObject(payload)) return nothing;
  const { type, subject, body } = payload;
  if (typeof type !== "string" || typeof subject !== "string" || body === undefined || !isObject(body) || UNSPOKEN.has(type)) return nothing;
  const own = new Set([subject]);
  if (typeof body.target === "string" && isIdentifier(body.target)) own.add(body.target);
  const named = new Set<string>();
  for (const text of texts(body)) if (!own.has(text) && isIdentifier(text)) named.add(text);
  return { own, named };
}

function isObject(value: Json): value is { [key: string]: Json } {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

function isIdentifier(text: string): boolean {
  try {
    parseIdentifier(text);
    return true;
  } catch (error) {
    if (error instanceof Malformed) return false;
    throw error;
  }
}

/** Every text within a value; names of members are none. */
function* texts(value: Json): Generator<string> {
  if (typeof value === "string") yield value;
  else if (value !== null && typeof value === "object") for (const member of Object.values(value)) yield* texts(member);
}
