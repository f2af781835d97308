/** The cross-reference table (ISO 32000-2, 7.5.4): exactly the objects of its revision, each where it stands. */
import type { Reader } from "./reader.ts";
import { demandForm } from "./refusal.ts";

const BEGIN = /xref\r?\n/y;
const SECTION = /(0|[1-9][0-9]{0,6}) ([1-9][0-9]{0,6}) ?\r?\n/y;
const ENTRY = /([0-9]{10}) ([0-9]{5}) ([nf])(?: \r| \n|\r\n)/y;
const FREE = "0000000000 65535 f";

/** Without a section where the revision has no objects. `places`: the byte at which the number of each object of the revision stands. */
export function readTable(reader: Reader, places: Map<number, number>): void {
  reader.demand(BEGIN, "cross-reference table");
  const listed = new Set<number>();
  for (let section = reader.take(SECTION); section !== undefined; section = reader.take(SECTION)) {
    const first = Number(section[1]);
    for (let number = first; number < first + Number(section[2]); number++) {
      demandForm(!listed.has(number), `object ${number} twice in the table`);
      listed.add(number);
      demandEntry(reader.demand(ENTRY, "entry of the table"), number, places.get(number));
    }
  }
  listed.delete(0);
  demandForm(listed.size === places.size, "objects that the table does not list");
}

function demandEntry([written, place, generation, kind]: RegExpExecArray, number: number, stands: number | undefined): void {
  if (number === 0) return demandForm(written.startsWith(FREE), "object 0 is not the free one");
  demandForm(kind === "n" && generation === "00000" && Number(place) === stands, `the table does not say where object ${number} stands`);
}
