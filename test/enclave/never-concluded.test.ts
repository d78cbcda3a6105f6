import { afterAll, describe, expect, test } from 'vitest'
import { EngineError } from '../../enclave/src/engine/engine-error.ts'
import type { AnswerPart, GenerateResult } from '../../enclave/src/engine/engine.ts'
import { openStore } from '../../enclave/src/storage/store.ts'
import { owedOf } from './setting/ask-release.ts'
import { cleanUp, startNode, until, type Running } from './setting/start-node.ts'
import { chatBody } from './setting/test-client.ts'

afterAll(cleanUp)

/** What an engine gets wrong, beyond what it says of itself. */
type Fault = (running: Running) => void

const TEXT: AnswerPart = { type: 'text', text: 'Ja', tokens: 1 }

const generates =
  (generate: (signal: AbortSignal) => AsyncGenerator<AnswerPart, GenerateResult>): Fault =>
  ({ engine }) => {
    const prepare = engine.prepare.bind(engine)
    engine.prepare = async (prompt) => ({
      ...(await prepare(prompt)),
      generate: (_, signal) => generate(signal),
    })
  }

/** Counts from which no receipt can be made, so that concluding fails. */
async function* miscounts(): AsyncGenerator<AnswerPart, GenerateResult> {
  yield TEXT
  return { finish: 'stop', inputTokens: 2.5, outputTokens: 1 }
}

async function* saysNothingKnown(): AsyncGenerator<AnswerPart, GenerateResult> {
  yield TEXT
  yield undefined as unknown as AnswerPart
  return { finish: 'stop', inputTokens: 1, outputTokens: 1 }
}

const FAULTS: Readonly<Record<string, Fault>> = {
  'the engine cannot begin': generates(() => {
    throw new TypeError('no such model')
  }),
  'the engine fails at once': ({ engine }) => {
    engine.failAt = { piece: 0, error: new TypeError('fails') as unknown as EngineError }
  },
  'the engine fails on the way': ({ engine }) => {
    engine.failAt = { piece: 2, error: new EngineError('ENGINE_FAILED', 'fails') }
  },
  'no receipt can be made of its counts': generates(miscounts),
  'what it says cannot be written': generates(saysNothingKnown),
}

/** Everything the database says of authorisations. */
async function statesOf({ stateDir }: Running): Promise<readonly unknown[]> {
  const store = await openStore(stateDir)
  const rows = await store.all('SELECT state FROM authorisations')
  await store.close()
  return rows.map((row) => row['state'])
}

/** Nothing of its maximum is left; a receipt that was made is owed as it says. */
async function expectNothingLeft(running: Running): Promise<void> {
  await until(async () => {
    const { owed } = (await owedOf(running)) as { owed: string }
    return BigInt(owed) < 900n
  })
  expect(await statesOf(running)).not.toContain('started')
  expect(running.engine.admitted).toBe(0)
}

describe.each(['stream', 'whole'] as const)(
  'N2 abort_at_every_frame_settles: what fails between reservation and receipt leaves nothing owed, %s',
  (kind) => {
    test.each(Object.keys(FAULTS))('%s', async (name) => {
      const running = await startNode()
      FAULTS[name]?.(running)
      const { client } = running
      const body = chatBody({ stream: kind === 'stream' })
      const request = client.request(body, client.sign(body, { maxFee: 900n }))
      const answer = await running.fetch(request)
      await answer.text().catch(() => undefined)
      await expectNothingLeft(running)
    })

    test('a client that leaves before the first token', async () => {
      const running = await startNode()
      const { client, engine } = running
      engine.holdAt = 0
      const left = new AbortController()
      const body = chatBody({ stream: kind === 'stream' })
      const request = client.request(body, client.sign(body, { maxFee: 900n }))
      const answer = running.fetch(new Request(request, { signal: left.signal }))
      await until(() => engine.requests.length > 0)
      left.abort()
      await (await answer).body?.cancel()
      await expectNothingLeft(running)
    })

    test('a drain before the first token', async () => {
      const running = await startNode()
      const { client, engine } = running
      engine.holdAt = 0
      const body = chatBody({ stream: kind === 'stream' })
      const answer = running.fetch(client.request(body, client.sign(body, { maxFee: 900n })))
      await until(() => engine.requests.length > 0)
      const drained = running.node.drain()
      await (await answer).text()
      await drained
      expect(await statesOf(running)).toEqual([expect.stringMatching('closed|waiting')])
    })
  },
)

test('N2 vectors that cannot be computed or written leave nothing owed', async () => {
  for (const fault of [new TypeError('fails'), undefined]) {
    const running = await startNode()
    const { client, engine } = running
    const prepare = engine.prepareEmbeddings.bind(engine)
    engine.prepareEmbeddings = async (texts) => ({
      ...(await prepare(texts)),
      embed: () =>
        fault === undefined
          ? Promise.resolve({ vectors: [[1]], inputTokens: 2.5 })
          : Promise.reject(fault),
    })
    const body = JSON.stringify({ model: engine.descriptor.id, input: 'Ja' })
    const signed = client.sign(body, { maxFee: 900n, path: '/v1/embeddings' })
    const answer = await running.fetch(client.request(body, signed, '/v1/embeddings'))
    expect(answer.ok).toBe(false)
    await expectNothingLeft(running)
  }
})
