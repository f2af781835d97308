/** The page: two files and an instant in, a report out. */
import { formatTime } from "../base/time.ts";
import type { Answer, Question } from "./messages.ts";
import { element } from "./element.ts";
import { renderReport, type Shown } from "./render.ts";
import { WORDS, type Language } from "./words.ts";

const REMEMBERED = navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";

const files: { bundle?: File; trust?: File } = {};
let against: File[] = [];
let language: Language = REMEMBERED;
let shown: Shown | undefined;
let fault: Extract<Answer, { kind: "fault" }> | undefined;
let worker: Worker | undefined;

/** Of fork evidence and conviction proofs; larger files are not looked into. */
const LONGEST_JSON = 1 << 20;

function byId<T extends HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

function translate(): void {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  document.title = `${WORDS.title[language]} · tallystick`;
  for (const each of document.querySelectorAll<HTMLElement>("[data-word]")) each.textContent = WORDS[each.dataset.word as keyof typeof WORDS][language];
  for (const each of document.querySelectorAll<HTMLElement>("[data-language]")) each.setAttribute("aria-pressed", String(each.dataset.language === language));
  for (const kind of ["bundle", "trust"] as const) byId(`${kind}-name`).textContent = files[kind]?.name ?? WORDS.drop[language];
  byId("against-name").textContent = against.map((each) => each.name).join(", ") || WORDS.drop[language];
  const result = byId("result");
  if (shown !== undefined) result.replaceChildren(...renderReport(shown, language));
  else if (fault !== undefined) result.replaceChildren(...renderFault(fault));
}

function renderFault({ part, detail }: NonNullable<typeof fault>): HTMLElement[] {
  const said = { trust: WORDS.trustFault, against: WORDS.againstFault, later: WORDS.laterFault, program: WORDS.programFault }[part];
  const next = part === "trust" ? [element("p", {}, WORDS.trustNext[language])] : [];
  return [element("section", { class: "verdict malformed", role: "alert" }, element("p", {}, said[language]), element("p", {}, element("code", {}, detail)), ...next)];
}

function choose(kind: "bundle" | "trust", file: File): void {
  files[kind] = file;
  byId<HTMLButtonElement>("examine").disabled = files.bundle === undefined || files.trust === undefined;
  translate();
}

/** Evidence against the log says what it is; every other JSON file is taken for the trust file. */
async function sort(file: File): Promise<void> {
  if (!file.name.toLowerCase().endsWith(".json")) return choose("bundle", file);
  if (file.size < LONGEST_JSON && /^\{.*"kind":"(fork|conviction)"/s.test(await file.text())) bring([...against, file]);
  else choose("trust", file);
}

function bring(found: File[]): void {
  against = found;
  document.querySelector<HTMLDetailsElement>(".against")!.open = found.length > 0;
  translate();
}

function examine(): void {
  const { bundle, trust } = files;
  if (bundle === undefined || trust === undefined) return;
  worker?.terminate();
  const code = byId("worker-code").textContent ?? "";
  const address = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  worker = new Worker(address);
  [shown, fault] = [undefined, undefined];
  byId("result").replaceChildren();
  byId("progress").hidden = false;
  worker.addEventListener("message", ({ data }: MessageEvent<Answer>) => hear(data));
  worker.addEventListener("error", (event) => hear({ kind: "fault", part: "program", detail: event.message }));
  const question: Question = { bundle, trust, against, at: instant() };
  worker.postMessage(question);
  URL.revokeObjectURL(address);
}

/** What the field says, as the format writes it. */
function instant(): string {
  const { value } = byId<HTMLInputElement>("at");
  return value.length === 16 ? `${value}:00Z` : `${value.slice(0, 19)}Z`;
}

function hear(answer: Answer): void {
  if (answer.kind === "progress") {
    byId<HTMLProgressElement>("percent").value = answer.percent;
    return;
  }
  byId("progress").hidden = true;
  if (answer.kind === "report") shown = answer;
  else fault = answer;
  translate();
  byId("result").scrollIntoView();
}

function listen(): void {
  for (const kind of ["bundle", "trust"] as const) {
    byId<HTMLInputElement>(kind).addEventListener("change", (event) => {
      const file = (event.target as HTMLInputElement).files?.[0];
      if (file !== undefined) choose(kind, file);
    });
  }
  byId<HTMLInputElement>("against").addEventListener("change", (event) => bring([...(event.target as HTMLInputElement).files ?? []]));
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    for (const file of event.dataTransfer?.files ?? []) void sort(file);
  });
  for (const button of document.querySelectorAll<HTMLElement>("[data-language]"))
    button.addEventListener("click", () => {
      language = button.dataset.language as Language;
      translate();
    });
  byId("examine").addEventListener("click", examine);
  byId<HTMLInputElement>("at").value = formatTime(Math.floor(Date.now() / 1000)).slice(0, 19);
}

listen();
translate();
