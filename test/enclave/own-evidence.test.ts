import { join } from 'node:path'
import { launchTd, serveGuestAgent } from '@jeju/simulator'
import { utf8 } from '@jeju/verifier/protocol'
import { afterAll, describe, expect, test } from 'vitest'
import type { Config } from '../../enclave/src/config.ts'
import { connectGuestAgent } from '../../enclave/src/guest-agent/dstack-guest-agent.ts'
import type { GuestAgent } from '../../enclave/src/guest-agent/guest-agent.ts'
import { deployment } from './setting/deployment.ts'
import {
  buildNode,
  cleanUp,
  COMPOSE,
  temporaryFolder,
  TestClock,
  thePlatform,
} from './setting/start-node.ts'
import { TestChain } from './setting/test-chain.ts'

afterAll(cleanUp)

/** Builds a node whose agent answers like this, and says what it objects to in itself. */
async function objectionsTo(
  agent: (real: GuestAgent) => GuestAgent,
  config: Partial<Config> = {},
): Promise<readonly string[]> {
  const chain = new TestChain(new TestClock().now)
  try {
    await buildNode({ chain, agent, config })
  } catch (error) {
    expect(error).toMatchObject({ code: 'OWN_EVIDENCE_REFUSED' })
    // Nothing of it went anywhere.
    expect(chain.attestations).toEqual([])
    const [first, ...lines] = (error as Error).message.split('\n')
    expect(first).toBe('own evidence:')
    return lines.map((line) => line.trim().split(':')[0] ?? '')
  }
  return []
}

describe('N1 node_refuses_start_without_quote: nor with one that no client would take', () => {
  test('a sound machine has no objection to itself', async () => {
    expect(await objectionsTo((real) => real)).toEqual([])
  })

  test('a log of another machine', async () => {
    const other = launchTd(await thePlatform(), { appCompose: COMPOSE, profile: '0.5.11' })
    const server = await serveGuestAgent(other, join(await temporaryFolder(), 'a.sock'))
    const { eventLog } = await (
      await connectGuestAgent(server.socketPath)
    ).quote(new Uint8Array(64))
    await server.close()
    const found = await objectionsTo((real) => ({
      ...real,
      quote: async (data) => ({ ...(await real.quote(data)), eventLog }),
    }))
    expect(found[0]).toBe('event-log')
  })

  test('a log with an event less', async () => {
    const found = await objectionsTo((real) => ({
      ...real,
      quote: async (data) => {
        const answer = await real.quote(data)
        const events = JSON.parse(answer.eventLog) as unknown[]
        return { ...answer, eventLog: JSON.stringify(events.slice(0, -1)) }
      },
    }))
    expect(found[0]).toBe('event-log')
  })

  test('a compose file that was not measured', async () => {
    const found = await objectionsTo((real) => ({
      ...real,
      info: async () => ({ ...(await real.info()), appCompose: utf8('{"name":"other"}') }),
    }))
    expect(found).toContain('compose-hash')
  })

  test('an instance that is another', async () => {
    const found = await objectionsTo((real) => ({
      ...real,
      info: async () => ({ ...(await real.info()), instanceId: new Uint8Array(20).fill(7) }),
    }))
    expect(found).toEqual(['instance-identity', 'key-custody'])
  })

  test('a key that no KMS released to this app', async () => {
    const found = await objectionsTo((real) => ({
      ...real,
      getKey: async (...to) => {
        const key = await real.getKey(...to)
        const [link, root] = key.signatureChain
        const broken = link.slice()
        broken.set([0xff, 0xff], 0)
        return { ...key, signatureChain: [broken.fill(0xff, 0, 32), root] }
      },
    }))
    expect(found).toEqual(['key-custody'])
  })

  test('a quote that its key did not sign', async () => {
    const found = await objectionsTo((real) => ({
      ...real,
      quote: async (data) => {
        const answer = await real.quote(data)
        const quote = answer.quote.slice()
        // TD attributes: a debug bit, which the signature covers.
        const at = 168
        quote.set([(quote[at] ?? 0) ^ 1], at)
        return { ...answer, quote }
      },
    }))
    expect(found[0]).toBe('quote-signature')
  })

  test('another root than the deployment judges by', async () => {
    const tdx = {
      rootCertificateHash: `0x${'b0'.repeat(32)}`,
      verifierIndex: 1,
      tdxVerifier: `0x${'b1'.repeat(20)}`,
      collateralBatch: `0x${'b2'.repeat(20)}`,
      attestationVerifier: `0x${'b3'.repeat(20)}`,
    } as const
    const config = { deployment: { ...deployment, tdx } }
    expect(await objectionsTo((real) => real, config)).toEqual(['pck-chain'])
  })
})
