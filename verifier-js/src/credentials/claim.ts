/** The strict verdict (Signed files 2) on the manifests that our registrars make: one in the file, in a PNG, of known assertions. */
import { concat, equal, utf8, type Bytes } from "../base/bytes.ts";
import { bytesHead, textHead } from "../base/cbor.ts";
import { Failed, Malformed } from "../base/errors.ts";
import { anyObject } from "../base/forms.ts";
import { sha256 } from "../base/hashes.ts";
import { parseCanonical, type Json } from "../base/json.ts";
import { parseTime } from "../base/time.ts";
import { verifyTimestamp } from "../asn1/timestamp.ts";
import type { Certificate } from "../asn1/certificate.ts";
import { enclosed, type Said, type Words } from "../asn1/revocation.ts";
import type { Sentence } from "../steps/findings.ts";
import type { Trust } from "../trust.ts";
import { bytesOf, decodeItem, listOf, mapWith, Tag, textOf, type Item, type ItemMap } from "./items.ts";
import { onlyContent, parseStore, type Box } from "./jumbf.ts";
import { within } from "./open.ts";
import { storeInPng, type Place } from "./png.ts";
import { demandNotRevoked, unanswered } from "./revoked.ts";
import { certificateOf, demandClaimPath, pathTo, verifyClaim } from "./signers.ts";

const LONGEST_STORE = 32 << 20;
const LONGEST_JSON = 512 << 10;
const MOST_CERTIFICATES = 8;
const MOST_ANSWERS = 64;
const CHAIN = 33;
const OURS = "org.tallystick.";
/** As C2PA 2 makes one, without the name of a vendor or a version. */
const LABEL = /^urn:c2pa:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export interface Verdict {
  signer: string;
  /** Unix seconds: of a timestamp that holds, else of the check. */
  judgedAt: number;
  sourceType: string | null;
  /** The one assertion of ours: its label and what it says. */
  assertion: { label: string; value: Json } | undefined;
  /** What issuers said of the signer and those above him. */
  revocation: Said[];
  problems: Sentence[];
}

/** `Failed` where a rule does not hold; `Open` where the file is of a kind that is not wholly judged here. */
export function judgeFile(bytes: Bytes, trust: Trust, at: number, beside?: Words): Verdict {
  const place = storeInPng(bytes);
  within(place.store.length <= LONGEST_STORE, "a store of more than 32 MiB");
  const store = parseStore(place.store);
  within(store.type === "c2pa" && store.label === "c2pa" && store.children.length === 1, "a store with another number of manifests than one");
  const manifest = store.children[0]!;
  within(manifest.type === "c2ma" && manifest.label !== undefined && LABEL.test(manifest.label), "a manifest of another kind");
  const { assertions, claim, signature } = partsOf(manifest);
  const claimBytes = onlyContent(claim, "cbor");
  const listed = readClaim(claimBytes, manifest.label);
  const { leaf, judgedAt, path, answers } = readSignature(onlyContent(signature, "cbor"), claimBytes, trust, at, beside);
  demandListed(assertions, listed);
  demandBinding(assertions, listed, bytes, place);
  demandClaimPath(path, judgedAt);
  const found = enclosed(path, judgedAt, [], answers, beside);
  demandNotRevoked(found, judgedAt);
  const sourceType = readActions(assertions, at);
  demandIngredients(assertions);
  return { signer: leaf.name, judgedAt, sourceType, assertion: ownAssertion(assertions, listed), revocation: found.said, problems: unanswered(found, judgedAt) };
}

function partsOf({ children }: Box): { assertions: Map<string, Box>; claim: Box; signature: Box } {
  const [store, claim, signature, ...more] = children;
  within(more.length === 0 && store?.type === "c2as" && claim?.type === "c2cl" && signature?.type === "c2cs", "a manifest of other boxes than assertions, claim, signature");
  within(store.label === "c2pa.assertions" && claim.label === "c2pa.claim.v2" && signature.label === "c2pa.signature", "a claim of another version");
  const assertions = new Map(store.children.map((each) => [each.label ?? "", each]));
  within(assertions.size === store.children.length && !assertions.has(""), "two assertions of one label, or one without");
  return { assertions, claim, signature };
}

interface Listed {
  hash: Bytes;
  created: boolean;
}

/** What the claim lists, by label. */
function readClaim(bytes: Bytes, manifest: string): Map<string, Listed> {
  const claim = mapWith(decodeItem(bytes), "instanceID", "claim_generator_info", "dc:title", "alg", "created_assertions", "gathered_assertions", "signature");
  textOf(claim.get("instanceID"));
  const generator = mapWith(claim.get("claim_generator_info"), "name", "version", "org.contentauth.c2pa_rs");
  within(generator.has("name") && [...generator.values()].every((each) => typeof each === "string" && each !== ""), "a generator of another form");
  within(claim.get("alg") === "sha256", "a claim with another hash than SHA-256");
  within(!claim.has("dc:title") || typeof claim.get("dc:title") === "string", "a title that is no text");
  within(claim.get("signature") === `self#jumbf=/c2pa/${manifest}/c2pa.signature`, "a claim that names its signature in another way");
  const found = new Map<string, Listed>();
  for (const [name, created] of [["created_assertions", true], ["gathered_assertions", false]] as const)
    for (const each of listOf(claim.get(name) ?? [])) {
      const link = mapWith(each, "url", "hash");
      const label = labelOf(link);
      if (found.has(label)) throw new Failed(`the assertion ${label} is listed twice`);
      found.set(label, { hash: bytesOf(link.get("hash")), created });
    }
  return found;
}

