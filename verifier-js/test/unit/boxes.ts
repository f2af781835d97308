/** Boxes and chunks of files as large as a case may hold: what they cost follows their number, and no byte is an argument. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { concat, fromHex, toBigEndian, utf8, type Bytes } from "../../src/base/bytes.ts";
import { crc32 } from "../../src/bundle/crc32.ts";
import { parseStore } from "../../src/credentials/jumbf.ts";
import { storeInPng } from "../../src/credentials/png.ts";

const box = (type: string, ...content: Bytes[]): Bytes => {
  const whole = concat(...content);
  return concat(toBigEndian(BigInt(whole.length + 8), 4), utf8(type), whole);
};
const description = (type: string, label: string): Bytes => box("jumd", utf8(type), fromHex("00110010800000aa00389b71"), fromHex("03"), utf8(`${label}\0`));
const chunk = (type: string, data: Bytes): Bytes => {
  const named = concat(utf8(type), data);
  return concat(toBigEndian(BigInt(data.length), 4), named, toBigEndian(BigInt(crc32(named)), 4));
};

test("a box of 64 MiB under a label of 1 MiB is read as any other", () => {
  const content = new Uint8Array(64 << 20);
  const label = "x".repeat(1 << 20);
  const store = parseStore(box("jumb", description("c2pa", label), box("bidb", content)));
  assert.equal(store.type, "c2pa");
  assert.equal(store.label, label);
  assert.deepEqual(store.children.map((each) => [each.type, each.content.length]), [["bidb", content.length]]);
});

test("a picture of four million chunks costs neither minutes nor a gigabyte", () => {
  const [header, store, many, end] = [chunk("IHDR", new Uint8Array(13)), chunk("caBX", utf8("store")), chunk("tEXt", new Uint8Array(0)), chunk("IEND", new Uint8Array(0))];
  const count = 1 << 22;
  const filling = new Uint8Array(many.length * count);
  for (let at = 0; at < filling.length; at += many.length) filling.set(many, at);
  const file = concat(fromHex("89504e470d0a1a0a"), header, store, filling, end);
  const [before, began] = [process.memoryUsage().heapUsed, performance.now()];
  assert.equal(storeInPng(file).start, 8 + header.length);
  const [megabytes, seconds] = [(process.memoryUsage().heapUsed - before) / (1 << 20), (performance.now() - began) / 1000];
  assert.ok(seconds < 4 && megabytes < 150, `${seconds.toFixed(1)} s, ${megabytes.toFixed(0)} MiB`);
});
