/** Step 8: the originals are the registered ones. */
import { hex } from "../base/bytes.ts";
import { isRegistered } from "../admission/state.ts";
import { Failed } from "../base/errors.ts";
import { parseIdentifier } from "../base/identifiers.ts";
import { PIECE } from "../bundle/digester.ts";
import { chunksName, isHere, lineLeaf, rootOf } from "../bundle/parts.ts";
import { folderRecord, sameRecord, type DigestRecord } from "../events/digestRecord.ts";
import { introduced, type Examination } from "./examination.ts";
import type { Findings } from "./findings.ts";

/** The objects in parts whose parts all hold. */
export function content(examination: Examination, findings: Findings): Set<string> {
  const held = new Set<string>();
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
    if (mode === "parts") {
      if (findings.check({ en: `the parts of ${object}`, zh: `${object} 的部分` }, () => inParts(examination, slug, registered, findings))) held.add(object);
    } else if (mode === "digests") findings.add("needs_external_fact", `compare your own copy of ${object} with the registered digests`, `请将您自有的 ${object} 副本与登记的摘要比对`);
    else if (findings.check({ en: `the original of ${object}`, zh: `${object} 的原件` }, () => demandSame(registered, included(examination, slug, registered))))
      findings.add("proved", `the files of ${object} have the registered SHA-256, SM3, size and tree`, `${object} 的文件与登记的 SHA-256、SM3、大小及树相符`);
  }
  const named = new Set(file.originals.map((each) => each.object));
  const objects = [...subjects].filter((subject) => parseIdentifier(subject).letter === "A");
  const listed = file.kind === "object" ? named.has(file.subject) : objects.some((object) => named.has(object));
  const registered = [...subjects].every((subject) => isRegistered(replay.state, subject));
  if (file.originals.length === 0 || (!listed && registered))
    findings.add("needs_external_fact", "the case brings no original: compare your own copy with the registered digests", "本案未附原件：请将您自有的副本与登记的摘要比对");
  return held;
}

/** Exactly the pieces that are here are those of the registered object, at their places. */
function inParts({ bag, case: { parts } }: Examination, slug: string, registered: DigestRecord, findings: Findings): void {
  const map = parts.get(slug)!;
  const folder = `data/originals/${slug}/`;
  const pieces = registered.form === "file" ? Math.ceil(registered.size / PIECE) : registered.count;
  if (map.form !== registered.form || map.count !== pieces) throw new Failed("the map is of an object of another form or another number of pieces");
  const here = map.runs.filter(isHere);
  if (registered.form === "file")
    for (const run of here) {
      const end = Math.min((run.first + run.count) * PIECE, registered.size);
      if (bag.size(folder + chunksName(run)) !== end - run.first * PIECE) throw new Failed(`${chunksName(run)} is of another length than its chunks`);
    }
  const root = rootOf(map, (run) => run.lines === undefined ? bag.pieces(folder + chunksName(run)) : run.lines.map(lineLeaf));
  if (hex(root) !== (registered.form === "file" ? registered.chunks : registered.root)) throw new Failed("the parts give another root than the registered one");
  const lines = here.flatMap((run) => run.lines ?? []);
  if (registered.form === "folder") {
    const size = lines.reduce((sum, line) => sum + line.size, 0);
    if (size > registered.size || (here.length === map.runs.length && size !== registered.size)) throw new Failed("the lines are of another size than the registered folder");
    for (const line of lines.filter(({ path }) => bag.members.has(folder + path))) {
      const { sha256, sm3, size: length } = bag.record(folder + line.path);
      if (sha256 !== line.sha256 || sm3 !== line.sm3 || length !== line.size) throw new Failed(`${line.path} is not the file of its line`);
    }
  }
  const shown = here.reduce((sum, run) => sum + run.count, 0);
  findings.add("needs_external_fact", `of the ${pieces} pieces of the object, ${shown} are here and are the registered ones, at their places; for the rest compare your own copy`,
    `该客体共 ${pieces} 个部分，此处有 ${shown} 个，均为所登记者且位于其处；其余请以自有副本比对`);
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
