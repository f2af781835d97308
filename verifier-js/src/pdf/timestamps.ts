/** The timestamps of a document (Signed files 5.2, numbers 5 and 6). */
import type { Words } from "../asn1/revocation.ts";
import { verifyTimestamp, type Timestamp } from "../asn1/timestamp.ts";
import { formatTime } from "../base/time.ts";
import type { Bytes } from "../base/bytes.ts";
import type { Trust } from "../trust.ts";
import { refuse, under } from "./refusal.ts";
import type { Problem } from "./verdict.ts";

export interface Stamped {
  token: Bytes;
  /** What the token is over. */
  message: Bytes;
}

export class Timestamps {
  readonly problems: Problem[] = [];
  private readonly trust: Trust;
  private readonly at: number;
  private readonly words: Words | undefined;

  constructor(trust: Trust, at: number, words: Words | undefined) {
    this.trust = trust;
    this.at = at;
    this.words = words;
  }

  /** A token that holds; none where it counts for nothing, which is told. */
  verify({ token, message }: Stamped): Timestamp | undefined {
    const found = under("pdf.timestamp", () => verifyTimestamp(token, message, this.trust.authorities, this.words));
    if (found.authority === undefined) return this.tell(found, "the trust file names no authority above it", "信任文件未列出其上级机构");
    if (found.revoked !== undefined) return this.tell(found, "its authority was revoked", "其机构的证书已被吊销");
    if (found.details.earliest > this.at) refuse("time.future", `a timestamp of ${formatTime(found.time)} is later than the time of examination`);
    return found;
  }

  private tell({ time, signer }: Timestamp, en: string, zh: string): undefined {
    this.problems.push({
      en: `a timestamp of ${formatTime(time)} by ${signer} counts for nothing: ${en}`,
      zh: `${signer} 于 ${formatTime(time)} 签发的时间戳不计：${zh}`,
    });
  }
}
