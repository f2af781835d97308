import { sha256 } from "@noble/hashes/sha2.js";
import { hex } from "../base/bytes.ts";
import type { Progress } from "./bag.ts";
import { parts, type Source } from "./source.ts";

/** SHA-256 of a whole file, hex; `-` where it is too long to be a bundle. */
export function wholeDigest(source: Source, progress: Progress): string {
  if (source.size > 0xffffffff) return "-";
  const hash = sha256.create();
  let done = 0;
  for (const part of parts(source, 0, source.size)) {
    hash.update(part);
    done += part.length;
    progress(done, source.size);
  }
  return hex(hash.digest());
}
