/** What the signed file says about the log, compared with the bundle (Signed files 3 and 4). */
import { equal, utf8, type Bytes } from "../base/bytes.ts";
import { Failed, Malformed } from "../base/errors.ts";
import { anyText, base64Of, identifier, integer, list, mapOf, matching, oneOf, origin, record, text, type Form, type Of } from "../base/forms.ts";
import { leaf, samePair } from "../base/hashes.ts";
import { parseCanonical, type Json } from "../base/json.ts";
import { parseDisclosure } from "../events/disclosure.ts";
import type { EventOf } from "../events/event.ts";
import { verifyInclusion } from "../log/merkle.ts";
import { parseStatement, type Statement } from "../log/statement.ts";
import { admitted, type Examination } from "../steps/examination.ts";
import { readHead } from "../steps/logKeys.ts";
import { within } from "./open.ts";

const entry = base64Of(65_535);
const proof = list(0, 64, base64Of(32));
/** A signed note: text of several lines. */
const noteText: Form<string> = (value) => {
  const found = anyText(value);
  if (found === "" || [...found].length > 16_384) throw new Malformed("a note of more than 16,384 characters, or none");
  return found;
};
const licence = record({
  v: oneOf(1), licence: identifier("L"), grant: integer(), checkpoint: noteText,
  entries: list(1, 512, record({ index: integer(), entry, proof })),
  disclosures: mapOf(0, 512, matching(/0|[1-9][0-9]*/), list(1, 32, text(1, 524_288))),
  status: record({ list: text(1, 200), index: integer(0, 1_048_575) }),
});
const said = {
  certificate: identifier("R"), object: identifier("A"), number: text(1, 80), log: origin, position: integer(), entry, checkpoint: noteText, proof,
};
const certificate = record({ v: oneOf(1), ...said });
/** What is attached to a certificate as PDF (5.3). */
const attachment = record({ v: oneOf(2), ...said, disclosures: list(0, 32, text(1, 1_048_576)) });
const LONGEST_ATTACHMENT = 4 << 20;

/** `Failed` where the payload names something else than the entry's subject, or than the bundle shows. */
export function demandPayload(examination: Examination, subject: string, assertion: { label: string; value: Json } | undefined): void {
  if (assertion === undefined) throw new Failed("the file names no licence and no certificate");
  inForm(() => {
    if (assertion.label === "licence") demandLicence(examination, subject, assertion.value);
    else demandCertificate(examination, subject, certificate(assertion.value));
  });
}

/** The same of what is attached to a certificate as PDF. */
export function demandAttachment(examination: Examination, subject: string, bytes: Bytes): void {
  inForm(() => {
    const found = attachment(parseCanonical(bytes, LONGEST_ATTACHMENT));
    demandCertificate(examination, subject, found);
    demandOpened(parseStatement(found.entry), found.disclosures);
  });
}

function inForm(run: () => void): void {
  try {
    run();
  } catch (error) {
    if (error instanceof Malformed) throw new Failed(`what the file says of the log is not of its form: ${error.message}`);
    throw error;
  }
}

function demandLicence(examination: Examination, subject: string, value: Json): void {
  const found = licence(value);
  demandCoherent(found);
  if (found.licence !== subject) throw new Failed(`the file is about ${found.licence}, the entry about ${subject}`);
  const granted = admitted(examination, "licence.grant").find(({ event }) => event.subject === subject);
  if (granted?.position !== found.grant) throw new Failed(`the file shows another grant than the log's, ${found.grant}`);
  const statements = demandEntries(examination, found.entries);
  for (const [index, texts] of found.disclosures) demandOpened(statements.get(Number(index))!, texts);
  within(examination.log !== undefined, "a licence whose log is not trusted here");
  const { note } = readHead(examination, utf8(found.checkpoint));
  for (const { index, proof: path } of found.entries) verifyInclusion(statements.get(index)!.leaf, BigInt(index), note.size, note.root, path);
  const moved = admitted(examination, "licence.transfer").filter(({ position, event }) => event.subject === subject && BigInt(position) < note.size).at(-1);
  const { list: uri, index } = (moved ?? granted).event.body.status;
  if (found.status.list !== uri || found.status.index !== index) throw new Failed("the file names another status than the log");
}

/** Entries ascend, each once; the grant is among them, and what is disclosed is of them. */
function demandCoherent({ entries, grant, disclosures }: Of<typeof licence>): void {
  const indexes = entries.map((each) => each.index);
  if (indexes.some((index, place) => place > 0 && indexes[place - 1]! >= index)) throw new Malformed("entries that do not ascend, each once");
  for (const index of [grant, ...[...disclosures.keys()].map(Number)]) if (!indexes.includes(index)) throw new Malformed(`entry ${index} is not among those shown`);
}

/** Statements by index; those that the bundle holds have the same bytes there. */
function demandEntries({ case: { entries } }: Examination, shown: Of<typeof licence>["entries"]): Map<number, Statement> {
  return new Map(shown.map(({ index, entry: bytes }) => {
    const own = entries.get(index);
    if (own !== undefined && !equal(own, bytes)) throw new Failed(`the file shows another entry ${index} than the bundle`);
    return [index, parseStatement(bytes)];
  }));
}

/** Each opens a commitment of the entry, none of them twice. */
function demandOpened({ event }: Statement, texts: string[]): void {
  const names = new Set<string>();
  for (const each of texts) {
    const { name, commitment } = parseDisclosure(each);
    const committed = event.private?.get(name);
    if (names.has(name) || committed === undefined || !samePair(committed, commitment)) throw new Failed(`a disclosure in the file opens no commitment, or one twice: ${name}`);
    names.add(name);
  }
}

function demandCertificate(examination: Examination, subject: string, found: Omit<Of<typeof certificate>, "v">): void {
  const { entries, case: { file, entries: written }, log } = examination;
  const [issued, ...others] = entries.filter(({ statement: { event } }) => event.type === "certificate.issue" && event.subject === subject);
  if (found.certificate !== subject) throw new Failed(`the file is about ${found.certificate}, the entry about ${subject}`);
  within(issued !== undefined && others.length === 0 && log !== undefined, "a certificate whose entry or log is not here, or with two entries");
  const { object, number } = (issued.statement.event as EventOf<"certificate.issue">).body;
  const same = found.object === object && found.number === number && found.log === file.log && found.position === issued.position;
  if (!same || !equal(found.entry, written.get(issued.position)!)) throw new Failed("the file says another object, number, log or entry than the log");
  const { note } = readHead(examination, utf8(found.checkpoint));
  verifyInclusion(leaf(found.entry), BigInt(found.position), note.size, note.root, found.proof);
}
