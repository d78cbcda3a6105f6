import { launchTd } from '@jeju/simulator'
import { verifyEvidence } from '@jeju/verifier'
import {
  verifyAciReport,
  verifySigningReport,
  verifyTinfoilDocument,
  type AciContext,
} from '@jeju/verifier/dialects'
import {
  decodeEvidence,
  fromBareHex,
  parseKeyset,
  toBareHex,
  utf8,
  type JsonValue,
} from '@jeju/verifier/protocol'
import { parseKeyConfig } from '@jeju/verifier/sealing'
import { afterAll, describe, expect, test } from 'vitest'
import { objections } from '../check-names.ts'
import { registryDomain } from './setting/deployment.ts'
import { contextOf } from './setting/relying-party.ts'
import {
  cleanUp,
  COMPOSE,
  OPERATOR,
  startNode,
  thePlatform,
  type Running,
} from './setting/start-node.ts'
import { errorOf } from './setting/test-client.ts'

afterAll(cleanUp)

const NONCE = 'ab'.repeat(32)
const OTHER_NONCE = 'cd'.repeat(32)
const SOURCE = {
  repoUrl: 'https://example.org/node',
  repoCommit: '12'.repeat(20),
  imageDigest: null,
}

async function textOf(running: Running, path: string): Promise<string> {
  const response = await running.get(path)
  expect([path, response.status]).toEqual([path, 200])
  return response.text()
}

interface ServedKeyset {
  readonly e2ee_public_keys: readonly { readonly algo: string; readonly public_key: string }[]
}

/** The sealing key in a served ACI report, as a client takes it only after verification. */
function sealingKeyIn(text: string): string {
  const { attestation } = JSON.parse(text) as { attestation: { workload_keyset: ServedKeyset } }
  return attestation.workload_keyset.e2ee_public_keys[0]?.public_key ?? ''
}

async function aciContext(running: Running, text: string): Promise<AciContext> {
  return {
    ...(await contextOf(running)),
    nonce: NONCE,
    channel: { kind: 'sealed', publicKey: sealingKeyIn(text) },
    sources: [SOURCE],
  }
}

/** Changes one member of a served report, by path. */
function changed(text: string, path: readonly string[], value: JsonValue): string {
  const document = JSON.parse(text) as Record<string, unknown>
  let at: Record<string, unknown> = document
  for (const name of path.slice(0, -1)) at = at[name] as Record<string, unknown>
  at[path.at(-1) ?? ''] = value
  return JSON.stringify(document)
}

const start = (): Promise<Running> => startNode({ config: { source: SOURCE } })

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

test('C2 nonce_encoding_table, for every dialect', async () => {
  const running = await start()
  const bad = ['', NONCE.slice(2), `${NONCE}00`, `0x${NONCE}`, NONCE.toUpperCase(), '0'.repeat(64)]
  const paths = [
    '/v1/aci/attestation',
    '/v1/attestation/report',
    '/.well-known/tinfoil-attestation',
  ]
  for (const path of paths) {
    for (const nonce of [...bad, `${NONCE}&nonce=${OTHER_NONCE}`]) {
      const { status, code } = await errorOf(await running.get(`${path}?nonce=${nonce}`))
      expect([path, nonce, status, code]).toEqual([path, nonce, 400, 'invalid_nonce'])
    }
  }
  const { code } = await errorOf(await running.get('/.well-known/tinfoil-attestation'))
  expect(code).toBe('invalid_nonce')
})

