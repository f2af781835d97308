/** Answers about revocation (Signed files 6; RFC 6960). */
import { sha1 } from "@noble/hashes/legacy.js";
import { sha224, sha384, sha512 } from "@noble/hashes/sha2.js";
import { equal, hex, type Bytes } from "../base/bytes.ts";
import { Failed, Malformed } from "../base/errors.ts";
import { sha256 } from "../base/hashes.ts";
import { parseCertificate, type Certificate } from "./certificate.ts";
import {
  bits, demandTag, ENUMERATED, explicit, Fields, GENERALIZED_TIME, INTEGER, integer, OCTET_STRING, oid, parseDer, partsOf, SEQUENCE, sequence, signatureBits, type Der,
} from "./der.ts";
import { demandName } from "./names.ts";
import { answersFor } from "./responder.ts";
import { reasonOf, type Word } from "./revocation.ts";
import { areUnderstood, extensionsOf, isNull, isSignedBy, type Extension } from "./signed.ts";
import { timeOf } from "./times.ts";

const BASIC = "1.3.6.1.5.5.7.48.1.1";
const MOST_SINGLES = 64;
const MOST_RESPONDERS = 4;
const [GOOD, REVOKED, UNKNOWN] = [0x80, 0xa1, 0x82];

/** Digests by which an answer may name its certificate. */
const DIGESTS = new Map<string, (bytes: Bytes) => Bytes>([
  ["1.3.14.3.2.26", sha1], ["2.16.840.1.101.3.4.2.4", sha224], ["2.16.840.1.101.3.4.2.1", sha256], ["2.16.840.1.101.3.4.2.2", sha384],
  ["2.16.840.1.101.3.4.2.3", sha512],
]);

interface Single {
  identifier: Der[];
  state: "good" | "revoked" | "unknown";
  revoked: number | undefined;
  reason: string | undefined;
  from: number;
  until: number | undefined;
  extensions: Extension[];
}

/** As far as an answer must be read to know who signed it: its many parts anybody may have written. */
interface Outline {
  tbs: Bytes;
  algorithm: Der;
  signature: Bytes;
  /** The first of them. */
  certificates: Bytes[];
}

interface Answer {
  /** The first of them. */
  singles: Single[];
}

/** What these answers say of a certificate that this issuer issued; what is read once is kept. */
export function saidByAnswers(answers: Bytes[]): (certificate: Certificate, issuer: Certificate) => Word[] {
  const known = answers.map((bytes) => new Answered(bytes));
  return (certificate, issuer) => known.flatMap((each) => each.about(certificate, issuer));
}

class Answered {
  private readonly bytes: Bytes;
  private readonly outline: Outline | undefined;
  private content: Answer | null | undefined;
  private readonly signers = new Map<string, boolean>();
  private readonly entitled = new Map<string, boolean>();

  constructor(bytes: Bytes) {
    this.bytes = bytes;
    this.outline = orNothing(() => readOutline(bytes));
  }

  about(certificate: Certificate, issuer: Certificate): Word[] {
    const { outline } = this;
    if (outline === undefined) return [];
    const own = this.signed(outline, issuer);
    const lets = own ? [] : outline.certificates.filter((each) => this.isEntitled(each, issuer)).map((each) => parseCertificate(each, false)).filter((each) => this.signed(outline, each));
    if (!own && lets.length === 0) return [];
    this.content ??= orNothing(() => readAnswer(this.bytes)) ?? null;
    return (this.content?.singles ?? []).flatMap((single): Word[] => {
      const { from, until, revoked, reason } = single;
      if (!counts(single) || !names(single, certificate, issuer)) return [];
      const by = own ? issuer : lets.find((each) => each.notBefore <= from && from <= each.notAfter);
      return by === undefined ? [] : [{ by: by.name, form: "answer", from, until, revoked, reason, sha256: hex(sha256(this.bytes)) }];
    });
  }

  private signed({ algorithm, tbs, signature }: Outline, by: Certificate): boolean {
    return remembered(this.signers, hex(by.keyInfo.raw), () => isSignedBy(by, algorithm, tbs, signature));
  }

  private isEntitled(responder: Bytes, issuer: Certificate): boolean {
    return remembered(this.entitled, `${hex(responder)} ${hex(issuer.raw)}`, () => answersFor(responder, issuer));
  }
}

function remembered(known: Map<string, boolean>, name: string, ask: () => boolean): boolean {
  const before = known.get(name);
  if (before !== undefined) return before;
  const found = ask();
  known.set(name, found);
  return found;
}

function orNothing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof Malformed || error instanceof Failed) return undefined;
    throw error;
  }
}

