/** One checkpoint of the case extends another: by the path in `proofs.json` for exactly these two sizes. */
import type { Proofs } from "../bundle/case.ts";
import { verifyConsistency } from "../log/merkle.ts";
import type { Checkpoint } from "../log/note.ts";

export function pathName(from: number | bigint, to: number | bigint): string {
  return `${from} ${to}`;
}

/** Notes in `used` the path that served. */
export function demandExtended(proofs: Proofs, older: Checkpoint, newer: Checkpoint, used: Set<string>): void {
  const name = pathName(older.size, newer.size);
  const path = proofs.consistency.find((each) => pathName(each.from, each.to) === name)?.path ?? [];
  verifyConsistency(older.size, older.root, newer.size, newer.root, path);
  used.add(name);
}
