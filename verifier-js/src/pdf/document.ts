/** The signed revision of a document, and what stands where in it (Signed files 5.2, numbers 1, 2 and 9). */
import { demand } from "./refusal.ts";
import type { PdfObject, Revision } from "./revisions.ts";
import { hasKey, isName, within, type Dictionary, type Value } from "./values.ts";

/** Keys by which a document acts, or shows itself in several ways. */
const ACTIVE = new Set([
  "AA", "Alternates", "Collection", "Encrypt", "GoToE", "GoToR", "ImportData", "JavaScript", "JS", "Launch", "Movie", "OC", "OCProperties", "ObjStm",
  "OpenAction", "Perms", "Renditions", "RichMedia", "Sound", "SubmitForm", "Threads", "URI", "XFA",
]);
const ATTACHMENT = "tallystick-certificate.json";

export type Objects = Map<number, PdfObject>;

export interface Layout {
  catalog: number;
  info: number | undefined;
  /** None where it stands in the catalog itself. */
  form: number | undefined;
  /** The first page, where the tree leads to one. */
  page: number | undefined;
  metadata: number | undefined;
  /** Of the signature. */
  signature: number;
  attachment: string;
}

export function acts(object: PdfObject): boolean {
  return hasKey(object.value, ACTIVE);
}

function resolve(objects: Objects, value: Value | undefined): Value | undefined {
  return value?.kind === "reference" ? target(objects, value.number).value : value;
}

/** The members of the dictionary that this value is, or names. */
export function dictionaryOf(objects: Objects, value: Value | undefined, what: string): Dictionary {
  const found = resolve(objects, value);
  demand(found?.kind === "dictionary", "pdf.form", `${what} is not of its form`);
  return found.members;
}

function listOf(objects: Objects, value: Value | undefined, what: string): Value[] {
  const found = resolve(objects, value);
  demand(found?.kind === "list", "pdf.form", `${what} is not of its form`);
  return found.values;
}

export function target(objects: Objects, number: number): PdfObject {
  const found = objects.get(number);
  demand(found !== undefined, "pdf.dangling", `object ${number} is named and is not there`);
  return found;
}

function referenceOf(value: Value | undefined, what: string): number {
  demand(value?.kind === "reference", "pdf.form", `${what} is not of its form`);
  return value.number;
}

/** What the signed revision shows, which is whole and does not act. */
export function readLayout({ objects, trailer, root, info }: Revision): Layout {
  for (const value of [...[...objects.values()].map((each) => each.value), ...trailer.values()])
    for (const each of within(value)) if (each.kind === "reference") target(objects, each.number);
  demand(![...objects.values()].some(acts), "pdf.active", "the document acts, or shows itself in several ways");
  const catalog = dictionaryOf(objects, { kind: "reference", number: root }, "the catalog");
  return {
    catalog: root, info, form: numberOf(catalog.get("AcroForm")), page: firstPage(objects, catalog.get("Pages")), metadata: numberOf(catalog.get("Metadata")),
    signature: signatureOf(objects, catalog), attachment: attachmentOf(objects, catalog),
  };
}

function numberOf(value: Value | undefined): number | undefined {
  return value?.kind === "reference" ? value.number : undefined;
}

/** The first of the page tree: a tree of several levels, or of another form, has no page that may gain anything. */
function firstPage(objects: Objects, pages: Value | undefined): number | undefined {
  const node = resolve(objects, pages);
  const kids = node?.kind === "dictionary" ? resolve(objects, node.members.get("Kids")) : undefined;
  return kids?.kind === "list" ? numberOf(kids.values[0]) : undefined;
}

/** The fields of the form: references, in the form itself. */
export function fieldsOf(objects: Objects, catalog: Dictionary): Value[] {
  const fields = dictionaryOf(objects, catalog.get("AcroForm"), "the form").get("Fields");
  demand(fields?.kind === "list" && fields.values.every((each) => each.kind === "reference"), "pdf.form", "the form does not list its fields");
  return fields.values;
}

function signatureOf(objects: Objects, catalog: Dictionary): number {
  const fields = fieldsOf(objects, catalog);
  demand(fields.length === 1, "pdf.signature", "the form has another number of fields than one");
  const field = dictionaryOf(objects, fields[0], "the field");
  demand(isName(field.get("FT"), "Sig"), "pdf.signature", "the form's field is no signature");
  return referenceOf(field.get("V"), "the value of the signature field");
}

/** The one embedded file, in the revision that was signed. */
function attachmentOf(objects: Objects, catalog: Dictionary): string {
  const names = dictionaryOf(objects, catalog.get("Names"), "the list of names");
  const tree = dictionaryOf(objects, names.get("EmbeddedFiles"), "the list of files");
  demand(names.size === 1 && [...tree.keys()].every((key) => key === "Names" || key === "Limits"), "pdf.attachment", "the document has other lists of names than one of files");
  const [name, file, ...more] = listOf(objects, tree.get("Names"), "the list of files");
  demand(more.length === 0 && name?.kind === "text" && name.text === ATTACHMENT, "pdf.attachment", "the document embeds another file, or several");
  const places = dictionaryOf(objects, dictionaryOf(objects, file, "the embedded file").get("EF"), "the embedded file");
  const number = referenceOf(places.get("F"), "the embedded file");
  const holders = [...objects.values()].flatMap((each) => [...within(each.value)]).filter((each) => each.kind === "dictionary" && each.members.has("EF"));
  demand(holders.length === 1 && [...places.values()].every((each) => numberOf(each) === number), "pdf.attachment", "the document embeds a file in several ways");
  const { stream, value } = target(objects, number);
  demand(stream !== undefined && value.kind === "dictionary" && !value.members.has("Filter"), "pdf.attachment", "the embedded file is no plain stream");
  return stream;
}
