/** Who signs claims, and the path above him (Signed files 2, numbers 3 and 8). */
import { equal, type Bytes } from "../base/bytes.ts";
import { Failed, Malformed } from "../base/errors.ts";
import { formatTime } from "../base/time.ts";
import { verifyRaw, type Algorithm } from "./algorithms.ts";
import { basicConstraints, EXTENSION, keyUsage, parseCertificate, purposes, readableRoot, subjectKeyIdentifier, type Certificate } from "../asn1/certificate.ts";
import { parseDer, sequence } from "../asn1/der.ts";
import { holds, signerKey, signingAlgorithm, type SignerKey } from "../asn1/signing.ts";
import { opened, within } from "./open.ts";

/** RFC 5280 §4.1.2.2; others read longer ones in several ways. */
const LONGEST_SERIAL = 20;
/** Of claims alone; timestamps have a smaller one. */
const LONGEST_KEY = 16_384;
const ALGORITHMS = new Map<number, Algorithm>([
  [-7, { kind: "ecdsa", hash: "sha256", size: 32 }], [-35, { kind: "ecdsa", hash: "sha384", size: 48 }], [-36, { kind: "ecdsa", hash: "sha512", size: 66 }],
  [-8, { kind: "ed25519" }],
]);
/** PS256, PS384, PS512: C2PA allows them; they are not judged here (ADR 50). */
const PSS = [-37, -38, -39];

const DIGITAL_SIGNATURE = 0;
const CERTIFICATE_SIGN = 5;
const LIST_SIGN = 6;
const ANY_USE = "2.5.29.37.0";
/** Whatever C2PA names, but the claims themselves. */
const C2PA_USES = "1.3.6.1.4.1.62558.";
/** Claims of C2PA, mail, documents. */
const CLAIM_USES = ["1.3.6.1.4.1.62558.2.1", "1.3.6.1.5.5.7.3.4", "1.3.6.1.5.5.7.3.36"];
/** Timestamps, answers about revocation. */
const OTHER_USES = [ANY_USE, "1.3.6.1.5.5.7.3.8", "1.3.6.1.5.5.7.3.9"];
const UNDERSTOOD: string[] = [
  EXTENSION.basicConstraints, EXTENSION.keyUsage, EXTENSION.extendedKeyUsage, EXTENSION.policies, EXTENSION.subjectNames, EXTENSION.subjectKey, EXTENSION.authorityKey,
];
function refuse(code: string, why: string): never {
  throw new Failed(`signer.${code}: ${why}`);
}

/** A certificate that every reader reads alike; any other is left to other programs. */
export function certificateOf(bytes: Bytes): Certificate {
  const found = opened(() => parseCertificate(bytes));
  within(found.serial > 0n && found.serialBytes.length <= LONGEST_SERIAL, "a serial number that is not positive, or longer than 20 bytes");
  return found;
}

/** `Failed` where it is none that may sign claims. */
export function claimKey(certificate: Certificate): SignerKey {
  try {
    return signerKey(certificate.keyInfo, LONGEST_KEY);
  } catch (error) {
    return refuse("key", `${certificate.name}: ${(error as Error).message}`);
  }
}

/** `Failed` unless the leaf's key made this signature under this algorithm of COSE. */
export function verifyClaim(certificate: Certificate, algorithm: number, message: Bytes, signature: Bytes): void {
  within(!PSS.includes(algorithm), "a signature by RSA");
  const how = ALGORITHMS.get(algorithm);
  if (how === undefined) throw new Failed(`algorithm.unsupported: a signature under the algorithm ${algorithm}`);
  if (!verifyRaw(claimKey(certificate), how, message, signature)) throw new Failed("claimSignature.mismatch: the signature does not hold by the signer's key");
}

/** The chain as the signature orders it, to the root at which it ends or below which it ends: a leaf is never its own root. */
export function pathTo(chain: Certificate[], roots: Bytes[]): Certificate[] {
  const last = chain.at(-1)!;
  for (const root of roots) demandRoot(root);
  if (chain.length > 1 && roots.some((root) => equal(root, last.raw))) return chain;
  for (const bytes of roots) {
    const root = readableRoot(bytes);
    if (root !== undefined && !equal(bytes, last.raw) && equal(root.subject, last.issuer) && isIssued(last, root)) return [...chain, root];
  }
  return refuse("untrusted", `the chain ends below ${last.name}, which no trusted root issued`);
}

/** A trust file that names something else than certificates is not what its publisher meant. */
function demandRoot(bytes: Bytes): void {
  try {
    parseCertificate(bytes, false);
  } catch (error) {
    refuse("malformed", `a root of the trust file: ${(error as Error).message}`);
  }
}

