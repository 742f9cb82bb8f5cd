// @ipld/car and @ipld/dag-cbor as a second opinion. First argument: node_modules. In: one JSON object a line. Out: one a line.
//   {"car": {"roots": [text], "blocks": [[text, base64]]}}   ->  {"car": base64}
//   {"read": base64}                                          ->  {"roots": [text], "blocks": [[text, base64]]}
//   {"recode": base64}                                        ->  {"bytes": base64} or {"refused": message}
import { createInterface } from 'node:readline'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const load = (path) => import(pathToFileURL(join(process.argv[2], path)).href)
const { CarReader, CarWriter } = await load('@ipld/car/src/index.js')
const dagCbor = await load('@ipld/dag-cbor/src/index.js')
const { CID } = await load('multiformats/dist/src/cid.js')

const b64 = (bytes) => Buffer.from(bytes).toString('base64')
const bytes = (text) => new Uint8Array(Buffer.from(text, 'base64'))

async function car ({ roots, blocks }) {
  const { writer, out } = CarWriter.create(roots.map((text) => CID.parse(text)))
  const parts = []
  const reading = (async () => { for await (const part of out) parts.push(part) })()
  for (const [text, block] of blocks) await writer.put({ cid: CID.parse(text), bytes: bytes(block) })
  await writer.close()
  await reading
  return { car: b64(Buffer.concat(parts)) }
}

async function read (text) {
  const reader = await CarReader.fromBytes(bytes(text))
  const blocks = []
  for await (const block of reader.blocks()) blocks.push([block.cid.toString(), b64(block.bytes)])
  return { roots: (await reader.getRoots()).map(String), blocks }
}

function recode (text) {
  try {
    return { bytes: b64(dagCbor.encode(dagCbor.decode(bytes(text)))) }
  } catch (error) {
    return { refused: error.message }
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const job = JSON.parse(line)
  const answer = job.car ? await car(job.car) : job.read ? await read(job.read) : recode(job.recode)
  console.log(JSON.stringify(answer))
}
