/** Step 8: the originals are the registered ones. */
import { Failed } from "../base/errors.ts";
import { parseIdentifier } from "../base/identifiers.ts";
import { folderRecord, sameRecord, type DigestRecord } from "../events/digestRecord.ts";
import { introduced, type Examination } from "./examination.ts";
import type { Findings } from "./findings.ts";

export function content(examination: Examination, findings: Findings): void {
  const { case: { file }, contents, replay, subjects } = examination;
  for (const { object, mode } of file.originals) {
    const { slug } = parseIdentifier(object);
    const registered = introduced(examination, "object.register", object)?.body.content;
    if (registered === undefined) {
      findings.add("not_proved", `no entry here registers ${object}`, `此处没有登记 ${object} 的条目`);
      continue;
    }
    const listed = contents.get(slug);
    if (listed !== undefined) findings.check({ en: `the file list of ${object}`, zh: `${object} 的文件清单` }, () => demandSame(registered, folderRecord(listed)));
    if (mode === "digests") findings.add("needs_external_fact", `compare your own copy of ${object} with the registered digests`, `请将您自有的 ${object} 副本与登记的摘要比对`);
    else if (findings.check({ en: `the original of ${object}`, zh: `${object} 的原件` }, () => demandSame(registered, included(examination, slug, registered))))
      findings.add("proved", `the files of ${object} have the registered SHA-256, SM3, size and tree`, `${object} 的文件与登记的 SHA-256、SM3、大小及树相符`);
  }
  const named = new Set(file.originals.map((each) => each.object));
  const objects = [...subjects].filter((subject) => parseIdentifier(subject).letter === "A");
  const missing = file.kind === "object" ? !named.has(file.subject) : !objects.some((object) => named.has(object));
  if (missing && objects.every((object) => replay.state.objects.has(object)))
    findings.add("needs_external_fact", "the case brings no original: compare your own copy with the registered digests", "本案未附原件：请将您自有的副本与登记的摘要比对");
}

function demandSame(registered: DigestRecord, found: DigestRecord): void {
  if (!sameRecord(registered, found)) throw new Failed("its digests are not the registered ones");
}

/** The record of the files under a slug. */
function included({ bag }: Examination, slug: string, registered: DigestRecord): DigestRecord {
  const folder = `data/originals/${slug}/`;
  const names = bag.payload().filter((name) => name.startsWith(folder));
  if (registered.form === "file") {
    if (names.length !== 1) throw new Failed(`${names.length} files stand where one is registered`);
    return bag.record(names[0]!);
  }
  return folderRecord(names.map((name) => {
    const { sha256, size, sm3 } = bag.record(name);
    return { path: name.slice(folder.length), sha256, size, sm3 };
  }));
}
