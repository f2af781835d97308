/** Step 14: every timestamp token holds, by an authority that the reader knows. It runs before steps 10 and 11. */
import { hex, utf8 } from "../base/bytes.ts";
import { Failed, LaterVersion, Malformed } from "../base/errors.ts";
import { sha256 } from "../base/hashes.ts";
import { formatTime } from "../base/time.ts";
import { verifyTimestamp, type Timestamp } from "../asn1/timestamp.ts";
import type { Authority } from "../trust.ts";
import { told, unanswered, wordsTold } from "../credentials/revoked.ts";
import { demandExtended } from "./consistency.ts";
import type { Examination } from "./examination.ts";
import type { Findings } from "./findings.ts";
import { readHead } from "./logKeys.ts";

/** What `facts` tell of each token that has its form. */
export function timestamp(examination: Examination, used: Set<string>, findings: Findings): object[] {
  const told: object[] = [];
  const numbers = examination.case.file.timestamps ?? [];
  if (numbers.length === 0) findings.add("not_proved", "the case brings no timestamp", "本案没有时间戳");
  if (examination.head === undefined) return told;
  for (const number of numbers) {
    try {
      told.push(hold(examination, number, used, findings));
    } catch (error) {
      if (!(error instanceof Failed || error instanceof Malformed || error instanceof LaterVersion)) throw error;
      findings.add("contradicted", `timestamp ${number} does not hold: ${error.message}`, `时间戳 ${number} 不成立：${error.message}`);
    }
  }
  return told;
}

function hold(examination: Examination, number: number, used: Set<string>, findings: Findings): object {
  const { bag, trust, head, atSeconds, words, case: { proofs } } = examination;
  const own = readHead(examination, bag.read(`data/timestamps/${number}/checkpoint`));
  demandExtended(proofs, own.note, head!.note, used);
  const bytes = bag.read(`data/timestamps/${number}/token.tst`);
  const found = verifyTimestamp(bytes, utf8(own.note.text), trust.authorities, words);
  const { authority, time, accuracy } = found;
  const stamped = { number, size: Number(own.note.size), root: hex(own.note.root) };
  if (found.revoked !== undefined) {
    const { of, by, revoked } = found.revoked;
    findings.add("not_proved", `timestamp ${number} counts no more: the certificate of ${of} was revoked at ${formatTime(revoked)}, says ${by}`, `时间戳 ${number} 不再作数：${of} 的证书已于 ${formatTime(revoked)} 被 ${by} 吊销`);
    return { ...stamped, ...told(found.revocation), proved: false };
  }
  if (authority === undefined) {
    findings.add("not_proved", `timestamp ${number} is by ${found.signer}, under no root of the trust file`, `时间戳 ${number} 由 ${found.signer} 出具，其上没有信任文件中的根证书`);
    return { ...stamped, proved: false };
  }
  if (found.latest > atSeconds) {
    findings.add("not_proved", `timestamp ${number} is of ${formatTime(time)}, after the time of examination`, `时间戳 ${number} 的时间 ${formatTime(time)} 晚于检验时点`);
    return { ...stamped, ...detailsOf(found, authority), proved: false };
  }
  examination.tokens.push({ timestamp: found, digest: hex(sha256(bytes)), size: stamped.size });
  examination.stamped.push(own);
  findings.add("proved", `the authority ${authority.name} stamped the log at size ${own.note.size}: ${formatTime(time)} ± ${accuracy ?? "?"} s, signed by ${found.signer}`,
    `授时机构 ${authority.name} 在日志大小为 ${own.note.size} 时加盖时间戳：${formatTime(time)} ± ${accuracy ?? "?"} 秒，签名者 ${found.signer}`);
  for (const { en, zh } of [...wordsTold(found.revocation), ...unanswered(found, found.latest)]) findings.add("proved", `timestamp ${number}: ${en}`, `时间戳 ${number}：${zh}`);
  if (found.operatorOnly) findings.add("proved", `the authority ${authority.name} is run by the log's operator: its time is the operator's word, whatever the trust file says`,
    `授时机构 ${authority.name} 由日志运营方运行：无论信任文件如何记载，其时间仅为运营方之言`);
  return { ...stamped, ...detailsOf(found, authority), ...told(found.revocation), proved: true };
}

function detailsOf({ time, latest, operatorOnly, signer, details }: Timestamp, authority: Authority): object {
  const { accuracy, earliest, policy, serial, ordering, path } = details;
  return {
    authority: authority.name, independent: authority.independent && !operatorOnly, operator_only: operatorOnly, gen_time: formatTime(time),
    accuracy: accuracy === undefined ? null : String(accuracy / 1e6), not_before: formatTime(earliest), not_after: formatTime(latest), policy, serial: serial.toString(),
    ordering, signer, signer_sha256: hex(sha256(path[0]!.raw)), root_sha256: hex(sha256(path.at(-1)!.raw)),
  };
}
