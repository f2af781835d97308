/** The one manifest of a store: its claim, its signature, its assertions (Signed files 2, numbers 1, 2 and 4). */
import { equal, type Bytes } from "../base/bytes.ts";
import { Failed } from "../base/errors.ts";
import { sha256 } from "../base/hashes.ts";
import { bytesOf, decodeItem, listOf, mapWith, textOf, type Item, type ItemMap } from "./items.ts";
import { onlyContent, parseStore, type Box } from "./jumbf.ts";
import { within } from "./open.ts";

const LABEL = /^urn:c2pa:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const ASSERTIONS = "c2pa.assertions";
const CLAIM = "c2pa.claim.v2";
const SIGNATURE = "c2pa.signature";
const MEMBERS = ["instanceID", "claim_generator_info", "dc:title", "alg", "created_assertions", "gathered_assertions", "signature"];

export interface Assertion {
  label: string;
  box: Box;
  /** SHA-256 of its box's content. */
  hash: Bytes;
  /** By the signer himself; else he found it, and does not answer for it. */
  created: boolean;
}

export interface Manifest {
  label: string;
  /** The bytes that are signed. */
  claim: Bytes;
  /** The COSE_Sign1. */
  signature: Item;
  assertions: Map<string, Assertion>;
}

/** What its claim lists, which is what stands in it. */
export function readManifest(store: Bytes): Manifest {
  const root = parseStore(store);
  within(root.type === "c2pa" && root.label === "c2pa", "a store that is none of C2PA");
  const [manifest, ...others] = root.children;
  within(manifest !== undefined && others.length === 0 && manifest.type === "c2ma", "another count of manifests than one, or an update");
  const { label } = manifest;
  within(label !== undefined && LABEL.test(label), "a manifest with another label");
  const claim = onlyContent(part(manifest, "c2cl", CLAIM), "cbor");
  const members = mapWith(decodeItem(claim), ...MEMBERS);
  demandClaim(members, label);
  const found = new Map<string, Assertion>();
  const listed = { boxes: part(manifest, "c2as", ASSERTIONS).children, label, found };
  list(members.get("created_assertions"), true, listed);
  if (members.has("gathered_assertions")) list(members.get("gathered_assertions"), false, listed);
  if (listed.boxes.some((box) => !found.has(box.label ?? ""))) throw new Failed("assertion.undeclared: an assertion stands in the manifest that the claim does not list");
  return { label, claim, signature: decodeItem(onlyContent(part(manifest, "c2cs", SIGNATURE), "cbor")), assertions: found };
}

/** The box of this kind: a manifest has three, one of each. */
function part({ children }: Box, type: string, label: string): Box {
  const found = children.filter((box) => box.label === label);
  within(children.length === 3 && found.length === 1 && found[0]!.type === type, `a manifest with something else than one ${label}`);
  return found[0]!;
}

function demandClaim(members: ItemMap, label: string): void {
  textOf(members.get("instanceID"));
  if (members.has("dc:title")) textOf(members.get("dc:title"));
  const generator = mapWith(members.get("claim_generator_info"), "name", "version", "org.contentauth.c2pa_rs");
  for (const text of generator.values()) textOf(text);
  within(textOf(generator.get("name")) !== "", "a generator without a name");
  within(members.get("alg") === "sha256", "a claim that hashes by something else than SHA-256");
  const signature = textOf(members.get("signature"));
  within([`self#jumbf=/c2pa/${label}/${SIGNATURE}`, `self#jumbf=${SIGNATURE}`].includes(signature), "a claim that names another signature than the manifest's");
}

interface Listed {
  boxes: Box[];
  label: string;
  found: Map<string, Assertion>;
}

function list(item: Item | undefined, created: boolean, { boxes, label, found }: Listed): void {
  for (const each of listOf(item)) {
    const { name, hash } = reference(each, label);
    if (found.has(name)) throw new Failed(`assertion listed twice: ${name}`);
    const [box, ...others] = boxes.filter((one) => one.label === name);
    within(others.length === 0, "two assertions of one label");
    if (box === undefined) throw new Failed(`assertion.missing: ${name}`);
    const own = sha256(box.content);
    if (!equal(own, hash)) throw new Failed(`assertion.hashedURI.mismatch: ${name}`);
    found.set(name, { label: name, box, hash, created });
  }
}

/** A hashed reference to an assertion of this manifest: its label, and SHA-256 of its box's content. */
export function reference(item: Item, label: string): { name: string; hash: Bytes } {
  const members = mapWith(item, "url", "hash", "alg");
  within(!members.has("alg") || members.get("alg") === "sha256", "a reference that hashes by something else than SHA-256");
  const url = textOf(members.get("url"));
  const prefix = [`self#jumbf=${ASSERTIONS}/`, `self#jumbf=/c2pa/${label}/${ASSERTIONS}/`].find((each) => url.startsWith(each));
  within(prefix !== undefined, "a reference to somewhere else than the manifest's assertions");
  const hash = bytesOf(members.get("hash"));
  if (hash.length !== 32) throw new Failed("assertion.hashedURI.mismatch: a hash of another length");
  return { name: url.slice(prefix.length), hash };
}
