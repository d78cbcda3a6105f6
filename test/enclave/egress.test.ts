import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { encodeErrorResult, parseAbi } from 'viem'
import { afterAll, describe, expect, test } from 'vitest'
import { createCollateralClient } from '@jeju/verifier/collateral'
import { decodeEvidence, parsePosture } from '@jeju/verifier/protocol'
import { createTurns } from '../../enclave/src/chain/turns.ts'
import { connectChain } from '../../enclave/src/chain/viem-chain.ts'
import { connectSettlementChain } from '../../enclave/src/chain/viem-settlement-chain.ts'
import { parseConfig } from '../../enclave/src/config.ts'
import { destinationsOf } from '../../enclave/src/egress/destinations.ts'
import { guardedFetch } from '../../enclave/src/egress/guarded-fetch.ts'
import { deployment } from './setting/deployment.ts'
import { cleanUp, startNode, temporaryFolder } from './setting/start-node.ts'

const servers: ReturnType<typeof createServer>[] = []
afterAll(async () => {
  for (const server of servers) {
    server.closeAllConnections()
    server.close()
  }
  await cleanUp()
})

/** A server on a free port, or on a Unix socket. */
async function serve(listener: RequestListener, path?: string): Promise<string> {
  const server = createServer(listener)
  servers.push(server)
  if (path === undefined) server.listen(0, '127.0.0.1')
  else server.listen(path)
  await once(server, 'listening')
  const address = server.address()
  return typeof address === 'object' && address !== null ? String(address.port) : (address ?? '')
}

const ENVIRONMENT = {
  KEY_API: 'v0',
  RPC_URL: 'https://rpc.test/secret-path,http://rpc.test:8545',
  CHAIN_ID: '31337',
  DEPLOYMENT: JSON.stringify(deployment),
  AGENT_ID: '0',
  SERVICE_ID: '0',
  PUBLIC_URL: 'https://node.test',
  PORT: '8080',
  STATE_DIR: '/data',
  MODEL_SHA256: `0x${'ab'.repeat(32)}`,
}
const JUDGED = {
  ...deployment,
  tdx: {
    rootCertificateHash: `0x${'b0'.repeat(32)}`,
    verifierIndex: 1,
    tdxVerifier: `0x${'b1'.repeat(20)}`,
    collateralBatch: `0x${'b2'.repeat(20)}`,
    attestationVerifier: `0x${'b3'.repeat(20)}`,
  },
}

function destinations(changes: Record<string, string> = {}): ReturnType<typeof destinationsOf> {
  return destinationsOf(parseConfig({ ...ENVIRONMENT, ...changes }))
}

const NO_COLLATERAL = {
  collateralFor: () => Promise.reject(new Error('no collateral')),
  evaluationNumbers: () => Promise.reject(new Error('no collateral')),
}

/** An RPC that answers every call with this error, or redirects it. */
function lyingRpc(
  answer: { readonly error: object } | { readonly location: string },
): Promise<string> {
  return serve((request, response) => {
    if ('location' in answer) {
      response.writeHead(307, answer).end()
      return
    }
    void request.toArray().then((chunks) => {
      const asked: unknown = JSON.parse(Buffer.concat(chunks as Buffer[]).toString())
      const answers = [asked].flat().map((one) => {
        const { id, method } = one as { id: number; method: string }
        return { jsonrpc: '2.0', id, ...(method === 'eth_chainId' ? { result: '0x7a69' } : answer) }
      })
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(Array.isArray(asked) ? answers : answers[0]))
    })
  })
}

