import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { ArchiveError } from '@jeju/verifier/archive'
import { addressOf, sha256, toHex, utf8 } from '@jeju/verifier/protocol'
import type { Archive } from '../../../enclave/src/archive/archive.ts'
import {
  createArchiveQueue,
  type ArchiveQueue,
} from '../../../enclave/src/archive/archive-queue.ts'
import { createArweaveArchive } from '../../../enclave/src/archive/arweave-archive.ts'
import { createFileArchive } from '../../../enclave/src/archive/file-archive.ts'
import { createMemoryArchive } from '../../../enclave/src/archive/memory-archive.ts'
import { createLogger } from '../../../enclave/src/logging.ts'
import { createMetrics } from '../../../enclave/src/metrics.ts'
import { insertEpoch } from '../../../enclave/src/receipt-log/log-rows.ts'
import { openStore, type Store } from '../../../enclave/src/storage/store.ts'
import { cleanUp, temporaryFolder, TestClock } from '../setting/start-node.ts'
import { serveDataItems, type DataItemServer } from './data-item-server.ts'

const privateKey = new Uint8Array(32).fill(7)
const content = utf8('evidence of a node that will be gone')
const digest = toHex(sha256(content))
const TAGS = [{ name: 'App-Name', value: 'jeju-compute' }]
const servers: DataItemServer[] = []

afterAll(async () => {
  for (const server of servers) await server.close()
  await cleanUp()
})

async function startServer(): Promise<DataItemServer> {
  const server = await serveDataItems()
  servers.push(server)
  return server
}

function arweave({ url }: DataItemServer, ...gateways: readonly string[]): Archive {
  const options = { privateKey, fetch, uploadUrl: `${url}/v1/tx` }
  return createArweaveArchive({ ...options, gateways: [...gateways, url] })
}

const failure = (error: unknown): unknown => (error instanceof ArchiveError ? error.code : error)

describe('every archive', () => {
  test.each([
    ['memory', () => Promise.resolve(createMemoryArchive())],
    ['file', async () => createFileArchive(join(await temporaryFolder(), 'archive'))],
    ['arweave', async () => arweave(await startServer())],
  ] as const)('%s gives back what it was given, under a locator known before', async (_, make) => {
    const archive = await make()
    const item = archive.pack(content, TAGS)
    expect(item.digest).toBe(digest)
    expect(archive.pack(content, TAGS)).toEqual(item)
    expect(await archive.get(item.locator, digest).catch(failure)).toBe('ARCHIVE_UNAVAILABLE')
    await archive.store(item)
    await archive.store(item)
    expect(await archive.get(item.locator, digest)).toEqual(content)
    const other = toHex(sha256(utf8('other')))
    expect(await archive.get(item.locator, other).catch(failure)).toBe('ARCHIVE_DIGEST')
    expect(await archive.get('ipfs:x', digest).catch(failure)).toBe('ARCHIVE_LOCATOR')
  })
})

describe('the folder', () => {
  test('S1 S5: a file that was changed or blown up is not read', async () => {
    const folder = await temporaryFolder()
    const archive = createFileArchive(folder)
    const item = archive.pack(content, TAGS)
    await archive.store(item)
    await writeFile(join(folder, digest.slice(2)), 'other')
    expect(await archive.get(item.locator, digest).catch(failure)).toBe('ARCHIVE_DIGEST')
    await writeFile(join(folder, digest.slice(2)), Buffer.alloc(5 * 1024 * 1024))
    expect(await archive.get(item.locator, digest).catch(failure)).toBe('ARCHIVE_TOO_LARGE')
  })
})