const ASSERTION = "self#jumbf=c2pa.assertions/";

function labelOf(link: ItemMap): string {
  const url = textOf(link.get("url"));
  within(url.startsWith(ASSERTION), "an assertion that is named in another way");
  return url.slice(ASSERTION.length);
}

function readSignature(bytes: Bytes, claim: Bytes, trust: Trust, at: number, beside: Words | undefined): { leaf: Certificate; judgedAt: number; path: Certificate[]; answers: Bytes[] } {
  const signed = decodeItem(bytes);
  within(signed instanceof Tag && signed.tag === 18, "a signature that is no COSE_Sign1");
  const [header, unprotected, payload, signature, ...more] = listOf(signed.value);
  within(more.length === 0 && payload === null && unprotected instanceof Map, "a signature of another form");
  const protectedBytes = bytesOf(header);
  const fields = decodeItem(protectedBytes);
  within(fields instanceof Map && fields.size === 2 && fields.has(1) && fields.has(CHAIN), "a protected header of other members");
  const algorithm = fields.get(1);
  within(typeof algorithm === "number", "an algorithm that is no number");
  const chain = fields.get(CHAIN)!;
  const certificates = (Array.isArray(chain) ? chain : [chain]).map((each) => certificateOf(bytesOf(each)));
  within(certificates.length >= 1 && certificates.length <= MOST_CERTIFICATES, "another number of certificates than 1 to 8");
  const value = bytesOf(signature);
  verifyClaim(certificates[0]!, algorithm, structure("Signature1", protectedBytes, claim), value);
  const path = pathTo(certificates, trust.c2paRoots);
  return { leaf: certificates[0]!, judgedAt: timeOfSigning(unprotected, protectedBytes, value, trust, at, beside), path, answers: answersIn(unprotected) };
}

/** Four members: a name, the protected header, nothing, the payload (RFC 9052 §4.4). */
function structure(context: string, header: Bytes, payload: Bytes): Bytes {
  return concat(Uint8Array.of(0x84), textHead(context.length), utf8(context), bytesHead(header.length), header, Uint8Array.of(0x40), bytesHead(payload.length), payload);
}

/** By one token of a known authority over the signature that still counts, else the time of the check. */
function timeOfSigning(unprotected: ItemMap, header: Bytes, signature: Bytes, trust: Trust, at: number, beside: Words | undefined): number {
  for (const [name, value] of unprotected) {
    within(name === "pad" || name === "pad2" || name === "sigTst2" || name === "rVals", `the unprotected member ${name}`);
    if (name === "pad" || name === "pad2") within(bytesOf(value).every((byte) => byte === 0), "padding that is not zero");
  }
  if (!unprotected.has("sigTst2")) return at;
  const tokens = listOf(mapWith(unprotected.get("sigTst2"), "tstTokens").get("tstTokens"));
  within(tokens.length === 1, "another number of tokens than one");
  const token = bytesOf(mapWith(tokens[0], "val").get("val"));
  const found = heldToken(token, structure("CounterSignature", header, concat(bytesHead(signature.length), signature)), trust, beside);
  // As if it had never been made; but one of the future refuses, and what is not exact is left open.
  if (found.revoked !== undefined && (found.latest <= at || found.details.earliest < at)) return at;
  within(found.authority !== undefined && found.latest <= at && found.details.earliest === found.time && found.latest === found.time, "a timestamp that is not exact, or not by a known authority");
  return found.time;
}

/** Nobody signed them: what is no answer says nothing. */
function answersIn(unprotected: ItemMap): Bytes[] {
  const held = unprotected.get("rVals");
  const listed = held instanceof Map ? held.get("ocspVals") : undefined;
  return Array.isArray(listed) ? listed.filter((each) => each instanceof Uint8Array).slice(0, MOST_ANSWERS) : [];
}

function heldToken(token: Bytes, message: Bytes, trust: Trust, beside: Words | undefined) {
  try {
    return verifyTimestamp(token, message, trust.authorities, beside);
  } catch (error) {
    within(!(error instanceof Failed), "a timestamp that does not hold");
    throw error;
  }
}

/** Each listed assertion is there with its hash, and no other. */
function demandListed(assertions: Map<string, Box>, listed: Map<string, Listed>): void {
  for (const [label, { hash }] of listed) {
    const box = assertions.get(label);
    within(box !== undefined, `the assertion ${label} is not there`);
    if (!equal(sha256(box.content), hash)) throw new Failed(`the assertion ${label} was changed (assertion.hashedURI.mismatch)`);
  }
  for (const label of assertions.keys()) within(listed.has(label), `the assertion ${label}, which the claim does not list`);
}

