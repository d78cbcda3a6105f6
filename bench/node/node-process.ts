import { randomBytes } from 'node:crypto'
import { encodeAuthorization } from '@jeju/verifier/protocol'
import { STREAM_INTERVAL_MS } from '../../enclave/src/config.ts'
import { embeddedModel, type PinnedModel } from '../../enclave/src/engine/embedded-model.ts'
import { loadEmbeddedEngine } from '../../enclave/src/engine/embedded-engine.ts'
import type { Engine } from '../../enclave/src/engine/engine.ts'
import { Places } from '../../enclave/src/engine/places.ts'
import { listen } from '../../enclave/src/http/listen.ts'
import { ScriptedEngine } from '../../test/enclave/setting/scripted-engine.ts'
import { cleanUp, startNode } from '../../test/enclave/setting/start-node.ts'
import { chatBody } from '../../test/enclave/setting/test-client.ts'
import { measureBare, processorMs, QUESTIONS, type StreamQuestion } from './bare-engine.ts'
import { measureWalletCheck } from './wallet-check.ts'
import type { Answer, Order } from './orders.ts'

/**
 * A node in a process of its own, so that who measures takes no time of it: real HTTP, real database, real receipts; the
 * chain is one in memory. `PARALLEL` answers of a model at once, or `IDLE` answers that never go on.
 */
const parallel = Number(process.env['PARALLEL'] ?? 0)
const idle = Number(process.env['IDLE'] ?? 0)

const { MODEL } = process.env
/** The embedded one, or another file. */
const model = MODEL === undefined ? embeddedModel : (JSON.parse(MODEL) as PinnedModel)
const embedded: Engine | undefined =
  parallel === 0
    ? undefined
    : await loadEmbeddedEngine({ ...model, parallelRequests: parallel, maxWaiting: 64 })
const scripted = new ScriptedEngine()
scripted.places = new Places(Math.max(idle, 64))
scripted.holdAt = 1
const engine = embedded ?? scripted
const running = await startNode({
  engine: scripted,
  ...(embedded === undefined ? {} : { realEngine: embedded }),
  config: {
    walletLimits: { requestsPerMinute: 1e9, concurrent: 1e6 },
    logLevel: 'info',
    drainMs: 0,
    streamIntervalMs: STREAM_INTERVAL_MS,
  },
})
// Nobody pays for the figures: the channel never runs dry.
const { client, chain, node } = running
const channel = await chain.channel(client.channelId)
chain.channels.set(client.channelId, { ...channel, locked: 10n ** 24n })
chain.price_ = { ...chain.price_, maxOutputTokens: 4096 }
const listener = await listen(node.app, 0, '127.0.0.1')

const bodyOf = ({ content, maxTokens }: StreamQuestion): string =>
  chatBody({
    model: engine.descriptor.id,
    messages: [{ role: 'user', content }],
    max_tokens: maxTokens,
    stream: true,
    // Different for each, so that no answer is a repetition of bytes.
    user: randomBytes(4).toString('hex'),
  })

async function obey(order: Order): Promise<Answer> {
  switch (order.do) {
    case 'sign':
      return {
        requests: Array.from({ length: order.count }, () => {
          const text = bodyOf(QUESTIONS[order.length])
          const signed = client.sign(text, { maxFee: 10n ** 9n })
          return { body: text, authorization: encodeAuthorization(signed) }
        }),
      }
    case 'bare':
      return {
        bare: await measureBare(engine, QUESTIONS[order.length], order.streams, order.rounds),
      }
    case 'wallet':
      return { wallet: await measureWalletCheck(order.runs) }
    case 'usage':
      if (order.tidy) globalThis.gc?.()
      return { rssBytes: process.memoryUsage().rss, cpuMs: processorMs() }
    case 'end':
      scripted.release()
      await listener.close()
      await cleanUp()
      process.exit(0)
  }
}

process.on('message', (order: Order) => {
  void obey(order).then((answer) => process.send?.(answer))
})
process.send?.({ port: listener.port } satisfies Answer)
