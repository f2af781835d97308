/** The verifier in a worker: files are read in parts, nothing leaves. */
import { LaterVersion, Malformed } from "../base/errors.ts";
import { parseTime } from "../base/time.ts";
import { readAccusation, type Accusation } from "../steps/accusations.ts";
import { examined } from "../verify.ts";
import { parseTrust, type Trust } from "../trust.ts";
import type { Answer, Question } from "./messages.ts";

/** More than any may have, so that a longer one is refused unread. */
const LONGEST_ACCUSATION = 1 << 20;

declare const FileReaderSync: new () => { readAsArrayBuffer(blob: Blob): ArrayBuffer };

function fileSource(file: File) {
  const reader = new FileReaderSync();
  return {
    size: file.size,
    read: (offset: number, length: number) => new Uint8Array(reader.readAsArrayBuffer(file.slice(offset, offset + length))),
  };
}

function say(answer: Answer): void {
  postMessage(answer);
}

async function judge({ bundle, trust: file, against, at }: Question): Promise<Answer> {
  let trust: Trust;
  try {
    parseTime(at);
    trust = parseTrust(fileSource(file).read(0, file.size));
  } catch (error) {
    if (error instanceof LaterVersion) return { kind: "fault", part: "later", detail: error.message };
    if (error instanceof Malformed) return { kind: "fault", part: "trust", detail: error.message };
    throw error;
  }
  let accusations: Accusation[];
  try {
    accusations = against.map((each) => readAccusation(fileSource(each).read(0, Math.min(each.size, LONGEST_ACCUSATION))));
  } catch (error) {
    if (error instanceof LaterVersion) return { kind: "fault", part: "later", detail: error.message };
    if (error instanceof Malformed) return { kind: "fault", part: "against", detail: error.message };
    throw error;
  }
  let told = -1;
  const progress = (done: number, all: number): void => {
    const percent = Math.floor((100 * done) / Math.max(all, 1));
    if (percent !== told) say({ kind: "progress", percent });
    told = percent;
  };
  const { report, beside } = await examined(fileSource(bundle), { trust, at, accusations, progress });
  return { kind: "report", report, beside, publisher: trust.publisher, issued: trust.issued };
}

addEventListener("message", ({ data }: MessageEvent<Question>) => {
  judge(data).then(say, (error: unknown) => say({ kind: "fault", part: "program", detail: String(error) }));
});