/** BasicOCSPResponse, its parts unread. */
function readOutline(bytes: Bytes): Outline {
  const [, held] = partsOf(bytes);
  const [, response] = sequence(explicit(held, 0));
  const [data, algorithm, signature, certificates] = partsOf(demandTag(response, OCTET_STRING).content);
  const list = certificates === undefined ? undefined : partsOf(certificates.raw)[0];
  return {
    tbs: demandTag(data, SEQUENCE).raw, algorithm: parseDer(demandTag(algorithm, SEQUENCE).raw), signature: signatureBits(signature),
    certificates: list === undefined ? [] : partsOf(list.raw).slice(0, MOST_RESPONDERS).map((each) => each.raw),
  };
}

/** OCSPResponse, successful, and the BasicOCSPResponse in it (§4.2.1), wholly. */
function readAnswer(bytes: Bytes): Answer {
  const [status, held, ...more] = sequence(parseDer(bytes));
  if (demandTag(status, ENUMERATED).content.some((byte) => byte !== 0) || more.length > 0) throw new Malformed("an answer that is not successful");
  const [type, response, ...rest] = sequence(explicit(held, 0));
  if (oid(type) !== BASIC || rest.length > 0) throw new Malformed("an answer that is not basic");
  const fields = new Fields(sequence(parseDer(demandTag(response, OCTET_STRING).content)));
  const data = fields.next();
  demandTag(fields.next(), SEQUENCE);
  signatureBits(fields.next());
  const certificates = fields.optional(0xa0);
  fields.end();
  for (const each of certificates === undefined ? [] : sequence(explicit(certificates, 0))) parseCertificate(each.raw, false);
  return { singles: readSingles(demandTag(data, SEQUENCE)).slice(0, MOST_SINGLES) };
}

/** ResponseData: of version 1, which is a default and not written out. Who answers, and when it was made, is compared with nothing. */
function readSingles(data: Der): Single[] {
  const fields = new Fields(data.children);
  const by = fields.next();
  if (by?.tag === 0xa1) demandName(explicit(by, 1));
  else demandTag(explicit(by, 2), OCTET_STRING);
  answerTime(fields.next());
  const singles = sequence(fields.next()).map(readSingle);
  const extensions = fields.optional(0xa1);
  fields.end();
  if (extensions !== undefined && !areUnderstood(extensionsOf(explicit(extensions, 1)))) throw new Malformed("an answer with an extension that is critical, or stands twice");
  return singles;
}

function readSingle(value: Der): Single {
  const fields = new Fields(sequence(value));
  const identifier = sequence(fields.next());
  demandIdentifier(identifier);
  const state = readState(fields.next());
  const from = answerTime(fields.next());
  const next = fields.optional(0xa0);
  const extensions = fields.optional(0xa1);
  fields.end();
  return {
    identifier, ...state, from, until: next === undefined ? undefined : answerTime(explicit(next, 0)),
    extensions: extensions === undefined ? [] : extensionsOf(explicit(extensions, 1)),
  };
}

/** CertID: digest algorithm, digests of the issuer's name and key, serial number. */
function demandIdentifier([algorithm, name, key, serial, ...more]: Der[]): void {
  oid(sequence(algorithm)[0]);
  demandTag(name, OCTET_STRING);
  demandTag(key, OCTET_STRING);
  demandTag(serial, INTEGER);
  if (more.length > 0) throw new Malformed("a certificate's identifier of another form");
}

function readState(value: Der | undefined): Pick<Single, "state" | "revoked" | "reason"> {
  const nothing = { revoked: undefined, reason: undefined };
  if (value?.tag === REVOKED) {
    const fields = new Fields(value.children);
    const revoked = answerTime(fields.next());
    const reason = fields.optional(0xa0);
    fields.end();
    return { state: "revoked", revoked, reason: reason === undefined ? undefined : reasonOf(demandTag(explicit(reason, 0), ENUMERATED).raw) };
  }
  if ((value?.tag !== GOOD && value?.tag !== UNKNOWN) || value.content.length !== 0) throw new Malformed("a certificate's state of another form");
  return { state: value.tag === GOOD ? "good" : "unknown", ...nothing };
}

function answerTime(value: Der | undefined): number {
  return timeOf(demandTag(value, GENERALIZED_TIME));
}

/** It says good or revoked, and has no extension that is critical, or stands twice. */
function counts({ state, extensions }: Single): boolean {
  return state !== "unknown" && areUnderstood(extensions);
}

/** Exactly this certificate: its serial number, and digests of the issuer's name (DER) and key (content of the bit string). */
function names({ identifier }: Single, certificate: Certificate, issuer: Certificate): boolean {
  const [algorithm, name, key, serial] = identifier as [Der, Der, Der, Der];
  const [method, ...parameters] = sequence(algorithm);
  const digest = DIGESTS.get(oid(method));
  if (digest === undefined || (parameters.length > 0 && !isNull(parameters)) || integer(serial) !== certificate.serial) return false;
  return equal(name.content, digest(issuer.subject)) && equal(key.content, digest(bits(sequence(issuer.keyInfo)[1])));
}
