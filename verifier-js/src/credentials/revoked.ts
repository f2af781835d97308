/** What counts about revocation, as the report and `facts` tell it (Signed files 6). */
import { addresses } from "../asn1/addresses.ts";
import { revokedBy, type Enclosed, type Said } from "../asn1/revocation.ts";
import { Failed } from "../base/errors.ts";
import { formatTime } from "../base/time.ts";
import type { Sentence } from "../steps/findings.ts";

/** `Failed` where somebody on the path was revoked at this instant or before. */
export function demandNotRevoked(found: Enclosed, at: number): void {
  const by = revokedBy(found, at);
  if (by !== undefined) throw new Failed(`signer.revoked: the certificate of ${by.of} was revoked at ${formatTime(by.revoked)}, says ${by.by}`);
}

/** Of whom nothing is enclosed that reaches the instant, though their issuer tells of revocation somewhere. */
export function unanswered({ silent }: Pick<Enclosed, "silent">, at: number): Sentence[] {
  return silent.flatMap((certificate) => {
    const places = addresses(certificate).join(", ");
    return places === "" ? [] : [{
      en: `this needs an external fact: whether ${certificate.name} was revoked up to ${formatTime(at)}, for nothing that is enclosed says so; ask ${places}`,
      zh: `尚需外部事实：所附材料未说明 ${certificate.name} 截至 ${formatTime(at)} 是否已被吊销；请查询 ${places}`,
    }];
  });
}

/** A word as `facts` tells it. */
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

/** The member of `facts`, where anything counts. */
export function told(said: Said[]): { revocation?: SaidFact[] } {
  return said.length === 0 ? {} : { revocation: said.map(factOf) };
}

export function wordsTold(said: Said[]): Sentence[] {
  return said.map(({ of, form, by, from, until, revoked, sha256 }) => {
    const due = until === undefined ? { en: "not told when", zh: "未说明" } : { en: formatTime(until), zh: formatTime(until) };
    const source = { en: `as of ${formatTime(from)} (next word due: ${due.en}), by the ${form} ${sha256}`, zh: `截至 ${formatTime(from)}（下次说明：${due.zh}），见${form === "list" ? "列表" : "答复"} ${sha256}` };
    return revoked === undefined
      ? { en: `${by} says that the certificate of ${of} was not revoked; told ${source.en}`, zh: `${by} 称 ${of} 的证书未被吊销；${source.zh}` }
      : { en: `${by} revoked the certificate of ${of} at ${formatTime(revoked)}, after it had signed; told ${source.en}`, zh: `${by} 于 ${formatTime(revoked)} 吊销 ${of} 的证书，在其签名之后；${source.zh}` };
  });
}
