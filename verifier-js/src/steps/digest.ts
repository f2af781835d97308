import type { DigestRecord } from "../events/digestRecord.ts";

/** The digest of an object (Facts): SHA-256 of its file, or the root of its folder. */
export function digestOf(record: DigestRecord): string {
  return record.form === "file" ? record.sha256 : record.root;
}
