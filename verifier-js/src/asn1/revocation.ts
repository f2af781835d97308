/** What issuers said of revocation (Signed files 6), and what follows for a signer and for a timestamp. */
import { hex, type Bytes } from "../base/bytes.ts";
import { saidByAnswers } from "./answers.ts";
import type { Certificate } from "./certificate.ts";
import { ENUMERATED, integer, INTEGER, parseDer, retagged } from "./der.ts";
import { saidByLists } from "./lists.ts";
import { Malformed } from "../base/errors.ts";

/** One word about one certificate; times in Unix seconds. */
export interface Word {
  /** The issuer, whoever answered for him. */
  by: string;
  form: "list" | "answer";
  /** As of when it was said. */
  from: number;
  /** When a newer word is due. */
  until: number | undefined;
  revoked: number | undefined;
  /** Where it is told, in its form and under a number that means one. */
  reason: string | undefined;
  /** Of the list or the answer, hex. */
  sha256: string;
}

/** A word with the name of whom it is about. */
export interface Said extends Word {
  of: string;
}

/** RFC 5280 §5.3.1; 7 means none. */
const REASONS = new Map([
  [0n, "unspecified"], [1n, "keyCompromise"], [2n, "cACompromise"], [3n, "affiliationChanged"], [4n, "superseded"], [5n, "cessationOfOperation"],
  [6n, "certificateHold"], [8n, "removeFromCRL"], [9n, "privilegeWithdrawn"], [10n, "aACompromise"],
]);
/** After these nobody else has the key, so what was made before stays (RFC 3161 §4). */
const HARMLESS = ["unspecified", "affiliationChanged", "superseded", "cessationOfOperation"];

/** The name of a reason (DER of a CRLReason); none where it is not of its form, or its number means none. */
export function reasonOf(value: Bytes): string | undefined {
  try {
    const found = parseDer(value);
    return found.tag === ENUMERATED ? REASONS.get(integer(retagged(found, INTEGER))) : undefined;
  } catch (error) {
    if (error instanceof Malformed) return undefined;
    throw error;
  }
}

/** Lists and answers, and what each of them said of those who were asked about. */
export class Words {
  /** By the member of the bundle that they would be: what counts of it. */
  readonly heard = new Map<string, Said[]>();
  private readonly known = new Map<string, Said[]>();
  private readonly lists: ReturnType<typeof saidByLists>;
  private readonly answers: ReturnType<typeof saidByAnswers>;

  constructor(lists: Bytes[] = [], answers: Bytes[] = []) {
    this.lists = saidByLists(lists);
    this.answers = saidByAnswers(answers);
  }

  /** Lists before answers. */
  about(certificate: Certificate, issuer: Certificate): Said[] {
    const name = `${hex(certificate.raw)} ${hex(issuer.raw)}`;
    let found = this.known.get(name);
    if (found === undefined) {
      const words = [...this.lists(certificate, issuer), ...this.answers(certificate, issuer)];
      found = words.map((word) => ({ of: certificate.name, ...word }));
      this.known.set(name, found);
      for (const each of found) this.hear(each);
    }
    return found;
  }

  /** One certificate may be asked about under two issuers of one name and key: it is told once. */
  private hear(said: Said): void {
    const file = `data/revocation/${said.sha256}.${said.form === "list" ? "crl" : "ocsp"}`;
    const before = this.heard.get(file) ?? [];
    if (!before.some((each) => JSON.stringify(each) === JSON.stringify(said))) this.heard.set(file, [...before, said]);
  }
}

export interface Enclosed {
  /** By the order of the path, lists before answers. */
  said: Said[];
  /** Those on the path, but the root, of whom nothing here reaches the instant. */
  silent: Certificate[];
}

/** What a file encloses, and the bundle has beside it, about a path from the signer to its root. */
export function enclosed(path: Certificate[], at: number, lists: Bytes[], answers: Bytes[], beside: Words = new Words()): Enclosed {
  const inside = new Words(lists, answers);
  const said: Said[] = [];
  const silent: Certificate[] = [];
  path.slice(0, -1).forEach((certificate, place) => {
    const issuer = path[place + 1]!;
    const words = joined(inside.about(certificate, issuer), beside.about(certificate, issuer));
    said.push(...words);
    if (!words.some((word) => reaches(word, at))) silent.push(certificate);
  });
  return { said, silent };
}

/** Lists before answers; what stands inside and beside says it once. Single responses of one answer count each by itself. */
function joined(inside: Said[], beside: Said[]): Said[] {
  const all = [...inside, ...beside.filter(({ sha256 }) => !inside.some((word) => word.sha256 === sha256))];
  return [...all.filter(({ form }) => form === "list"), ...all.filter(({ form }) => form === "answer")];
}

/** Said then or later, or with a newer word due only then or later, or that he is revoked. */
function reaches({ from, until, revoked }: Word, at: number): boolean {
  return from >= at || (until !== undefined && until >= at) || revoked !== undefined;
}

type Revoked = Said & { revoked: number };

function isRevoked(said: Said): said is Revoked {
  return said.revoked !== undefined;
}

/** The word by which a signer who is judged at this instant was revoked then or before. */
export function revokedBy({ said }: Enclosed, at: number): Revoked | undefined {
  return said.filter(isRevoked).find(({ revoked }) => revoked <= at);
}

/** The word by which a timestamp counts no more (Timestamps 5); `made`: its time and accuracy together. */
export function undone({ said }: Enclosed, made: number): Revoked | undefined {
  return said.filter(isRevoked).find(({ revoked, reason }) => revoked <= made || reason === undefined || !HARMLESS.includes(reason));
}
