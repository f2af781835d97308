/** Forms of the extensions of certificates (RFC 5280, section 4.2), as far as they are known: one that has not its own makes a certificate none. */
import type { Bytes } from "../base/bytes.ts";
import { Malformed } from "../base/errors.ts";
import { BOOLEAN, BIT_STRING, demandTag, explicit, Fields, integer, INTEGER, OCTET_STRING, oid, OID, parseDer, sequence, SEQUENCE, SET, signatureBits, type Der } from "./der.ts";

const NULL = 0x05;
const KEY_AGREEMENT = 0x08;

const FORMS: Record<string, (value: Der) => void> = {
  "2.5.29.14": (value) => void demandTag(value, OCTET_STRING),
  "2.5.29.15": demandUsage,
  "2.5.29.16": demandPeriod,
  "2.5.29.17": demandNames,
  "2.5.29.18": demandNames,
  "2.5.29.19": demandConstraints,
  "2.5.29.31": demandPoints,
  "2.5.29.46": demandPoints,
  "2.5.29.32": demandPolicies,
  "2.5.29.35": demandAuthorityKey,
  "2.5.29.36": demandPolicyConstraints,
  "2.5.29.37": (value) => void sequence(value).map(oid),
  "2.5.29.54": demandCount,
  "1.3.6.1.5.5.7.1.1": demandAccess,
  "1.3.6.1.5.5.7.1.11": demandAccess,
  "1.3.6.1.5.5.7.1.24": (value) => void sequence(value).map(integer),
  "1.3.6.1.5.5.7.48.1.5": (value) => demand(demandTag(value, NULL).content.length === 0),
  "1.3.6.1.4.1.11129.2.4.2": demandTimestamps,
  "1.3.6.1.4.1.311.21.7": demandTemplate,
};

export function demandForm(name: string, value: Bytes): void {
  FORMS[name]?.(parseDer(value));
}

function demand(holds: boolean): asserts holds {
  if (!holds) throw new Malformed("an extension of another form");
}

/** The two that say what the key may only do go with agreeing on keys. */
function demandUsage(value: Der): void {
  demandTag(value, BIT_STRING);
  const [first = 0, second = 0] = signatureBits(value);
  demand((first & KEY_AGREEMENT) !== 0 || ((first & 1) === 0 && (second & 0x80) === 0));
}

function demandPeriod(value: Der): void {
  const fields = new Fields(sequence(value));
  for (const tag of [0x80, 0x81]) fields.optional(tag);
  fields.end();
}

function demandConstraints(value: Der): void {
  const fields = new Fields(sequence(value));
  const ca = fields.optional(BOOLEAN);
  const length = fields.optional(INTEGER);
  fields.end();
  demand(ca?.content[0] !== 0 && (length === undefined || (ca !== undefined && integer(length) >= 0n)));
}

function demandNames(value: Der): void {
  for (const each of sequence(value)) demandName(each);
}

/** Those of the kinds X.400 and EDI are not read. */
function demandName(value: Der): void {
  const { tag, content, children } = value;
  if (tag === 0x81 || tag === 0x82 || tag === 0x86) return demand(content.every((byte) => byte < 0x80));
  if (tag === 0x87) return demand([4, 16].includes(content.length));
  if (tag === 0x88) return demand(content.length > 0);
  if (tag === 0xa4) {
    for (const set of sequence(explicit(value, 4))) for (const pair of demandTag(set, SET).children) oid(sequence(pair)[0]);
    return;
  }
  demand(tag === 0xa0 && children.length === 2 && children[0]!.tag === OID && children[1]!.tag === 0xa0);
}

function demandPoints(value: Der): void {
  for (const each of sequence(value)) {
    const fields = new Fields(sequence(each));
    const name = fields.optional(0xa0);
    const reasons = fields.optional(0x81);
    const issuer = fields.optional(0xa2);
    fields.end();
    demand((name !== undefined || issuer !== undefined) && (reasons === undefined || reasons.content.length > 0));
    for (const one of issuer?.children ?? []) demandName(one);
    if (name === undefined) continue;
    const [inner, ...more] = name.children;
    demand(inner !== undefined && more.length === 0 && (inner.tag === 0xa0 || inner.tag === 0xa1));
    for (const one of inner.children) if (inner.tag === 0xa0) demandName(one);
  }
}

function demandPolicies(value: Der): void {
  for (const each of sequence(value)) {
    const fields = new Fields(sequence(each));
    oid(fields.next());
    const qualifiers = fields.optional(SEQUENCE);
    fields.end();
    for (const one of qualifiers?.children ?? []) demand(sequence(one).length === 2 && sequence(one)[0]!.tag === OID);
  }
}

function demandAuthorityKey(value: Der): void {
  const fields = new Fields(sequence(value));
  fields.optional(0x80);
  const issuer = fields.optional(0xa1);
  const serial = fields.optional(0x82);
  fields.end();
  demand((issuer === undefined) === (serial === undefined));
  for (const one of issuer?.children ?? []) demandName(one);
}

function demandPolicyConstraints(value: Der): void {
  const fields = new Fields(sequence(value));
  const found = [0x80, 0x81].map((tag) => fields.optional(tag));
  fields.end();
  demand(found.some((each) => each !== undefined));
}

function demandCount(value: Der): void {
  demand(integer(value) >= 0n);
}

function demandAccess(value: Der): void {
  for (const each of sequence(value)) {
    const [method, place, ...more] = sequence(each);
    oid(method);
    demand(place !== undefined && more.length === 0);
    demandName(place);
  }
}

/** What logs of certificates signed: a list in the form of TLS. */
function demandTimestamps(value: Der): void {
  const { content } = demandTag(value, OCTET_STRING);
  let at = 2;
  demand(content.length >= 2 && content[0]! * 256 + content[1]! === content.length - 2);
  while (at < content.length) {
    demand(at + 2 <= content.length);
    at += 2 + content[at]! * 256 + content[at + 1]!;
  }
  demand(at === content.length);
}

function demandTemplate(value: Der): void {
  const fields = new Fields(sequence(value));
  oid(fields.next());
  for (const tag of [INTEGER, INTEGER]) fields.optional(tag);
  fields.end();
}
