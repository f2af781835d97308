// Reads a list of files (base64) from standard input; answers, for each, the codes with which @trustnxt/c2pa-ts
// validates it: {valid, failures}, or {error} where it cannot read it. Argument: the folder of its modules.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const load = (name) => import(pathToFileURL(join(process.argv[2], '@trustnxt/c2pa-ts/dist', name, 'index.js')).href)
const { JPEG, PNG, BMFF } = await load('asset')
const { SuperBox } = await load('jumbf')
const { ManifestStore } = await load('manifest')

async function judge (data) {
  const form = [JPEG, PNG, BMFF].find((one) => one.canRead(data))
  if (!form) return { error: 'it does not read this format' }
  try {
    const asset = new form(data)
    const jumbf = asset.getManifestJUMBF()
    if (!jumbf) return { error: 'it finds no manifest store' }
    const found = await ManifestStore.read(SuperBox.fromBuffer(jumbf)).validate(asset)
    const failures = found.statusEntries.filter((entry) => !entry.success)
    return { valid: found.isValid, failures: failures.map((entry) => entry.code) }
  } catch (error) {
    return { error: String(error.message) }
  }
}

const files = JSON.parse(readFileSync(0, 'utf8'))
const told = []
for (const file of files) told.push(await judge(new Uint8Array(Buffer.from(file, 'base64'))))
process.stdout.write(JSON.stringify(told))
