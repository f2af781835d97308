/** The one attached file, which every reader shows as the same (Signed files 5.2, number 9). */
import type { Bytes } from "../base/bytes.ts";
import { arrayOf, dictionaryOf } from "./objects.ts";
import { demand } from "./refusal.ts";
import type { Objects } from "./revisions.ts";
import { firstItems, isReferenceTo, referenced, type Dictionary } from "./values.ts";

const CODE = "pdf.attachment";
const NAME = "tallystick-certificate.json";

export function attachmentOf(objects: Objects, catalog: Dictionary): Bytes {
  const names = dictionaryOf(objects, catalog.get("Names"), "Names", CODE);
  demandKeys(names, ["EmbeddedFiles"]);
  const tree = dictionaryOf(objects, names.get("EmbeddedFiles"), "EmbeddedFiles", CODE);
  demandKeys(tree, ["Names"], ["Limits"]);
  const [name, specification, ...more] = firstItems(arrayOf(objects, tree.get("Names"), "the files", CODE), 2);
  demand(name?.kind === "string" && name.bytes === NAME && more.length === 0, CODE, `there is not one file, ${NAME}`);
  const file = dictionaryOf(objects, specification, "the file", CODE);
  const embedded = dictionaryOf(objects, file.get("EF"), "EF", CODE);
  demand(countOfKey(objects, "EF") === 1, CODE, "another file is embedded");
  return streamOf(objects, embedded);
}

function streamOf(objects: Objects, embedded: Dictionary): Bytes {
  const number = referenced(embedded.get("F"));
  let one = number !== undefined;
  for (const each of embedded.values()) one &&= isReferenceTo(each, number);
  demand(one && number !== undefined, CODE, "the members of EF do not name one stream, F among them");
  const { value, stream } = objects.get(number)!;
  demand(value.kind === "dictionary" && stream !== undefined && !value.members.has("Filter"), CODE, "the file is no stream without a filter");
  return Uint8Array.from(stream, (character) => character.charCodeAt(0));
}

function demandKeys(dictionary: Dictionary, needed: string[], optional: string[] = []): void {
  let fits = needed.every((key) => dictionary.has(key));
  for (const key of dictionary.keys()) fits &&= needed.includes(key) || optional.includes(key);
  demand(fits, CODE, `a dictionary of names without ${needed.join()}, or with more`);
}

function countOfKey(objects: Objects, key: string): number {
  let count = 0;
  for (const { value } of objects.values()) for (const each of value.keys()) if (each === key) count++;
  return count;
}
