/** Who may sign a claim: the path to a root of the trust file (Signed files 2, number 8). */
import { equal, type Bytes } from "../base/bytes.ts";
import { Failed } from "../base/errors.ts";
import { makeKey, verify } from "../base/keys.ts";
import {
  basicConstraints, EXTENSION, keyUsage, parseCertificate, purposes, readable, subjectKeyIdentifier, verifyIssued, type Certificate,
} from "../asn1/certificate.ts";
import { demandTag, Fields, oid, OID, parseDer, sequence } from "../asn1/der.ts";
import { HASHES } from "../asn1/publicKey.ts";
import { signerKey, type SignerKey } from "../asn1/signed.ts";
import { opened, within } from "./open.ts";

const LONGEST_SERIAL = 20;
const LONGEST_RSA = 8192;
const ED25519 = "1.3.101.112";
const CLAIMS = "1.3.6.1.4.1.62558.2.1";
/** The whole arc of C2PA. */
const C2PA_PURPOSES = "1.3.6.1.4.1.62558.";
const SIGNERS = [CLAIMS, "1.3.6.1.5.5.7.3.4", "1.3.6.1.5.5.7.3.36"];
const FORBIDDEN = ["2.5.29.37.0", "1.3.6.1.5.5.7.3.8", "1.3.6.1.5.5.7.3.9"];
const KNOWN = new Set<string>(Object.values(EXTENSION));
const [DIGITAL_SIGNATURE, CERT_SIGN, CRL_SIGN] = [0, 5, 6];

/** The key of a certificate; kinds that are not judged here are left open. */
export function claimKey(certificate: Certificate): SignerKey {
  const [name, parameters] = sequence(sequence(certificate.keyInfo)[0]);
  within(oid(name) === ED25519 || parameters?.tag === OID || parameters?.raw.length === 2, "a key of another kind");
  return opened(() => signerKey(certificate, LONGEST_RSA));
}

const CURVE_OF: Record<number, { size: number; hash: keyof typeof HASHES }> = { [-7]: { size: 32, hash: "sha256" }, [-35]: { size: 48, hash: "sha384" }, [-36]: { size: 66, hash: "sha512" } };
const EDDSA = -8;

/** `Failed` where the signature of a COSE algorithm does not hold; PS256 and its like are not judged here. */
export function verifyClaim(certificate: Certificate, algorithm: number, message: Bytes, signature: Bytes): void {
  const key = claimKey(certificate);
  if (key.kind === "ed25519" && algorithm === EDDSA) return verify(makeKey("ed25519", key.raw), message, signature);
  const curve = CURVE_OF[algorithm];
  within(key.kind === "ecdsa" && curve !== undefined && key.curve.Point.Fn.BYTES === curve.size, "a signature algorithm that does not go with the key");
  let holds = false;
  try {
    holds = signature.length === 2 * curve.size && key.curve.verify(signature, HASHES[curve.hash](message), key.point, { prehash: false, lowS: false });
  } catch {
    holds = false;
  }
  if (!holds) throw new Failed("the signature of the claim does not verify (claimSignature.mismatch)");
}

/** The path of these certificates, leaf first, to a root of the list: the last of them, or one above it. A leaf is never its own root. */
export function pathTo(chain: Certificate[], roots: Bytes[]): Certificate[] {
  const last = chain.at(-1)!;
  const known = roots.map(readable).filter((each) => each !== undefined);
  if (chain.length > 1 && known.some((root) => equal(root.raw, last.raw))) return chain;
  const root = known.find((each) => equal(each.subject, last.issuer) && isIssued(last, each));
  if (root === undefined) throw new Failed("no root of the trust file is above the signer (signer.untrusted)");
  return [...chain, root];
}

function isIssued(certificate: Certificate, issuer: Certificate): boolean {
  try {
    verifyLink(certificate, issuer);
    return true;
  } catch (error) {
    if (error instanceof Failed) return false;
    throw error;
  }
}

function verifyLink(certificate: Certificate, issuer: Certificate): void {
  const key = claimKey(issuer);
  const named = oid(sequence(certificate.signatureAlgorithm)[0]);
  if (key.kind === "ed25519") {
    within(named === ED25519 && sequence(certificate.signatureAlgorithm).length === 1, "a certificate signed with another algorithm than its issuer's key has");
    return verify(makeKey("ed25519", key.raw), certificate.tbs, certificate.signature);
  }
  within(KNOWN_SIGNATURES.has(named), "a certificate signed with an algorithm that is not judged here");
  verifyIssued(certificate, issuer);
}

