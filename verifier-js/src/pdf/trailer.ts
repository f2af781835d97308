/** The trailer of a revision (ISO 32000-2, 7.5.5; Signed files 5.1). */
import type { Reader } from "./reader.ts";
import { demandForm } from "./refusal.ts";
import { isNumber, referenced, type Dictionary, type Value } from "./values.ts";

const KNOWN = new Set(["Root", "Size", "Prev", "Info", "ID"]);

export interface Trailer {
  members: Dictionary;
  /** The catalog. */
  root: number;
  /** The file's notes. */
  info: number | undefined;
  size: number;
  /** The byte at which the table stands. */
  table: number;
}

interface Surroundings {
  table: number;
  /** By number, of this revision. */
  objects: Map<number, unknown>;
  previous: Trailer | undefined;
}

/** With what may stand between it and `startxref`. */
export function readTrailer(reader: Reader, { table, objects, previous }: Surroundings): Trailer {
  demandForm(reader.taken("trailer"), `no trailer at byte ${reader.at}`);
  const value = reader.value();
  demandForm(value.kind === "dictionary", "a trailer that is no dictionary");
  reader.taken("\n");
  const { members } = value;
  for (const key of members.keys()) demandForm(KNOWN.has(key), "a trailer with another member than Root, Size, Prev, Info and ID");
  const root = referenced(members.get("Root"));
  demandForm(root !== undefined && (previous === undefined || previous.root === root), "a trailer without Root, or with another one than before");
  const info = referenced(members.get("Info"));
  demandForm((info !== undefined) === members.has("Info"), "an Info that is no reference");
  const before = members.get("Prev");
  const fits = previous === undefined ? before === undefined : isNumber(before, String(previous.table));
  demandForm(fits, "Prev is not the place of the table before");
  return { members, root, info, table, size: sizeOf(members, objects, previous) };
}

function sizeOf(members: Dictionary, objects: Map<number, unknown>, previous: Trailer | undefined): number {
  const size = countOf(members.get("Size"));
  demandForm(size !== undefined && size >= (previous?.size ?? 0), "a trailer without Size, or with a smaller one than before");
  for (const number of objects.keys()) demandForm(number < size, `object ${number} is not below Size`);
  return size;
}

function countOf(value: Value | undefined): number | undefined {
  return value?.kind === "number" && /^[0-9]+$/.test(value.written) ? Number(value.written) : undefined;
}
