/** The path from who signed a timestamp or a document to a root of the trust file (Timestamps 3, number 5; Signed files 5.2, number 7). */
import { equal, hex, type Bytes } from "../base/bytes.ts";
import { Failed, Malformed } from "../base/errors.ts";
import {
  basicConstraints, EXTENSION, keyOf, keyUsage, purposes, readable, readableRoot, verifyIssued, type Certificate,
} from "./certificate.ts";
import { sequence } from "./der.ts";
import { signatureAlgorithm } from "./publicKey.ts";

const LONGEST = 8;
/** Signatures of certificates that are looked at for one path: there may be many that name one another. */
const MOST_LINKS = 64;
const TIME_STAMPING = "1.3.6.1.5.5.7.3.8";
const ANY_PURPOSE = "2.5.29.37.0";
const KNOWN = new Set<string>([EXTENSION.basicConstraints, EXTENSION.keyUsage, EXTENSION.extendedKeyUsage, EXTENSION.policies, EXTENSION.subjectNames]);
const DIGITAL_SIGNATURE = 0;
const CONTENT_COMMITMENT = 1;
const CERT_SIGN = 5;

/** What a path is for. */
export interface Purpose {
  /** Purposes of which an authority that is not for everything has one. */
  uses: string[];
  demandSigner(certificate: Certificate): void;
}

export interface Above {
  root: Bytes;
  certificates: Bytes[];
}

export interface Path<A extends Above> {
  authority: A;
  /** Signer first, root last. */
  certificates: Certificate[];
}

/** A path at this time; none where no root of the trust file is above the signer; `Failed` where every path that leads to one is at fault. */
export function findPath<A extends Above>(signer: Certificate, others: Certificate[], authorities: A[], at: number, purpose: Purpose): Path<A> | undefined {
  let fault: Failed | undefined;
  for (const path of new Search(others, authorities).above([signer])) {
    try {
      demandPath(path.certificates, at, purpose);
      return path;
    } catch (error) {
      if (!(error instanceof Failed)) throw error;
      fault ??= error;
    }
  }
  if (fault !== undefined) throw fault;
  return undefined;
}

export const TIMESTAMPS: Purpose = { uses: [TIME_STAMPING], demandSigner: demandClock };

/** The order is part of what is verified: after the last of the links nothing more is found. */
class Search<A extends Above> {
  private links = 0;
  private readonly roots: { authority: A; root: Certificate }[] = [];
  private readonly between = new Map<string, Certificate>();

  constructor(others: Certificate[], authorities: A[]) {
    for (const authority of authorities) {
      const root = readableRoot(authority.root);
      if (root !== undefined) this.roots.push({ authority, root });
    }
    const theirs = authorities.flatMap((each) => each.certificates.map(readable));
    for (const each of [...others, ...theirs]) if (each !== undefined && !this.between.has(hex(each.raw))) this.between.set(hex(each.raw), each);
  }

  /** Chains of certificates each of which the next one signed, up to a root. */
  *above(chain: Certificate[]): Generator<Path<A>> {
    const last = chain.at(-1)!;
    for (const { authority, root } of this.roots) {
      const there = equal(root.raw, last.raw);
      // A signer is never its own root.
      if (there && chain.length > 1) yield { authority, certificates: chain };
      if (!there && this.issued(last, root)) yield { authority, certificates: [...chain, root] };
    }
    if (chain.length >= LONGEST - 1) return;
    for (const next of this.between.values())
      if (!chain.some((each) => equal(each.raw, next.raw)) && this.issued(last, next)) yield* this.above([...chain, next]);
  }

  private issued(certificate: Certificate, issuer: Certificate): boolean {
    if (!equal(certificate.issuer, issuer.subject) || this.links >= MOST_LINKS || !hasSoundKey(issuer) || !isSoundlySigned(certificate)) return false;
    this.links += 1;
    try {
      verifyIssued(certificate, issuer);
      return true;
    } catch (error) {
      if (error instanceof Failed || error instanceof Malformed) return false;
      throw error;
    }
  }
}

/** What is signed otherwise leads nowhere, and is not counted. */
function isSoundlySigned({ signatureAlgorithm: value }: Certificate): boolean {
  try {
    const { kind, hash } = signatureAlgorithm(value);
    return hash !== undefined && (kind === "rsa" || sequence(value).length === 1);
  } catch (error) {
    if (error instanceof Failed || error instanceof Malformed) return false;
    throw error;
  }
}

function hasSoundKey(certificate: Certificate): boolean {
  try {
    keyOf(certificate);
    return true;
  } catch (error) {
    if (error instanceof Failed || error instanceof Malformed) return false;
    throw error;
  }
}

function demandPath(certificates: Certificate[], at: number, { uses, demandSigner }: Purpose): void {
  certificates.forEach((certificate, place) => {
    const { name } = certificate;
    if (at < certificate.notBefore || at > certificate.notAfter) throw new Failed(`the certificate of ${name} was not valid then`);
    keyOf(certificate);
    for (const [id, { critical }] of certificate.extensions) if (critical && !KNOWN.has(id)) throw new Failed(`a critical extension of ${name} is not known`);
    if (certificate.extensions.has(EXTENSION.nameConstraints)) throw new Failed(`${name} has name constraints`);
    if (place === 0) demandSigner(certificate);
    else demandAuthority(certificate, place - 1, uses);
  });
}

function demandClock(certificate: Certificate): void {
  const usage = keyUsage(certificate);
  const uses = purposes(certificate);
  if (basicConstraints(certificate).ca) throw new Failed(`the signer ${certificate.name} is an authority`);
  if (uses?.length !== 1 || uses[0] !== TIME_STAMPING || !certificate.extensions.get(EXTENSION.extendedKeyUsage)!.critical)
    throw new Failed(`the signer ${certificate.name} is not for timestamps alone`);
  if (usage !== undefined && (usage.size === 0 || [...usage].some((bit) => bit !== DIGITAL_SIGNATURE && bit !== CONTENT_COMMITMENT))) throw new Failed(`the key of ${certificate.name} is for something else than to sign`);
}

/** `below`: how many authorities stand between this one and the signer. */
function demandAuthority(certificate: Certificate, below: number, purposesAbove: string[]): void {
  const { ca, pathLength } = basicConstraints(certificate);
  const usage = keyUsage(certificate);
  const uses = purposes(certificate);
  if (!ca || (usage !== undefined && !usage.has(CERT_SIGN))) throw new Failed(`${certificate.name} may not sign certificates`);
  if (pathLength !== undefined && BigInt(below) > pathLength) throw new Failed(`the path below ${certificate.name} is too long`);
  if (uses !== undefined && ![...purposesAbove, ANY_PURPOSE].some((each) => uses.includes(each))) throw new Failed(`${certificate.name} is for other purposes`);
}
