import { verifyEvidence } from '@jeju/verifier'
import {
  verifyAciReport,
  verifySigningReport,
  verifyTinfoilDocument,
} from '@jeju/verifier/dialects'
import { decodeEvidence, fromBareHex, parseKeyset, toBareHex, utf8 } from '@jeju/verifier/protocol'
import { afterAll, expect, test } from 'vitest'
import { registryDomain } from './setting/deployment.ts'
import { changed, aciContext, NONCE, OTHER_NONCE, start, textOf } from './setting/dialects.ts'
import { contextOf } from './setting/relying-party.ts'
import { cleanUp, OPERATOR } from './setting/start-node.ts'
import { errorOf } from './setting/test-client.ts'

afterAll(cleanUp)

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
