import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { SimulatedPlatform, SimulatedTd } from '@jeju/simulator'
import { serveNras, serveOcsp, serveRims } from '@jeju/simulator/gpu'
import {
  bindingIdOf,
  deviceIdentityOf,
  encodeGpuEvidence,
  EVIDENCE_MEDIA_TYPE,
  fromBareHex,
  gpuDevicesDigest,
  gpuNonce,
  reportData,
  sha256,
  toHex,
} from '@jeju/verifier/protocol'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { takesAnyGpu } from '../../gpu-policy.ts'
import { policyOf } from '../../simulated-trust.ts'
import { AT, evidenceOf, machine, operator, registry, statementOf } from '../evidence/fixture.ts'
import { gpusOf } from '../gpu/fixture.ts'
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

  test('D5 a node with GPUs is judged by the roots and services of the flags, and refused without them', async () => {
    const gpus = gpusOf()
    const digest = gpuDevicesDigest(
      gpus
        .evidence(new Uint8Array(32))
        .devices.map(({ certificates }) => deviceIdentityOf(certificates)),
    )
    const statement = { ...statementOf(td), gpuDevicesDigest: digest }
    const bindingId = bindingIdOf(statement, registry)
    const url = await serve((request, response) => {
      const nonce = toHex(
        fromBareHex(new URL(request.url ?? '/', 'http://node').searchParams.get('nonce') ?? ''),
      )
      const freshness = { kind: 'challenge', nonce } as const
      const answer = async (): Promise<void> => {
        const gpuEvidence = encodeGpuEvidence({
          devices: gpus.evidence(gpuNonce(bindingId, freshness)).devices,
        })
        const collateral = await platform.collateralJson(AT)
        const data = reportData(bindingId, freshness, toHex(sha256(gpuEvidence)))
        response.end(
          await evidenceOf(td, {
            statement,
            reportData: data,
            bundle: { gpuEvidence, collateral },
          }),
        )
      }
      answer().catch(() => response.destroy())
    })
    const rims = await serveRims(gpus)
    const ocsp = await serveOcsp(gpus, { now: () => AT })
    const nras = await serveNras(gpus, { now: () => AT })
    const expired = await serveNras(gpus, { now: () => AT, lie: 'expired' })
    const policy = { ...policyOf(td), gpu: { ...takesAnyGpu, ocsp: 'required' } }
    const roots = [gpus.roots.deviceRoot, gpus.roots.rimRoot]
    const gpuFlags = [
      `--policy=${fileOf('policy.json', JSON.stringify(policy))}`,
      `--gpu-anchor=${roots.map((root) => fileOf('root.der', root)).join(',')}`,
    ]
    const services = [`--rim-url=${rims.url}`, `--ocsp-url=${ocsp.url}`]
    try {
      const { code, stdout } = await ask(url, ...gpuFlags, ...services)
      expect(stdout).toMatch(/ok +gpu-measurements/)
      expect(stdout).toMatch(/ok +gpu-revocation/)
      expect(code).toBe(0)

      const nobody = await ask(url, ...gpuFlags, '--rim-url=http://127.0.0.1:9', '--json')
      expect(nobody.code).toBe(10)
      expect(nobody.stdout).toContain('RIM_MISSING')
      const unanswered = ['--rim-url', rims.url, '--ocsp-url', 'http://127.0.0.1:9', '--json']
      expect((await ask(url, ...gpuFlags, ...unanswered)).stdout).toContain('OCSP_MISSING')

      // The word of NVIDIA's service is asked for where the policy wants it, and nowhere else.
      const asking = [...services, `--nras-url=${nras.url}`]
      expect((await ask(url, ...gpuFlags, ...asking)).code).toBe(0)
      expect(nras.asked).toEqual([])
      const both = { ...policy, gpu: { ...policy.gpu, appraisal: 'both' } }
      const wanting = [...gpuFlags, `--policy=${fileOf('both.json', JSON.stringify(both))}`]
      expect((await ask(url, ...wanting, ...asking)).code).toBe(0)
      expect(nras.asked).toHaveLength(1)
      const none = await ask(url, ...wanting, ...services, '--json')
      expect([none.code, none.stdout.includes('NRAS_MISSING')]).toEqual([10, true])
      const old = await ask(url, ...wanting, ...services, `--nras-url=${expired.url}`, '--json')
      expect([old.code, old.stdout.includes('NRAS_EXPIRED')]).toEqual([10, true])

      // Policy says CPU-only: neither service is asked.
      const before = [rims.asked.length, ocsp.asked]
      const forbidden = await ask(url, ...services, '--json')
      expect(forbidden.stdout).toContain('GPU_FORBIDDEN')
      expect([rims.asked.length, ocsp.asked]).toEqual(before)
    } finally {
      await rims.close()
      await ocsp.close()
      await nras.close()
      await expired.close()
    }
  }, 30_000)

  test.each([
    ['--gpu-anchor=one.der', 'expected two files'],
    ['--rim-url=http://rims.example', '--rim-url'],
    ['--ocsp-url=nowhere', '--ocsp-url'],
    ['--nras-url=nowhere', '--nras-url'],
    ['--nras-url=https://nras.example', 'expected an address of the roots'],
  ])('a flag that cannot be: %s', async (flag, text) => {
    const { code, stderr } = await ask('http://127.0.0.1:9', flag)
    expect(code).toBe(2)
    expect(stderr).toContain(text)
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

describe('evidence', () => {
  const block = { blockNumber: 31_000_000n, blockHash: `0x${'bb'.repeat(32)}` } as const
  const named = `--block=${block.blockNumber}:${block.blockHash}`
  let kept: string

  beforeAll(async () => {
    const evidence = await evidenceOf(td, {
      freshness: { kind: 'registration', ...block },
      bundle: { collateral: await platform.collateralJson(AT) },
    })
    kept = fileOf('evidence.cbor', evidence)
  })

  const judge = (...more: readonly string[]): Promise<CliResult> =>
    runCli(['evidence', ...flags, ...more])

  test('archived_evidence_is_reverified: with the documents it was archived with, for the block on chain', async () => {
    const { code, stdout, stderr } = await judge(named, kept)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain(`${kept}: accepted  under a SIMULATED root`)
    expect(stdout).toContain(`block 31000000 ${block.blockHash}`)
    const [answer] = jsonLines((await judge(named, '--json', kept)).stdout)
    expect(answer).toMatchObject({ file: kept, verdict: 'accepted', claims: { operator } })
  })

  test('C3 another block, or a nonce where it registered: rejected by freshness', async () => {
    for (const other of [
      `--block=31000001:${block.blockHash}`,
      `--block=31000000:0x${'bc'.repeat(32)}`,
      `--nonce=${'bb'.repeat(32)}`,
    ]) {
      const { code, stdout } = await judge(other, '--json', kept)
      expect(code).toBe(10)
      expect(jsonLines(stdout)).toMatchObject([{ verdict: 'rejected', code: 'freshness' }])
    }
  })

  test('a year later its documents have expired: they prove what was, and not what is', async () => {
    const { code, stdout } = await judge(named, '--json', '--at=2030-02-19T00:00:00Z', kept)
    expect(code).toBe(10)
    expect(jsonLines(stdout)).toMatchObject([{ verdict: 'rejected', code: 'CRL_EXPIRED' }])
  })

  test.each([
    [[], 'expected one of --block and --nonce'],
    [[named, `--nonce=${'bb'.repeat(32)}`], 'expected one of --block and --nonce'],
    [['--block=1'], '--block: expected NUMBER:HASH'],
    [[`--block=01:${block.blockHash}`], '--block: expected NUMBER:HASH'],
    [[`--block=1:0x${'BB'.repeat(32)}`], '--block: expected NUMBER:HASH'],
  ])('a command line that cannot be: %j', async (given, text) => {
    const { code, stderr } = await judge(...given, kept)
    expect(code).toBe(2)
    expect(stderr).toContain(text)
  })

  test('what is no evidence is malformed', async () => {
    const { code, stdout } = await judge(named, '--json', fileOf('not.cbor', '<html>'))
    expect(code).toBe(30)
    expect(jsonLines(stdout)).toMatchObject([{ verdict: 'malformed', code: 'INPUT_CBOR' }])
  })
})
