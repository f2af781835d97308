/** What is found by reference among the objects of a file. */
import { demand, refuse } from "./refusal.ts";
import type { Objects, PdfObject } from "./revisions.ts";
import { hasKey, type Dictionary, type Value } from "./values.ts";

/** Keys by which a document acts, or shows itself in several ways (Signed files 5.2, number 1). */
const ACTIVE = new Set([
  "AA", "Alternates", "Collection", "Encrypt", "GoToE", "GoToR", "ImportData", "JS", "JavaScript", "Launch", "Movie", "OC", "OCProperties", "ObjStm",
  "OpenAction", "Perms", "Renditions", "RichMedia", "Sound", "SubmitForm", "Threads", "URI", "XFA",
]);

/** A stream with `F` has its bytes in another file, which nobody signed (ISO 32000-2, 7.3.8.2). */
export function acts({ value, stream }: PdfObject): boolean {
  return hasKey(value, ACTIVE) || (stream !== undefined && value.kind === "dictionary" && value.members.has("F"));
}

/** The value itself, or the object that it names; no object may be a reference to a further one. */
export function resolve(objects: Objects, value: Value | undefined): PdfObject | undefined {
  if (value?.kind !== "reference") return value && { value, stream: undefined };
  return objects.get(value.number);
}

/** The members of a dictionary that is no stream. */
export function dictionaryOf(objects: Objects, value: Value | undefined, what: string, code = "pdf.form"): Dictionary {
  return demandDictionary(resolve(objects, value), what, code);
}

export function demandDictionary(object: PdfObject | undefined, what: string, code = "pdf.form"): Dictionary {
  const members = plainDictionary(object);
  if (members === undefined) refuse(code, `${what}: no dictionary`);
  return members;
}

export function arrayOf(objects: Objects, value: Value | undefined, what: string, code = "pdf.form"): Value {
  const found = resolve(objects, value);
  if (found?.value.kind !== "array") refuse(code, `${what}: no list`);
  return found.value;
}

/** An object that is a dictionary without a stream. */
export function plainDictionary(object: PdfObject | undefined): Dictionary | undefined {
  return object?.value.kind === "dictionary" && object.stream === undefined ? object.value.members : undefined;
}

/** The list that stands in this very dictionary. */
export function ownArray(dictionary: Dictionary, key: string): Value {
  const value = dictionary.get(key);
  demand(value?.kind === "array", "pdf.form", `${key} is no list that stands there itself`);
  return value;
}
