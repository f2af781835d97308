/** Whether the signer of a claim had been revoked (Signed files 6). */
import { decodeUtf8 } from "../base/bytes.ts";
import { Failed } from "../base/errors.ts";
import { formatTime } from "../base/time.ts";
import type { Certificate } from "../asn1/certificate.ts";
import { oid, parseDer, sequence } from "../asn1/der.ts";
import { revokedBy, type Enclosed, type Said } from "../asn1/revocation.ts";
import type { Sentence } from "../steps/findings.ts";
import { opened } from "./open.ts";

const [ACCESS, POINTS] = ["1.3.6.1.5.5.7.1.1", "2.5.29.31"];
const ANSWERS = "1.3.6.1.5.5.7.48.1";
const ADDRESS = 0x86;

export function demandNotRevoked(found: Enclosed, at: number): void {
  const gone = revokedBy(found, at);
  if (gone !== undefined) throw new Failed(`the certificate of ${gone.of} was revoked at ${formatTime(gone.revoked)}, says ${gone.by} (signer.revoked)`);
}

/** Of whom an issuer tells somewhere else, and nothing is here that reaches this instant. */
export function unanswered({ silent }: Pick<Enclosed, "silent">, at: number): Sentence[] {
  return silent.map((certificate) => ({ name: certificate.name, places: opened(() => placesOf(certificate)) })).filter(({ places }) => places.length > 0).map(({ name, places }) => ({
    en: `whether the certificate of ${name} had been revoked by ${formatTime(at)} needs an external fact: its issuer tells of revocation at ${places.join(", ")}, and nothing that is enclosed reaches that instant`,
    zh: `${name} 的证书截至 ${formatTime(at)} 是否已被吊销，需要外部事实：其签发者在 ${places.join("、")} 公布吊销情况，而所附材料未覆盖该时刻`,
  }));
}

/** Where answers are given, and where lists stand. */
function placesOf({ extensions }: Certificate): string[] {
  const [access, points] = [ACCESS, POINTS].map((id) => extensions.get(id)).map((each) => (each === undefined ? [] : sequence(parseDer(each.value))));
  const asked = access!.map((each) => sequence(each)).filter(([method]) => oid(method) === ANSWERS).map(([, place]) => place!);
  const listed = points!.flatMap((each) => sequence(each).filter(({ tag }) => tag === 0xa0)).flatMap(({ children }) => children.filter(({ tag }) => tag === 0xa0)).flatMap(({ children }) => children);
  return [...asked, ...listed].filter(({ tag }) => tag === ADDRESS).map(({ content }) => decodeUtf8(content));
}

export interface SaidFact {
  of: string;
  form: Said["form"];
  by: string;
  from: string;
  until: string | null;
  revoked: string | null;
  sha256: string;
  reason?: string;
}

export function factOf({ of, form, by, from, until, revoked, reason, sha256 }: Said): SaidFact {
  return {
    of, form, by, from: formatTime(from), until: until === undefined ? null : formatTime(until), revoked: revoked === undefined ? null : formatTime(revoked), sha256,
    ...(reason === undefined ? {} : { reason }),
  };
}

/** No member where nothing is said. */
export function told(said: Said[]): { revocation?: SaidFact[] } {
  return said.length === 0 ? {} : { revocation: said.map(factOf) };
}

/** What refused nothing, for a reader. */
export function wordsTold(said: Said[]): Sentence[] {
  return said.map(({ of, by, from, revoked }) => (revoked === undefined
    ? { en: `as of ${formatTime(from)} ${by} had not revoked the certificate of ${of}`, zh: `截至 ${formatTime(from)}，${by} 未吊销 ${of} 的证书` }
    : { en: `${by} revoked the certificate of ${of} at ${formatTime(revoked)}, after it had signed`, zh: `${by} 于 ${formatTime(revoked)} 吊销 ${of} 的证书，晚于其签署` }));
}
