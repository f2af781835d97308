/** Forms of the extensions of RFC 5280 §4.2, and of a few others: one that has not the form of its kind makes a certificate none (Timestamps 3). */
import { concat, equal, type Bytes } from "../base/bytes.ts";
import { Malformed } from "../base/errors.ts";
import { BIT_STRING, BOOLEAN, demandTag, Fields, GENERALIZED_TIME, INTEGER, integer, OCTET_STRING, oid, OID, parseDer, retagged, SEQUENCE, SET, type Der } from "./der.ts";
import { attributesOf, demandName } from "./names.ts";
import { timeOf } from "./times.ts";

type Form = (value: Der) => void;

const NULL = 0x05;
const IA5 = 0x16;
/** UTF8String, VisibleString, BMPString, IA5String. */
const DISPLAY = [0x0c, 0x1a, 0x1e, IA5];
const CPS = "1.3.6.1.5.5.7.2.1";
const NOTICE = "1.3.6.1.5.5.7.2.2";
/** Bytes of an address, and of one with its mask (§4.2.1.10). */
const ADDRESS = [4, 16];
const NETWORK = [8, 32];

function demand(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Malformed(what);
}

const any: Form = () => {};
const anOid: Form = (value) => void oid(value);
const octets: Form = (value) => void demandTag(value, OCTET_STRING);
const time: Form = (value) => void timeOf(demandTag(value, GENERALIZED_TIME));
const count: Form = (value) => demand(integer(value) >= 0n, "a negative count");
const anInteger: Form = (value) => void integer(value);
const nothing: Form = (value) => demand(demandTag(value, NULL).content.length === 0, "a NULL with content");

/** One or more of a kind. */
function many(form: Form, tag = SEQUENCE): Form {
  return (value) => {
    const { children } = demandTag(value, tag);
    demand(children.length > 0, "an empty list");
    children.forEach(form);
  };
}

/** Members one after another, each demanded. */
function members(...forms: Form[]): Form {
  return (value) => {
    const { children } = demandTag(value, SEQUENCE);
    demand(children.length === forms.length, "another count of members");
    forms.forEach((form, place) => form(children[place]!));
  };
}

/** Members that may each be absent, known by their tags. */
function optionals(known: [number, Form][], value: Der, tag = SEQUENCE): void {
  const fields = new Fields(demandTag(value, tag).children);
  for (const [each, form] of known) {
    const found = fields.optional(each);
    if (found !== undefined) form(found);
  }
  fields.end();
}

/** An implicit tag: the content is that of the type, whatever the tag says. */
function implicit(tag: number, form: Form): Form {
  return (value) => form(retagged(value, tag));
}

/** The one value in an explicit tag. */
function inside(form: Form): Form {
  return ({ children }) => {
    demand(children.length === 1, "an explicit tag around another count than one");
    form(children[0]!);
  };
}

const ascii: Form = ({ content }) => demand(content.every((byte) => byte < 0x80), "a name that is not ASCII");

const distinguished: Form = (value) => void demandName(value);
const relative: Form = (value) => void attributesOf(value);

const otherName: Form = ({ children: [type, value, ...more] }) => {
  oid(type);
  demand(more.length === 0 && value?.tag === 0xa0, "a name of another kind without its value");
  inside(any)(value);
};

/** §4.2.1.6; names of the kinds X.400 and EDI are not read. */
function generalName(addresses: number[]): Form {
  const kinds = new Map<number, Form>([
    [0xa0, otherName], [0x81, ascii], [0x82, ascii], [0xa4, inside(distinguished)], [0x86, ascii],
    [0x87, ({ content }) => demand(addresses.includes(content.length), "an address of another length")],
    [0x88, ({ raw }) => void oid(parseDer(concat(Uint8Array.of(OID), raw.subarray(1))))],
  ]);
  return (value) => {
    const form = kinds.get(value.tag);
    demand(form !== undefined, "a name of a kind that is not read");
    form(value);
  };
}
const name = generalName(ADDRESS);
const names = many(name);

/** A list of named bits: none is set behind the last one that is written (DER). */
const flags: Form = (value) => {
  const { content } = demandTag(value, BIT_STRING);
  const [unused, last] = [content[0], content.at(-1)!];
  demand(unused !== undefined && unused < 8, "bits of another form");
  demand(content.length === 1 ? unused === 0 : (last & (1 << unused)) !== 0 && (last & ((1 << unused) - 1)) === 0, "named bits with needless zeros");
};

/** §4.2.1.3: where it is there, at least one bit is set. */
const usages: Form = (value) => {
  flags(value);
  demand(value.content.length > 1, "key usage of no use");
};

/** §4.2.1.1: issuer and serial number both, or neither. */
const authorityKey: Form = (value) => {
  optionals([[0x80, any], [0xa1, implicit(SEQUENCE, names)], [0x82, implicit(INTEGER, demandInteger)]], value);
  demand(value.children.some(({ tag }) => tag === 0xa1) === value.children.some(({ tag }) => tag === 0x82), "an issuer without a serial number, or the other way round");
};

/** Of an integer under another tag, whose bytes the reader of DER did not look at. */
function demandInteger({ content }: Der): void {
  const [first, second] = content;
  const needless = (first === 0 && second !== undefined && second < 0x80) || (first === 0xff && second !== undefined && second >= 0x80);
  demand(first !== undefined && !needless, "an integer with a needless byte");
}

