/** What a file encloses about revocation (Signed files 6): whom an issuer took back, and since when. */
import { hex, type Bytes } from "../base/bytes.ts";
import { sha256 } from "../base/hashes.ts";
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

/** What stands beside the files of a bundle, and what of it was found to count, refused or not. */
export class Words {
  readonly heard = new Map<string, Said[]>();
  private readonly known = new Map<string, Said[]>();
  private said: ((certificate: Certificate, issuer: Certificate) => Word[])[] | undefined;
  private readonly lists: Bytes[];
  private readonly answers: Bytes[];

  constructor(lists: Bytes[] = [], answers: Bytes[] = []) {
    this.lists = lists;
    this.answers = answers;
  }

  about(certificate: Certificate, issuer: Certificate): Said[] {
    const asked = hex(sha256(certificate.raw)) + hex(sha256(issuer.raw));
    const before = this.known.get(asked);
    if (before !== undefined) return before;
    this.said ??= [saidByLists(this.lists), saidByAnswers(this.answers)];
    const found = this.said.flatMap((each) => each(certificate, issuer)).map((word) => ({ of: certificate.name, ...word }));
    this.known.set(asked, found);
    for (const one of found) this.hear(memberOf(one), one);
    return found;
  }

  /** The same of several certificates of one name is told once. */
  private hear(member: string, one: Said): void {
    const before = this.heard.get(member) ?? [];
    if (!before.some((each) => same(each, one))) this.heard.set(member, [...before, one]);
  }
}

function same(a: Said, b: Said): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function memberOf({ form, sha256: digest }: Said): string {
  return `data/revocation/${digest}.${form === "list" ? "crl" : "ocsp"}`;
}

/** What lists and answers of a file, and those beside it, say of this path, signer first. */
export function enclosed(path: Certificate[], at: number, lists: Bytes[], answers: Bytes[], beside?: Words): Enclosed {
  const own = new Words(lists, answers);
  const said = path.slice(0, -1).map((certificate, place) => ({
    certificate, words: [...own.about(certificate, path[place + 1]!), ...(beside?.about(certificate, path[place + 1]!) ?? [])],
  }));
  return {
    said: said.flatMap(({ words }) => words),
    silent: said.filter(({ words }) => !words.some((word) => reaches(word, at))).map(({ certificate }) => certificate),
  };
}

/** An older word that was to be renewed before then does not tell how it stood. */
function reaches({ from, until, revoked }: Word, at: number): boolean {
  return revoked !== undefined || from >= at || (until !== undefined && until >= at);
}

/** After these, tokens of before stay good (RFC 3161 §4). */
const PASSED = ["unspecified", "affiliationChanged", "superseded", "cessationOfOperation"];

/** The first by which a token that was made by then counts no more (Timestamps 5). */
export function undone({ said }: Enclosed, made: number): (Said & { revoked: number }) | undefined {
  for (const one of said)
    if (one.revoked !== undefined && (one.revoked <= made || one.reason === undefined || !PASSED.includes(one.reason))) return { ...one, revoked: one.revoked };
  return undefined;
}

/** The first that says that somebody was revoked by then. */
export function revokedBy({ said }: Enclosed, at: number): (Said & { revoked: number }) | undefined {
  for (const one of said) if (one.revoked !== undefined && one.revoked <= at) return { ...one, revoked: one.revoked };
  return undefined;
}
