/** From who signed a timestamp or a document to a root of the trust file (Timestamps 3, number 5). */
import { equal, type Bytes } from "../base/bytes.ts";
import { Failed, Malformed } from "../base/errors.ts";
import { formatTime } from "../base/time.ts";
import { basicConstraints, EXTENSION, keyOf, keyUsage, purposes, readable, readableRoot, type Certificate } from "./certificate.ts";
import type { PublicKey } from "./publicKey.ts";
import { holds, makes, signingAlgorithm, type Signing } from "./signing.ts";

/** What the signer of a path is for. */
export interface Purpose {
  /** Extended key usages: an authority has one of them, any at all, or names none. */
  uses: string[];
  demandSigner(certificate: Certificate): void;
}

export interface Above {
  root: Bytes;
  /** Of signers, or between them and the root. */
  certificates: Bytes[];
}

export interface Path<A extends Above> {
  authority: A;
  /** The signer first, the root last. */
  certificates: Certificate[];
}

const LONGEST_PATH = 8;
/** Signatures that are looked at: who sends a token chooses how many certificates it has. */
const MOST_SIGNATURES = 64;
const DIGITAL_SIGNATURE = 0;
const NON_REPUDIATION = 1;
const CERTIFICATE_SIGN = 5;
const ANY_USE = "2.5.29.37.0";
const TIME_STAMPING = "1.3.6.1.5.5.7.3.8";
const UNDERSTOOD: string[] = [EXTENSION.basicConstraints, EXTENSION.keyUsage, EXTENSION.extendedKeyUsage, EXTENSION.policies, EXTENSION.subjectNames];

/** A signer of timestamps serves nothing else (RFC 3161 §2.3). */
export const TIMESTAMPS: Purpose = {
  uses: [TIME_STAMPING],
  demandSigner(certificate) {
    const found = purposes(certificate);
    const alone = found?.length === 1 && found[0] === TIME_STAMPING && certificate.extensions.get(EXTENSION.extendedKeyUsage)!.critical;
    if (!alone) throw new Failed(`${certificate.name} is not for timestamps alone, or does not say so critically`);
    demandSignerUsage(certificate);
  },
};

function demandSignerUsage(certificate: Certificate): void {
  const found = keyUsage(certificate);
  if (found !== undefined && [...found].some((bit) => bit !== DIGITAL_SIGNATURE && bit !== NON_REPUDIATION)) throw new Failed(`the key of ${certificate.name} is for something else than signatures`);
}

/**
 * The first path on which all holds at this instant (Unix seconds); none where nothing leads to a root.
 * `Failed`, by the first that was found, where what leads there does not hold.
 */
export function findPath<A extends Above>(signer: Certificate, others: Certificate[], authorities: A[], at: number, purpose: Purpose): Path<A> | undefined {
  const search = new Search(others, authorities);
  let fault: Failed | undefined;
  for (const found of search.from([signer])) {
    try {
      demandPath(found.certificates, at, purpose);
      return found;
    } catch (error) {
      if (!(error instanceof Failed)) throw error;
      fault ??= error;
    }
  }
  if (fault !== undefined) throw fault;
  return undefined;
}

/** Depth first: from each certificate the roots, then each other one, and from that on before the next. */
class Search<A extends Above> {
  private readonly roots: { authority: A; root: Certificate }[];
  private readonly others: Certificate[];
  private looked = 0;

  constructor(others: Certificate[], authorities: A[]) {
    this.roots = authorities.flatMap((authority) => {
      const root = readableRoot(authority.root);
      return root === undefined ? [] : [{ authority, root }];
    });
    const known = authorities.flatMap(({ certificates }) => certificates.flatMap((bytes) => readable(bytes) ?? []));
    this.others = [...others, ...known].filter((each, place, all) => all.findIndex(({ raw }) => equal(raw, each.raw)) === place);
  }

  *from(path: Certificate[]): Generator<Path<A>> {
    for (const { authority, root } of this.roots) {
      const place = path.findIndex(({ raw }) => equal(raw, root.raw));
      // It stands on the path already: it ends it there, without a further signature. A signer is never its own root.
      if (place > 0 && place === path.length - 1) yield { authority, certificates: path };
      if (place < 0 && this.isIssued(path, root)) yield { authority, certificates: [...path, root] };
    }
    for (const other of this.others)
      if (!path.some(({ raw }) => equal(raw, other.raw)) && this.isIssued(path, other)) yield* this.from([...path, other]);
  }

  /** Whether one more signed the last of the path. Counted is only where name and key fit; after the last signature that may be looked at nothing is found. */
  private isIssued(path: Certificate[], issuer: Certificate): boolean {
    const certificate = path.at(-1)!;
    const link = path.length < LONGEST_PATH ? linkBetween(certificate, issuer) : undefined;
    return link !== undefined && ++this.looked <= MOST_SIGNATURES && holds(link.key, link.how, certificate.tbs, certificate.signature);
  }
}

/** By the issuer's name, byte for byte, and by a key that makes such signatures; what does not fit leads nowhere. */
function linkBetween(certificate: Certificate, issuer: Certificate): { key: PublicKey; how: Signing } | undefined {
  if (!equal(certificate.issuer, issuer.subject)) return undefined;
  try {
    const [key, how] = [keyOf(issuer), signingAlgorithm(certificate.signatureAlgorithm)];
    return makes(key, how) ? { key, how } : undefined;
  } catch (error) {
    if (error instanceof Failed || error instanceof Malformed) return undefined;
    throw error;
  }
}

/** Rules for the whole path, the root too. */
function demandPath(path: Certificate[], at: number, purpose: Purpose): void {
  path.forEach((certificate, place) => {
    if (at < certificate.notBefore || at > certificate.notAfter)
      throw new Failed(`${certificate.name} is valid from ${formatTime(certificate.notBefore)} to ${formatTime(certificate.notAfter)}, not at ${formatTime(at)}`);
    for (const [name, { critical }] of certificate.extensions)
      if (name === EXTENSION.nameConstraints || (critical && !UNDERSTOOD.includes(name))) throw new Failed(`${certificate.name} has an extension that is not understood, ${name}`);
    keyOf(certificate);
    if (place > 0) demandAuthority(certificate, place - 1, purpose);
  });
  const signer = path[0]!;
  if (basicConstraints(signer).ca) throw new Failed(`${signer.name} is an authority, and signs itself`);
  purpose.demandSigner(signer);
}

/** An authority with so many others between it and the signer (RFC 5280 §4.2.1.9). */
function demandAuthority(certificate: Certificate, between: number, { uses }: Purpose): void {
  const { ca, pathLength } = basicConstraints(certificate);
  const found = purposes(certificate);
  if (!ca || keyUsage(certificate)?.has(CERTIFICATE_SIGN) === false) throw new Failed(`${certificate.name} is no authority, or may not sign certificates`);
  if (pathLength !== undefined && pathLength < BigInt(between)) throw new Failed(`below ${certificate.name} stand more authorities than it allows`);
  if (found !== undefined && !found.some((each) => each === ANY_USE || uses.includes(each))) throw new Failed(`${certificate.name} is for other purposes`);
}