describe('Arweave', () => {
  test('items are by the node’s key, with their tags, and go around over HTTP', async () => {
    const server = await startServer()
    const archive = arweave(server)
    const item = archive.pack(content, TAGS)
    await archive.store(item)
    const taken = server.items.get(item.locator.slice('ar:'.length))
    expect(taken?.owner).toBe(addressOf(privateKey))
    expect(taken?.tags).toEqual(new Map([['App-Name', 'jeju-compute']]))
    expect(await archive.get(item.locator, digest)).toEqual(content)
  })

  test('a gateway that is away or lies costs a turn', async () => {
    const [server, liar] = [await startServer(), await startServer()]
    const archive = arweave(server, 'http://127.0.0.1:1', liar.url)
    const item = archive.pack(content, TAGS)
    await arweave(liar).store(item)
    liar.lie = Buffer.from('other')
    await archive.store(item)
    expect(await archive.get(item.locator, digest)).toEqual(content)
    server.lie = liar.lie
    expect(await archive.get(item.locator, digest).catch(failure)).toBe('ARCHIVE_DIGEST')
  })

  test('a bundler that refuses, or takes it as something else, took nothing', async () => {
    const server = await startServer()
    const archive = arweave(server)
    const item = archive.pack(content, TAGS)
    server.refuse = 402
    expect(await archive.store(item).catch(failure)).toBe('ARCHIVE_UNAVAILABLE')
    server.refuse = 200
    expect(await archive.store(item).catch(failure)).toBe('ARCHIVE_UNAVAILABLE')
    server.refuse = undefined
    const flipped = Uint8Array.from(item.payload, (byte, at) => (at === 200 ? byte ^ 1 : byte))
    const changed = { ...item, payload: flipped }
    expect(await archive.store(changed).catch(failure)).toBe('ARCHIVE_UNAVAILABLE')
    expect(server.items.size).toBe(0)
  })
})

interface Setting {
  readonly queue: ArchiveQueue
  readonly store: Store
  readonly clock: TestClock
}

async function openQueue(archive: Archive | undefined, folder?: string): Promise<Setting> {
  const store = await openStore(folder ?? (await temporaryFolder()))
  const clock = new TestClock()
  const queue = createArchiveQueue({
    archive,
    store,
    tags: TAGS,
    logger: createLogger('silent'),
    metrics: createMetrics([], { admitted: () => 0, underWay: () => 0, waiting: () => 0 }),
    now: clock.now,
  })
  return { queue, store, clock }
}

async function statesOf(store: Store): Promise<readonly unknown[]> {
  const rows = await store.all('SELECT state, payload FROM archived')
  return rows.map(({ state, payload }) =>
    payload === null ? state : `${String(state)} with payload`,
  )
}