function isIssued({ signatureAlgorithm, tbs, signature }: Certificate, issuer: Certificate): boolean {
  try {
    return holds(signerKey(issuer.keyInfo, LONGEST_KEY), signingAlgorithm(signatureAlgorithm), tbs, signature);
  } catch (error) {
    if (error instanceof Failed || error instanceof Malformed) return false;
    throw error;
  }
}

/** `Failed` unless all of number 8 holds at this instant (Unix seconds), revocation aside. */
export function demandClaimPath(path: Certificate[], at: number): void {
  demandLeaf(path[0]!);
  path.forEach((certificate, place) => {
    demandSound(certificate);
    if (place > 0) demandAuthority(certificate, place - 1);
    const issuer = path[place + 1];
    if (issuer !== undefined) demandLink(certificate, issuer);
    if (at < certificate.notBefore) refuse("not_yet_valid", `${certificate.name} is valid from ${formatTime(certificate.notBefore)}, after ${formatTime(at)}`);
    if (at > certificate.notAfter) refuse("expired", `${certificate.name} was valid until ${formatTime(certificate.notAfter)}, before ${formatTime(at)}`);
  });
}

function demandLeaf(leaf: Certificate): void {
  const usage = keyUsage(leaf);
  const uses = purposes(leaf) ?? [];
  if (leaf.identifiers) refuse("unique_identifier", `${leaf.name} has a unique identifier of issuer or subject`);
  if (equal(leaf.issuer, leaf.subject)) refuse("self_signed", `${leaf.name} issued itself`);
  if (basicConstraints(leaf).ca) refuse("is_ca", `${leaf.name} is an authority`);
  if (usage === undefined || !usage.has(DIGITAL_SIGNATURE) || usage.has(CERTIFICATE_SIGN) || usage.has(LIST_SIGN)) refuse("key_usage", `the key of ${leaf.name} is not for signatures alone`);
  if (uses.some(isOtherUse) || !uses.some((use) => CLAIM_USES.includes(use))) refuse("purpose", `${leaf.name} is not for claims, or for something that excludes them`);
}

function isOtherUse(use: string): boolean {
  return OTHER_USES.includes(use) || (use.startsWith(C2PA_USES) && !CLAIM_USES.includes(use));
}

/** What each on the path must be. */
function demandSound(certificate: Certificate): void {
  for (const [name, { critical }] of certificate.extensions)
    if (name === EXTENSION.nameConstraints || (critical && !UNDERSTOOD.includes(name))) refuse("extension", `${certificate.name} has an extension that is not understood, ${name}`);
  claimKey(certificate);
  demandAlgorithm(certificate);
}

/** A root's own too. */
function demandAlgorithm({ signatureAlgorithm, name }: Certificate): void {
  try {
    signingAlgorithm(signatureAlgorithm);
  } catch (error) {
    refuse("algorithm", `${name}: ${(error as Error).message}`);
  }
}

/** An authority with so many others between it and the leaf (RFC 5280 §4.2.1.9). */
function demandAuthority(certificate: Certificate, between: number): void {
  const { ca, pathLength } = basicConstraints(certificate);
  const uses = purposes(certificate) ?? [];
  if (!ca || keyUsage(certificate)?.has(CERTIFICATE_SIGN) !== true) refuse("not_an_authority", `${certificate.name} is none that may sign certificates`);
  if (pathLength !== undefined && pathLength < BigInt(between)) refuse("path_length", `below ${certificate.name} stand more authorities than it allows`);
  if (uses.some(isOtherUse) && !uses.some((use) => CLAIM_USES.includes(use))) refuse("purpose", `${certificate.name} is for other purposes alone`);
}

/** Names and signature; key identifiers are those of one key (RFC 5280 §4.2.1.1). */
function demandLink(certificate: Certificate, issuer: Certificate): void {
  if (!equal(certificate.issuer, issuer.subject) || !isIssued(certificate, issuer)) refuse("chain_broken", `${issuer.name} did not issue ${certificate.name}`);
  const named = authorityKey(certificate);
  const own = subjectKeyIdentifier(issuer);
  if (named === undefined || own === undefined || !equal(named, own)) refuse("key_identifier", `${certificate.name} does not name the key of ${issuer.name}`);
}

function authorityKey(certificate: Certificate): Bytes | undefined {
  const found = certificate.extensions.get(EXTENSION.authorityKey);
  if (found === undefined) return undefined;
  const parts = sequence(parseDer(found.value));
  within(parts.length <= 1, "a key named by its issuer and serial number too");
  return parts.find(({ tag }) => tag === 0x80)?.content;
}
