// Appends batches of 300-byte blocks to a fresh hypercore in a folder; prints seconds, then those of proofs.
'use strict'

const Hypercore = require('hypercore')

const [folder, total, size] = [process.argv[2], Number(process.argv[3]), 300]
const BATCH = 1000

function batches () {
  const made = []
  let state = 300
  for (let first = 0; first < total; first += BATCH) {
    const batch = []
    for (let at = first; at < Math.min(first + BATCH, total); at++) {
      const block = Buffer.allocUnsafe(size)
      for (let i = 0; i < size; i += 4) {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0
        block.writeUInt32LE(state, i)
      }
      batch.push(block)
    }
    made.push(batch)
  }
  return made
}

async function main () {
  const core = new Hypercore(folder)
  await core.ready()
  const given = batches()
  const began = process.hrtime.bigint()
  for (const batch of given) await core.append(batch)
  const append = Number(process.hrtime.bigint() - began) / 1e9
  const proofs = 200
  const asked = process.hrtime.bigint()
  for (let i = 0; i < proofs; i++) {
    await core.proof({ block: { index: Math.floor(i * total / proofs), nodes: 0 }, upgrade: { start: 0, length: total } })
  }
  const proof = Number(process.hrtime.bigint() - asked) / 1e9 / proofs
  process.stdout.write(JSON.stringify({ append, proof, length: core.length }))
  await core.close()
}

main().catch((error) => { console.error(error); process.exit(1) })
