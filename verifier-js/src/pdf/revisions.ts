/** The revisions of a file (Signed files 5.1): header, objects, cross-reference table, trailer; every byte is accounted for. */
import { binary, type Bytes } from "../base/bytes.ts";
import { readTable } from "./crossReference.ts";
import { Reader } from "./reader.ts";
import { demandForm } from "./refusal.ts";
import { readTrailer, type Trailer } from "./trailer.ts";
import type { Value } from "./values.ts";

const LONGEST_FILE = 64 << 20;
const MOST_OBJECTS = 20_000;
const MOST_REVISIONS = 64;
const HEADER = /%PDF-(?:1\.7|2\.0)\n%[\x80-\xff]{4,8}\n/y;
const OBJECT = /([1-9][0-9]{0,6}) 0 obj[ \n\r]/y;
const STREAM = /stream\r?\n/y;
const END = /startxref\r?\n([0-9]+)\r?\n%%EOF(?:\r?\n)?/y;

/** An indirect object; a stream is a dictionary with bytes. */
export interface PdfObject {
  value: Value;
  /** The stream's bytes as they stand there, one character each. */
  stream: string | undefined;
}

export type Objects = Map<number, PdfObject>;

export interface Revision {
  objects: Objects;
  trailer: Trailer;
  /** The byte behind its last. */
  end: number;
}

export interface Document {
  bytes: Bytes;
  text: string;
  first: Revision;
  later: Revision[];
}

export function readDocument(bytes: Bytes): Document {
  demandForm(bytes.length <= LONGEST_FILE, "a file of more than 64 MiB");
  const reader = new Reader(binary(bytes));
  reader.demand(HEADER, "header of a PDF");
  const first = readRevision(reader, undefined);
  const later: Revision[] = [];
  for (let last = first; last.end < bytes.length; later.push(last)) {
    demandForm(later.length + 1 < MOST_REVISIONS, `more than ${MOST_REVISIONS} revisions`);
    last = readRevision(reader, last.trailer);
  }
  return { bytes, text: reader.text, first, later };
}

function readRevision(reader: Reader, previous: Trailer | undefined): Revision {
  const { objects, places } = readObjects(reader);
  const table = reader.at;
  readTable(reader, places);
  const trailer = readTrailer(reader, { table, objects: places, previous });
  const end = reader.demand(END, "end of a revision");
  demandForm(end[1] === String(table), "startxref names another place than that of the table");
  return { objects, trailer, end: reader.at };
}

/** All objects up to the table, and the byte at which the number of each stands. */
function readObjects(reader: Reader): { objects: Objects; places: Map<number, number> } {
  const objects: Objects = new Map();
  const places = new Map<number, number>();
  for (;;) {
    reader.space();
    const place = reader.at;
    const number = Number(reader.take(OBJECT)?.[1]);
    if (Number.isNaN(number)) return { objects, places };
    demandForm(!objects.has(number) && objects.size < MOST_OBJECTS, `object ${number} twice, or too many in a revision`);
    objects.set(number, readObject(reader));
    places.set(number, place);
  }
}

function readObject(reader: Reader): PdfObject {
  const value = reader.value();
  reader.space();
  const stream = reader.take(STREAM) === undefined ? undefined : readStream(reader, value);
  reader.space();
  demandForm(reader.taken("endobj"), `no end of an object at byte ${reader.at}`);
  return { value, stream };
}

/** A stream says its length itself, so that nobody looks for its end. */
function readStream(reader: Reader, value: Value): string {
  const length = value.kind === "dictionary" ? value.members.get("Length") : undefined;
  demandForm(length?.kind === "number" && /^[0-9]+$/.test(length.written), `a stream that does not say its length, at byte ${reader.at}`);
  const bytes = reader.text.slice(reader.at, reader.at + Number(length.written));
  reader.at += Number(length.written);
  reader.space();
  demandForm(reader.taken("endstream"), `no end of a stream at byte ${reader.at}`);
  return bytes;
}
