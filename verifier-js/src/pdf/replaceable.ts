/** What may differ in an object that a later revision replaces (Signed files 5.2, number 4). */
import { plainDictionary } from "./objects.ts";
import { demand, refuse } from "./refusal.ts";
import type { PdfObject } from "./revisions.ts";
import { differing, hasKey } from "./values.ts";

const NOTES = new Set(["ModDate", "Producer"]);
const STORE_KEYS = new Set(["Type", "Certs", "CRLs", "OCSPs", "VRI"]);
/** Keys by which something else is reached than what a store holds. */
const FOREIGN = new Set(["Annots", "Contents", "Kids", "Names"]);
const DATES = /(?<=xmp:(?:ModifyDate|MetadataDate)(?:="|>))[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.+Z-]{9,21}(?=["<])/;

/** Of the file's notes: when and by what program it was changed. */
export function isNote(key: string): boolean {
  return NOTES.has(key);
}

/** Whether two metadata streams are the same but for their length and their two dates. */
export function areMetadata(before: PdfObject, after: PdfObject): boolean {
  if (before.stream === undefined || after.stream === undefined) return false;
  if (before.value.kind !== "dictionary" || after.value.kind !== "dictionary") return false;
  const changed = differing(before.value.members, after.value.members);
  for (const key of changed) if (key !== "Length") return false;
  const [old, parts] = [before.stream.split(DATES), after.stream.split(DATES)];
  return old.length === parts.length && old.every((part, place) => part === parts[place]);
}

/** A security store (ISO 32000-2, 12.8.4.3) that is nothing else. */
export function demandStore(object: PdfObject | undefined): void {
  const members = plainDictionary(object);
  if (members === undefined) refuse("pdf.changed", "the security store is no dictionary");
  for (const key of members.keys()) demand(STORE_KEYS.has(key), "pdf.changed", "the security store has a member that belongs to none");
  demand(!hasKey(object!.value, FOREIGN), "pdf.changed", "the security store holds what belongs to a page");
}
