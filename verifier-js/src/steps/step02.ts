/** Step 2: an exporter of the trust file signed the tag manifest. */
import { hex, type Bytes } from "../base/bytes.ts";
import { Failed, Malformed, NotShown } from "../base/errors.ts";
import { verify } from "../base/keys.ts";
import { SIGNATURE, TAG_MANIFEST, type Bag } from "../bundle/bag.ts";
import { parseSign1, readHeader, signedBytes, type Sign1 } from "../log/cose.ts";
import type { Trust } from "../trust.ts";
import type { Opened } from "./step01.ts";

const LONGEST = 8192;
const CONTENT_TYPE = "application/vnd.tallystick.bag-tagmanifest";

export interface BagSignature {
  sign1: Sign1;
  alg: "ed25519" | "es256";
  kid: Bytes;
}

/** The signature, read; its form is looked at in step 1. */
export function readBagSignature(bag: Bag): BagSignature {
  const sign1 = parseSign1(bag.read(SIGNATURE), LONGEST);
  if (sign1.payload !== null) throw new Malformed("the exporter's signature has a payload of its own");
  return { sign1, ...readHeader(sign1.protectedHeader, [1, 3, 4], CONTENT_TYPE) };
}

/** The exporter who signed. */
export function exporter({ bag, bagSignature: { sign1, alg, kid } }: Opened, trust: Trust): Trust["exporters"][number] {
  const found = trust.exporters.find((each) => each.key.kid === hex(kid));
  if (found === undefined) throw new NotShown(`key ${hex(kid)} is of no exporter of the trust file`);
  if (found.key.alg !== alg) throw new Failed("the exporter's signature names another algorithm than its key has");
  verify(found.key, signedBytes(sign1, bag.read(TAG_MANIFEST)), sign1.signature);
  return found;
}
