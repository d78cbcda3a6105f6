import { launchTd } from '@jeju/simulator'
import { verifyAciReport, type AciContext } from '@jeju/verifier/dialects'
import { toBareHex, utf8, type JsonValue } from '@jeju/verifier/protocol'
import { afterAll, describe, expect, test } from 'vitest'
import { objections } from '../check-names.ts'
import {
  changed,
  aciContext,
  NONCE,
  OTHER_NONCE,
  SOURCE,
  start,
  textOf,
} from './setting/dialects.ts'
import { cleanUp, startNode, thePlatform } from './setting/start-node.ts'

afterAll(cleanUp)

describe('ACI report', () => {
  test('verifies for the nonce that was asked, with custody of every listed key', async () => {
    const running = await start()
    const response = await running.get(`/v1/aci/attestation?nonce=${NONCE}`)
    expect(response.headers.get('cache-control')).toBe('no-store')
    const text = await response.text()
    const report = await verifyAciReport(text, await aciContext(running, text))
    expect(objections(report)).toEqual([])
    expect(report.verdict).toMatchObject({
      outcome: 'verified',
      tier: 'simulated',
      claims: {
        statedServing: 'direct',
        keysetDigest: response.headers.get('x-aci-keyset-digest'),
      },
    })
    const custody = report.checks.find(({ name }) => name === 'key-custody')
    expect(custody).toMatchObject({
      evidence: { roles: ['receipt', 'e2ee-ehbp-x25519', 'e2ee-x-wing'] },
    })
  })

  test('the event log has a digest on every event, and clients that replay it as it is see RTMR3', async () => {
    const running = await start()
    const text = await textOf(running, `/v1/aci/attestation?nonce=${NONCE}`)
    const { attestation } = JSON.parse(text) as { attestation: { evidence: { event_log: string } } }
    const events = JSON.parse(attestation.evidence.event_log) as { imr: number; digest: string }[]
    expect(events.every(({ digest }) => /^[0-9a-f]{96}$/.test(digest))).toBe(true)
    const own = running.td.events().filter(({ imr }) => imr === 3)
    const served = events.filter(({ imr }) => imr === 3)
    expect(served.map(({ digest }) => digest)).toEqual(own.map(({ digest }) => toBareHex(digest)))
  })

  test('ACI headers stand on every answer, errors included', async () => {
    const running = await start()
    for (const path of ['/health', '/v1/nothing', '/v1/aci/attestation?nonce=x', '/v1/models']) {
      const { headers } = await running.get(path)
      expect(headers.get('x-aci-version')).toBe('aci/1')
      expect(headers.get('x-aci-keyset-digest')).toMatch(/^sha256:[0-9a-f]{64}$/)
    }
  })

  test('C1 nonceless_report_is_not_fresh, replayed_report_rejected', async () => {
    const running = await start()
    const nonceless = await running.get('/v1/aci/attestation')
    expect(nonceless.headers.get('cache-control')).toBe('public, max-age=60')
    const text = await nonceless.text()
    expect(objections(await verifyAciReport(text, await aciContext(running, text)))).toEqual([
      'report-data',
    ])
    // It is made once in a while, not for each who asks.
    expect(await textOf(running, '/v1/aci/attestation')).toBe(text)
    const replayed = await textOf(running, `/v1/aci/attestation?nonce=${OTHER_NONCE}`)
    const report = await verifyAciReport(replayed, await aciContext(running, replayed))
    expect(objections(report)).toEqual(['report-data'])
  })

  test('C5 unbound_key_rejected, C12 json_report_data_ignored: what stands beside the quote is recomputed', async () => {
    const running = await start()
    const text = await textOf(running, `/v1/aci/attestation?nonce=${NONCE}`)
    const context = await aciContext(running, text)
    const judge = async (path: readonly string[], value: JsonValue): Promise<readonly string[]> =>
      objections(await verifyAciReport(changed(text, path, value), context))
    const keyset = ['attestation', 'workload_keyset']
    const planted = [{ algo: 'ed25519', key_id: 'receipt-1', public_key: 'ab'.repeat(32) }]
    expect(await judge([...keyset, 'receipt_signing_keys'], planted)).toEqual([
      'aci-report',
      'report-data',
      'key-custody',
    ])
    // A member that nobody knows is under the digest as well.
    expect(await judge([...keyset, 'more'], true)).toEqual(['aci-report', 'report-data'])
    expect(await judge(['attestation', 'report_data'], '00'.repeat(32))).toEqual(['aci-report'])
    expect(await judge(['workload_keyset_digest'], `sha256:${'00'.repeat(32)}`)).toEqual([
      'aci-report',
    ])
    expect(await judge(['api_version'], 'aci/2')).toEqual(['aci-report'])
    expect(await judge(['attestation', 'evidence', 'quote_report_data'], '00'.repeat(64))).toEqual([
      'aci-report',
    ])
  })

  test('C10 custody is required for every listed key, and by a KMS that is trusted', async () => {
    const running = await start()
    const text = await textOf(running, `/v1/aci/attestation?nonce=${NONCE}`)
    const context = await aciContext(running, text)
    const path = ['attestation', 'evidence', 'key_custody']
    const { attestation } = JSON.parse(text) as {
      attestation: { evidence: { key_custody: { keys: Record<string, JsonValue>[] } } }
    }
    const { keys } = attestation.evidence.key_custody
    for (const index of keys.keys()) {
      const without = { keys: keys.filter((_, at) => at !== index) }
      const swapped = {
        keys: keys.map((key, at) => (at === index ? { ...key, purpose: 'jeju.other.v1' } : key)),
      }
      for (const custody of [without, swapped]) {
        const report = await verifyAciReport(changed(text, path, custody), context)
        expect(objections(report)).toEqual(['key-custody'])
      }
    }
    const policy = { ...context.policy, keyCustody: { trustedKms: [], keyApis: ['v0'] as const } }
    expect(objections(await verifyAciReport(text, { ...context, policy }))).toEqual(['key-custody'])
  })

  test('C9 the channel in use has to be listed; C11 not_after_bound', async () => {
    const running = await start()
    const text = await textOf(running, `/v1/aci/attestation?nonce=${NONCE}`)
    const context = await aciContext(running, text)
    const judge = async (changes: Partial<AciContext>): Promise<readonly string[]> =>
      objections(await verifyAciReport(text, { ...context, ...changes }))
    expect(await judge({ channel: { kind: 'sealed', publicKey: 'ab'.repeat(32) } })).toEqual([
      'channel',
    ])
    const tls = { kind: 'tls', hostname: 'node.test', spkiSha256: 'ab'.repeat(32) } as const
    expect(await judge({ channel: tls })).toEqual(['channel'])
    expect(await judge({ sources: [] })).toEqual(['source-provenance'])
    // A caller without types gets no report that is fresh for nobody.
    const nonce = null as unknown as string
    await expect(judge({ nonce })).rejects.toMatchObject({ code: 'INPUT_HEX' })
    // Two years on nothing of it is in date, and the keyset is named among the rest.
    const later = new Date(Date.now() + 730 * 86_400_000)
    expect(await judge({ at: later })).toContain('keyset')
  })

  test('C12 json_report_data_ignored: what nobody signs of its sources is not claimed', async () => {
    const digest = `sha256:${'ab'.repeat(32)}`
    const compose = utf8(
      `{"docker_compose_file":"services: {node: {image: node@${digest}}}","name":"node","runner":"docker-compose"}`,
    )
    const td = launchTd(await thePlatform(), { appCompose: compose })
    const running = await startNode({ td, config: { source: SOURCE } })
    const text = await textOf(running, `/v1/aci/attestation?nonce=${NONCE}`)
    const context = await aciContext(running, text)
    const provenance = { image_digest: digest, repo_url: 'https://trusted.test', repo_commit: 'x' }
    const said = changed(text, ['attestation', 'source_provenance'], provenance)
    const { verdict } = await verifyAciReport(said, { ...context, sources: [] })
    expect(verdict).toMatchObject({
      outcome: 'verified',
      claims: { provenance: { imageDigest: digest, repoUrl: null, repoCommit: null } },
    })
  })

  test('E19 a member that stands twice is not read', async () => {
    const running = await start()
    const text = await textOf(running, `/v1/aci/attestation?nonce=${NONCE}`)
    const doubled = text.replace('{', '{"api_version":"aci/1",')
    await expect(verifyAciReport(doubled, await aciContext(running, text))).rejects.toMatchObject({
      code: 'INPUT_JSON',
    })
  })
})
