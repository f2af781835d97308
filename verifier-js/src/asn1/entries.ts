/** The entries of a revocation list (RFC 5280 §5.1.2.6), read where they stand: a list may have tens of thousands, of which one is asked for. */
import { equal, type Bytes } from "../base/bytes.ts";
import { Malformed } from "../base/errors.ts";
import { bounds, INTEGER, integerForm, parseDer, SEQUENCE } from "./der.ts";
import { extensionsOf, type Extension } from "./signed.ts";
import { timeOf } from "./times.ts";

export interface Entry {
  revoked: number;
  extensions: Extension[];
}

export class Entries {
  private readonly content: Bytes;
  /** Of version 2, which alone has extensions. */
  private readonly extended: boolean;

  /** `Malformed` where one of them, about whomever, has not its form. */
  constructor(content: Bytes, extended: boolean) {
    this.content = content;
    this.extended = extended;
    for (let at = 0; at < content.length; at = bounds(content, at)[2]) this.read(at);
  }

  /** Of several for one serial number (as DER writes it) the first. */
  find(serial: Bytes): Entry | undefined {
    const { content } = this;
    for (let at = 0, end = 0; at < content.length; at = end) {
      const [, inner, behind] = bounds(content, at);
      const [, from, to] = bounds(content, inner);
      end = behind;
      if (to - from === serial.length && equal(content.subarray(from, to), serial)) return this.read(at);
    }
    return undefined;
  }

  private read(at: number): Entry {
    const { content } = this;
    const [tag, inner, end] = bounds(content, at);
    const [serialTag, from, to] = bounds(content, inner);
    const [timeTag, start, behind] = bounds(content, to);
    if (tag !== SEQUENCE || serialTag !== INTEGER || behind > end) throw new Malformed("an entry of another form");
    integerForm(content, from, to);
    const revoked = timeOf({ tag: timeTag, content: content.subarray(start, behind) });
    if (behind === end) return { revoked, extensions: [] };
    if (!this.extended) throw new Malformed("extensions in a list of version 1");
    return { revoked, extensions: extensionsOf(parseDer(content.subarray(behind, end))) };
  }
}
