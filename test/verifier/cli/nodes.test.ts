import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { SimulatedPlatform, SimulatedTd } from '@jeju/simulator'
import { EVIDENCE_MEDIA_TYPE, toHex, fromBareHex } from '@jeju/verifier/protocol'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { policyOf } from '../../simulated-trust.ts'
import { AT, evidenceOf, machine, operator, registry } from '../evidence/fixture.ts'
import { fileOf, jsonLines, runCli, type CliResult } from './run-cli.ts'

/** A node behind HTTP, honest and otherwise. */

let platform: SimulatedPlatform
let td: SimulatedTd
let flags: readonly string[]
let server: Server | undefined

beforeAll(async () => {
  ;({ platform, td } = await machine())
  flags = [
    `--at=${AT.toISOString()}`,
    `--anchor=${fileOf('root.der', platform.rootCertificateDer)}`,
    '--anchor-name=bench',
    `--policy=${fileOf('policy.json', JSON.stringify(policyOf(td)))}`,
    `--registry=${registry.chainId}:${registry.verifyingContract}`,
    '--agent=0',
    `--operator=${operator}`,
  ]
})

afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

async function serve(listener: RequestListener): Promise<string> {
  const made = createServer(listener)
  server = made
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(made.address() as AddressInfo).port}`
}

/** Evidence over the nonce asked for, below a path; its collateral in the bundle. */
function honest(nonces: string[]): RequestListener {
  return (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://node')
    const nonce = searchParams.get('nonce') ?? ''
    nonces.push(nonce)
    const answer = async (): Promise<void> => {
      const evidence = await evidenceOf(td, {
        freshness: { kind: 'challenge', nonce: toHex(fromBareHex(nonce)) },
        bundle: { collateral: await platform.collateralJson(AT) },
      })
      response.setHeader('content-type', EVIDENCE_MEDIA_TYPE)
      response.statusCode = pathname === '/node/v1/attestation' ? 200 : 404
      response.end(evidence)
    }
    answer().catch(() => response.destroy())
  }
}

const ask = (url: string, ...more: readonly string[]): Promise<CliResult> =>
  runCli(['url', ...flags, ...more, url])

describe('url', () => {
  test('an honest node is accepted over a fresh nonce each time', async () => {
    const nonces: string[] = []
    const url = `${await serve(honest(nonces))}/node/`
    const { code, stdout, stderr } = await ask(url)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain(`${url}: accepted  under a SIMULATED root`)
    expect(stdout).toMatch(/ok +freshness/)
    expect(stdout).toContain(`operator        ${operator}`)

    const json = await ask(url, '--json')
    expect(jsonLines(json.stdout)).toMatchObject([
      {
        url,
        verdict: 'accepted',
        code: null,
        tier: 'simulated',
        claims: { operator, agentId: '0' },
      },
    ])
    expect(new Set(nonces).size).toBe(2)
    expect(nonces.every((nonce) => /^[0-9a-f]{64}$/.test(nonce))).toBe(true)
  })

  test('C1 an old quote, another operator: rejected by name', async () => {
    const old = await evidenceOf(td, { bundle: { collateral: await platform.collateralJson(AT) } })
    const url = await serve((_request, response) => void response.end(old))
    const other = `0x${'0b'.repeat(20)}`
    const { code, stdout } = await ask(
      url,
      '--json',
      '--operator',
      other,
      '--nonce',
      '01'.repeat(32),
    )
    expect(code).toBe(10)
    const [answer] = jsonLines(stdout)
    expect(answer).toMatchObject({ verdict: 'rejected', code: 'freshness', claims: null })
    expect(answer?.['nonce']).toBe(`0x${'01'.repeat(32)}`)
    const reasons = answer?.['reasons'] as readonly { readonly check: string }[]
    expect(reasons.map(({ check }) => check)).toEqual(['freshness', 'statement-identity'])
  })

  test('what is no evidence is malformed', async () => {
    const url = await serve((_request, response) => void response.end('<html>'))
    const { code, stdout } = await ask(url, '--json')
    expect(code).toBe(30)
    expect(jsonLines(stdout)).toMatchObject([{ verdict: 'malformed', code: 'INPUT_CBOR' }])
  })

  test('T10 redirects are not followed, and no answer is larger than evidence can be', async () => {
    let asked = 0
    const url = await serve((request, response) => {
      asked += 1
      if (request.url?.startsWith('/moved') === true) {
        response.writeHead(302, { location: `http://${request.headers.host}/other` }).end()
        return
      }
      response.on('error', () => undefined)
      const piece = Buffer.alloc(64 * 1024)
      const flow = (): void => {
        while (!response.destroyed && response.write(piece));
      }
      response.on('drain', flow)
      flow()
    })
    const moved = await ask(`${url}/moved`, '--json')
    expect(moved.code).toBe(20)
    expect(jsonLines(moved.stdout)).toMatchObject([{ verdict: 'unreachable', code: null }])
    expect(moved.stdout).toContain('HTTP status 302')
    expect(asked).toBe(1)
    const endless = await ask(url)
    expect(endless.code).toBe(20)
    expect(endless.stdout).toContain('more than 2097152 bytes')
  })

  test('nobody there', async () => {
    const url = await serve(() => undefined)
    server?.close()
    const { code, stdout, stderr } = await ask(url)
    expect({ code, stderr }).toEqual({ code: 20, stderr: '' })
    expect(stdout).toContain('ECONNREFUSED')
  })
})
