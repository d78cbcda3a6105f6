import { keccak_256 } from '@noble/hashes/sha3.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalJson, concatBytes, sha256, toBareHex, utf8 } from '@jeju/verifier/protocol'
import {
  checkMrConfigId,
  type MrConfigFacts,
} from '../../../verifier/src/dstack/check-mr-config-id.ts'
import { MAX_MR_CONFIG_CHARACTERS, mrConfigIdV3 } from '../../../verifier/src/dstack/mr-config.ts'
import type { RuntimeEvent } from '../../../verifier/src/dstack/runtime-events.ts'
import { haveVectors, vectorJson } from '../vectors.ts'

const compose = utf8('{"runner":"docker-compose"}')
const appId = new Uint8Array(20).fill(0x11)
const instanceId = new Uint8Array(20).fill(0x44)
const policyHash = new Uint8Array(32).fill(0x55)
const scripts = [new Uint8Array(32).fill(0xaa), new Uint8Array(32).fill(0xbb)]
const providerId = new Uint8Array(91).fill(0x33)

/** tag ‖ 32 bytes ‖ 15 zeros. */
function mrConfigId(tag: number, digest: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(48)
  bytes.set([tag, ...digest])
  return bytes
}

const event = (name: string, payload: Uint8Array): RuntimeEvent => ({ name, payload, version: 1 })

const provider = (name: string, id: Uint8Array): RuntimeEvent =>
  event('key-provider', utf8(JSON.stringify({ name, id: toBareHex(id) })))

const platform: readonly RuntimeEvent[] = [
  event('app-id', appId),
  event('compose-hash', sha256(compose)),
  ...scripts.map((hash) => event('init-script-hash', hash)),
  event('gpu-policy-hash', policyHash),
  event('instance-id', instanceId),
  provider('kms', providerId),
]

const facts = (changes: Partial<MrConfigFacts> = {}): MrConfigFacts => ({
  platform,
  document: undefined,
  ...changes,
})

/** What was wrong, or `passed`. */
function outcome(id: Uint8Array, given?: MrConfigFacts, appCompose = compose): string {
  const check = checkMrConfigId(id, appCompose, given)
  return check.status === 'failed' ? `${check.expected}: ${check.actual}` : check.status
}

/** Every change of one byte is refused. */
function everyByteMatters(good: Uint8Array, given: MrConfigFacts): void {
  expect(outcome(good, given)).toBe('passed')
  fc.assert(
    fc.property(fc.nat(47), fc.integer({ min: 1, max: 255 }), (index, mask) => {
      const changed = good.slice()
      changed[index] = (changed[index] ?? 0) ^ mask
      expect(outcome(changed, given)).not.toBe('passed')
    }),
  )
}

describe('not set, and version 1', () => {
  test('zero, and version 1 of exactly this compose, pass', () => {
    expect(checkMrConfigId(new Uint8Array(48), compose)).toMatchObject({
      status: 'passed',
      evidence: { version: 'not set' },
    })
    expect(checkMrConfigId(mrConfigId(1, sha256(compose)), compose)).toMatchObject({
      status: 'passed',
      evidence: { version: 1 },
    })
  })

  test('A8 mrconfigid_mismatch_rejected: every other byte of version 1', () => {
    everyByteMatters(mrConfigId(1, sha256(compose)), facts())
  })

  test('A8 an unknown version is refused', () => {
    for (const tag of [0, 4, 0x11, 0xff]) {
      expect(outcome(mrConfigId(tag, sha256(compose)), facts())).not.toBe('passed')
    }
  })
})

describe('version 2', () => {
  const preimage = (kind: number, id: Uint8Array): Uint8Array =>
    concatBytes(sha256(compose), appId, Uint8Array.of(kind), id)
  const good = mrConfigId(2, keccak_256(preimage(2, providerId)))

  test.each([
    ['none', 0, new Uint8Array(0)],
    ['local-sgx', 1, new Uint8Array(32).fill(7)],
    ['kms', 2, providerId],
    ['tpm', 3, new Uint8Array(0)],
  ] as const)('commits to compose, app and key provider %s', (name, kind, id) => {
    const events = platform.map((e) => (e.name === 'key-provider' ? provider(name, id) : e))
    const expected = mrConfigId(2, keccak_256(preimage(kind, id)))
    expect(checkMrConfigId(expected, compose, facts({ platform: events }))).toMatchObject({
      status: 'passed',
      evidence: { version: 2 },
    })
  })

  test('A8 mrconfigid_mismatch_rejected: every byte, and each thing it commits to', () => {
    everyByteMatters(good, facts())
    expect(outcome(good, facts(), utf8('{}'))).not.toBe('passed')
    const changed = (name: string, other: RuntimeEvent): MrConfigFacts =>
      facts({ platform: platform.map((e) => (e.name === name ? other : e)) })
    for (const given of [
      changed('app-id', event('app-id', instanceId)),
      changed('key-provider', provider('kms', instanceId)),
      changed('key-provider', provider('tpm', providerId)),
    ]) {
      expect(outcome(good, given)).not.toBe('passed')
    }
  })

  test('A8 what it commits to and is missing is named', () => {
    const without = (name: string): MrConfigFacts =>
      facts({ platform: platform.filter((e) => e.name !== name) })
    expect(outcome(good)).toContain('the replayed event log')
    expect(outcome(good, without('app-id'))).toContain('one app-id event')
    expect(outcome(good, without('key-provider'))).toContain('one key-provider event')
    const unknown = platform.map((e) =>
      e.name === 'key-provider' ? provider('somebody', providerId) : e,
    )
    expect(outcome(good, facts({ platform: unknown }))).toContain('one key-provider event')
  })
})

