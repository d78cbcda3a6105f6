import { beforeAll, describe, expect, test } from 'vitest'
import { toBareHex, toHex, utf8 } from '@jeju/verifier/protocol'
import type { KeyCustodyEvidence } from '../../../verifier/src/dstack/check-key-custody.ts'
import {
  custody,
  custodyOutcome,
  event,
  evidenceOf,
  provider,
  replaced,
  type Custody,
} from './custody-fixture.ts'

let setting: Custody

beforeAll(async () => {
  setting = await custody()
})

const outcome = (given: KeyCustodyEvidence, policy = setting.policy): string =>
  custodyOutcome(given, policy)

describe.each(['v0', 'v1'] as const)('surface %s', (keyApi) => {
  test('A13 key_provider_mismatch_rejected: the guest measured another KMS', () => {
    const measured = replaced(
      setting.events,
      'key-provider',
      provider('kms', setting.foreign.kms.caPublicKeyInfo),
    )
    expect(outcome(evidenceOf(setting, keyApi, { platform: measured }))).toBe(
      `expected key provider ${toHex(setting.platform.kms.caPublicKeyInfo)}, got ${toHex(setting.foreign.kms.caPublicKeyInfo)}`,
    )
  })

  test.each(['none', 'local-sgx', 'tpm', 'KMS', ''])(
    'A13 key_provider_mismatch_rejected: key provider %j',
    (name) => {
      const measured = replaced(
        setting.events,
        'key-provider',
        provider(name, setting.platform.kms.caPublicKeyInfo),
      )
      expect(outcome(evidenceOf(setting, keyApi, { platform: measured }))).toContain(
        `expected key provider kms, got ${JSON.stringify(name)}`,
      )
    },
  )

  test('A13 key_provider_mismatch_rejected: missing, doubled or unreadable', () => {
    const good = provider('kms', setting.platform.kms.caPublicKeyInfo)
    const id = toBareHex(setting.platform.kms.caPublicKeyInfo)
    for (const payloads of [
      [],
      [good, good],
      [event('key-provider', utf8(''))],
      [event('key-provider', utf8('null'))],
      [event('key-provider', utf8('{"name":"kms"}'))],
      [event('key-provider', utf8(`{"name":"kms","id":"${id}","more":1}`))],
      [event('key-provider', utf8('{"name":"kms","id":"zz"}'))],
      [event('key-provider', utf8(`{"name":["kms"],"id":"${id}"}`))],
      [event('key-provider', Uint8Array.of(0xff))],
    ]) {
      const measured = replaced(setting.events, 'key-provider', ...payloads)
      expect(outcome(evidenceOf(setting, keyApi, { platform: measured }))).toContain(
        'one key-provider event',
      )
    }
  })

  test('A13 whoever trusts no KMS is given no key', () => {
    expect(outcome(evidenceOf(setting, keyApi), { ...setting.policy, trustedKms: [] })).toContain(
      'empty list',
    )
  })
})