describe('E7 egress_denied_by_default', () => {
  test('the posture states the origins that the node’s own fetch asks', async () => {
    const asked: string[] = []
    const port = await serve((request, response) => {
      asked.push(request.url ?? '')
      response.end('{}')
    })
    const uploadUrl = `http://127.0.0.1:${port}/tx`
    const archive = { kind: 'arweave', uploadUrl, gateways: ['https://gateway.test'] } as const
    const running = await startNode({ config: { archive } })
    const answer = await running.get(`/v1/attestation?nonce=${'ab'.repeat(32)}`)
    const { posture } = decodeEvidence(new Uint8Array(await answer.arrayBuffer()))
    expect(parsePosture(posture).egress).toEqual([
      'https://rpc.test',
      `http://127.0.0.1:${port}`,
      'https://gateway.test',
    ])
    // What is archived goes through it.
    await running.node.drain()
    expect(asked).toContain('/tx')
  })

  test('what is connected to is written once: the settings say it', () => {
    const upstream = {
      ENGINE: 'upstream',
      UPSTREAM_URL: 'http://engine:8000',
      UPSTREAM_KIND: 'vllm',
      UPSTREAM_CHAT_TEMPLATE_SHA256: `0x${'ab'.repeat(32)}`,
      UPSTREAM_QUANTIZATION: 'none',
      UPSTREAM_CONTEXT_TOKENS: '4096',
    }
    expect(destinations()).toEqual({
      outside: ['https://rpc.test', 'http://rpc.test:8545'],
      inside: [],
      sockets: ['/var/run/dstack.sock'],
    })
    expect(destinations({ ...upstream, DSTACK_SOCKET: '/run/other.sock' })).toMatchObject({
      inside: ['http://engine:8000'],
      sockets: ['/run/other.sock'],
    })
  })

  test.each([
    ['Intel’s service', {}],
    [
      'Intel’s service, spelled otherwise',
      { COLLATERAL_URL: 'https://API.trustedservices.intel.com/' },
    ],
    ['a PCCS', { COLLATERAL_URL: 'https://pccs.test:8081/path' }],
  ])('collateral of %s: every address that is asked is stated', async (_, changes) => {
    const environment = { ...ENVIRONMENT, DEPLOYMENT: JSON.stringify(JUDGED), ...changes }
    const config = parseConfig(environment)
    const { outside } = destinationsOf(config)
    const asked = new Set<string>()
    const client = createCollateralClient({
      baseUrl: config.collateralUrl,
      now: () => new Date(),
      fetch: (url) => {
        asked.add(new URL(url).origin)
        return Promise.reject(new Error('nobody there'))
      },
    })
    const request = { fmspc: '00'.repeat(6), ca: 'platform' } as const
    await Promise.allSettled([client.collateralFor(request), client.evaluationNumbers()])
    expect([...asked].toSorted()).toEqual(
      outside.filter((origin) => !origin.includes('rpc.test')).toSorted(),
    )
  })
})

