/** Originals, anchors and timestamps as `facts` tell them. */
import { hex } from "../base/bytes.ts";
import { parseIdentifier } from "../base/identifiers.ts";
import { formatTime } from "../base/time.ts";
import { isHere, type PartsMap } from "../bundle/parts.ts";
import type { Source } from "../steps/timeSources.ts";
import { introduced, type Examination } from "../steps/examination.ts";

/** Each original whose object is registered; its parts where all of them hold. */
export function originals(examination: Examination, heldParts: Set<string>): object[] {
  const { bag, case: { file, parts } } = examination;
  return file.originals.flatMap(({ object, mode }) => {
    const content = introduced(examination, "object.register", object)?.body.content;
    if (content === undefined) return [];
    const { slug } = parseIdentifier(object);
    const map = heldParts.has(object) ? parts.get(slug) : undefined;
    const files = bag.payload().map((name) => name.slice(`data/originals/${slug}/`.length)).filter((_, index) => bag.payload()[index]!.startsWith(`data/originals/${slug}/`));
    const told = content.form === "file" ? { sha256: content.sha256, sm3: content.sm3 } : { root: content.root, count: content.count };
    return [{ object, mode, form: content.form, ...told, size: content.size, ...(map === undefined ? {} : { parts: partsOf(map, files) }) }];
  });
}

function partsOf({ form, count, runs }: PartsMap, files: string[]): object {
  return {
    count, here: runs.filter(isHere).map((run) => [run.first, run.first + run.count - 1]),
    withheld: runs.filter((run) => !isHere(run)).map(({ first, count: many, reason }) => ({ first, last: first + many - 1, ...(reason === undefined ? {} : { reason }) })),
    ...(form === "folder" ? { files } : {}),
  };
}

/** Anchors that hold; what else a reader needs is said at step 10. */
export function anchors({ anchors: held }: Examination): object[] {
  return held.map(({ note, anchored: { registry, chainId, block, blockHash, blockTime, vouchedBy, finality } }) => ({
    size: Number(note.size), root: hex(note.root), registry, chain_id: chainId, block, block_hash: blockHash, block_time: formatTime(blockTime),
    vouched_by: vouchedBy, finality,
  }));
}

/** A source of time as `facts.time` tells it. */
export function sourceFacts({ kind, source, by, bound, place, time, accuracy, limit }: Source): object {
  return { kind, source: source.en, by, bound, place, time: formatTime(time), accuracy, limit: formatTime(limit) };
}