describe('version 3', () => {
  const content = {
    app_id: toBareHex(appId),
    compose_hash: toBareHex(sha256(compose)),
    gpu_policy_hash: toBareHex(policyHash),
    init_script_hashes: scripts.map((hash) => toBareHex(hash)),
    instance_id: toBareHex(instanceId),
    key_provider: 'kms',
    key_provider_id: toBareHex(providerId),
    version: 3,
  }
  const text = canonicalJson(content)
  /** SHA-256 of the domain, a zero byte and the text, built here once more. */
  const idOf = (document: string): Uint8Array =>
    mrConfigId(3, sha256(utf8(`dstack-mr-config-v3:\0${document}`)))

  test('the document of this TD passes, whole or with the least it must say', () => {
    for (const document of [
      text,
      canonicalJson({ compose_hash: content.compose_hash, key_provider: 'kms' }),
    ]) {
      expect(checkMrConfigId(idOf(document), compose, facts({ document }))).toMatchObject({
        status: 'passed',
        evidence: { version: 3, document },
      })
    }
  })

  test('A8 mrconfigid_mismatch_rejected: every byte, and another document', () => {
    everyByteMatters(idOf(text), facts({ document: text }))
    const other = canonicalJson({ compose_hash: content.compose_hash, key_provider: 'kms' })
    expect(outcome(idOf(text), facts({ document: other }))).not.toBe('passed')
  })

  test('A8 a log that is not at hand is named', () => {
    expect(outcome(idOf(text))).toContain('the replayed event log')
    const given = facts({ platform: undefined, document: text })
    expect(outcome(idOf(text), given)).toContain('the replayed event log')
  })

  test('a document that is not at hand is written again from the log', () => {
    const { gpu_policy_hash: _policy, init_script_hashes: _scripts, ...plain } = content
    const { version: _version, instance_id: _instance, ...older } = content
    for (const document of [content, plain, older].map((value) => canonicalJson(value))) {
      expect(checkMrConfigId(idOf(document), compose, facts())).toMatchObject({
        status: 'passed',
        evidence: { version: 3, document },
      })
    }
    everyByteMatters(idOf(text), facts())
  })

  test('A8 no document that says something else than the log can be written again', () => {
    for (const [member, value] of Object.entries({
      compose_hash: '22'.repeat(32),
      key_provider: 'tpm',
      app_id: '12'.repeat(20),
      init_script_hashes: [],
    })) {
      const document = canonicalJson({ ...content, [member]: value })
      expect(outcome(idOf(document), facts()), member).toContain('of what the log says')
    }
    const unknown = platform.filter(({ name }) => name !== 'key-provider')
    expect(outcome(idOf(text), facts({ platform: unknown }))).toContain('key-provider event')
  })

  test.each([
    ['compose_hash', '22'.repeat(32)],
    ['key_provider', 'tpm'],
    ['key_provider_id', '33'.repeat(32)],
    ['app_id', '12'.repeat(20)],
    ['instance_id', '45'.repeat(20)],
    ['gpu_policy_hash', '56'.repeat(32)],
    ['init_script_hashes', []],
    ['init_script_hashes', content.init_script_hashes.toReversed()],
  ])('A8 a measured document that demands another %s', (member, value) => {
    const document = canonicalJson({ ...content, [member]: value })
    expect(outcome(idOf(document), facts({ document }))).toContain(`${member} `)
  })

  test('A8 an event that the document demands and the log lacks', () => {
    for (const name of ['app-id', 'instance-id', 'gpu-policy-hash', 'key-provider']) {
      const events = platform.filter((e) => e.name !== name)
      const given = facts({ platform: events, document: text })
      expect(outcome(idOf(text), given), name).toContain('none')
    }
  })

  test.each([
    ['an unknown member', { ...content, extra: 1 }],
    ['another version', { ...content, version: 4 }],
    ['no compose hash', { key_provider: 'kms' }],
    ['no key provider', { compose_hash: content.compose_hash }],
    ['an unknown key provider', { ...content, key_provider: 'somebody' }],
    ['a short hash', { ...content, compose_hash: '22' }],
    ['uppercase hex', { ...content, app_id: 'AB'.repeat(20) }],
    ['an odd key provider id', { ...content, key_provider_id: '333' }],
    ['six init scripts', { ...content, init_script_hashes: Array(6).fill('aa'.repeat(32)) }],
    ['no object', []],
  ])('A8 a measured document with %s is refused', (_, value) => {
    const document = canonicalJson(value)
    expect(outcome(idOf(document), facts({ document }))).toContain('a mr_config document')
  })

  test('A8 a document in another form than dstack writes is refused', () => {
    for (const document of [
      JSON.stringify(content, null, 2),
      text.replace('{', `{"app_id":"${'00'.repeat(20)}",`),
      `${text} `,
      'no json',
      '',
      '\ud800',
      ' '.repeat(MAX_MR_CONFIG_CHARACTERS + 1),
    ]) {
      const id = document.isWellFormed() ? idOf(document) : mrConfigId(3, policyHash)
      expect(outcome(id, facts({ document }))).toContain('a mr_config document')
    }
  })

  test('whatever the document says, the answer is a check', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), (document) => {
        expect(outcome(idOf(text), facts({ document }))).not.toBe('passed')
      }),
    )
  })
})

interface MrConfigVectors {
  readonly mr_config: { readonly v3_document: string; readonly v3_mr_config_id: string }
}

test.runIf(haveVectors)('a version 3 document of dstack and its MRCONFIGID', () => {
  const { mr_config } = vectorJson('dstack', 'dstack-vectors.json') as MrConfigVectors
  expect(toBareHex(mrConfigIdV3(mr_config.v3_document))).toBe(mr_config.v3_mr_config_id)
})
