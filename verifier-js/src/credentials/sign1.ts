/** The signature of a claim: a COSE_Sign1 over its exact bytes, and what stands beside it unsigned (Signed files 2, numbers 3 and 7). */
import { concat, utf8, type Bytes } from "../base/bytes.ts";
import { bytesHead, textHead } from "../base/cbor.ts";
import { Failed } from "../base/errors.ts";
import type { Certificate } from "../asn1/certificate.ts";
import { bytesOf, decodeItem, listOf, mapWith, Tag, type Item, type ItemMap } from "./items.ts";
import { within } from "./open.ts";
import { certificateOf, verifyClaim } from "./signers.ts";

const ALGORITHM = 1;
const CRITICAL = 2;
const CHAIN = 33;
const LONGEST_CHAIN = 8;
const UNSIGNED = ["sigTst2", "rVals", "pad", "pad2"];
const MOST_ANSWERS = 64;

export interface ClaimSignature {
  chain: Certificate[];
  /** The token over the signature, and what it is over. */
  stamp: { token: Bytes; message: Bytes } | undefined;
  /** Answers about revocation. */
  answers: Bytes[];
}

/** `Failed` unless the leaf signed this claim. */
export function readSignature(item: Item, claim: Bytes): ClaimSignature {
  within(item instanceof Tag && item.tag === 18, "a signature that is no COSE_Sign1");
  const parts = listOf(item.value);
  within(parts.length === 4 && parts[2] === null, "a signature that is not detached");
  const [header, signature] = [bytesOf(parts[0]), bytesOf(parts[3])];
  const signed = decodeItem(header);
  if (signed instanceof Map && signed.has(CRITICAL)) throw new Failed("claimSignature.mismatch: a header that must be understood, and is not");
  within(signed instanceof Map && signed.size === 2 && signed.has(ALGORITHM) && signed.has(CHAIN), "a protected header of something else than algorithm and chain");
  const algorithm = signed.get(ALGORITHM);
  within(typeof algorithm === "number", "an algorithm that is no number");
  const chain = readChain(signed.get(CHAIN)!);
  const unsigned = mapWith(parts[1], ...UNSIGNED);
  demandPadding(unsigned);
  verifyClaim(chain[0]!, algorithm, signedBytes("Signature1", header, claim), signature);
  return { chain, stamp: readStamp(unsigned, header, signature), answers: readAnswers(unsigned.get("rVals")) };
}

/** Leaf first (RFC 9360 §2): one certificate stands alone, several in a list. */
function readChain(item: Item): Certificate[] {
  const found = item instanceof Uint8Array ? [item] : listOf(item).map(bytesOf);
  within(found.length > 0 && found.length <= LONGEST_CHAIN, `a chain of none, or of more than ${LONGEST_CHAIN}`);
  return found.map(certificateOf);
}

/** Nobody signed what pads the header: it is zeros. */
function demandPadding(unsigned: ItemMap): void {
  for (const name of ["pad", "pad2"])
    if (unsigned.has(name) && bytesOf(unsigned.get(name)).some((byte) => byte !== 0)) throw new Failed("claimSignature.mismatch: padding that is not zero");
}

/** RFC 9052 §4.4: context, protected header, no external bytes, payload. */
function signedBytes(context: string, header: Bytes, payload: Bytes): Bytes {
  const text = utf8(context);
  return concat(Uint8Array.of(0x84), textHead(text.length), text, byteString(header), byteString(new Uint8Array()), byteString(payload));
}

function byteString(bytes: Bytes): Bytes {
  return concat(bytesHead(bytes.length), bytes);
}

/** `sigTst2`: one token, over the signature as it is encoded. */
function readStamp(unsigned: ItemMap, header: Bytes, signature: Bytes): ClaimSignature["stamp"] {
  if (!unsigned.has("sigTst2")) return undefined;
  const tokens = listOf(mapWith(unsigned.get("sigTst2"), "tstTokens").get("tstTokens"));
  within(tokens.length === 1, "another count of timestamps than one");
  const token = bytesOf(mapWith(tokens[0], "val").get("val"));
  return { token, message: signedBytes("CounterSignature", header, byteString(signature)) };
}

/** Of `ocspVals` the first that are bytes; nothing else that stands there is looked at (Signed files 6). */
function readAnswers(item: Item | undefined): Bytes[] {
  const values = item instanceof Map ? item.get("ocspVals") : undefined;
  return Array.isArray(values) ? values.filter((each) => each instanceof Uint8Array).slice(0, MOST_ANSWERS) : [];
}