describe('report of the vllm-proxy dialect', () => {
  test.each(['ecdsa', 'ed25519'] as const)('verifies, %s', async (signingAlgo) => {
    const running = await start()
    const text = await textOf(
      running,
      `/v1/attestation/report?nonce=${NONCE}&signing_algo=${signingAlgo}`,
    )
    const context = { ...(await contextOf(running)), nonce: NONCE, signingAlgo }
    const report = await verifySigningReport(text, { ...context, tls: 'unbound' })
    expect(objections(report)).toEqual([])
    expect(report.verdict).toMatchObject({ outcome: 'verified', claims: { signingAlgo } })
    const other = signingAlgo === 'ecdsa' ? ('ed25519' as const) : ('ecdsa' as const)
    const asOther = { ...context, signingAlgo: other, tls: 'unbound' } as const
    expect(objections(await verifySigningReport(text, asOther))).toEqual([
      'signing-identity',
      'report-data',
    ])
    const replayed = { ...context, nonce: OTHER_NONCE, tls: 'unbound' } as const
    expect(objections(await verifySigningReport(text, replayed))).toEqual([
      'report-data',
      'gpu-evidence',
    ])
  })

  test('every client in the field finds what it reads', async () => {
    const running = await start()
    const report = JSON.parse(
      await textOf(running, `/v1/attestation/report?model=m&nonce=${NONCE}`),
    ) as Record<string, JsonValue>
    expect(report).toMatchObject({
      model_name: 'scripted',
      signing_algo: 'ecdsa',
      request_nonce: NONCE,
      intel_quote: report['quote'],
      info: { tcb_info: { app_compose: new TextDecoder().decode(COMPOSE) } },
    })
    expect(report['signing_address']).toMatch(/^0x[0-9a-f]{40}$/)
    expect(report['signing_public_key']).toMatch(/^[0-9a-f]{128}$/)
    expect(report).not.toHaveProperty('tls_cert_fingerprint')
    const { all_attestations: all, model_attestations: models, ...own } = report
    expect(all).toEqual([own])
    expect(models).toEqual([own])
    expect(JSON.parse(report['nvidia_payload'] as string)).toEqual({
      nonce: NONCE,
      evidence_list: [],
      arch: '',
    })
  })

  test('C10 tls_mode_no_fallback: neither node nor verifier falls back to the layout without the key', async () => {
    const running = await start()
    for (const query of ['include_tls_fingerprint=true', 'version=2']) {
      const answer = await running.get(`/v1/attestation/report?nonce=${NONCE}&${query}`)
      expect((await errorOf(answer)).code).toBe('tls_not_bound')
    }
    const text = await textOf(running, `/v1/attestation/report?nonce=${NONCE}`)
    const context = { ...(await contextOf(running)), nonce: NONCE, signingAlgo: 'ecdsa' } as const
    const tls = { spkiSha256: 'ab'.repeat(32) }
    for (const served of [text, changed(text, ['tls_cert_fingerprint'], 'ab'.repeat(32))]) {
      expect(objections(await verifySigningReport(served, { ...context, tls }))).toEqual([
        'report-data',
      ])
    }
  })

  test('C12 a planted signer and a wallet signature for a quote are refused', async () => {
    const running = await start()
    const text = await textOf(running, `/v1/attestation/report?nonce=${NONCE}`)
    const context = {
      ...(await contextOf(running)),
      nonce: NONCE,
      signingAlgo: 'ecdsa',
      tls: 'unbound',
    } as const
    const planted = changed(text, ['signing_address'], `0x${'ab'.repeat(20)}`)
    expect(objections(await verifySigningReport(planted, context))).toEqual([
      'signing-identity',
      'report-data',
    ])
    // wallet_signature_is_not_a_quote
    const signature = changed(text, ['intel_quote'], '1b'.repeat(65))
    await expect(verifySigningReport(signature, context)).rejects.toMatchObject({
      name: 'VerifierError',
    })
  })

  test('other questions are refused or told that nobody is there', async () => {
    const running = await start()
    const code = async (query: string): Promise<string> =>
      (await errorOf(await running.get(`/v1/attestation/report?nonce=${NONCE}&${query}`))).code
    expect(await code('signing_algo=rsa')).toBe('invalid_request')
    expect(await code(`signing_address=0x${'ab'.repeat(20)}`)).toBe('not_found')
  })
})