const KNOWN_SIGNATURES = new Set([
  "1.2.840.113549.1.1.11", "1.2.840.113549.1.1.12", "1.2.840.113549.1.1.13", "1.2.840.10045.4.3.2", "1.2.840.10045.4.3.3", "1.2.840.10045.4.3.4",
]);

/** Each certificate may do what it does there, at this time. */
export function demandClaimPath(path: Certificate[], at: number): void {
  demandLeaf(path[0]!);
  path.forEach((certificate, place) => {
    const { name, extensions, notBefore, notAfter } = certificate;
    for (const [id, { critical }] of extensions) if (critical && !KNOWN.has(id)) throw new Failed(`a critical extension of ${name} is not known (signer.extension)`);
    if (extensions.has(EXTENSION.nameConstraints)) throw new Failed(`${name} has name constraints (signer.extension)`);
    claimKey(certificate);
    if (place > 0) demandIssuer(certificate, place - 1);
    const issuer = path[place + 1];
    if (issuer !== undefined) demandLink(certificate, issuer);
    if (at < notBefore) throw new Failed(`the certificate of ${name} was not yet valid (signer.not_yet_valid)`);
    if (at > notAfter) throw new Failed(`the certificate of ${name} had expired (signer.expired)`);
  });
}

function demandLeaf(leaf: Certificate): void {
  const usage = keyUsage(leaf);
  const uses = purposes(leaf) ?? [];
  if (equal(leaf.issuer, leaf.subject)) throw new Failed(`${leaf.name} signed himself (signer.self_signed)`);
  if (basicConstraints(leaf).ca) throw new Failed(`${leaf.name} is an authority (signer.is_ca)`);
  if (usage === undefined || !usage.has(DIGITAL_SIGNATURE) || usage.has(CERT_SIGN) || usage.has(CRL_SIGN)) throw new Failed(`the key of ${leaf.name} is for something else (signer.key_usage)`);
  const foreign = uses.some((each) => FORBIDDEN.includes(each) || (each.startsWith(C2PA_PURPOSES) && each !== CLAIMS));
  if (foreign || !uses.some((each) => SIGNERS.includes(each))) throw new Failed(`${leaf.name} is not for claims (signer.purpose)`);
  if (authorityKey(leaf) === undefined) throw new Failed(`${leaf.name} names no key of its issuer (signer.key_identifier)`);
}

function demandIssuer(authority: Certificate, below: number): void {
  const { ca, pathLength } = basicConstraints(authority);
  const uses = purposes(authority);
  if (!ca || keyUsage(authority)?.has(CERT_SIGN) !== true) throw new Failed(`${authority.name} may not sign certificates (signer.not_an_authority)`);
  if (pathLength !== undefined && BigInt(below) > pathLength) throw new Failed(`the path below ${authority.name} is too long (signer.path_length)`);
  within(uses === undefined || uses.some((each) => SIGNERS.includes(each)), `the purposes of ${authority.name}`);
}

function demandLink(certificate: Certificate, issuer: Certificate): void {
  if (!equal(certificate.issuer, issuer.subject)) throw new Failed(`${issuer.name} did not issue ${certificate.name} (signer.chain_broken)`);
  verifyLink(certificate, issuer);
  const own = subjectKeyIdentifier(issuer);
  const named = authorityKey(certificate);
  within(own !== undefined && named !== undefined, "an authority without a key identifier");
  if (!equal(own, named)) throw new Failed(`${certificate.name} names another key of its issuer (signer.key_identifier)`);
}

function authorityKey(certificate: Certificate): Bytes | undefined {
  const extension = certificate.extensions.get(EXTENSION.authorityKey);
  if (extension === undefined) return undefined;
  const fields = new Fields(sequence(parseDer(extension.value)));
  const found = fields.optional(0x80)?.content;
  within(found !== undefined, "an authority key without its identifier");
  fields.end();
  return found;
}

export function certificateOf(bytes: Bytes): Certificate {
  const found = opened(() => parseCertificate(bytes));
  demandTag(found.keyInfo, 0x30);
  within(found.serial > 0n && found.serialLength <= LONGEST_SERIAL, "a certificate whose serial number is not positive, or longer than 20 bytes");
  return found;
}
