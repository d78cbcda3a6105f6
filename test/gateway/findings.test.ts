import type { Hex } from '@jeju/verifier/protocol'
import { expect, test } from 'vitest'
import { findingsRoute } from '../../gateway/src/routes/findings.ts'
import { createApp } from '../../gateway/src/http/app.ts'
import { createLogger } from '../../gateway/src/logging.ts'
import { openStore } from '../../gateway/src/store/libsql-store.ts'
import type { GatewayStore } from '../../gateway/src/store/gateway-store.ts'
import { readFindings } from '../../sdk/src/findings/read-findings.ts'
import { SdkError } from '../../sdk/src/errors/sdk-error.ts'

const ZERO: Hex = `0x${'00'.repeat(32)}`

/** As the judge of answers writes it; what it says is another test's. */
const EVIDENCE = JSON.stringify({
  auth: {
    channelId: ZERO,
    nonce: '1',
    bindingId: ZERO,
    requestHash: ZERO,
    maxFee: '1',
    validUntil: '1',
  },
  signature: `0x${'00'.repeat(65)}`,
  receipt: { absent: true },
  responseHash: ZERO,
  responseBytes: 1,
  requestBytes: 1,
  checks: [{ name: 'receipt-present' }],
})

/** A gateway's findings, numbered from the oldest. */
function gatewayWith(count: number): {
  readonly findings: GatewayStore['findings']
  readonly ask: (query?: string) => Promise<Response>
} {
  const { findings } = openStore(':memory:', 'test')
  const add = (agentId: number): void =>
    findings.add({ at: 0, agentId: BigInt(agentId), bindingId: ZERO, evidence: EVIDENCE })
  for (let at = 0; at < count; at++) add(at)
  const app = createApp([findingsRoute(findings)], createLogger('silent'))
  return { findings, ask: async (query = '') => app.request(`/v1/findings${query}`) }
}

interface Page {
  readonly findings: readonly { readonly agentId: string }[]
  readonly next: string | null
}

async function pageOf(response: Response): Promise<Page> {
  expect(response.status).toBe(200)
  return (await response.json()) as Page
}

const idsOf = ({ findings }: Page): readonly number[] =>
  findings.map(({ agentId }) => Number(agentId))

test('pages follow each other, newest first, whatever is found meanwhile', async () => {
  const { findings, ask } = gatewayWith(5)
  const first = await pageOf(await ask('?limit=2'))
  expect(idsOf(first)).toEqual([4, 3])
  findings.add({ at: 1, agentId: 9n, bindingId: ZERO, evidence: EVIDENCE })
  const second = await pageOf(await ask(`?limit=2&after=${first.next}`))
  expect(idsOf(second)).toEqual([2, 1])
  const last = await pageOf(await ask(`?limit=2&after=${second.next}`))
  expect([idsOf(last), last.next]).toEqual([[0], null])
  expect(idsOf(await pageOf(await ask('?limit=1')))).toEqual([9])
})

test('a page is a hundred, and the last one says so though it is full', async () => {
  const { ask } = gatewayWith(200)
  const first = await pageOf(await ask())
  expect(first.findings).toHaveLength(100)
  const last = await pageOf(await ask(`?after=${first.next}`))
  expect([last.findings.length, last.next]).toEqual([100, null])
  expect((await pageOf(await gatewayWith(0).ask())).next).toBeNull()
})

test.each([
  ['?limit=0', 'limit'],
  ['?limit=101', 'limit'],
  ['?limit=', 'limit'],
  ['?limit=1e1', 'limit'],
  ['?limit=-1', 'limit'],
  ['?limit=1&limit=2', 'limit'],
  ['?after=', 'after'],
  ['?after=1', 'after'],
  ['?after=1-0123456789abcdef', 'after'],
  ["?after=1'--", 'after'],
  ['?after=99999999999999999999-0123456789abcdef', 'after'],
  ['?after=1-0123456789abcdef&after=1-0123456789abcdef', 'after'],
])('%s is refused', async (query, param) => {
  const response = await gatewayWith(2).ask(query)
  expect(response.status).toBe(400)
  const { error }: { error: object } = await response.json()
  expect(error).toMatchObject({ code: 'invalid_request', param })
})

test('a place in the list of another replica is none here', async () => {
  const { next } = await pageOf(await gatewayWith(5).ask('?limit=2'))
  const other = gatewayWith(0)
  for (let at = 0; at < 5; at++) {
    other.findings.add({ at: 7, agentId: 1n, bindingId: ZERO, evidence: EVIDENCE })
  }
  expect((await other.ask(`?after=${next}`)).status).toBe(400)
})

/** A gateway over HTTP, for the client. */
function transportTo(ask: (query: string) => Promise<Response>): typeof fetch {
  return async (input) => ask(new URL(new Request(input).url).search)
}

test('a client reads all pages', async () => {
  const { ask } = gatewayWith(250)
  const found = await readFindings('https://gateway.test', transportTo(ask))
  expect(found.map(({ agentId }) => agentId)).toEqual(
    Array.from({ length: 250 }, (_, at) => BigInt(249 - at)),
  )
})

test('a gateway that never comes to an end is left, with nothing of it', async () => {
  let asked = 0
  const endless = transportTo(async () => {
    asked++
    return Response.json({ findings: [], next: 'again' })
  })
  const reading = readFindings('https://gateway.test', endless)
  await expect(reading).rejects.toThrow(SdkError)
  await expect(reading).rejects.toMatchObject({ code: 'GATEWAY_ANSWER' })
  expect(asked).toBe(100)
})
