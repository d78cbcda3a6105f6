import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { publicKeyToAddress } from 'viem/accounts'
import { recoverMessageAddress, toHex } from 'viem'

/** A data item that was taken. */
export interface TakenItem {
  readonly id: string
  /** Address of the key that signed it. */
  readonly owner: string
  readonly tags: ReadonlyMap<string, string>
  readonly content: Buffer
}

/** A bundler and a gateway in one. */
export interface DataItemServer {
  readonly url: string
  readonly items: ReadonlyMap<string, TakenItem>
  /** Answers to uploads instead of taking them, while set. */
  refuse: number | undefined
  /** Takes connections and answers nobody. */
  hangs: boolean
  /** What is given in the place of every content, while set. */
  lie: Buffer | undefined
  /** Loses everything, as a cache does. */
  forget(): void
  close(): Promise<void>
}

/**
 * A local server of the two protocols that an archive on Arweave takes: items of ANS-104 are posted to `/v1/tx`, parsed, and refused
 * unless their signature is by their owner; one that is there already is a 202 without JSON, as ArDrive's; contents are served under `/raw/<id>`. It is not Arweave: nothing is bundled or mined.
 * Parser and deep hash here are its own, and viem recovers the signer.
 */
export async function serveDataItems(): Promise<DataItemServer> {
  const items = new Map<string, TakenItem>()
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.writeHead(400).end('not a data item'))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const self: DataItemServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    items,
    refuse: undefined,
    hangs: false,
    lie: undefined,
    forget: () => items.clear(),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method, url = '' } = request
    if (self.hangs) return
    if (method === 'POST' && url === '/v1/tx') {
      const bytes = Buffer.concat(await request.toArray())
      if (self.refuse !== undefined) {
        response.writeHead(self.refuse).end()
        return
      }
      const item = await take(bytes)
      if (items.has(item.id)) {
        response.writeHead(202).end('Data item already exists')
        return
      }
      items.set(item.id, item)
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ id: item.id, owner: item.owner }))
      return
    }
    const found = items.get(/^\/raw\/([\w-]+)$/.exec(url)?.[1] ?? '')
    if (found === undefined) response.writeHead(404).end()
    else response.end(self.lie ?? found.content)
  }
  return self
}

/** Reads and checks one item (ANS-104 §1). */
async function take(bytes: Buffer): Promise<TakenItem> {
  const [signature, owner] = [bytes.subarray(2, 67), bytes.subarray(67, 132)]
  if (bytes.readUInt16LE(0) !== 3 || bytes[132] !== 0 || bytes[133] !== 0) throw new Error('form')
  const [count, length] = [Number(bytes.readBigUInt64LE(134)), Number(bytes.readBigUInt64LE(142))]
  const encodedTags = bytes.subarray(150, 150 + length)
  const content = bytes.subarray(150 + length)
  const parts = ['dataitem', '1', '3', owner, '', '', encodedTags, content]
  const message = deepHash(parts.map((part) => Buffer.from(part)))
  const signer = await recoverMessageAddress({
    message: { raw: toHex(message) },
    signature: toHex(signature),
  })
  const address = publicKeyToAddress(toHex(owner))
  if (signer !== address) throw new Error('signature')
  const tags = readTags(encodedTags)
  if (tags.size !== count) throw new Error('tags')
  const id = createHash('sha256').update(signature).digest('base64url')
  return { id, owner: address.toLowerCase(), tags, content: Buffer.from(content) }
}

type Deep = Buffer | readonly Deep[]

function deepHash(data: Deep): Buffer {
  const hash = (...parts: readonly Buffer[]): Buffer =>
    createHash('sha384').update(Buffer.concat(parts)).digest()
  if (Buffer.isBuffer(data)) return hash(hash(Buffer.from(`blob${data.length}`)), hash(data))
  let sum = hash(Buffer.from(`list${data.length}`))
  for (const part of data) sum = hash(sum, deepHash(part))
  return sum
}

/** An Avro array of one block. */
function readTags(bytes: Buffer): ReadonlyMap<string, string> {
  let at = 0
  const long = (): number => {
    let [value, shift] = [0, 1]
    for (;;) {
      const octet = bytes.readUInt8(at++)
      value += (octet & 0x7f) * shift
      shift *= 0x80
      if (octet < 0x80) return value / 2
    }
  }
  const text = (): string => {
    const length = long()
    at += length
    return bytes.toString('utf8', at - length, at)
  }
  const count = long()
  const tags = new Map<string, string>()
  for (let index = 0; index < count; index++) tags.set(text(), text())
  if (long() !== 0 || at !== bytes.length) throw new Error('tags')
  return tags
}