describe('F5 ssrf_url_table: what a node is answered does not choose whom it asks', () => {
  test.each([
    'http://allowed.test',
    'https://allowed.test:8443',
    'https://allowed.test.attacker.test',
    'https://sub.allowed.test',
    'https://allowed.test.',
    'https://allowed.test@attacker.test',
    'https://attacker.test/https://allowed.test',
    'http://169.254.169.254/latest',
    'http://localhost:1',
    'file:///etc/passwd',
    'data:text/plain,x',
  ])('%s is not asked', async (url) => {
    const fetch = guardedFetch({ outside: ['https://allowed.test'] })
    await expect(fetch(url)).rejects.toMatchObject({ code: 'EGRESS_REFUSED' })
  })

  test('a Request is asked as its URL says', async () => {
    const fetch = guardedFetch({ outside: ['https://allowed.test'] })
    const asked = fetch(new Request('https://attacker.test/'))
    await expect(asked).rejects.toMatchObject({ code: 'EGRESS_REFUSED' })
  })

  test('a refusal names the origin, and nothing of path or query', async () => {
    const fetch = guardedFetch({ outside: [] })
    const refused = fetch('https://u:p@rpc.test/secret?key=secret')
    await expect(refused).rejects.toThrow('egress: https://rpc.test is not a place')
    await expect(refused).rejects.not.toThrow('secret')
  })

  test('no redirect is followed, within an origin neither', async () => {
    const reached: string[] = []
    const elsewhere = await serve((_, response) => {
      reached.push('elsewhere')
      response.end('{}')
    })
    const port = await serve((request, response) => {
      reached.push(request.url ?? '')
      const location = request.url === '/out' ? `http://127.0.0.1:${elsewhere}/` : '/end'
      response.writeHead(307, { location }).end()
    })
    const origin = `http://127.0.0.1:${port}`
    const fetch = guardedFetch({ outside: [origin, `http://127.0.0.1:${elsewhere}`] })
    for (const redirect of [undefined, 'follow', 'error'] as const) {
      const init = redirect === undefined ? {} : { redirect }
      await expect(fetch(`${origin}/out`, init)).rejects.toThrow()
      await expect(fetch(`${origin}/in`, init)).rejects.toThrow()
    }
    expect((await fetch(`${origin}/out`, { redirect: 'manual' })).status).toBe(307)
    expect(new Set(reached)).toEqual(new Set(['/out', '/in']))
  })

  describe('an RPC that lies', () => {
    const lookup = (url: string): { readonly error: object } => {
      const data = encodeErrorResult({
        abi: parseAbi([
          'error OffchainLookup(address sender, string[] urls, bytes callData, bytes4 callbackFunction, bytes extraData)',
        ]),
        args: [deployment.computeRegistry, [url], '0x', '0x00000000', '0x'],
      })
      return { error: { code: 3, message: 'execution reverted', data } }
    }

    test.each(['a redirect', 'an offchain lookup'])('has nobody asked by %s', async (how) => {
      const reached: string[] = []
      const victim = await serve((request, response) => {
        reached.push(request.url ?? '')
        response.end('{}')
      })
      const url = `http://127.0.0.1:${victim}/victim`
      const port = await lyingRpc(how === 'a redirect' ? { location: url } : lookup(url))
      const urls = [`http://127.0.0.1:${port}`]
      const rpcs = { urls, fetch: guardedFetch({ outside: urls }) }
      const signerKey = new Uint8Array(32).fill(7)
      const turns = createTurns()
      const chain = connectChain(rpcs, deployment, signerKey, turns, NO_COLLATERAL)
      await expect(chain.provider(0n)).rejects.toThrow()
      const operator = deployment.computeRegistry
      // The lookup has to name the contract that is called.
      const ledgerManager = deployment.computeRegistry
      const settlement = connectSettlementChain({
        rpcs,
        deployment: { ...deployment, ledgerManager },
        signerKey,
        operator,
        turns,
      })
      await expect(settlement.claimable()).rejects.toThrow()
      expect(reached).toEqual([])
    })
  })
})

describe('a process with the guard', () => {
  test('connects to the named places by every way of Node, and to no other by any', async () => {
    const folder = await temporaryFolder()
    const reached: string[] = []
    const port = await serve((_, response) => response.end('{}'))
    const other = await serve((_, response) => {
      reached.push('other')
      response.end('{}')
    })
    const socket = await serve((_, response) => response.end('{}'), join(folder, 'a.sock'))
    const otherSocket = await serve((_, response) => response.end('{}'), join(folder, 'b.sock'))
    servers.at(-1)?.on('connection', () => reached.push('other socket'))
    const script = fileURLToPath(new URL('setting/egress-process.ts', import.meta.url))
    const flags = ['--conditions=@jeju/source', '--import', 'tsx']
    const { stdout } = await promisify(execFile)(process.execPath, [
      ...flags,
      script,
      port,
      other,
      socket,
      otherSocket,
    ])
    const { results, refusals } = JSON.parse(stdout) as {
      results: Record<string, string>
      refusals: string[]
    }
    const outcomes = Object.entries(results)
    const allowed = outcomes.filter(([name]) => name.endsWith(' allowed'))
    expect(Object.fromEntries(allowed)).toEqual(
      Object.fromEntries(allowed.map(([name]) => [name, 'connected'])),
    )
    expect(allowed).toHaveLength(7)
    const refused = outcomes.filter(([name]) => !name.endsWith(' allowed') && name !== 'taken back')
    expect(Object.fromEntries(refused)).toEqual(
      Object.fromEntries(
        // What an upstream's connection failed with is told nobody.
        refused.map(([name]) => [
          name,
          name === 'upstream other' ? 'ENGINE_FAILED' : 'EGRESS_REFUSED',
        ]),
      ),
    )
    expect(refused.length).toBeGreaterThan(12)
    expect(results['taken back']).not.toBe('connected')
    expect(refusals).toHaveLength(refused.length)
    expect(refusals).toContain(`egress: unix:${otherSocket} is not a place this node connects to`)
    expect(reached).toEqual([])
  })
})
