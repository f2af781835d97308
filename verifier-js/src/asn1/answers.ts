/** Answers about certificates (RFC 6960), as an issuer gives them, or whom he made his responder (Signed files 6). */
import { sha1 } from "@noble/hashes/legacy.js";
import { sha224, sha256, sha384, sha512 } from "@noble/hashes/sha2.js";
import { equal, hex, type Bytes } from "../base/bytes.ts";
import { Failed, Malformed } from "../base/errors.ts";
import { EXTENSION, keyUsage, parseCertificate, purposes, readableRoot, type Certificate } from "./certificate.ts";
import {
  bits, demandTag, ENUMERATED, explicit, Fields, GENERALIZED_TIME, integer, OCTET_STRING, oid, parseDer, sequence, SEQUENCE, SET, signatureBits, type Der,
} from "./der.ts";
import { demandNull } from "./publicKey.ts";
import { reasonOf, type Word } from "./revocation.ts";
import { areUnderstood, extensionsOf, isSignedBy } from "./signed.ts";
import { timeOf } from "./times.ts";

const MOST_WORDS = 64;
const MOST_RESPONDERS = 4;
const BASIC = "1.3.6.1.5.5.7.48.1.1";
const RESPONDING = "1.3.6.1.5.5.7.3.9";
const [GOOD, REVOKED, UNKNOWN] = [0x80, 0xa1, 0x82];
const [DIGITAL_SIGNATURE, CONTENT_COMMITMENT] = [0, 1];
const KNOWN = new Set<string>(Object.values(EXTENSION));
/** Under which names and keys of issuers are found, not what is signed: SHA-1 does. */
const NAMING: Record<string, (bytes: Bytes) => Bytes> = {
  "1.3.14.3.2.26": sha1, "2.16.840.1.101.3.4.2.4": sha224, "2.16.840.1.101.3.4.2.1": sha256, "2.16.840.1.101.3.4.2.2": sha384,
  "2.16.840.1.101.3.4.2.3": sha512,
};

interface Single {
  /** None of a hash that is not known. */
  hash: ((bytes: Bytes) => Bytes) | undefined;
  issuerName: Bytes;
  issuerKey: Bytes;
  serial: bigint;
  /** None where it says neither good nor revoked, or more than is understood. */
  word: Omit<Word, "by" | "form" | "sha256"> | undefined;
}

interface Answer {
  sha256: string;
  signed: Bytes;
  algorithm: Der;
  signature: Bytes;
  responders: Certificate[];
  singles: Single[];
}

/** What these answers say of a certificate of this issuer, in their order. */
export function saidByAnswers(answers: Bytes[]): (certificate: Certificate, issuer: Certificate) => Word[] {
  const known = answers.map(readable).filter((each) => each !== undefined);
  return (certificate, issuer) => known.flatMap((answer) => {
    const words = answer.singles.filter((each) => isAbout(each, certificate, issuer)).map(({ word }) => word).filter((each) => each !== undefined);
    const own = words.length > 0 && isSignedBy(issuer, answer.algorithm, answer.signed, answer.signature);
    const others = words.length === 0 || own ? [] : answer.responders.filter((each) => isResponder(each, issuer) && isSignedBy(each, answer.algorithm, answer.signed, answer.signature));
    return words.flatMap((word) => {
      const by = own ? issuer : others.find(({ notBefore, notAfter }) => notBefore <= word.from && word.from <= notAfter);
      return by === undefined ? [] : [{ by: by.name, form: "answer" as const, ...word, sha256: answer.sha256 }];
    });
  });
}

function isAbout({ hash, issuerName, issuerKey, serial }: Single, certificate: Certificate, issuer: Certificate): boolean {
  return serial === certificate.serial && hash !== undefined && equal(hash(certificate.issuer), issuerName) && equal(hash(bits(sequence(issuer.keyInfo)[1])), issuerKey);
}

/** Whom the issuer himself made one; when he was one is another question. */
function isResponder(certificate: Certificate, issuer: Certificate): boolean {
  const { extensions } = certificate;
  try {
    const usage = keyUsage(certificate);
    const signs = usage === undefined || usage.has(DIGITAL_SIGNATURE) || usage.has(CONTENT_COMMITMENT);
    const understood = [...extensions].every(([id, { critical }]) => !critical || KNOWN.has(id)) && !extensions.has(EXTENSION.nameConstraints);
    return purposes(certificate)?.includes(RESPONDING) === true && signs && understood && equal(certificate.issuer, issuer.subject)
      && isSignedBy(issuer, certificate.signatureAlgorithm, certificate.tbs, certificate.signature);
  } catch (error) {
    if (error instanceof Malformed || error instanceof Failed) return false;
    throw error;
  }
}

