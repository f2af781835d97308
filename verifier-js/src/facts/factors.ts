/** Who said how an object came about, and the factors of articles 17 and 18 (Facts 1 and 3). */
import { introduced, isSigned, partyOf, type Examination } from "../steps/examination.ts";
import { attestations, counting, judged, type CaptureRecord } from "../steps/step15.ts";
import { isIncluded, judgedDocuments, LIMBS, type DocumentState } from "../steps/step17.ts";

export function captures(examination: Examination): object[] {
  return judged(examination).map(({ record: { position, at, event: { subject, body } } }) => ({
    position, object: subject, party: partyOf(examination, position), signed: isSigned(examination, position), method: body.method,
    started: body.started, ended: body.ended, recorded_at: at,
    attested: attestations(examination, position).map((each) => ({ position: each.position, party: each.party, role: each.role, signed: isSigned(examination, each.position) })),
  }));
}

export interface Factor {
  article: 17 | 18;
  factor: string;
  state: "present" | "absent" | "inconsistent" | "afterwards" | "expired";
  positions: number[];
  detail: string;
}

export function factors(examination: Examination): Factor[] {
  const found = judged(examination);
  const own = found.length === 0 ? [] : (["source", "generation", "storage", "notary", "witness", "corroboration"] as const).map((factor): Factor => {
    const faults = found.flatMap((each) => each.faults.filter((fault) => fault.factor === factor).map((fault) => ({ fault: fault.fault, position: each.record.position })));
    const said = found.filter(({ record }) => says(examination, record, factor)).map(({ record }) => record.position);
    const state = faults.length > 0 ? "inconsistent" : said.length > 0 ? "present" : "absent";
    return { article: 18, factor, state, positions: inOrder([...said, ...faults.map((each) => each.position)]), detail: faults.map((each) => each.fault).join(", ") };
  });
  return [...own, ...limbs(examination)];
}

function inOrder(positions: number[]): number[] {
  return [...new Set(positions)].sort((a, b) => a - b);
}

/** Whether this record, or what was attested of it, says something of a factor. */
function says(examination: Examination, record: CaptureRecord, factor: string): boolean {
  const { event: { subject, body, private: values } } = record;
  const committed = (...names: string[]): boolean => names.some((name) => values?.has(name) === true);
  const attested = (role: string): boolean => counting(examination, record).some((each) => each.role === role);
  switch (factor) {
    case "source": return body.clocks.length > 0 || committed("operator", "device", "place");
    case "generation": return [body.tool, body.environment, body.model, body.parameters].some((each) => each !== undefined) || committed("prompt");
    case "storage": return body.stored !== undefined;
    case "notary": return body.notary !== undefined || attested("notary");
    case "witness": return attested("witness");
    default: return body.related !== undefined
      || (body.model !== undefined && body.parameters !== undefined && introduced(examination, "object.register", subject)?.body.generation !== undefined);
  }
}

const BEST: DocumentState[] = ["present", "afterwards", "expired"];

function limbs(examination: Examination): Factor[] {
  const declared = judgedDocuments(examination);
  if (declared.length === 0) return [];
  return LIMBS.map((factor): Factor => {
    const found = declared.filter(({ body }) => body.limb === factor);
    const state = BEST.find((each) => found.some((one) => one.state === each)) ?? "absent";
    return { article: 17, factor, state, positions: found.map(({ position }) => position), detail: "" };
  });
}

export function documents(examination: Examination): object[] {
  return judgedDocuments(examination).map(({ position, at, body, state }) => ({
    position, limb: body.limb, title_zh: body.title.zh, title_en: body.title.en, issuer: body.issuer, valid_from: body.valid_from,
    valid_until: body.valid_until ?? null, sha256: body.document.sha256, included: isIncluded(examination, body), filed_at: at, state,
  }));
}
