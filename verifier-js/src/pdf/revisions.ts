/** A PDF taken apart into its revisions, in which every byte is accounted for (Signed files 5.1). */
import { binary, type Bytes } from "../base/bytes.ts";
import { Malformed } from "../base/errors.ts";
import { Reader, same, type Dictionary, type Value } from "./values.ts";

const LONGEST = 64 << 20;
const MOST_OBJECTS = 20_000;
const MOST_REVISIONS = 64;
const HEADER = /%PDF-(1\.7|2\.0)\n%[\x80-\xff]{4,8}\n/y;
const OBJECT = /([1-9][0-9]{0,6}) 0 obj[ \n\r]/y;
const STREAM = /stream\r?\n/y;
const TABLE = /xref\r?\n/y;
const SECTION = /(0|[1-9][0-9]{0,6}) ([1-9][0-9]{0,6}) ?\r?\n/y;
const ENTRY = /([0-9]{10}) ([0-9]{5}) ([nf])(?: \r| \n|\r\n)/y;
const END = /\n?startxref\r?\n([1-9][0-9]{0,9})\r?\n%%EOF\r?\n?/y;
const TRAILER = ["Root", "Info", "ID", "Size", "Prev"];

export interface PdfObject {
  /** First byte, and the one after the last. */
  start: number;
  end: number;
  value: Value;
  stream: string | undefined;
}

export interface Revision {
  start: number;
  end: number;
  objects: Map<number, PdfObject>;
  trailer: Dictionary;
  root: number;
  info: number | undefined;
  size: number;
  /** Where its table stands. */
  table: number;
}

/** All of the file, whose bytes are characters, and its revisions, first one first. */
export function parseRevisions(bytes: Bytes): { text: string; revisions: Revision[] } {
  if (bytes.length > LONGEST) throw new Malformed("a PDF of more than 64 MiB");
  const text = binary(bytes);
  const reader = new Reader(text, 0);
  if (reader.take(HEADER) === undefined) throw new Malformed("no PDF 1.7 or 2.0 begins here");
  const revisions: Revision[] = [];
  while (reader.at < text.length) {
    if (revisions.length >= MOST_REVISIONS) throw new Malformed("a PDF of more than 64 revisions");
    revisions.push(parseRevision(reader, revisions));
  }
  if (revisions.length === 0) throw new Malformed("a PDF without an object");
  return { text, revisions };
}

function parseRevision(reader: Reader, before: Revision[]): Revision {
  const start = before.length === 0 ? 0 : reader.at;
  const objects = new Map<number, PdfObject>();
  for (reader.space(); reader.text[reader.at] !== "x"; reader.space()) {
    const [number, object] = parseObject(reader);
    if (objects.has(number) || objects.size >= MOST_OBJECTS) throw new Malformed(`object ${number} of the PDF stands twice in a revision, or is one too many`);
    objects.set(number, object);
  }
  const table = reader.at;
  demandTable(reader, objects);
  const trailer = reader.value();
  if (trailer.kind !== "dictionary") throw new Malformed("a trailer of the PDF that is no dictionary");
  const end = reader.take(END);
  if (end === undefined || Number(end[1]) !== table) throw new Malformed("a revision of the PDF that does not end with the place of its table");
  const revision = { start, end: reader.at, objects, trailer: trailer.members, table, ...parseTrailer(trailer.members) };
  demandFollows(revision, before.at(-1));
  return revision;
}

function parseObject(reader: Reader): [number, PdfObject] {
  const start = reader.at;
  const head = reader.take(OBJECT);
  if (head === undefined) throw new Malformed(`something at byte ${start} of the PDF that is no object`);
  const value = reader.value();
  reader.space();
  const stream = reader.take(STREAM) === undefined ? undefined : streamOf(reader, value);
  reader.space();
  if (!reader.taken("endobj")) throw new Malformed(`object ${head[1]} of the PDF does not end where its value does`);
  return [Number(head[1]), { start, end: reader.at, value, stream }];
}

function streamOf(reader: Reader, value: Value): string {
  const length = value.kind === "dictionary" ? value.members.get("Length") : undefined;
  if (length?.kind !== "number" || !/^[0-9]+$/.test(length.text)) throw new Malformed("a stream of the PDF that does not say its length itself");
  const found = reader.text.slice(reader.at, reader.at + Number(length.text));
  reader.at += Number(length.text);
  reader.space();
  if (!reader.taken("endstream")) throw new Malformed("a stream of the PDF of another length than it says");
  return found;
}

/** The table, up to the trailer: each object where it stands, and at most object 0 as free. */
function demandTable(reader: Reader, objects: Map<number, PdfObject>): void {
  if (reader.take(TABLE) === undefined) throw new Malformed("a cross-reference table of the PDF of another form");
  const listed = new Set<number>();
  for (let section = reader.take(SECTION); section !== undefined; section = reader.take(SECTION)) {
    const first = Number(section[1]);
    for (let number = first; number < first + Number(section[2]); number++) {
      const entry = reader.take(ENTRY);
      const free = number === 0 && entry?.[0].startsWith("0000000000 65535 f");
      const used = entry?.[3] === "n" && entry[2] === "00000" && objects.get(number)?.start === Number(entry[1]);
      if (entry === undefined || listed.has(number) || !(free || used)) throw new Malformed(`a table of the PDF that does not say where object ${number} stands`);
      listed.add(number);
    }
  }
  if (!reader.taken("trailer") || ![...objects.keys()].every((number) => listed.has(number))) throw new Malformed("a table of the PDF that does not list its objects");
  reader.space();
}

function parseTrailer(members: Dictionary): Pick<Revision, "root" | "info" | "size"> {
  const [root, info, size] = ["Root", "Info", "Size"].map((key) => members.get(key));
  if ([...members.keys()].some((key) => !TRAILER.includes(key))) throw new Malformed("a trailer of the PDF with a member that is not known here");
  if (root?.kind !== "reference" || size?.kind !== "number" || !/^[0-9]+$/.test(size.text)) throw new Malformed("a trailer of the PDF without its catalog or size");
  if (info !== undefined && info.kind !== "reference") throw new Malformed("a trailer of the PDF with the notes on the file in itself");
  return { root: root.number, info: info?.number, size: Number(size.text) };
}

function demandFollows(revision: Revision, before: Revision | undefined): void {
  const previous = revision.trailer.get("Prev");
  if (!same(previous, before && { kind: "number", text: String(before.table) })) throw new Malformed("a trailer of the PDF that does not name the table before it");
  if (before !== undefined && (revision.root !== before.root || revision.size < before.size)) throw new Malformed("a revision of the PDF with another catalog, or a smaller size than the one before");
  if ([...revision.objects.keys()].some((number) => number >= revision.size)) throw new Malformed("a revision of the PDF with an object above its size");
}
