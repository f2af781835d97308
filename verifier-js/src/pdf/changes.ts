/** What later revisions may add and replace (Signed files 5.2, number 4): nothing that changes what is shown. */
import { acts, plainDictionary, resolve } from "./objects.ts";
import { demand, refuse } from "./refusal.ts";
import type { Objects, PdfObject, Revision } from "./revisions.ts";
import { areMetadata, demandStore, isNote } from "./replaceable.ts";
import type { Layout } from "./signedRevision.ts";
import { added, differing, firstItems, isName, isNumber, isReferenceTo, referenced, type Dictionary, type Value } from "./values.ts";

const CODE = "pdf.changed";
/** A point would put the field below another one (ISO 32000-2, 12.7.4.2). */
const FIELD_NAME = /^[ -\-/-~]{1,127}$/;
const FIELD_KEYS = new Set(["FT", "Subtype", "Rect", "P", "V", "F", "T", "TU", "Type"]);

export class Changes {
  /** As the last revision that was followed leaves them. */
  readonly objects: Objects;
  private readonly layout: Layout;
  private readonly first: Objects;
  /** By their numbers, what is or was the `DSS`. */
  private readonly stores = new Set<number>();
  /** What the `T` of each field is, as it is written: of the first revision's, and of those that were gained. */
  private readonly names = new Set<string>();

  constructor(layout: Layout, first: Revision) {
    this.layout = layout;
    this.objects = new Map(first.objects);
    this.first = first.objects;
    this.name(layout.field);
  }

  /** The document timestamp of a later revision, if it brings one. */
  follow({ objects, trailer }: Revision): Dictionary | undefined {
    this.demandStores(this.objects);
    demand(trailer.info === this.layout.info, CODE, "a later revision has other notes");
    const replaced = [...objects].filter(([number]) => this.objects.has(number));
    demand(replaced.length === 0 || this.layout.page !== undefined, "pdf.form", "there is no first page");
    for (const [number, object] of objects) demand(!acts(object), "pdf.active", `object ${number} of a later revision acts`);
    const field = this.gained(objects, this.layout.form, "Fields");
    const annotation = this.gained(objects, this.layout.page, "Annots");
    const unlisted = annotation === undefined && !objects.has(this.layout.page ?? 0);
    demand(field === annotation || unlisted, CODE, "the form and the first page do not gain the same field");
    for (const [number, object] of replaced) demand(this.isAllowed(number, object), CODE, `a later revision changes object ${number}, which was signed`);
    const stamp = field === undefined ? undefined : this.stampOf(objects, field);
    for (const [number, object] of objects) this.objects.set(number, object);
    this.demandStores(objects);
    return stamp;
  }

  /** The `DSS` of the catalog as it is now. */
  store(): Value | undefined {
    return plainDictionary(this.objects.get(this.layout.catalog))?.get("DSS");
  }

  /** What is or was a `DSS` stays one, in the catalog and where these objects replace it; that of the first revision too. */
  private demandStores(objects: Objects): void {
    const store = this.store();
    const number = referenced(store);
    if (number !== undefined) this.stores.add(number);
    if (store !== undefined) demandStore(resolve(this.objects, store));
    for (const each of this.stores) if (objects.has(each)) demandStore(this.objects.get(each));
  }

  /** The reference that this list of the object gains at its end, if it gains one. */
  private gained(objects: Objects, number: number | undefined, key: string): number | undefined {
    const [before, after] = [this.objects, objects].map((each) => (number === undefined ? undefined : plainDictionary(each.get(number))));
    if (before === undefined || after === undefined) return undefined;
    const more = added(itemsOf(before.get(key), key), itemsOf(after.get(key), key));
    if (more?.length === 0 && before.has(key) === after.has(key)) return undefined;
    const found = more?.length === 1 ? referenced(more[0]) : undefined;
    demand(found !== undefined, CODE, `${key} of object ${number} gains something else than one reference at its end`);
    return found;
  }

