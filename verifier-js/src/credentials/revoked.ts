/** Whether the signer of a claim had been revoked (Signed files 6). */
import { decodeUtf8 } from "../base/bytes.ts";
import { Failed } from "../base/errors.ts";
import { formatTime } from "../base/time.ts";
import type { Certificate } from "../asn1/certificate.ts";
import { oid, parseDer, sequence } from "../asn1/der.ts";
import { revokedBy, type Enclosed } from "../asn1/revocation.ts";
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
export function unanswered({ silent }: Enclosed, at: number): Sentence[] {
  return silent.map((certificate) => ({ name: certificate.name, places: opened(() => placesOf(certificate)) })).filter(({ places }) => places.length > 0).map(({ name, places }) => ({
    en: `whether the certificate of ${name} had been revoked by ${formatTime(at)} needs an external fact: its issuer tells of revocation at ${places.join(", ")}, and the file encloses no answer that reaches that instant`,
    zh: `${name} 的证书截至 ${formatTime(at)} 是否已被吊销，需要外部事实：其签发者在 ${places.join("、")} 公布吊销情况，而文件未附及于该时刻的答复`,
  }));
}

/** Where answers are given, and where lists stand. */
function placesOf({ extensions }: Certificate): string[] {
  const [access, points] = [ACCESS, POINTS].map((id) => extensions.get(id)).map((each) => (each === undefined ? [] : sequence(parseDer(each.value))));
  const asked = access!.map((each) => sequence(each)).filter(([method]) => oid(method) === ANSWERS).map(([, place]) => place!);
  const listed = points!.flatMap((each) => sequence(each).filter(({ tag }) => tag === 0xa0)).flatMap(({ children }) => children.filter(({ tag }) => tag === 0xa0)).flatMap(({ children }) => children);
  return [...asked, ...listed].filter(({ tag }) => tag === ADDRESS).map(({ content }) => decodeUtf8(content));
}
