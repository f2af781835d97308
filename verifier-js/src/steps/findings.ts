/** What a step found: outcomes and the sentences that say why. */
import { Failed, LaterVersion, Malformed, NotShown } from "../base/errors.ts";

export const OUTCOMES = ["proved", "needs_external_fact", "not_proved", "contradicted"] as const;
export type Outcome = (typeof OUTCOMES)[number];

export interface Sentence {
  en: string;
  zh: string;
}

export class Findings {
  outcome: Outcome = "proved";
  malformed = false;
  readonly evidence: Sentence[] = [];

  /** The worst counts: proved, needs an external fact, not proved, contradicted. */
  add(outcome: Outcome, en: string, zh: string): void {
    if (OUTCOMES.indexOf(outcome) > OUTCOMES.indexOf(this.outcome)) this.outcome = outcome;
    this.evidence.push({ en, zh });
  }

  /** Run a check; what it throws is a finding about `what`. Whether it held. */
  check(what: Sentence, run: () => void): boolean {
    try {
      run();
      return true;
    } catch (error) {
      this.fault(what, error);
      return false;
    }
  }

  fault(what: Sentence, error: unknown): void {
    if (error instanceof Malformed) {
      this.malformed = true;
      this.add("not_proved", `${what.en} is not of the form of the format: ${error.message}`, `${what.zh}不符合格式：${error.message}`);
    } else if (error instanceof LaterVersion)
      this.add("not_proved", `${what.en} is of a version that this program does not know: ${error.message}; install a newer program`,
        `${what.zh}的版本为本程序所不识：${error.message}；请安装更新的程序`);
    else if (error instanceof Failed) this.add("contradicted", `${what.en} does not hold: ${error.message}`, `${what.zh}不成立：${error.message}`);
    else if (error instanceof NotShown) this.add("not_proved", `${what.en}: ${error.message}`, `${what.zh}：${error.message}`);
    else throw error;
  }
}