describe('the queue', () => {
  test('archive_down_never_loses: what was staged survives a restart, and gets there when the archive is back', async () => {
    const server = await startServer()
    server.refuse = 503
    const folder = await temporaryFolder()
    const first = await openQueue(arweave(server), folder)
    const { archived, changes } = first.queue.stage(content, 'evidence')
    await first.store.write(changes)
    await first.queue.work()
    expect(await statesOf(first.store)).toEqual(['waiting with payload'])
    await first.store.close()

    server.refuse = undefined
    const second = await openQueue(arweave(server), folder)
    await second.queue.work()
    expect(server.items.size).toBe(0)
    second.clock.pass(3600)
    await second.queue.work()
    expect(await statesOf(second.store)).toEqual(['seen with payload'])
    expect(await second.queue.find(digest)).toEqual(archived)
    expect(server.items.get(archived.locator?.slice(3) ?? '')?.tags.get('Jeju-Content')).toBe(
      'evidence',
    )
    await second.store.close()
  })

  test('content counts as archived when it was read back, and is handed over again when it never is', async () => {
    const server = await startServer()
    const { queue, store, clock } = await openQueue(arweave(server))
    await store.write(queue.stage(content, 'epoch').changes)
    server.lie = Buffer.from('other')
    await queue.work()
    expect(await statesOf(store)).toEqual(['stored with payload'])
    clock.pass(3700)
    await queue.work()
    expect(await statesOf(store)).toEqual(['waiting with payload'])
    server.lie = undefined
    clock.pass(3700)
    await queue.work()
    expect(await statesOf(store)).toEqual(['seen with payload'])
    await store.close()
  })

  test('cached_upload_is_not_kept: the payload goes when it is still there hours later, and is handed over again when it is not', async () => {
    const server = await startServer()
    const { queue, store, clock } = await openQueue(arweave(server))
    await store.write(queue.stage(content, 'epoch').changes)
    await queue.work()
    clock.pass(3_600)
    await queue.work()
    expect(await statesOf(store)).toEqual(['seen with payload'])
    server.forget()
    clock.pass(6 * 3_600)
    await queue.work()
    expect(await statesOf(store)).toEqual(['waiting with payload'])
    clock.pass(60)
    await queue.work()
    expect(server.items.size).toBe(1)
    clock.pass(7 * 3_600)
    await queue.work()
    expect(await statesOf(store)).toEqual(['kept'])
    await store.close()
  })

  test('already_taken_without_an_id: a bundler that has it is believed when it is read back', async () => {
    const server = await startServer()
    const archive = arweave(server)
    const { queue, store } = await openQueue(archive)
    const { archived, changes } = queue.stage(content, 'epoch')
    await store.write(changes)
    const [row] = await store.all('SELECT payload FROM archived')
    const payload = row?.['payload']
    if (!(payload instanceof Uint8Array)) throw new Error('no payload')
    await archive.store({ digest, locator: archived.locator ?? '', payload })
    await queue.work()
    expect(await statesOf(store)).toEqual(['seen with payload'])
    server.forget()
    server.refuse = 202
    await archive.store({ digest, locator: archived.locator ?? '', payload })
    expect(await archive.get(archived.locator ?? '', digest).catch(failure)).toBe(
      'ARCHIVE_UNAVAILABLE',
    )
    await store.close()
  })

  test('hanging_archive_ends_with_the_signal, and what it had waits as if never tried', async () => {
    const server = await startServer()
    server.hangs = true
    const { queue, store } = await openQueue(arweave(server))
    await store.write(queue.stage(content, 'epoch').changes)
    await store.write(queue.stage(utf8('other'), 'epoch').changes)
    await queue.work(AbortSignal.timeout(100))
    const rows = await store.all('SELECT state, attempts FROM archived')
    expect(rows.map(({ state, attempts }) => [state, attempts])).toEqual([
      ['waiting', 0],
      ['waiting', 0],
    ])
    server.hangs = false
    await queue.work()
    expect(server.items.size).toBe(2)
    await store.close()
  })

  test('full_queue_drops_no_epoch: of what waits too long, what the log still has stays', async () => {
    const server = await startServer()
    server.refuse = 503
    const { queue, store } = await openQueue(arweave(server))
    const { archived, changes } = queue.stage(content, 'epoch')
    const bindingId = toHex(sha256(utf8('binding')))
    const place = { bindingId, epoch: 0, previous: digest, root: digest, size: 1, closedAt: 1 }
    const closed = { ...place, digest, locator: archived.locator ?? '', anchoredAt: undefined }
    await store.write([...changes, ...insertEpoch(closed, 0)])
    await store.write(queue.stage(utf8('evidence'), 'evidence').changes)
    const [row] = await store.all('SELECT payload FROM archived')
    const many = Array.from({ length: 2_048 }, (_, at) => ({
      sql: `INSERT INTO archived (locator, digest, payload, state, attempts, due_at_ms, stored_at_ms)
        VALUES (?, 'other', ?, 'waiting', 0, ?, 0)`,
      values: [`ar:${at}`, row?.['payload'] ?? null, Number.MAX_SAFE_INTEGER],
    }))
    await store.write(many)
    await queue.work()
    const digests = await store.all(`SELECT digest FROM archived WHERE digest != 'other'`)
    expect(digests).toEqual([{ digest }])
    await store.close()
  })

  test('where nothing is archived, content has a digest and nothing is kept of it', async () => {
    const { queue, store } = await openQueue(undefined)
    const { archived, changes } = queue.stage(content, 'epoch')
    expect(archived).toEqual({ digest, locator: undefined })
    expect(changes).toEqual([])
    await queue.work()
    expect(await queue.find(digest)).toBeUndefined()
    await store.close()
  })
})
