/** What the page and its worker say to each other. */
import type { Report } from "../report.ts";

export interface Question {
  bundle: File;
  trust: File;
  at: string;
}

export type Answer =
  | { kind: "progress"; percent: number }
  | { kind: "report"; report: Report; publisher: string; issued: string }
  | { kind: "fault"; part: "trust" | "later" | "program"; detail: string };
