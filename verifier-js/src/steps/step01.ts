/** Step 1: the container, the bag and the case have their form; the manifests equal the bytes. */
import { Malformed } from "../base/errors.ts";
import { list } from "../base/forms.ts";
import { parseCanonical } from "../base/json.ts";
import { Bag, type Progress } from "../bundle/bag.ts";
import { readCase, type Case } from "../bundle/case.ts";
import { folderRecord, listedFile, type ListedFile } from "../events/digestRecord.ts";
import { parseDisclosure } from "../events/disclosure.ts";
import { parseProof } from "../evm/proof.ts";
import { parseStatement } from "../log/statement.ts";
import type { Examination } from "./examination.ts";
import { readBagSignature } from "./step02.ts";

const LONGEST_LIST = 256 << 20;

export type Opened = Pick<Examination, "bag" | "bagSignature" | "case" | "entries" | "disclosures" | "proofs" | "contents">;

/** Everything that has a form of its own, read; throws what does not hold. */
export function open(bag: Bag, progress: Progress): Opened {
  bag.check(progress);
  const bagSignature = readBagSignature(bag);
  const found = readCase(bag);
  const entries = [...found.entries].map(([position, bytes]) =>
    ({ position, statement: inMember(`data/entries/${position}.cose`, () => parseStatement(bytes)) }));
  return {
    bag, bagSignature, case: found, entries, disclosures: disclosures(found), proofs: found.file.anchors.map((number) => {
      const name = `data/anchors/${number}/proof.json`;
      return inMember(name, () => parseProof(bag.read(name)));
    }), contents: contents(bag),
  };
}

function disclosures(found: Case): Opened["disclosures"] {
  return new Map([...found.disclosures].map(([position, texts]) =>
    [position, inMember(`data/disclosures/${position}.json`, () => texts.map(parseDisclosure))]));
}

function contents(bag: Bag): Map<string, ListedFile[]> {
  const found = new Map<string, ListedFile[]>();
  for (const name of bag.payload()) {
    const slug = /^data\/contents\/([^/]+)\.json$/.exec(name)?.[1];
    if (slug === undefined) continue;
    found.set(slug, inMember(name, () => {
      const files = list(1, 1_000_000, listedFile)(parseCanonical(bag.read(name), LONGEST_LIST));
      folderRecord(files);
      return files;
    }));
  }
  return found;
}

function inMember<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof Malformed) throw new Malformed(`${name}: ${error.message}`);
    throw error;
  }
}