function readable(bytes: Bytes): Answer | undefined {
  try {
    return parseAnswer(bytes);
  } catch (error) {
    if (error instanceof Malformed || error instanceof Failed) return undefined;
    throw error;
  }
}

function parseAnswer(bytes: Bytes): Answer {
  const [status, wrapped, ...more] = sequence(parseDer(bytes));
  const { content } = demandTag(status, ENUMERATED);
  if (content.length !== 1 || content[0] !== 0 || more.length > 0) throw new Malformed("an answer that was not successful");
  const [kind, inner, ...others] = sequence(explicit(wrapped, 0));
  if (oid(kind) !== BASIC || others.length > 0) throw new Malformed("an answer of another kind than the basic one");
  const fields = new Fields(sequence(parseDer(demandTag(inner, OCTET_STRING).content)));
  const signed = demandTag(fields.next(), SEQUENCE);
  const algorithm = demandTag(fields.next(), SEQUENCE);
  const signature = signatureBits(fields.next());
  const shown = fields.optional(0xa0);
  fields.end();
  const certificates = shown === undefined ? [] : sequence(explicit(shown, 0)).map(({ raw }) => raw);
  for (const each of certificates) parseCertificate(each, false);
  const responders = certificates.slice(0, MOST_RESPONDERS).map(readableRoot).filter((each) => each !== undefined);
  return { sha256: hex(sha256(bytes)), signed: signed.raw, algorithm, signature, responders, singles: parseData(signed) };
}

/** The version is the first, which DER does not write; who answers is told by the signature, and not by what it says of itself. */
function parseData(data: Der): Single[] {
  const fields = new Fields(sequence(data));
  demandResponder(fields.next());
  timeOf(demandTag(fields.next(), GENERALIZED_TIME));
  const singles = sequence(fields.next()).map(parseSingle);
  const extensions = fields.optional(0xa1);
  fields.end();
  if (!isUnderstood(extensions)) throw new Malformed("an answer with a critical extension, or with one twice");
  return singles.slice(0, MOST_WORDS);
}

function demandResponder(value: Der | undefined): void {
  if (value?.tag === 0xa2) return void demandTag(explicit(value, 2), OCTET_STRING);
  for (const set of sequence(explicit(value, 1)))
    for (const pair of demandTag(set, SET).children) {
      const [type, , ...more] = sequence(pair);
      if (oid(type) === "" || sequence(pair).length !== 2 || more.length > 0) throw new Malformed("a name of another form");
    }
}

function isUnderstood(extensions: Der | undefined): boolean {
  return extensions === undefined || areUnderstood(extensionsOf(explicit(extensions, 1)));
}

function parseSingle(value: Der): Single {
  const fields = new Fields(sequence(value));
  const [algorithm, name, key, serial, ...more] = sequence(fields.next());
  if (more.length > 0) throw new Malformed("a certificate that is named by more than four values");
  const status = fields.next();
  const from = timeOf(demandTag(fields.next(), GENERALIZED_TIME));
  const next = fields.optional(0xa0);
  const until = next === undefined ? undefined : timeOf(demandTag(explicit(next, 0), GENERALIZED_TIME));
  const understood = isUnderstood(fields.optional(0xa1));
  fields.end();
  const said = statusOf(status);
  const [hash, ...parameters] = sequence(algorithm);
  demandNull(parameters);
  return {
    hash: NAMING[oid(hash)], issuerName: demandTag(name, OCTET_STRING).content, issuerKey: demandTag(key, OCTET_STRING).content, serial: integer(serial),
    word: said === undefined || !understood ? undefined : { from, until, ...said },
  };
}

/** None of a certificate that the responder does not know. */
function statusOf(status: Der | undefined): Pick<Word, "revoked" | "reason"> | undefined {
  if (status?.tag === REVOKED) {
    const [since, reason, ...more] = status.children;
    const number = reason === undefined ? undefined : demandTag(explicit(reason, 0), ENUMERATED);
    if (more.length > 0 || (number !== undefined && (number.content.length > 5 || number.content[0]! >= 0x80))) throw new Malformed("a revocation of another form");
    return { revoked: timeOf(demandTag(since, GENERALIZED_TIME)), reason: number === undefined ? undefined : reasonOf(number.raw) };
  }
  if ((status?.tag !== GOOD && status?.tag !== UNKNOWN) || status.content.length > 0) throw new Malformed("a status of another form");
  return status.tag === GOOD ? { revoked: undefined, reason: undefined } : undefined;
}