const countInside = (value: Der): void => {
  demandInteger(value);
  demand(value.content[0]! < 0x80, "a negative count");
};

/** §4.2.1.9: a path length stands only beside `cA`. */
const constraints: Form = (value) => {
  optionals([[BOOLEAN, ({ content }) => demand(content[0] === 0xff, "a default that is written out")], [INTEGER, count]], value);
  demand(value.children[0]?.tag !== INTEGER, "a path length of what is no authority");
};

const qualifier: Form = (value) => {
  members(anOid, any)(value);
  const [kind, content] = value.children as [Der, Der];
  if (oid(kind) === CPS) ascii(demandTag(content, IA5));
  if (oid(kind) === NOTICE) optionals([[SEQUENCE, members(display, (numbers) => demandTag(numbers, SEQUENCE).children.forEach(anInteger))], ...DISPLAY.map((tag): [number, Form] => [tag, display])], content);
};
const display: Form = ({ tag }) => demand(DISPLAY.includes(tag), "text of another kind");

/** §4.2.1.4: each policy once. */
const policyList: Form = (value) => {
  many((each) => {
    const fields = new Fields(demandTag(each, SEQUENCE).children);
    oid(fields.next());
    const qualifiers = fields.optional(SEQUENCE);
    if (qualifiers !== undefined) many(qualifier)(qualifiers);
    fields.end();
  })(value);
  const found = value.children.map(({ children }) => oid(children[0]));
  demand(new Set(found).size === found.length, "a policy twice");
};

/** §4.2.1.10: a minimum of 0, which is not written out, and no maximum. */
const subtrees = implicit(SEQUENCE, many(members(generalName(NETWORK))));
const nameConstraints: Form = (value) => {
  optionals([[0xa0, subtrees], [0xa1, subtrees]], value);
  demand(value.children.length > 0, "name constraints that constrain nothing");
};

const policyConstraints: Form = (value) => {
  optionals([[0x80, countInside], [0x81, countInside]], value);
  demand(value.children.length > 0, "policy constraints that constrain nothing");
};

/** §4.2.1.13: a name or who signs the list, not reasons alone. */
const pointName: Form = inside((value) => {
  if (value.tag === 0xa0) implicit(SEQUENCE, names)(value);
  else implicit(SET, relative)(demandTag(value, 0xa1));
});
const points = many((value) => {
  optionals([[0xa0, pointName], [0x81, implicit(BIT_STRING, flags)], [0xa2, implicit(SEQUENCE, names)]], value);
  demand(value.children.some(({ tag }) => tag !== 0x81), "a distribution point of reasons alone");
});

const access = many(members(anOid, name));
const attributes = many(members(anOid, many(any, SET)));

/** From when to when a key is used: one of the two at least. */
const period: Form = (value) => {
  optionals([[0x80, implicit(GENERALIZED_TIME, time)], [0x81, implicit(GENERALIZED_TIME, time)]], value);
  demand(value.children.length > 0, "a period without a time");
};

/** RFC 6962 §3.3: a list of TLS, in bytes: its length, then each with its own. */
const logged: Form = (value) => {
  const { content } = demandTag(value, OCTET_STRING);
  const length = (at: number): number => (content[at] ?? NaN) * 256 + (content[at + 1] ?? NaN);
  let at = 2;
  demand(length(0) === content.length - 2, "a list of another length");
  while (at < content.length) {
    const next = at + 2 + length(at);
    demand(next <= content.length && next > at + 2, "a timestamp of a log of another length");
    at = next;
  }
};

const template: Form = (value) => {
  const fields = new Fields(demandTag(value, SEQUENCE).children);
  oid(fields.next());
  for (const version of [fields.optional(INTEGER), fields.optional(INTEGER)]) if (version !== undefined) count(version);
  fields.end();
};

const FORMS = new Map<string, Form>([
  ["2.5.29.9", attributes], ["2.5.29.14", octets], ["2.5.29.15", usages], ["2.5.29.16", period], ["2.5.29.17", names], ["2.5.29.18", names],
  ["2.5.29.19", constraints], ["2.5.29.30", nameConstraints], ["2.5.29.31", points], ["2.5.29.32", policyList], ["2.5.29.33", many(members(anOid, anOid))],
  ["2.5.29.35", authorityKey], ["2.5.29.36", policyConstraints], ["2.5.29.37", many(anOid)], ["2.5.29.46", points], ["2.5.29.54", count],
  ["1.3.6.1.5.5.7.1.1", access], ["1.3.6.1.5.5.7.1.11", access],
  ["1.3.6.1.5.5.7.48.1.5", nothing], ["1.3.6.1.5.5.7.1.24", many(anInteger)],
  ["1.3.6.1.4.1.11129.2.4.2", logged], ["1.3.6.1.4.1.11129.2.4.3", nothing], ["1.3.6.1.4.1.311.21.7", template],
]);

/** `Malformed` where the value of an extension has not the form of its kind; of other kinds none is known. */
export function demandForm(name: string, value: Bytes): void {
  const form = FORMS.get(name);
  if (form === undefined) return;
  const found = parseDer(value);
  demand(equal(found.raw, value), "something follows the value of an extension");
  form(found);
}
