/** SM3 (GB/T 32905), piece by piece. */
import type { Bytes } from "./bytes.ts";

const START = [0x7380166f, 0x4914b2b9, 0x172442d7, 0xda8a0600, 0xa96f30bc, 0x163138aa, 0xe38dee4d, 0xb0fb0e4e];
const ROUND = Int32Array.from({ length: 64 }, (_, j) => rotate(j < 16 ? 0x79cc4519 : 0x7a879d8a, j % 32));

function rotate(x: number, n: number): number {
  return (x << n) | (x >>> (32 - n));
}

export class Sm3 {
  private readonly state = Int32Array.from(START);
  private readonly block = new Uint8Array(64);
  private readonly words = new Int32Array(68);
  private filled = 0;
  private length = 0;

  update(bytes: Bytes): this {
    this.length += bytes.length;
    let at = 0;
    while (at < bytes.length) {
      const piece = bytes.subarray(at, at + 64 - this.filled);
      this.block.set(piece, this.filled);
      this.filled += piece.length;
      at += piece.length;
      if (this.filled === 64) this.compress();
    }
    return this;
  }

  digest(): Bytes {
    const bits = this.length * 8;
    const padding = new Uint8Array(((this.filled < 56 ? 56 : 120) - this.filled) + 8);
    padding[0] = 0x80;
    const view = new DataView(padding.buffer);
    view.setUint32(padding.length - 8, Math.floor(bits / 2 ** 32));
    view.setUint32(padding.length - 4, bits >>> 0);
    this.update(padding);
    const out = new DataView(new ArrayBuffer(32));
    this.state.forEach((word, index) => out.setInt32(4 * index, word));
    return new Uint8Array(out.buffer);
  }

  private compress(): void {
    const { words: w, state, block } = this;
    this.filled = 0;
    for (let j = 0; j < 16; j++)
      w[j] = (block[4 * j]! << 24) | (block[4 * j + 1]! << 16) | (block[4 * j + 2]! << 8) | block[4 * j + 3]!;
    for (let j = 16; j < 68; j++) {
      const x = w[j - 16]! ^ w[j - 9]! ^ rotate(w[j - 3]!, 15);
      w[j] = x ^ rotate(x, 15) ^ rotate(x, 23) ^ rotate(w[j - 13]!, 7) ^ w[j - 6]!;
    }
    let [a, b, c, d, e, f, g, h] = state as unknown as [number, number, number, number, number, number, number, number];
    for (let j = 0; j < 64; j++) {
      const turned = rotate(a, 12);
      const one = rotate((turned + e + ROUND[j]!) | 0, 7);
      const ff = j < 16 ? a ^ b ^ c : (a & b) | (a & c) | (b & c);
      const gg = j < 16 ? e ^ f ^ g : (e & f) | (~e & g);
      const first = (ff + d + (one ^ turned) + (w[j]! ^ w[j + 4]!)) | 0;
      const second = (gg + h + one + w[j]!) | 0;
      d = c; c = rotate(b, 9); b = a; a = first;
      h = g; g = rotate(f, 19); f = e; e = second ^ rotate(second, 9) ^ rotate(second, 17);
    }
    [a, b, c, d, e, f, g, h].forEach((word, index) => { state[index]! ^= word; });
  }
}