describe('Tinfoil document', () => {
  test('verifies, and names the key that bodies are sealed to', async () => {
    const running = await start()
    const text = await textOf(running, `/.well-known/tinfoil-attestation?nonce=${NONCE}`)
    const context = { ...(await contextOf(running)), nonce: NONCE }
    const report = await verifyTinfoilDocument(text, context)
    expect(objections(report)).toEqual([])
    const config = await running.get('/.well-known/hpke-keys')
    expect(config.headers.get('content-type')).toBe('application/ohttp-keys')
    const served = parseKeyConfig(new Uint8Array(await config.arrayBuffer()))
    expect(report.verdict).toMatchObject({
      claims: { tlsSpkiSha256: undefined, hpkePublicKey: toBareHex(served) },
    })
    expect(
      objections(await verifyTinfoilDocument(text, { ...context, nonce: OTHER_NONCE })),
    ).toEqual(['tinfoil-envelope', 'report-data'])
  })

  test('any change of a section, and every other spelling of it, is refused', async () => {
    const running = await start()
    const text = await textOf(running, `/.well-known/tinfoil-attestation?nonce=${NONCE}`)
    const context = { ...(await contextOf(running)), nonce: NONCE }
    const { crypto_material: served } = JSON.parse(text) as { crypto_material: string }
    const material = Buffer.from(served, 'base64').toString()
    const other = Buffer.from(material.replace(/"data":"../, '"data":"00')).toString('base64')
    const planted = changed(text, ['crypto_material'], other)
    expect(objections(await verifyTinfoilDocument(planted, context))).toEqual([
      'tinfoil-envelope',
      'report-data',
    ])
    const bad = [
      changed(text, ['more'], 1),
      changed(text, ['format'], 'https://tinfoil.sh/predicate/attestation/v2'),
      changed(text, ['challenge', 'nonce'], NONCE.toUpperCase()),
      changed(text, ['crypto_material'], `${served} `),
      text.replace('{', '{"collateral":[],'),
    ]
    for (const document of bad) {
      await expect(verifyTinfoilDocument(document, context)).rejects.toMatchObject({
        name: 'ProtocolError',
      })
    }
  })

  test('a machine whose MRCONFIGID says nothing of the compose file is refused', async () => {
    const td = launchTd(await thePlatform(), {
      appCompose: COMPOSE,
      lies: { mrConfigId: new Uint8Array(48) },
    })
    const running = await startNode({ td })
    const text = await textOf(running, `/.well-known/tinfoil-attestation?nonce=${NONCE}`)
    const context = { ...(await contextOf(running)), nonce: NONCE }
    expect(objections(await verifyTinfoilDocument(text, context))).toEqual(['compose-allowed'])
  })
})

test('C4 dialect_confusion_matrix: a quote of one dialect proves nothing in another', async () => {
  const running = await start()
  const context = await contextOf(running)
  const aci = await textOf(running, `/v1/aci/attestation?nonce=${NONCE}`)
  const signing = await textOf(running, `/v1/attestation/report?nonce=${NONCE}`)
  const tinfoil = await textOf(running, `/.well-known/tinfoil-attestation?nonce=${NONCE}`)
  const native = new Uint8Array(
    await (await running.get(`/v1/attestation?nonce=${NONCE}`)).arrayBuffer(),
  )
  const quotes: Readonly<Record<string, Uint8Array>> = {
    aci: fromBareHex(
      (JSON.parse(aci) as { attestation: { evidence: { quote: string } } }).attestation.evidence
        .quote,
    ),
    signing: fromBareHex((JSON.parse(signing) as { quote: string }).quote),
    tinfoil: Buffer.from(
      (JSON.parse(tinfoil) as { cpu_evidence: { report_base64: string } }).cpu_evidence
        .report_base64,
      'base64',
    ),
    native: decodeEvidence(native).quote,
  }
  expect(new Set(Object.values(quotes).map((quote) => toBareHex(quote.slice(568, 632)))).size).toBe(
    4,
  )
  const { encodeEvidence } = await import('@jeju/verifier/protocol')
  const readers: Readonly<Record<string, (quote: Uint8Array) => Promise<string>>> = {
    aci: async (quote) =>
      (
        await verifyAciReport(
          changed(aci, ['attestation', 'evidence', 'quote'], toBareHex(quote)),
          await aciContext(running, aci),
        )
      ).verdict.outcome,
    signing: async (quote) =>
      (
        await verifySigningReport(changed(signing, ['intel_quote'], toBareHex(quote)), {
          ...context,
          nonce: NONCE,
          signingAlgo: 'ecdsa',
          tls: 'unbound',
        })
      ).verdict.outcome,
    tinfoil: async (quote) =>
      (
        await verifyTinfoilDocument(
          changed(
            tinfoil,
            ['cpu_evidence', 'report_base64'],
            Buffer.from(quote).toString('base64'),
          ),
          { ...context, nonce: NONCE },
        )
      ).verdict.outcome,
    native: async (quote) =>
      (
        await verifyEvidence(encodeEvidence({ ...decodeEvidence(native), quote }), {
          ...context,
          registry: registryDomain,
          freshness: { kind: 'challenge', nonce: `0x${NONCE}` },
          expected: { agentId: 0n, operator: OPERATOR },
        })
      ).verdict.outcome,
  }
  for (const [reader, judge] of Object.entries(readers)) {
    for (const [dialect, quote] of Object.entries(quotes)) {
      const wanted = reader === dialect ? 'verified' : 'refused'
      expect([reader, dialect, await judge(quote)]).toEqual([reader, dialect, wanted])
    }
  }
})

test('the node lists the keys it seals with, each of its own', async () => {
  const running = await start()
  const bundle = decodeEvidence(
    new Uint8Array(await (await running.get(`/v1/attestation?nonce=${NONCE}`)).arrayBuffer()),
  )
  const keyset = parseKeyset(bundle.keyset)
  expect(keyset.e2ee_public_keys.map(({ algo }) => algo)).toEqual([
    'ehbp-x25519-aes-256-gcm',
    'jeju-x-wing-aes-256-gcm',
  ])
  expect(utf8(bundle.posture).length).toBeGreaterThan(0)
})