const BINDING = "c2pa.hash.data";

function demandBinding(assertions: Map<string, Box>, listed: Map<string, Listed>, bytes: Bytes, { start, length }: Place): void {
  for (const label of assertions.keys()) within(label === BINDING || !label.startsWith("c2pa.hash."), `the binding ${label}`);
  const box = assertions.get(BINDING);
  if (box === undefined || listed.get(BINDING)?.created !== true) throw new Failed("nothing binds the claim to the file (claim.hardBindings.missing)");
  const binding = mapWith(decodeItem(typed(box, "cbor")), "exclusions", "name", "alg", "hash", "pad");
  within(binding.get("alg") === "sha256" && bytesOf(binding.get("pad")).every((byte) => byte === 0) && typeof binding.get("name") === "string", "a binding of another form");
  const exclusions = listOf(binding.get("exclusions"));
  within(exclusions.length === 1, "another number of exclusions than one");
  const left = mapWith(exclusions[0], "start", "length");
  if (left.get("start") !== start || left.get("length") !== length) throw new Failed("the binding leaves out something else than the store (binding.exclusion)");
  if (!equal(sha256(concat(bytes.subarray(0, start), bytes.subarray(start + length))), bytesOf(binding.get("hash"))))
    throw new Failed("the file was changed after it was signed (assertion.dataHash.mismatch)");
}

function typed(box: Box, type: string): Bytes {
  within(box.type === type, `an assertion of type ${box.type}`);
  return onlyContent(box, type);
}

const SOURCE = "digitalSourceType";

/** What the first action says of the source; `Failed` where one is of after the check. */
function readActions(assertions: Map<string, Box>, at: number): string | null {
  const box = assertions.get("c2pa.actions.v2");
  within(box !== undefined, "a manifest without actions");
  const actions = listOf(mapWith(decodeItem(typed(box, "cbor")), "actions").get("actions")).map((each) => mapWith(each, "action", "when", SOURCE, "parameters"));
  const names = actions.map((each) => textOf(each.get("action")));
  within(names[0] === "c2pa.created" && names.slice(1).every((each) => each === "c2pa.placed" || each === "c2pa.published"), "actions that are not judged here");
  actions.forEach((action, index) => {
    demandTime(action.get("when"), at);
    within(action.has("parameters") === (names[index] === "c2pa.placed") && action.has(SOURCE) === (index === 0), "an action of another form");
    if (action.has("parameters")) demandPlaced(action.get("parameters"), assertions);
  });
  return textOf(actions[0]!.get(SOURCE)) || null;
}

function demandTime(when: Item | undefined, at: number): void {
  within(when instanceof Tag && when.tag === 0, "an action at no time");
  if (parseTime(textOf(when.value)) > at) throw new Failed("an action is of after the file was logged (time.future)");
}

function demandPlaced(parameters: Item | undefined, assertions: Map<string, Box>): void {
  const placed = listOf(mapWith(parameters, "ingredients").get("ingredients"));
  within(placed.length === 1, "an action on another number of things than one");
  for (const each of placed) {
    const link = mapWith(each, "url", "hash");
    const box = assertions.get(labelOf(link));
    within(box !== undefined && labelOf(link) === INGREDIENT && equal(sha256(box.content), bytesOf(link.get("hash"))), "an action on something else than the ingredient");
  }
}

const INGREDIENT = "c2pa.ingredient.v3";

/** Ingredients without a manifest of their own say what the file is about; they prove nothing. */
function demandIngredients(assertions: Map<string, Box>): void {
  for (const [label, box] of assertions) {
    within(["c2pa.actions.v2", BINDING, INGREDIENT].includes(label) || label.startsWith(OURS), `the assertion ${label}`);
    if (label !== INGREDIENT) continue;
    const found = mapWith(decodeItem(typed(box, "cbor")), "relationship", "dc:title", "dc:format", "instanceID", "description");
    within(found.get("relationship") === "componentOf" && [...found.values()].every((each) => typeof each === "string"), "an ingredient of another form");
  }
}

function canonical(bytes: Bytes): Json {
  try {
    return anyObject(parseCanonical(bytes, LONGEST_JSON));
  } catch (error) {
    if (error instanceof Malformed) throw new Failed(`what it says of the log is not canonical JSON: ${error.message}`);
    throw error;
  }
}

/** At most one of ours is known here: JSON, created by the signer. */
function ownAssertion(assertions: Map<string, Box>, listed: Map<string, Listed>): Verdict["assertion"] {
  const own = [...assertions].filter(([label]) => label.startsWith(OURS));
  for (const [label] of own) {
    if (!["licence", "certificate"].includes(label.slice(OURS.length))) throw new Failed(`${label} is no assertion that is known (assertion.unknown)`);
    if (listed.get(label)?.created !== true) throw new Failed(`${label} was not created by the signer (assertion.not_created)`);
  }
  const [only, ...more] = own;
  within(more.length === 0, "a licence and a certificate in one file");
  if (only === undefined) return undefined;
  const bytes = typed(only[1], "json");
  return { label: only[0].slice(OURS.length), value: canonical(bytes) };
}
