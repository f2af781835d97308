/** Step 14: every timestamp token holds, by an authority that the reader knows (Timestamps 6). */
import { hex, utf8 } from "../base/bytes.ts";
import { Failed, Malformed } from "../base/errors.ts";
import { sha256 } from "../base/hashes.ts";
import { formatTime } from "../base/time.ts";
import { verifyTimestamp, type Timestamp } from "../asn1/timestamp.ts";
import { told, unanswered, wordsTold } from "../credentials/revoked.ts";
import { parseCheckpoint, type Checkpoint } from "../log/note.ts";
import { demandExtended, pathName } from "./consistency.ts";
import type { Examination, Head } from "./examination.ts";
import type { Findings, Outcome, Sentence } from "./findings.ts";
import { readHead } from "./logKeys.ts";

/** Runs before steps 10 and 11, which use what it found; `facts.timestamps`. */
export function timestamp(examination: Examination, used: Set<string>, findings: Findings): object[] {
  const { case: { file }, head } = examination;
  const numbers = file.timestamps ?? [];
  if (numbers.length === 0) findings.add("not_proved", "the case has no timestamp token", "本案没有时间戳令牌");
  if (head === undefined) return [];
  return numbers.map((number) => judge(examination, head, number, used, findings));
}

function judge(examination: Examination, head: Head, number: number, used: Set<string>, findings: Findings): object {
  const { bag, case: { proofs }, trust, words } = examination;
  const [noteName, tokenName] = [`data/timestamps/${number}/checkpoint`, `data/timestamps/${number}/token.tst`];
  const what = { en: `timestamp ${number}`, zh: `时间戳 ${number}` };
  let note: Checkpoint | undefined;
  let stamp: Timestamp | undefined;
  let holds = false;
  findings.check(what, () => formless(() => {
    const bytes = bag.read(noteName);
    note = parseCheckpoint(bytes);
    used.add(pathName(note.size, head.note.size));
    const stamped = readHead(examination, bytes);
    demandExtended(proofs, note, head.note, used);
    const token = bag.read(tokenName);
    stamp = verifyTimestamp(token, utf8(note.text), trust.authorities, words);
    holds = tell(examination, what, stamp, "not_proved", findings);
    if (!holds) return;
    examination.stamped.push(stamped);
    examination.tokens.push({ timestamp: stamp, digest: hex(sha256(token)), size: Number(note.size) });
  }));
  return { number, ...(note === undefined ? {} : { size: Number(note.size), root: hex(note.root) }), ...(stamp === undefined ? {} : factsOf(stamp)), ...(holds ? { trust: rests(note!, stamp!) } : {}), proved: holds };
}

/** A token, or the note beside it, without its form is contradicted, not malformed. */
export function formless<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof Malformed) throw new Failed(`it is not of the form of the format: ${error.message}`);
    throw error;
  }
}

/** What of a sound token counts, said in the findings; whether it holds by an authority that the reader knows. `otherwise`: what the claim is where it does not. */
export function tell({ atSeconds }: Examination, what: Sentence, stamp: Timestamp, otherwise: Outcome, findings: Findings): boolean {
  const { authority, signer, revoked, latest } = stamp;
  if (revoked !== undefined) findings.add(otherwise, `${what.en} counts no more: the certificate of ${revoked.of} was revoked at ${formatTime(revoked.revoked)}${revoked.reason === undefined ? "" : ` (${revoked.reason})`}, says ${revoked.by}`,
    `${what.zh}不再有效：${revoked.by} 称 ${revoked.of} 的证书已于 ${formatTime(revoked.revoked)} 被吊销${revoked.reason === undefined ? "" : `（${revoked.reason}）`}`);
  else if (authority === undefined) findings.add(otherwise, `${what.en} is sound, but no root of the trust file stands above ${signer}`, `${what.zh}本身完好，但信任文件中没有 ${signer} 之上的根`);
  else if (latest > atSeconds) findings.add(otherwise, `${what.en} is of ${formatTime(latest)}, after the time of examination`, `${what.zh}之时间为 ${formatTime(latest)}，晚于检验时点`);
  else {
    for (const { en, zh } of sentences(what, stamp)) findings.add("proved", en, zh);
    return true;
  }
  return false;
}

function sentences(what: Sentence, { authority, operatorOnly, time, accuracy, signer, revocation, silent, latest }: Timestamp): Sentence[] {
  const { name, independent } = authority!;
  const about = (each: Sentence): Sentence => ({ en: `${what.en}: ${each.en}`, zh: `${what.zh}：${each.zh}` });
  const whose = operatorOnly ? { en: "is run by the log's operator: its time is the operator's word", zh: "由日志运营方运行：其时间仅为运营方之言" }
    : { en: `is ${independent ? "" : "not "}called independent of the operator by the trust file`, zh: `${independent ? "被" : "未被"}信任文件认定独立于运营方` };
  return [
    { en: `${what.en}: authority ${name} says ${formatTime(time)} ± ${accuracy ?? "?"} s, signed by ${signer}`, zh: `${what.zh}：时间戳机构 ${name} 称 ${formatTime(time)} ± ${accuracy ?? "?"} 秒，由 ${signer} 签署` },
    { en: `authority ${name} ${whose.en}`, zh: `时间戳机构 ${name} ${whose.zh}` }, ...wordsTold(revocation).map(about), ...unanswered({ silent }, latest).map(about),
  ];
}

/** What the token says, whether it counts or not; nothing where no root of the trust file stands above it. */
function factsOf({ time, latest, signer, operatorOnly, revocation, details: { accuracy, earliest, policy, serial, ordering, path, authority } }: Timestamp): object {
  if (authority === undefined) return {};
  return {
    ...told(revocation), authority: authority.name, independent: authority.independent && !operatorOnly, operator_only: operatorOnly, gen_time: formatTime(time),
    accuracy: accuracy === undefined ? null : decimal(accuracy), not_before: formatTime(earliest), not_after: formatTime(latest), policy, serial: String(serial), ordering,
    signer, signer_sha256: hex(sha256(path[0]!.raw)), root_sha256: hex(sha256(path.at(-1)!.raw)),
  };
}

/** Seconds, of millionths, without an exponent or zeros at the end. */
function decimal(micros: number): string {
  return (micros / 1_000_000).toFixed(6).replace(/\.?0+$/, "");
}

/** What the time of a token that holds is of, and who vouches for it. */
function rests({ size, root }: Checkpoint, stamp: Timestamp): Sentence {
  const [by, until] = [voucher(stamp), formatTime(stamp.latest)];
  return {
    zh: `不晚于 ${until}，日志大小为 ${size}，根为 ${hex(root)}；不说明其是否延续此前内容；担保方：${by.zh}`,
    en: `the log had size ${size} and root ${hex(root)} no later than ${until}; nothing is said of what came before; vouched for by: ${by.en}`,
  };
}

function voucher({ authority, operatorOnly }: Timestamp): Sentence {
  const { name, independent } = authority!;
  if (operatorOnly) return {
    zh: "仅日志运营方自身；尚需：由独立于运营方者对同一内容所作的时间戳或锚定",
    en: "operator only; needs: a timestamp or an anchor of the same by someone independent of the operator",
  };
  if (independent) return { zh: `独立于运营方的时间戳机构 ${name}`, en: `the timestamp authority ${name}, independent of the operator` };
  return { zh: `时间戳机构 ${name}；未被认定独立于运营方`, en: `the timestamp authority ${name}, which the trust file does not call independent of the operator` };
}
