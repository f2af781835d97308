/** Who said what, what of it is opened, and what was erased (`facts` of steps 2 to 7). */
import { hex, utf8 } from "../base/bytes.ts";
import { sha256, samePair } from "../base/hashes.ts";
import type { Json } from "../base/json.ts";
import { percent, type Bag } from "../bundle/bag.ts";
import { admitted, type Examination } from "../steps/examination.ts";

const REPORT = "data/report/";

/** SHA-256 over the lines of the payload manifest but those of enclosed reports. */
export function covers(bag: Bag): string {
  const lines = bag.sortedPayload().filter((name) => !name.startsWith(REPORT)).map((name) => `${bag.record(name).sha256}  ${percent(name)}\n`);
  return hex(sha256(utf8(lines.join(""))));
}

/** Every admitted statement, in order of position. */
export function statements({ replay }: Examination): object[] {
  return [...replay.admitted.values()].sort((a, b) => a.position - b.position).map(({ position, statement, role, at, issuer }) => {
    const { type, subject, time, recorded_for } = statement.event;
    return {
      position, type, subject, signed_by: issuer, role, key: statement.kid, claimed_at: time, admitted_at: at,
      ...(recorded_for === undefined ? {} : { recorded_for: recorded_for.party }),
    };
  });
}

/** Private values that a disclosure opens, and the names of the others, by position. */
export function values({ entries, disclosures }: Examination): { disclosed: Record<string, Record<string, Json>>; withheld: Record<string, string[]> } {
  const disclosed: Record<string, Record<string, Json>> = {};
  const withheld: Record<string, string[]> = {};
  for (const { position, statement } of entries) {
    const commitments = statement.event.private ?? new Map();
    const opened = (disclosures.get(position) ?? []).filter(({ name, commitment }) => commitments.has(name) && samePair(commitments.get(name)!, commitment));
    if (opened.length > 0) disclosed[position] = Object.fromEntries(opened.map(({ name, value }) => [name, value]));
    const names = [...commitments.keys()].filter((name) => !opened.some((each) => each.name === name)).sort();
    if (names.length > 0) withheld[position] = names;
  }
  return { disclosed, withheld };
}

export function erased(examination: Examination): object[] {
  return admitted(examination, "disclosure.erase").map(({ position: entry, at, event: { body: { position, names, grounds } } }) =>
    ({ position, names, grounds, erased_at: at, entry }));
}
