import { createHash } from 'node:crypto'
import { connect } from 'node:tls'
import { once } from 'node:events'
import {
  verifyAciReport,
  verifySigningReport,
  verifyTinfoilDocument,
} from '@jeju/verifier/dialects'
import { decodeEvidence } from '@jeju/verifier/protocol'
import { afterAll, expect, test } from 'vitest'
import { listen } from '../../enclave/src/http/listen.ts'
import { objections } from '../check-names.ts'
import { contextOf } from './setting/relying-party.ts'
import { cleanUp, startNode } from './setting/start-node.ts'

afterAll(cleanUp)

const NONCE = 'ab'.repeat(32)
const SOURCE = {
  repoUrl: 'https://example.org/node',
  repoCommit: '12'.repeat(20),
  imageDigest: null,
}

/** SHA-256 of the SubjectPublicKeyInfo that a port really shows. */
async function observedSpki(port: number): Promise<string> {
  const socket = connect({
    port,
    host: '127.0.0.1',
    servername: 'node.test',
    rejectUnauthorized: false,
  })
  await once(socket, 'secureConnect')
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) throw new Error('no certificate')
  const { publicKey } = certificate
  socket.destroy()
  return createHash('sha256')
    .update(publicKey.export({ format: 'der', type: 'spki' }))
    .digest('hex')
}

test('C9 spki_checked_on_live_connection, C10 tls_key_custody_required: the key that the port shows is the attested one', async () => {
  const running = await startNode({ config: { tls: 'here', source: SOURCE } })
  const listener = await listen(running.node.app, 0, '127.0.0.1', running.node.tls)
  const spkiSha256 = await observedSpki(listener.port)
  await listener.close()
  const text = async (path: string): Promise<string> => (await running.get(path)).text()
  const context = { ...(await contextOf(running)), nonce: NONCE, sources: [SOURCE] }
  const channel = { kind: 'tls', hostname: 'node.test', spkiSha256 } as const
  const aci = await text(`/v1/aci/attestation?nonce=${NONCE}`)
  const report = await verifyAciReport(aci, { ...context, channel })
  expect(objections(report)).toEqual([])
  for (const other of [
    { ...channel, spkiSha256: 'ab'.repeat(32) },
    { ...channel, hostname: 'other.test' },
  ]) {
    expect(objections(await verifyAciReport(aci, { ...context, channel: other }))).toEqual([
      'channel',
    ])
  }
  const document = JSON.parse(aci) as {
    attestation: { evidence: { key_custody: { keys: { role: string }[] } } }
  }
  const { key_custody: custody } = document.attestation.evidence
  custody.keys = custody.keys.filter(({ role }) => role !== 'tls')
  const bare = JSON.stringify(document)
  expect(objections(await verifyAciReport(bare, { ...context, channel }))).toEqual(['key-custody'])

  const signing = await text(`/v1/attestation/report?nonce=${NONCE}&include_tls_fingerprint=true`)
  const asked = { ...context, signingAlgo: 'ecdsa', tls: { spkiSha256 } } as const
  expect(objections(await verifySigningReport(signing, asked))).toEqual([])
  const unbound = { ...asked, tls: 'unbound' } as const
  expect(objections(await verifySigningReport(signing, unbound))).toEqual(['report-data'])
  const tinfoil = await text(`/.well-known/tinfoil-attestation?nonce=${NONCE}`)
  expect((await verifyTinfoilDocument(tinfoil, context)).verdict).toMatchObject({
    outcome: 'verified',
    claims: { tlsSpkiSha256: spkiSha256 },
  })
  const bundle = decodeEvidence(
    new Uint8Array(await (await running.get(`/v1/attestation?nonce=${NONCE}`)).arrayBuffer()),
  )
  expect(JSON.parse(bundle.posture)).toMatchObject({ request_confidentiality: 'tls' })
  // The platform gives another key with every call; the binding must outlive a restart all the same.
  const again = await running.restart({ config: { tls: 'here', source: SOURCE } })
  expect(again.node.bindingId).toBe(running.node.bindingId)
})
