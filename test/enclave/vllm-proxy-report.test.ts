import { verifySigningReport } from '@jeju/verifier/dialects'
import { type JsonValue } from '@jeju/verifier/protocol'
import { afterAll, describe, expect, test } from 'vitest'
import { objections } from '../check-names.ts'
import { changed, NONCE, OTHER_NONCE, start, textOf } from './setting/dialects.ts'
import { contextOf } from './setting/relying-party.ts'
import { cleanUp, COMPOSE } from './setting/start-node.ts'
import { errorOf } from './setting/test-client.ts'

afterAll(cleanUp)

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
