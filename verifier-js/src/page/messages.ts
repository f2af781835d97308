/** What the page and its worker say to each other. */
import type { Report } from "../report.ts";
import type { Beside } from "../verify.ts";

export interface Question {
  bundle: File;
  trust: File;
  /** Fork evidence and conviction proofs. */
  against: File[];
  at: string;
}

export type Answer =
  | { kind: "progress"; percent: number }
  | { kind: "report"; report: Report; beside: Beside; publisher: string; issued: string }
  | { kind: "fault"; part: "trust" | "against" | "later" | "program"; detail: string };
