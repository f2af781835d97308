/** What the signed file says about the log, compared with the bundle (Signed files 3 and 4). */
import { equal, utf8 } from "../base/bytes.ts";
import { Failed, Malformed } from "../base/errors.ts";
import { anyText, base64Of, identifier, integer, list, mapOf, matching, oneOf, origin, record, text, type Form } from "../base/forms.ts";
import { leaf } from "../base/hashes.ts";
import type { Json } from "../base/json.ts";
import type { EventOf } from "../events/event.ts";
import { verifyInclusion } from "../log/merkle.ts";
import type { Examination } from "../steps/examination.ts";
import { readHead } from "../steps/logKeys.ts";
import { within } from "./open.ts";

const entry = base64Of(65_535);
const proof = list(0, 64, base64Of(32));
/** A signed note: text of several lines. */
const noteText: Form<string> = (value) => {
  const found = anyText(value);
  if (found.length < 1 || found.length > 16_384) throw new Malformed("a note of more than 16,384 characters, or none");
  return found;
};
const licence = record({
  v: oneOf(1), licence: identifier("L"), grant: integer(), checkpoint: noteText,
  entries: list(1, 512, record({ index: integer(), entry, proof })),
  disclosures: mapOf(0, 512, matching(/0|[1-9][0-9]*/), list(1, 32, anyText)),
  status: record({ list: text(1, 200), index: integer(0, 1_048_575) }),
});
const certificate = record({
  v: oneOf(1), certificate: identifier("R"), object: identifier("A"), number: text(1, 80), log: origin, position: integer(), entry,
  checkpoint: noteText, proof,
});

/** `Failed` where the payload names something else than the entry's subject, or than the bundle shows. */
export function demandPayload(examination: Examination, subject: string, assertion: { label: string; value: Json } | undefined): void {
  if (assertion === undefined) throw new Failed("the file names no licence and no certificate");
  try {
    if (assertion.label === "licence") demandLicence(examination, subject, assertion.value);
    else demandCertificate(examination, subject, assertion.value);
  } catch (error) {
    if (error instanceof Malformed) throw new Failed(`what the file says of the log is not of its form: ${error.message}`);
    throw error;
  }
}

function demandLicence({ case: { entries } }: Examination, subject: string, value: Json): void {
  const found = licence(value);
  if (found.licence !== subject) throw new Failed(`the file is about ${found.licence}, the entry about ${subject}`);
  for (const shown of found.entries) {
    const own = entries.get(shown.index);
    if (own !== undefined && !equal(own, shown.entry)) throw new Failed(`the file shows another entry ${shown.index} than the bundle`);
  }
}

function demandCertificate(examination: Examination, subject: string, value: Json): void {
  const { entries, case: { file, entries: written }, log } = examination;
  const found = certificate(value);
  const issued = entries.find(({ statement: { event } }) => event.type === "certificate.issue" && event.subject === subject);
  if (found.certificate !== subject) throw new Failed(`the file is about ${found.certificate}, the entry about ${subject}`);
  within(issued !== undefined && log !== undefined, "a certificate whose entry or log is not here");
  const { object, number } = (issued.statement.event as EventOf<"certificate.issue">).body;
  const same = found.object === object && found.number === number && found.log === file.log && found.position === issued.position;
  if (!same || !equal(found.entry, written.get(issued.position)!)) throw new Failed("the file says another object, number, log or entry than the log");
  const { note } = readHead(examination, utf8(found.checkpoint));
  verifyInclusion(leaf(found.entry), BigInt(found.position), note.size, note.root, found.proof);
}
