import { expect, test } from 'vitest'
import { checkChannel } from '../../../verifier/src/aci/check-channel.ts'
import { readAciKeyset } from '../../../verifier/src/aci/keyset.ts'

const KEY = 'ab'.repeat(32)
const keysetWith = (algo: string): ReturnType<typeof readAciKeyset> =>
  readAciKeyset({
    receipt_signing_keys: [{ algo: 'ed25519', key_id: 'receipt-1', public_key: 'cd'.repeat(32) }],
    e2ee_public_keys: [{ algo, key_id: 'e2ee-1', public_key: KEY }],
    tls_public_keys: [],
    not_after: 4_000_000_000,
  })

test('C9 a sealing key counts by its algorithm: an entry of an unknown one is ignored', () => {
  const channel = { kind: 'sealed', publicKey: KEY } as const
  expect(checkChannel(keysetWith('ehbp-x25519-aes-256-gcm'), channel).status).toBe('passed')
  for (const algo of ['x', 'constructor', 'EHBP-X25519-AES-256-GCM']) {
    expect(checkChannel(keysetWith(algo), channel).status, algo).toBe('failed')
  }
})
