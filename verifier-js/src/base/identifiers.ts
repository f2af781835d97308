/** Identifiers (Values 5). */
import { Malformed } from "./errors.ts";

const FORM = /^(10\.[0-9]{4,9}(?:\.[0-9]{1,9}){0,3})\/(([PAMJWLRD])-([0-9A-HJKMNP-TV-Z]{4}(?:-[0-9A-HJKMNP-TV-Z]{4}){3})-([0-9A-Z]))$/;
const VALUES = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

export interface Identifier {
  prefix: string;
  letter: string;
  slug: string;
}

export function parseIdentifier(text: string, letter?: string): Identifier {
  const found = FORM.exec(text);
  if (found === null) throw new Malformed("text that is no identifier");
  const [, prefix, slug, type, body, check] = found as unknown as [string, string, string, string, string, string];
  if (checkCharacter(`${prefix}${type}${body}`) !== check) throw new Malformed("an identifier with another check character");
  if (letter !== undefined && type !== letter) throw new Malformed(`an identifier of another letter than ${letter}`);
  return { prefix, letter: type, slug };
}

/** ISO/IEC 7064 hybrid MOD 37,36. */
function checkCharacter(text: string): string {
  let r = 36;
  for (const character of text.replace(/[./-]/g, "")) {
    r = (r + VALUES.indexOf(character)) % 36;
    r = (2 * (r === 0 ? 36 : r)) % 37;
  }
  return VALUES[(37 - r) % 36]!;
}
