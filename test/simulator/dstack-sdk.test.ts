import { X509Certificate } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { request } from 'node:http'
// The SDK as published; nothing of it is changed.
import { DstackClient } from '@phala/dstack-sdk'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  createSimulatedPlatform,
  launchTd,
  serveGuestAgent,
  type GuestAgentServer,
  type SimulatedTd,
} from '@jeju/simulator'
import { toBareHex, utf8 } from '@jeju/verifier/protocol'
import { verifyKeyChain } from './key-chain.ts'

/** A name and a compose with characters outside ASCII: the published transport counts characters. */
const appCompose = utf8('{"docker_compose_file":"# prüfen ✓","name":"node-é"}')

let td: SimulatedTd
let td06: SimulatedTd
let agents: GuestAgentServer[]
let folder: string
let client: DstackClient

beforeAll(async () => {
  const platform = await createSimulatedPlatform({ at: new Date() })
  td = launchTd(platform, { appCompose })
  td06 = launchTd(platform, { appCompose, profile: '0.6.0' })
  folder = await mkdtemp(join(tmpdir(), 'jeju-agent-'))
  agents = [
    await serveGuestAgent(td, join(folder, 'v0.sock')),
    await serveGuestAgent(td06, join(folder, 'v1.sock')),
  ]
  client = new DstackClient(join(folder, 'v0.sock'))
})

afterAll(async () => {
  await Promise.all(agents.map((agent) => agent.close()))
  await rm(folder, { recursive: true })
})

async function call(
  socket: string,
  path: string,
  body: unknown = {},
  { type = 'application/json', method = 'POST' } = {},
): Promise<{ status: number; body: string; length: string | undefined; chunked: boolean }> {
  return new Promise((resolve, reject) => {
    const text = JSON.stringify(body)
    const headers = { 'Content-Type': type, 'Content-Length': text.length }
    const options = { socketPath: join(folder, socket), path, method, headers }
    request(options, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        resolve({
          status: response.statusCode ?? 0,
          body: Buffer.concat(chunks).toString('utf8'),
          length: response.headers['content-length'],
          chunked: response.headers['transfer-encoding'] !== undefined,
        })
      })
    })
      .on('error', reject)
      .end(text)
  })
}

describe('the published dstack SDK against the simulated guest agent', () => {
  test('getKey gives secp256k1 and Ed25519 keys with chains to the KMS root', async () => {
    for (const algorithm of ['secp256k1', 'ed25519'] as const) {
      const { key, signature_chain } = await client.getKey('a/path', 'a purpose', algorithm)
      expect(key).toHaveLength(32)
      verifyKeyChain(td, algorithm, 'a purpose', key, signature_chain)
    }
  })

  test('getKey is the same for the same path, whatever the purpose', async () => {
    const [first, second, other] = await Promise.all([
      client.getKey('one', 'x'),
      client.getKey('one', 'y'),
      client.getKey('two', 'x'),
    ])
    expect(first.key).toEqual(second.key)
    expect(first.key).not.toEqual(other.key)
  })

  test('getTlsKey gives a fresh key with a certificate of the KMS', async () => {
    const first = await client.getTlsKey({ subject: 'node.example', altNames: ['node.example'] })
    const second = await client.getTlsKey({ subject: 'node.example' })
    expect(first.key).not.toBe(second.key)
    const [leaf, ca] = first.certificate_chain.map((pem) => new X509Certificate(pem))
    if (leaf === undefined || ca === undefined) throw new Error('no chain')
    expect(leaf.verify(ca.publicKey)).toBe(true)
    expect(leaf.subjectAltName).toBe('DNS:node.example')
    // The published SDK hands an error body on as an answer.
    const refused = await client.getTlsKey({ notBefore: 2, notAfter: 1 })
    expect(refused).toMatchObject({ error: 'not_before must be before not_after' })
  })

  test('getQuote carries the report data at its offset', async () => {
    const reportData = Buffer.alloc(64, 7)
    const { quote, event_log, vm_config, report_data } = await client.getQuote(reportData)
    const bytes = Buffer.from(quote.replace(/^0x/, ''), 'hex')
    expect(bytes.subarray(568, 632)).toEqual(reportData)
    expect(report_data).toBe(reportData.toString('hex'))
    expect(JSON.parse(vm_config ?? '')).toMatchObject({ num_gpus: 0 })
    const log = JSON.parse(event_log) as { imr: number; digest: string }[]
    expect(log.filter(({ imr }) => imr === 3).every(({ digest }) => digest === '')).toBe(true)
    await expect(client.getQuote(Buffer.alloc(65))).rejects.toThrow()
  })

  test('attest, version, sign, verify and isReachable answer', async () => {
    expect((await client.attest(Buffer.alloc(64))).attestation).toMatch(/^(0x)?0000[0-9a-f]+$/)
    expect(await client.version()).toMatchObject({ version: '0.5.11' })
    expect(await client.isReachable()).toBe(true)
    for (const algorithm of ['ed25519', 'secp256k1']) {
      const data = Buffer.from('what is signed')
      const { signature, public_key } = await client.sign(algorithm, data)
      const valid = await client.verify(algorithm, data, signature, public_key)
      expect(valid.valid).toBe(true)
      const other = await client.verify(algorithm, Buffer.from('else'), signature, public_key)
      expect(other.valid).toBe(false)
    }
  })

  test('info is consistent from compose bytes to registers', async () => {
    const info = await client.info()
    expect(info.compose_hash).toBe(td.composeHash.slice(2))
    expect(info.app_id).toBe(td.composeHash.slice(2, 42))
    expect(info.instance_id).toBe(toBareHex(td.instanceId))
    expect(Buffer.from(info.tcb_info.app_compose)).toEqual(Buffer.from(appCompose))
    expect(info.tcb_info.rtmr3).toBe(td.measurements.rtmr3.slice(2))
    expect(info.tcb_info.event_log.every(({ digest }) => digest.length === 96)).toBe(true)
  })

  test('emitEvent extends RTMR3 on 0.5 and is refused on 0.6', async () => {
    const before = td.measurements.rtmr3
    await client.emitEvent('app-event', 'payload')
    expect(td.measurements.rtmr3).not.toBe(before)
    const refused = await call('v1.sock', '/EmitEvent', { event: 'x', payload: '' })
    expect(refused.status).toBe(400)
    expect(td06.events().some(({ name }) => name === 'x')).toBe(false)
  })
})

