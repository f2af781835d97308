/** The digest record of a file, piece by piece (Values 7). */
import { sha256 } from "@noble/hashes/sha2.js";
import { hex, type Bytes } from "../base/bytes.ts";
import { TreeHasher } from "../base/hashes.ts";
import { Sm3 } from "../base/sm3.ts";
import type { FileRecord } from "../events/digestRecord.ts";

export const PIECE = 1_048_576;

export interface Digester {
  update(bytes: Bytes): void;
  record(): FileRecord;
}

export function digester(): Digester {
  const whole = sha256.create();
  const sm3 = new Sm3();
  const tree = new TreeHasher();
  let size = 0;
  let piece = newPiece();
  let filled = 0;
  const close = (): void => {
    tree.add(piece.digest());
    piece = newPiece();
    filled = 0;
  };
  return {
    update(bytes) {
      whole.update(bytes);
      sm3.update(bytes);
      size += bytes.length;
      for (let at = 0; at < bytes.length; ) {
        const part = bytes.subarray(at, at + PIECE - filled);
        piece.update(part);
        filled += part.length;
        at += part.length;
        if (filled === PIECE) close();
      }
    },
    record() {
      if (filled > 0) close();
      return { v: 1, form: "file", sha256: hex(whole.digest()), sm3: hex(sm3.digest()), size, chunks: hex(tree.root()) };
    },
  };
}

function newPiece() {
  return sha256.create().update(Uint8Array.of(0));
}
