/** What a file encloses about revocation (Signed files 6): whom an issuer took back, and since when. */
import type { Bytes } from "../base/bytes.ts";
import { saidByAnswers } from "./answers.ts";
import type { Certificate } from "./certificate.ts";
import { saidByLists } from "./lists.ts";

/** What an issuer, or his responder, said of one certificate. Unix seconds. */
export interface Word {
  by: string;
  form: "list" | "answer";
  /** As of when it was said. */
  from: number;
  /** When a newer word is due. */
  until: number | undefined;
  /** Since when he is revoked. */
  revoked: number | undefined;
  /** Why, where that is told. */
  reason: string | undefined;
  /** Of the list or answer, hex. */
  sha256: string;
}

/** By their numbers (RFC 5280, section 5.3.1). */
const REASONS = [
  "unspecified", "keyCompromise", "cACompromise", "affiliationChanged", "superseded", "cessationOfOperation", "certificateHold", undefined,
  "removeFromCRL", "privilegeWithdrawn", "aACompromise",
];

/** The name of a reason, of its DER; none of a number that means none. */
export function reasonOf(value: Bytes): string | undefined {
  return value.length === 3 && value[0] === 0x0a && value[1] === 1 ? REASONS[value[2]!] : undefined;
}

export interface Said extends Word {
  of: string;
}

export interface Enclosed {
  /** In the order of the path, lists before answers. */
  said: Said[];
  /** Those but the root of whom none says how they stood at that instant. */
  silent: Certificate[];
}

/** What lists and answers say of this path, signer first. */
export function enclosed(path: Certificate[], at: number, lists: Bytes[], answers: Bytes[]): Enclosed {
  const [byLists, byAnswers] = [saidByLists(lists), saidByAnswers(answers)];
  const said = path.slice(0, -1).map((certificate, place) => ({
    certificate, words: [...byLists(certificate, path[place + 1]!), ...byAnswers(certificate, path[place + 1]!)],
  }));
  return {
    said: said.flatMap(({ certificate: { name }, words }) => words.map((word) => ({ of: name, ...word }))),
    silent: said.filter(({ words }) => !words.some((word) => reaches(word, at))).map(({ certificate }) => certificate),
  };
}

/** An older word that was to be renewed before then does not tell how it stood. */
function reaches({ from, until, revoked }: Word, at: number): boolean {
  return revoked !== undefined || from >= at || (until !== undefined && until >= at);
}

/** The first that says that somebody was revoked by then. */
export function revokedBy({ said }: Enclosed, at: number): (Said & { revoked: number }) | undefined {
  for (const one of said) if (one.revoked !== undefined && one.revoked <= at) return { ...one, revoked: one.revoked };
  return undefined;
}
