/** The first revision: what is shown, and what was signed (Signed files 5.2, numbers 1 and 2). */
import { acts, demandDictionary, dictionaryOf, ownArray, resolve } from "./objects.ts";
import { demand, refuse } from "./refusal.ts";
import type { Objects, Revision } from "./revisions.ts";
import { firstItems, isName, referenced, type Dictionary } from "./values.ts";

/** By their numbers the objects that a later revision may replace, and what is judged of the first one. */
export interface Layout {
  catalog: number;
  form: number | undefined;
  page: number | undefined;
  info: number | undefined;
  metadata: number | undefined;
  /** How often the objects of the first revision name each. */
  named: Map<number, number>;
  /** The one field of the form. */
  field: Dictionary;
  signature: Dictionary;
}

export function readLayout(revision: Revision): Layout {
  const { objects, trailer: { root, info } } = revision;
  const named = demandWhole(revision);
  for (const [number, object] of objects) demand(!acts(object), "pdf.active", `object ${number} has a key by which a document acts`);
  const catalog = demandDictionary(objects.get(root), "the catalog");
  const field = fieldOf(objects, catalog);
  return {
    catalog: root, form: referenced(catalog.get("AcroForm")), page: firstPage(objects, catalog), info,
    metadata: referenced(catalog.get("Metadata")), named, field, signature: signatureOf(objects, field),
  };
}

/** A hole is what a later revision would fill. How often the objects name each. */
function demandWhole({ objects, trailer }: Revision): Map<number, number> {
  const named = new Map<number, number>();
  const demandThere = (number: number): void => {
    if (!objects.has(number)) refuse("pdf.dangling", `object ${number} is named and is not there`);
  };
  for (const { value } of objects.values())
    for (const number of value.references()) {
      demandThere(number);
      named.set(number, (named.get(number) ?? 0) + 1);
    }
  for (const value of trailer.members.values()) for (const number of value.references()) demandThere(number);
  return named;
}

/** The one field of the form. */
function fieldOf(objects: Objects, catalog: Dictionary): Dictionary {
  const form = dictionaryOf(objects, catalog.get("AcroForm"), "the form");
  const [only, ...more] = firstItems(ownArray(form, "Fields"), 1);
  demand(only?.kind === "reference" && more.length === 0, "pdf.form", "the form has not one field, by reference");
  return dictionaryOf(objects, only, "the field");
}

function signatureOf(objects: Objects, field: Dictionary): Dictionary {
  demand(isName(field.get("FT"), "Sig"), "pdf.signature", "the field is none for a signature");
  demand(field.get("V")?.kind === "reference", "pdf.signature", "the field has no signature, by reference");
  return dictionaryOf(objects, field.get("V"), "the signature", "pdf.signature");
}

/** The first of `Kids` of the root of the page tree; none where there is no such reference. */
function firstPage(objects: Objects, catalog: Dictionary): number | undefined {
  const root = resolve(objects, catalog.get("Pages"));
  if (root?.value.kind !== "dictionary") return undefined;
  const kids = resolve(objects, root.value.members.get("Kids"))?.value;
  return kids?.kind === "array" ? referenced(firstItems(kids, 1)[0]) : undefined;
}
