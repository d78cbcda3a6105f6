import { hostname, networkInterfaces } from 'node:os'
import { launchTd } from '@jeju/simulator'
import {
  intelTrustAnchor,
  verifyEvidence,
  type Report,
  type VerificationContext,
} from '@jeju/verifier'
import {
  decodeEvidence,
  EVIDENCE_MEDIA_TYPE,
  sha256,
  toBareHex,
  toHex,
  utf8,
  type Freshness,
  type Hex,
} from '@jeju/verifier/protocol'
import { openStore } from '../../enclave/src/storage/store.ts'
import { afterAll, describe, expect, test } from 'vitest'
import { registryDomain } from './setting/deployment.ts'
import {
  buildNode,
  cleanUp,
  COMPOSE,
  OPERATOR,
  startNode,
  thePlatform,
  type Running,
} from './setting/start-node.ts'
import { failedChecks } from '../check-names.ts'
import { contextOf } from './setting/relying-party.ts'
import { errorOf } from './setting/test-client.ts'

afterAll(cleanUp)

const NONCE = 'ab'.repeat(32)

async function judge(
  evidence: Uint8Array,
  running: Running,
  freshness: Freshness,
  changes: Partial<VerificationContext> = {},
): Promise<Report> {
  return verifyEvidence(evidence, {
    ...(await contextOf(running)),
    registry: registryDomain,
    freshness,
    expected: { agentId: 0n, operator: OPERATOR },
    ...changes,
  })
}

async function evidenceOf(response: Response): Promise<Uint8Array<ArrayBuffer>> {
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe(EVIDENCE_MEDIA_TYPE)
  return new Uint8Array(await response.arrayBuffer())
}

const challenge = (nonce: string): Freshness => ({ kind: 'challenge', nonce: `0x${nonce}` })

describe('GET /v1/attestation', () => {
  test('the evidence verifies, for exactly the nonce that was asked', async () => {
    const running = await startNode()
    const response = await running.get(`/v1/attestation?nonce=${NONCE}`)
    expect(response.headers.get('cache-control')).toBe('no-store')
    const evidence = await evidenceOf(response)
    const report = await judge(evidence, running, challenge(NONCE))
    expect(report.verdict).toMatchObject({
      outcome: 'verified',
      tier: 'simulated',
      claims: { bindingId: running.node.bindingId },
    })
    const other = await judge(evidence, running, challenge('cd'.repeat(32)))
    expect(failedChecks(other)).toEqual(['freshness'])
  })

  test('N1 nothing the node says makes it real: under the Intel root it is refused', async () => {
    const running = await startNode()
    const evidence = await evidenceOf(await running.get(`/v1/attestation?nonce=${NONCE}`))
    const trustAnchor = intelTrustAnchor()
    const report = await judge(evidence, running, challenge(NONCE), { trustAnchor })
    expect(report.verdict.outcome).toBe('refused')
    expect(failedChecks(report)).toContain('pck-chain')
  })

  test('C2 nonce_encoding_table', async () => {
    const { get } = await startNode()
    const bad = [
      '',
      '?nonce=',
      `?nonce=${NONCE.slice(2)}`,
      `?nonce=${NONCE}00`,
      `?nonce=0x${NONCE}`,
      `?nonce=${NONCE.toUpperCase()}`,
      `?nonce=${'0'.repeat(64)}`,
      `?nonce=${NONCE.slice(0, 32)}`,
      `?nonce=${'zz'.repeat(32)}`,
      `?nonce=%20${NONCE.slice(1)}`,
      `?nonce=null`,
      `?Nonce=${NONCE}`,
      `?nonce=${NONCE}&nonce=${'cd'.repeat(32)}`,
    ]
    for (const query of bad) {
      const { status, code, param } = await errorOf(await get(`/v1/attestation${query}`))
      expect([query, status, code, param]).toEqual([query, 400, 'invalid_nonce', 'nonce'])
    }
  })

  test('C3 caller_cannot_choose_report_data: the nonce is hashed with its purpose, never placed', async () => {
    const running = await startNode()
    const evidence = await evidenceOf(await running.get(`/v1/attestation?nonce=${NONCE}`))
    const { quote } = decodeEvidence(evidence)
    const reportData = quote.slice(568, 632)
    expect(toHex(reportData.slice(0, 32))).toBe(running.node.bindingId)
    expect(toBareHex(reportData.slice(32))).not.toBe(NONCE)
    expect(toBareHex(quote)).not.toContain(NONCE)
  })

  test('C3 a live challenge is no registration, and the reverse', async () => {
    const running = await startNode()
    const { chain, get } = running
    const [call] = chain.attestations
    if (call === undefined) throw new Error('not attested')
    const { hash } = await chain.recentBlock()
    const evidence = await evidenceOf(await get(`/v1/attestation?nonce=${hash.slice(2)}`))
    const registration: Freshness = {
      kind: 'registration',
      blockNumber: call.blockNumber,
      blockHash: hash,
    }
    expect(failedChecks(await judge(evidence, running, registration))).toEqual(['freshness'])
  })

  test('C6 replica_keys_differ: two instances of one app share no key and no binding', async () => {
    const platform = await thePlatform()
    const [one, two] = [
      await startNode({ td: launchTd(platform, { appCompose: COMPOSE }) }),
      await startNode({ td: launchTd(platform, { appCompose: COMPOSE }) }),
    ]
    expect(one.td.appId).toEqual(two.td.appId)
    const bundles = await Promise.all(
      [one, two].map(async ({ get }) =>
        decodeEvidence(await evidenceOf(await get(`/v1/attestation?nonce=${NONCE}`))),
      ),
    )
    const [first, second] = bundles
    if (first === undefined || second === undefined) throw new Error('no bundles')
    expect(first.statement.signer).not.toBe(second.statement.signer)
    expect(first.keyset).not.toBe(second.keyset)
    expect(one.node.bindingId).not.toBe(two.node.bindingId)
  })

  test('C18 key_surface_is_pinned: the evidence says which surface made the signer, by a path of this instance', async () => {
    const { get, td } = await startNode()
    const evidence = await evidenceOf(await get(`/v1/attestation?nonce=${NONCE}`))
    const { kmsChain } = decodeEvidence(evidence)
    expect(kmsChain).toMatchObject({
      keyApi: 'v0',
      algorithm: 'secp256k1',
      path: `jeju/node/${toBareHex(td.instanceId)}/evm-signer/v1`,
    })
  })

  test('C11 not_after_bound, and nothing listed that is not served', async () => {
    const { get } = await startNode()
    const evidence = await evidenceOf(await get(`/v1/attestation?nonce=${NONCE}`))
    const keyset = JSON.parse(decodeEvidence(evidence).keyset) as Record<string, unknown>
    expect(keyset).toMatchObject({ tls_public_keys: [], subject: null })
    const days = (Number(keyset['not_after']) - Date.now() / 1000) / 86_400
    expect(days).toBeGreaterThan(30)
    expect(days).toBeLessThanOrEqual(400)
  })

  test('the same machine after a restart is the same binding, until its keyset nears its end', async () => {
    const running = await startNode()
    running.clock.pass(60)
    const second = await running.restart()
    expect(second.node.bindingId).toBe(running.node.bindingId)
    running.clock.pass(380 * 86_400)
    const third = await buildNode({ ...second, config: {} })
    expect(third.node.bindingId).not.toBe(running.node.bindingId)
  })
})