  /**
   * Whether an object that stands there may be replaced by this one. Notes that are at the same time the resources of a page, metadata that
   * are what it shows, a store that is both: whoever signed would have shown something that a later revision exchanges.
   */
  private isAllowed(number: number, object: PdfObject): boolean {
    const { catalog, form, page, info, metadata, named } = this.layout;
    const before = this.objects.get(number)!;
    const shared = [catalog, form, page].includes(number);
    if (number === metadata) return !shared && number !== info && named.get(number) === 1 && areMetadata(before, object);
    const [old, members] = [plainDictionary(before), plainDictionary(object)];
    if (old === undefined || members === undefined) return false;
    if (this.stores.has(number) && !this.first.has(number)) return true;
    if (number !== info && !shared) return false;
    const free = [...(number === catalog ? ["DSS"] : []), ...(number === form ? ["Fields"] : []), ...(number === page ? ["Annots"] : [])];
    const notes = !shared && !named.has(number);
    for (const key of differing(old, members)) if (!free.includes(key) && !(notes && isNote(key))) return false;
    return true;
  }

  /** The value of a field that was gained: new, of a form that shows nothing. */
  private stampOf(objects: Objects, number: number): Dictionary {
    const field = this.added(objects, number);
    const value = referenced(field?.get("V"));
    if (field === undefined || value === undefined) refuse(CODE, "the field that is gained is no new dictionary with a value by reference");
    const { page } = this.layout;
    const shape = isName(field.get("FT"), "Sig") && isName(field.get("Subtype"), "Widget") && isReferenceTo(field.get("P"), page) && isNothing(field.get("Rect"));
    demand(shape && hasOnly(field, FIELD_KEYS), CODE, "the field that is gained is none for a signature that shows nothing on the first page");
    if (field.has("T")) this.demandFreeName(field.get("T"));
    this.name(field);
    const stamp = this.added(objects, value);
    if (stamp === undefined || !isName(stamp.get("Type"), "DocTimeStamp")) refuse(CODE, "the field that is gained has no new document timestamp");
    return stamp;
  }

  /** Fields of one name are one field: its value would be what was signed, and what was added. */
  private demandFreeName(value: Value | undefined): void {
    demand(value?.kind === "string" && FIELD_NAME.test(value.bytes), CODE, "the field that is gained has a name of another form");
    demand(!writings(value.bytes).some((each) => this.names.has(each)), CODE, "the field that is gained has the name of a field before it");
  }

  private name(field: Dictionary): void {
    const name = resolve(this.objects, field.get("T"))?.value;
    if (name?.kind === "string") this.names.add(name.bytes);
  }

  private added(objects: Objects, number: number): Dictionary | undefined {
    return this.objects.has(number) ? undefined : plainDictionary(objects.get(number));
  }
}

/** None where there is no list yet. What begins with a name could be a colour space that a page calls `/Annots`. */
function itemsOf(value: Value | undefined, key: string): Iterable<Value> {
  if (value === undefined) return [];
  if (value.kind !== "array" || !areFields(value.items)) refuse(CODE, `${key} is no list of fields or annotations that stands there itself`);
  return value.items;
}

function areFields(items: Iterable<Value>): boolean {
  for (const { kind } of items) if (kind !== "reference" && kind !== "dictionary") return false;
  return true;
}

function hasOnly(dictionary: Dictionary, known: Set<string>): boolean {
  for (const key of dictionary.keys()) if (!known.has(key)) return false;
  return true;
}

/** The strings that say this text of ASCII: byte for byte, as UTF-8, as UTF-16 (ISO 32000-2, 7.9.2.2). */
function writings(text: string): string[] {
  return [text, `\xef\xbb\xbf${text}`, `\xfe\xff${text.replace(/./g, "\0$&")}`];
}

/** `[0 0 0 0]`. */
function isNothing(value: Value | undefined): boolean {
  const items = value?.kind === "array" ? firstItems(value, 4) : [];
  return items.length === 4 && items.every((each) => isNumber(each, "0"));
}
