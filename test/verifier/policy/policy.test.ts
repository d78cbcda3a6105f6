import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DEFAULT_TCB_POLICY, parsePolicy } from '@jeju/verifier'
import { hexOf } from '../protocol/samples.ts'

const code = (expected: string): unknown => expect.objectContaining({ code: expected })
const refuses = (text: string): void => {
  expect(() => parsePolicy(text), text.slice(0, 200)).toThrow(code('POLICY_INVALID'))
}

const hash = `0x${'ab'.repeat(32)}`
const register = `0x${'cd'.repeat(48)}`
const image = { mrtd: register, rtmr0: register, rtmr1: register, rtmr2: register }
const kms = {
  rootPublicKey: `0x02${'ab'.repeat(32)}`,
  caPublicKeyInfo: `0x${'30'.repeat(91)}`,
}
const gpu = {
  presence: 'optional',
  architectures: ['HOPPER', 'BLACKWELL'],
  modes: ['SPT', 'PPCIE'],
  count: { min: 1, max: 8 },
  minDriver: '595.71.05',
  rimIds: ['NV_GPU_DRIVER_GH100_595.71.05'],
  expiredRims: { graceDays: 30, digests: [hash] },
  ocsp: 'required',
  appraisal: 'both',
} as const
const policy = {
  v: 1,
  acpi: {
    reviewed: [{ loader: register, rsdp: register, tables: register }],
    unreviewed: 'refused',
  },
  composeHashes: [hash],
  composeTemplates: [],
  gpu: 'forbidden',
  keyCustody: { trustedKms: [kms], keyApis: ['v0'] },
  osImageHashes: [hash],
  osImages: [image],
  tcb: DEFAULT_TCB_POLICY,
  tiers: ['tdx'],
}
const write = (changes: object): string => JSON.stringify({ ...policy, ...changes })

const policies = fc.record({
  v: fc.constant(1),
  acpi: fc.record({
    reviewed: fc.array(fc.record({ loader: hexOf(48), rsdp: hexOf(48), tables: hexOf(48) }), {
      maxLength: 2,
    }),
    unreviewed: fc.constantFrom('accepted', 'refused'),
  }),
  composeHashes: fc.array(hexOf(32), { maxLength: 4 }),
  composeTemplates: fc.constant([]),
  gpu: fc.constantFrom('forbidden', gpu),
  keyCustody: fc.record({
    trustedKms: fc.array(fc.record({ rootPublicKey: hexOf(33), caPublicKeyInfo: hexOf(91) }), {
      maxLength: 2,
    }),
    keyApis: fc.subarray(['v0', 'v1']),
  }),
  osImageHashes: fc.array(hexOf(32), { maxLength: 2 }),
  osImages: fc.array(
    fc.record({ mrtd: hexOf(48), rtmr0: hexOf(48), rtmr1: hexOf(48), rtmr2: hexOf(48) }),
    { maxLength: 3 },
  ),
  tcb: fc.constant(DEFAULT_TCB_POLICY),
  tiers: fc.subarray(['tdx', 'simulated']),
})

describe('a policy is read', () => {
  test('as written, whatever the white space and the order of its members', () => {
    fc.assert(
      fc.property(policies, fc.constantFrom('', ' ', '\t', '  '), (value, indent) => {
        expect(parsePolicy(JSON.stringify(value, null, indent))).toEqual(value)
        const reversed = Object.fromEntries(Object.entries(value).toReversed())
        expect(parsePolicy(`\n${JSON.stringify(reversed)}\r\n`)).toEqual(value)
      }),
    )
  })
})

describe('a policy is refused', () => {
  test('without any one of its members', () => {
    for (const member of Object.keys(policy)) refuses(write({ [member]: undefined }))
    for (const member of Object.keys(image)) {
      refuses(write({ osImages: [{ ...image, [member]: undefined }] }))
    }
  })

  test('with a member nobody knows', () => {
    refuses(write({ allowDebug: true }))
    refuses(write({ osImages: [{ ...image, rtmr3: register }] }))
    refuses(JSON.stringify(policy).replace('{', '{"__proto__":{"gpu":"not-required"},'))
  })

  test('E19 with a member twice, wherever and however it is spelled', () => {
    const text = JSON.stringify(policy)
    refuses(text.replace('{', '{"tiers":["simulated"],'))
    refuses(text.replace('{', '{"tiers":["tdx"],'))
    refuses(text.replace('{', '{"\\u0074iers":["simulated"],'))
    refuses(text.replace('"tiers"', '"gpu" \n : "required","tiers"'))
    refuses(text.replace('{"mrtd"', `{"mrtd":"${register}","mrtd"`))
  })

  test('a text with the look of a member is none', () => {
    const images = [image, { ...image, mrtd: `0x${'ef'.repeat(48)}` }]
    expect(parsePolicy(write({ osImages: images })).osImages).toHaveLength(2)
    refuses(write({ composeHashes: ['"tiers":', hash] }))
    refuses(write({ composeHashes: ['\\"tiers\\":', hash] }))
  })

  test('F4, B5 no_collateral_is_not_verified: no policy does without a check', () => {
    refuses(write({ acceptSkipped: [] }))
    refuses(write({ acceptSkipped: ['tcb-status'] }))
  })

  test.each([
    ['an upper-case hash', { composeHashes: [`0x${'AB'.repeat(32)}`] }],
    ['a bare hash', { composeHashes: ['ab'.repeat(32)] }],
    ['C14 digest_lengths: a short hash', { composeHashes: ['0xab'] }],
    ['A11 a 32-byte MRTD', { osImages: [{ ...image, mrtd: hash }] }],
    ['a long register', { osImages: [{ ...image, rtmr2: `${register}00` }] }],
    ['a hash that is a number', { composeHashes: [1] }],
    ['one hash without a list', { composeHashes: hash }],
    ['a list that is an object', { composeHashes: {} }],
    ['another version', { v: 2 }],
    ['a version as text', { v: '1' }],
    ['a tier nobody knows', { tiers: ['sgx'] }],
    ['a GPU rule nobody knows', { gpu: 'optional' }],
    ['a GPU rule of an older form', { gpu: 'not-required' }],
    ['a GPU rule that leaves something out', { gpu: { presence: 'required' } }],
    ['a GPU rule with more', { gpu: { ...gpu, canned: true } }],
    ['a GPU rule for none at least', { gpu: { ...gpu, count: { min: 0, max: 8 } } }],
    ['a GPU rule for fewer at most', { gpu: { ...gpu, count: { min: 8, max: 4 } } }],
    ['a driver that is no version', { gpu: { ...gpu, minDriver: 'latest' } }],
    ['an appraisal by nobody', { gpu: { ...gpu, appraisal: 'none' } }],
    ['a GPU rule as a boolean', { gpu: false }],
    ['no GPU rule but null', { gpu: null }],
  ])('%s', (_, changes) => refuses(write(changes)))

  test('when it is no JSON object', () => {
    for (const text of ['', 'null', '[]', '1', '{', `${JSON.stringify(policy)},`, '\ufeff{}']) {
      refuses(text)
    }
    refuses(`${'['.repeat(100_000)}${']'.repeat(100_000)}`)
    refuses(' '.repeat(5_000_000))
  })

  test('whatever text comes, with one code', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => refuses(text)))
  })
})
