/** Revocation lists (Signed files 6; RFC 5280 §5). */
import { equal, hex, type Bytes } from "../base/bytes.ts";
import { Malformed } from "../base/errors.ts";
import { sha256 } from "../base/hashes.ts";
import type { Certificate } from "./certificate.ts";
import { explicit, Fields, GENERALIZED_TIME, INTEGER, integer, parseDer, partsOf, SEQUENCE, signatureBits, UTC_TIME, type Der } from "./der.ts";
import { Entries, type Entry } from "./entries.ts";
import { sameName } from "./sameName.ts";
import { reasonOf, type Word } from "./revocation.ts";
import { areUnderstood, extensionsOf, isSignedBy, type Extension } from "./signed.ts";
import { timeOf } from "./times.ts";

const REASON = "2.5.29.21";
/** A list that has one of these does not speak of all certificates and all reasons: a delta, or a part. */
const PARTIAL = ["2.5.29.27", "2.5.29.28"];
const VERSION_2 = 1n;
const EXTENSIONS = 0;

/** What a list says once its issuer is known to have signed it. */
interface List {
  from: number;
  until: number | undefined;
  entries: Entries;
}

/** The parts of a list as far as they must be read to know whose it is. */
interface Outline {
  tbs: Bytes;
  issuer: Bytes;
  algorithm: Der;
  signature: Bytes;
}

/** What these lists say of a certificate that this issuer issued; what is read once is kept. */
export function saidByLists(lists: Bytes[]): (certificate: Certificate, issuer: Certificate) => Word[] {
  const known = lists.map((bytes) => new Listed(bytes));
  return (certificate, issuer) => known.flatMap((each) => each.about(certificate, issuer));
}

class Listed {
  private readonly bytes: Bytes;
  private readonly outline: Outline | undefined;
  private readonly issuers = new Map<string, boolean>();
  private content: List | null | undefined;
  private digest: string | undefined;

  constructor(bytes: Bytes) {
    this.bytes = bytes;
    this.outline = orNothing(() => readOutline(bytes));
  }

  about(certificate: Certificate, issuer: Certificate): Word[] {
    if (!this.isBy(issuer)) return [];
    const list = this.read();
    if (list === undefined) return [];
    const found = list.entries.find(certificate.serialBytes);
    if (found !== undefined && saysNothing(found)) return [];
    const reason = found?.extensions.find(({ name }) => name === REASON);
    this.digest ??= hex(sha256(this.bytes));
    return [{
      by: issuer.name, form: "list", from: list.from, until: list.until, revoked: found?.revoked, reason: reason === undefined ? undefined : reasonOf(reason.value),
      sha256: this.digest,
    }];
  }

  /** It names the issuer as its own and is signed by him: asked before the many entries are read, which anybody may have written. */
  private isBy(issuer: Certificate): boolean {
    const { outline } = this;
    if (outline === undefined || !orNothing(() => sameName(outline.issuer, issuer.subject))) return false;
    const name = hex(issuer.keyInfo.raw);
    let found = this.issuers.get(name);
    if (found === undefined) {
      found = isSignedBy(issuer, outline.algorithm, outline.tbs, outline.signature);
      this.issuers.set(name, found);
    }
    return found;
  }

  private read(): List | undefined {
    if (this.content === undefined) this.content = orNothing(() => readList(this.outline!.tbs)) ?? null;
    return this.content ?? undefined;
  }
}

function orNothing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof Malformed) return undefined;
    throw error;
  }
}

/** CertificateList: what is signed, the algorithm (the same inside and outside, §5.1.1.2), the signature. */
function readOutline(bytes: Bytes): Outline {
  const [tbs, algorithm, signature, ...more] = partsOf(bytes);
  if (tbs?.tag !== SEQUENCE || algorithm === undefined || more.length > 0) throw new Malformed("a list of another form");
  const fields = new Fields(partsOf(tbs.raw));
  fields.optional(INTEGER);
  const inner = fields.next();
  const issuer = fields.next();
  if (inner === undefined || !equal(inner.raw, algorithm.raw) || issuer?.tag !== SEQUENCE) throw new Malformed("a list whose algorithms differ, or of no issuer");
  return { tbs: tbs.raw, issuer: issuer.raw, algorithm: parseDer(algorithm.raw), signature: signatureBits(signature) };
}

/** TBSCertList (§5.1.2), wholly: entries about others too. */
function readList(tbs: Bytes): List {
  const fields = new Fields(partsOf(tbs));
  const version = fields.optional(INTEGER);
  if (version !== undefined && integer(version) !== VERSION_2) throw new Malformed("a list of a version that is neither 1 nor 2");
  fields.next();
  fields.next();
  const from = timeOf(needed(fields.next()));
  const next = fields.optional(UTC_TIME) ?? fields.optional(GENERALIZED_TIME);
  const until = next === undefined ? undefined : timeOf(next);
  const entries = new Entries(fields.optional(SEQUENCE)?.content ?? new Uint8Array(), version !== undefined);
  const held = fields.optional(0xa0 | EXTENSIONS);
  fields.end();
  if (held !== undefined) demandWhole(extensionsOf(explicit(parseDer(held.raw), EXTENSIONS)), version !== undefined);
  return { from, until, entries };
}

function demandWhole(extensions: Extension[], extended: boolean): void {
  if (!extended) throw new Malformed("extensions in a list of version 1");
  if (!areUnderstood(extensions) || extensions.some(({ name }) => PARTIAL.includes(name))) throw new Malformed("a list that does not speak of all certificates and reasons");
}

/** One with an extension that is critical, or stands twice, or that takes another entry back. */
function saysNothing({ extensions }: Entry): boolean {
  const reason = extensions.find(({ name }) => name === REASON);
  return !areUnderstood(extensions) || (reason !== undefined && reasonOf(reason.value) === "removeFromCRL");
}

function needed(value: Der | undefined): Der {
  if (value === undefined) throw new Malformed("a list that ends early");
  return value;
}
