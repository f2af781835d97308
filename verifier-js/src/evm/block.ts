/** Headers, transactions and receipts (Anchors 3). */
import { type Bytes } from "../base/bytes.ts";
import { Malformed } from "../base/errors.ts";
import { keccak } from "../base/hashes.ts";
import { bytesOf, decodeRlp, integerOf, List, listOf, type Item } from "./rlp.ts";

export interface Header {
  hash: Bytes;
  stateRoot: Bytes;
  transactionsRoot: Bytes;
  receiptsRoot: Bytes;
  number: bigint;
  /** Unix seconds. */
  timestamp: bigint;
}

export function parseHeader(raw: Bytes): Header {
  const fields = listOf(decodeRlp(raw), 16, true);
  const root = (place: number): Bytes => bytesOf(fields[place], 32);
  return {
    hash: keccak(raw), stateRoot: root(3), transactionsRoot: root(4), receiptsRoot: root(5),
    number: integerOf(fields[8], 8), timestamp: integerOf(fields[11], 8),
  };
}

export interface Transaction {
  type: number;
  chainId: bigint;
  to: Bytes;
}

/** Fields of a typed transaction, and where `to` stands. */
const TYPED = new Map([[1, { fields: 11, to: 4 }], [2, { fields: 12, to: 5 }], [3, { fields: 14, to: 5 }], [4, { fields: 13, to: 5 }]]);

export function parseTransaction(raw: Bytes): Transaction {
  const first = raw[0];
  if (first === undefined) throw new Malformed("an empty transaction");
  if (first >= 0xc0) {
    const fields = listOf(decodeRlp(raw), 9);
    const v = integerOf(fields[6], 32);
    if (v < 35n) throw new Malformed("a transaction that names no chain");
    return { type: 0, chainId: (v - 35n) / 2n, to: recipient(fields[3]) };
  }
  const form = TYPED.get(first);
  if (form === undefined) throw new Malformed(`a transaction of type ${first}`);
  const fields = listOf(decodeRlp(raw.subarray(1)), form.fields);
  return { type: first, chainId: integerOf(fields[0], 32), to: recipient(fields[form.to]) };
}


function recipient(item: Item | undefined): Bytes {
  const to = bytesOf(item);
  if (to.length !== 0 && to.length !== 20) throw new Malformed("a transaction to neither 20 bytes nor none");
  return to;
}

export interface LogItem {
  address: Bytes;
  topics: Bytes[];
  data: Bytes;
}

export interface Receipt {
  type: number;
  succeeded: boolean;
  logs: LogItem[];
}

export function parseReceipt(raw: Bytes): Receipt {
  const first = raw[0];
  if (first === undefined) throw new Malformed("an empty receipt");
  const typed = first < 0xc0;
  if (typed && !TYPED.has(first)) throw new Malformed(`a receipt of type ${first}`);
  const [status, gas, bloom, logs] = listOf(decodeRlp(typed ? raw.subarray(1) : raw), 4) as [Item, Item, Item, Item];
  const flag = bytesOf(status);
  if (flag.length > 1 || (flag.length === 1 && flag[0] !== 1)) throw new Malformed("a receipt whose status is neither 0 nor 1");
  integerOf(gas, 8);
  bytesOf(bloom);
  if (!(logs instanceof List)) throw new Malformed("a receipt without a list of logs");
  return { type: typed ? first : 0, succeeded: flag.length === 1, logs: logs.items.map(parseLog) };
}

function parseLog(item: Item): LogItem {
  const [address, topics, data] = listOf(item, 3) as [Item, Item, Item];
  if (!(topics instanceof List)) throw new Malformed("a log without a list of topics");
  return { address: bytesOf(address, 20), topics: topics.items.map((topic) => bytesOf(topic, 32)), data: bytesOf(data) };
}