describe('the wire', () => {
  test('every answer is ASCII of the stated length, not chunked', async () => {
    for (const path of ['/Info', '/Version', '/GetKey', '/NoSuchMethod', '/GetQuote']) {
      const answer = await call('v0.sock', path)
      expect(answer.length).toBe(String(answer.body.length))
      expect(answer.chunked).toBe(false)
      expect(Buffer.from(answer.body, 'utf8').every((byte) => byte < 0x80)).toBe(true)
    }
  })

  test('errors and surfaces are those of each release', async () => {
    expect(await call('v0.sock', '/NoSuchMethod')).toMatchObject({ status: 400 })
    expect(await call('v0.sock', '/v1/Version')).toMatchObject({
      status: 404,
      body: '<h1>404</h1>',
    })
    const missing = await call('v1.sock', '/v1/NoSuchMethod')
    expect(missing).toMatchObject({
      status: 404,
      body: '{"error":"Service not found: NoSuchMethod"}',
    })
    expect(await call('v1.sock', '/v1/Version')).toMatchObject({ status: 200 })
    expect(await call('v1.sock', '/v0/Version')).toMatchObject({ status: 200 })
    expect(await call('v1.sock', '/v1/AttestGpu', { nonce: '00'.repeat(32) })).toMatchObject({
      status: 501,
    })
    expect(await call('v1.sock', '/v1/GetKey', { domain: 'a' })).toMatchObject({ status: 400 })
    expect(await call('v0.sock', '/GetKey', { algorithm: 'rsa' })).toMatchObject({ status: 400 })
    expect(await call('v0.sock', '/GetQuote', { report_data: 'zz' })).toMatchObject({ status: 400 })
  })

  test('what is not simulated is refused, and an agent survives what it refuses', async () => {
    const refused: readonly [status: number, path: string, body?: unknown, how?: object][] = [
      [400, '/GetKey', {}, { type: 'application/x-protobuf' }],
      [400, '/GetKey', {}, { type: '' }],
      [404, '/GetKey', {}, { method: 'PUT' }],
      [413, '/GetKey', { path: 'x'.repeat(11 * 1024 * 1024) }],
      [400, '/GetTlsKey', { with_app_info: true }],
      [400, '/GetTlsKey', { usage_server_auth: 1 }],
      [400, '/GetTlsKey', { alt_names: [1] }],
      [400, '/GetTlsKey', { not_before: -1 }],
      [400, '/GetTlsKey', { not_after: 253_402_300_800 }],
    ]
    for (const [status, path, body, how] of refused) {
      const answer = await call('v0.sock', path, body, how)
      expect(answer.status, JSON.stringify([path, how])).toBe(status)
    }
    expect(await call('v0.sock', '/Version')).toMatchObject({ status: 200 })
  })

  test('a TLS certificate has the usages and the dates asked for', async () => {
    const asked = { usage_server_auth: true, usage_client_auth: true, not_after: '4102444800' }
    const { certificate_chain } = JSON.parse((await call('v0.sock', '/GetTlsKey', asked)).body)
    const leaf = new X509Certificate(certificate_chain[0])
    expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'])
    expect(new Date(leaf.validTo)).toEqual(new Date('2100-01-01T00:00:00Z'))
  })

  test('v1 keys differ from v0 keys of the same name, and their chains verify', async () => {
    for (const algorithm of ['secp256k1', 'ed25519'] as const) {
      const v0 = JSON.parse((await call('v1.sock', '/GetKey', { path: 'a', algorithm })).body)
      const v1 = JSON.parse((await call('v1.sock', '/v1/GetKey', { domain: 'a', algorithm })).body)
      expect(v1.key).not.toBe(v0.key)
      expect(v1.public_key).toHaveLength(algorithm === 'ed25519' ? 64 : 66)
    }
    const attestation = JSON.parse(
      (await call('v1.sock', '/v1/Attest', { report_data: 'aa' })).body,
    )
    expect(attestation.attestation).toMatch(/^83a776657273696f6e01/)
  })
})
