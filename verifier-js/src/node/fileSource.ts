/** A file on disk, for the command. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { Malformed } from "../base/errors.ts";
import type { Source } from "../bundle/source.ts";

export async function withFile<T>(path: string, use: (source: Source) => Promise<T>): Promise<T> {
  const descriptor = openSync(path, "r");
  try {
    return await use(fileSource(descriptor));
  } finally {
    closeSync(descriptor);
  }
}

function fileSource(descriptor: number): Source {
  return {
    size: fstatSync(descriptor).size,
    read(offset, length) {
      const bytes = new Uint8Array(length);
      for (let done = 0; done < length; ) {
        const count = readSync(descriptor, bytes, done, length - done, offset + done);
        if (count === 0) throw new Malformed("the file ends early");
        done += count;
      }
      return bytes;
    },
  };
}
