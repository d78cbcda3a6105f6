import { launchTd } from '@jeju/simulator'
import { verifyTinfoilDocument } from '@jeju/verifier/dialects'
import { toBareHex } from '@jeju/verifier/protocol'
import { parseKeyConfig } from '@jeju/verifier/sealing'
import { afterAll, describe, expect, test } from 'vitest'
import { objections } from '../check-names.ts'
import { changed, NONCE, OTHER_NONCE, start, textOf } from './setting/dialects.ts'
import { contextOf } from './setting/relying-party.ts'
import { cleanUp, COMPOSE, startNode, thePlatform } from './setting/start-node.ts'

afterAll(cleanUp)

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
