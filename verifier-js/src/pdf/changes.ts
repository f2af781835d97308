/** What a later revision may change of what was signed (Signed files 5.2, number 4). */
import { acts, dictionaryOf, fieldsOf, target, type Layout, type Objects } from "./document.ts";
import { demand } from "./refusal.ts";
import type { PdfObject, Revision } from "./revisions.ts";
import { hasKey, isName, same, sameBut, type Dictionary, type Value } from "./values.ts";

const NOTES = ["ModDate", "Producer"];
const STORE = ["Type", "Certs", "CRLs", "OCSPs", "VRI"];
/** Keys of what is shown. */
const SHOWN = new Set(["Annots", "Contents", "Kids", "Names"]);
const FIELD = ["F", "FT", "P", "Rect", "Subtype", "T", "TU", "Type", "V"];
const DATES = /(xmp:(?:ModifyDate|MetadataDate)(?:="|>))[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.+Z-]{9,21}(?=["<])/g;

/** Holds each later revision to what was signed and came before it. */
export class Changes {
  /** As of the last revision that was looked at. */
  readonly objects: Objects;
  private readonly stores = new Set<number>();
  private readonly layout: Layout;

  constructor(layout: Layout, first: Revision) {
    this.layout = layout;
    this.objects = new Map(first.objects);
    this.noteStore();
  }

  /** The number of the document timestamp that this revision adds, if it adds one. */
  follow(revision: Revision): number | undefined {
    const { layout, stores } = this;
    demand(revision.info === layout.info, "pdf.changed", "a later revision names other notes on the file");
    const before = new Map(this.objects);
    for (const [number, object] of revision.objects) {
      if (!before.has(number)) demand(!acts(object), "pdf.active", `a later revision brings object ${number}, which acts`);
      this.objects.set(number, object);
    }
    const gained = this.gained(before);
    for (const [number, object] of revision.objects) {
      const old = before.get(number);
      demand(old === undefined || this.allowed(number, old, object, gained), "pdf.changed", `a later revision changes object ${number}, which was there`);
    }
    this.noteStore();
    for (const number of stores) demand(isStore(target(this.objects, number)), "pdf.changed", `object ${number} was a security store and is none now`);
    return gained === undefined ? undefined : this.stampOf(gained, revision, before);
  }

  /** Newest security store: its members. */
  store(): Dictionary | undefined {
    const value = this.catalog().get("DSS");
    return value === undefined ? undefined : dictionaryOf(this.objects, value, "the security store");
  }

  private catalog(objects = this.objects): Dictionary {
    return dictionaryOf(objects, { kind: "reference", number: this.layout.catalog }, "the catalog");
  }

  private noteStore(): void {
    const value = this.catalog().get("DSS");
    if (value?.kind === "reference") this.stores.add(value.number);
  }

  /** The one field more that the form has now. */
  private gained(before: Objects): Value | undefined {
    const [old, now] = [before, this.objects].map((objects) => fieldsOf(objects, this.catalog(objects)));
    const kept = old!.every((each, place) => same(each, now![place]));
    demand(kept && now!.length <= old!.length + 1, "pdf.changed", "a later revision takes fields away, or adds more than one");
    return now![old!.length];
  }

  private allowed(number: number, old: PdfObject, now: PdfObject, gained: Value | undefined): boolean {
    const { catalog, form, page, info, metadata } = this.layout;
    demand(page !== undefined, "pdf.form", "the page tree holds no pages");
    if (number === metadata) return ![catalog, form, page, info].includes(number) && sameMetadata(old, now);
    if (old.value.kind !== "dictionary" || now.value.kind !== "dictionary" || old.stream !== undefined || now.stream !== undefined) return false;
    const [was, is] = [old.value.members, now.value.members];
    if (number === catalog) return sameBut(was, is, ["DSS"]) && (!is.has("DSS") || isStore(resolved(this.objects, is.get("DSS")!)));
    if (number === form) return sameBut(was, is, ["Fields"]);
    if (number === page) return sameBut(was, is, ["Annots"]) && sameAnnotations(was.get("Annots"), is.get("Annots"), gained);
    if (number === info) return sameBut(was, is, NOTES);
    return this.stores.has(number) && isStore(now);
  }

  /** The value of a field that is a new, unseen signature field on the first page, and no more. */
  private stampOf(gained: Value, revision: Revision, before: Objects): number {
    const found = gained.kind === "reference" && !before.has(gained.number) ? revision.objects.get(gained.number)?.value : undefined;
    const field: Dictionary = found?.kind === "dictionary" ? found.members : new Map();
    const [rectangle, page, value] = ["Rect", "P", "V"].map((key) => field.get(key));
    const form = isName(field.get("FT"), "Sig") && isName(field.get("Subtype"), "Widget") && [...field.keys()].every((key) => FIELD.includes(key));
    const unseen = rectangle?.kind === "list" && rectangle.values.length === 4 && rectangle.values.every((each) => each.kind === "number" && each.text === "0");
    demand(form && unseen && page?.kind === "reference" && page.number === this.layout.page && value?.kind === "reference", "pdf.changed", "a later revision adds a field that is no document timestamp");
    const stamp = before.has(value.number) ? undefined : revision.objects.get(value.number)?.value;
    demand(stamp?.kind === "dictionary" && isName(stamp.members.get("Type"), "DocTimeStamp"), "pdf.changed", "a field of a later revision holds no new document timestamp");
    return value.number;
  }
}

function resolved(objects: Objects, value: Value): PdfObject {
  return value.kind === "reference" ? target(objects, value.number) : { start: 0, end: 0, value, stream: undefined };
}

/** Only what a store has, and nothing that could be shown. */
function isStore({ value, stream }: PdfObject): boolean {
  return value.kind === "dictionary" && stream === undefined && [...value.members.keys()].every((key) => STORE.includes(key)) && !hasKey(value, SHOWN);
}

/** As before, with what the form gained at the end. */
function sameAnnotations(was: Value | undefined, is: Value | undefined, gained: Value | undefined): boolean {
  if (gained === undefined) return same(was, is);
  const before = was === undefined ? [] : was.kind === "list" ? was.values : undefined;
  return before !== undefined && same({ kind: "list", values: [...before, gained] }, is);
}

/** The same but for dates. */
function sameMetadata(old: PdfObject, now: PdfObject): boolean {
  if (old.value.kind !== "dictionary" || now.value.kind !== "dictionary" || !sameBut(old.value.members, now.value.members, ["Length"])) return false;
  return now.stream !== undefined && old.stream?.replace(DATES, "$1-") === now.stream.replace(DATES, "$1-");
}