describe('GET /v1/evidence', () => {
  test('S3 archive_roundtrip_by_digest: what the chain names is served, and verifies as a registration', async () => {
    const running = await startNode()
    const { chain, get, node, restart } = running
    const [call] = chain.attestations
    const digest = chain.bindings.get(node.bindingId)?.evidenceHash
    if (call === undefined || digest === undefined) throw new Error('not attested')
    const evidence = await evidenceOf(await get(`/v1/evidence/${digest.slice(2)}`))
    expect(toHex(sha256(evidence))).toBe(digest)
    const blockHash = await blockHashOf(running, call.blockNumber)
    const freshness = { kind: 'registration', blockNumber: call.blockNumber, blockHash } as const
    expect((await judge(evidence, running, freshness)).verdict.outcome).toBe('verified')
    const after = await restart()
    expect((await after.get(`/v1/evidence/${digest.slice(2)}`)).status).toBe(200)
  })

  test('S1 storage_hash_mismatch_rejected', async () => {
    const { chain, get, node, stateDir } = await startNode()
    const digest = chain.bindings.get(node.bindingId)?.evidenceHash ?? '0x'
    const store = await openStore(stateDir)
    await store.write([
      { sql: 'UPDATE evidence SET content = ?', values: [utf8('something else')] },
    ])
    await store.close()
    expect((await get(`/v1/evidence/${digest.slice(2)}`)).status).toBe(404)
  })

  test('no path leaves the archive', async () => {
    const { get } = await startNode()
    const names = ['..%2fnode.db', '%2e%2e%2fnode.db', 'AB'.repeat(32), 'ab', '']
    for (const name of names) expect((await get(`/v1/evidence/${name}`)).status).toBe(404)
  })
})

async function blockHashOf({ chain }: Running, number: bigint): Promise<Hex> {
  const now = chain.now
  chain.now = () => number
  const { hash } = await chain.recentBlock()
  chain.now = now
  return hash
}

test('N8 no_host_identity_public: no answer carries host name, address or process', async () => {
  const { get } = await startNode()
  const paths = ['/health', '/v1/models', '/v1/nothing', `/v1/attestation?nonce=${NONCE}`]
  const macs = Object.values(networkInterfaces()).flatMap((list) =>
    (list ?? []).map(({ mac }) => mac),
  )
  for (const path of paths) {
    const answer = await get(path)
    const text = `${JSON.stringify([...answer.headers])}${await answer.text()}`
    for (const mark of [`"${hostname()}"`, ...macs, process.version]) {
      expect(text).not.toContain(mark)
    }
    expect(answer.headers.get('server')).toBeNull()
    expect(answer.headers.get('x-powered-by')).toBeNull()
  }
})
