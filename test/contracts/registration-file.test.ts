import { parseRegistrationFile, registrationFile, type RegistrationPlace } from '@jeju/contracts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const place: RegistrationPlace = {
  agentId: 22n,
  chainId: 8453,
  identityRegistry: '0x8004A169FB4a3325136EB29fA0ceB6D2e539a432',
  computeRegistry: `0x${'aB'.repeat(20)}`,
  endpoint: 'https://node.test',
}
const content = { name: 'Knoten Süd', description: 'confidential inference' }
const PREFIX = 'data:application/json;base64,'
const refused = { name: 'RegistrationFileError', code: 'REGISTRATION_FILE' }

type File = Record<string, unknown>

function decode(uri: string): File {
  expect(uri.startsWith(PREFIX)).toBe(true)
  return JSON.parse(Buffer.from(uri.slice(PREFIX.length), 'base64').toString('utf8'))
}

function encode(file: unknown): string {
  return PREFIX + Buffer.from(JSON.stringify(file)).toString('base64')
}

function outcome(uri: string, where = place): unknown {
  try {
    return parseRegistrationFile(uri, where)
  } catch (error) {
    return error
  }
}

const genuine = decode(registrationFile(content, place))

describe('registrationFile', () => {
  test('is the data URI of an ERC-8004 registration file that names the agent both ways', () => {
    expect(genuine).toEqual({
      type: 'https://eips.ethereum.org/EIPS/eip-8004#registration-v1',
      ...content,
      services: [
        { name: 'inference', endpoint: 'https://node.test' },
        { name: 'attestation', endpoint: 'https://node.test/v1/attestation' },
        { name: 'compute', endpoint: `eip155:8453:0x${'ab'.repeat(20)}` },
      ],
      x402Support: true,
      active: true,
      registrations: [
        { agentId: 22, agentRegistry: 'eip155:8453:0x8004a169fb4a3325136eb29fa0ceb6d2e539a432' },
      ],
      supportedTrust: ['reputation', 'crypto-economic', 'tee-attestation'],
    })
  })

  test('carries image, TLS key and other services where there are such, and reads back', () => {
    const tlsKeyHash = `0x${'12'.repeat(32)}` as const
    const other = { name: 'web', endpoint: 'https://other.test', version: '1' }
    const rich = { ...content, image: 'ipfs://x', tlsKeyHash, services: [other], active: false }
    expect(parseRegistrationFile(registrationFile(rich, place), place)).toMatchObject({
      ...content,
      image: 'ipfs://x',
      tlsKeyHash,
      active: false,
      x402Support: true,
      services: expect.arrayContaining([other]),
    })
  })

  test('agent 0 is an agent', () => {
    const first = { ...place, agentId: 0n }
    expect(outcome(registrationFile(content, first), first)).toMatchObject(content)
  })

  test('T3 an agent id that JSON cannot hold is refused, not rounded', () => {
    expect(() => registrationFile(content, { ...place, agentId: 2n ** 53n })).toThrow('2^53')
  })

  test('what readers would refuse is not written', () => {
    const long = { ...content, description: 'x'.repeat(2049) }
    expect(() => registrationFile(long, place)).toThrow(expect.objectContaining(refused))
    const doubled = { ...content, services: [{ name: 'inference', endpoint: 'https://two.test' }] }
    expect(() => registrationFile(doubled, place)).toThrow('exactly one')
  })
})

describe('parseRegistrationFile', () => {
  test.each([
    ['another agent', { agentId: 23n }],
    ['another chain', { chainId: 84532 }],
    ['another identity registry', { identityRegistry: `0x${'11'.repeat(20)}` }],
    ['another compute registry', { computeRegistry: `0x${'11'.repeat(20)}` }],
    ['another endpoint', { endpoint: 'https://moved.test' }],
  ] as const)('refuses a file of %s', (_name, change) => {
    expect(outcome(encode(genuine), { ...place, ...change })).toMatchObject(refused)
  })

  test.each(Object.keys(genuine))('refuses a file without %s', (name) => {
    const { [name]: _, ...rest } = genuine
    expect(outcome(encode(rest))).toMatchObject(refused)
  })

  const services = genuine['services'] as readonly object[]
  const registrations = genuine['registrations'] as readonly object[]
  const bad: readonly (readonly [string, unknown])[] = [
    ['type', 'https://eips.ethereum.org/EIPS/eip-8004#registration-v2'],
    ['name', 5],
    ['name', 'x'.repeat(2049)],
    ['image', {}],
    ['services', {}],
    ['services', []],
    ['services', services.slice(1)],
    ['services', [...services, services[0]]],
    ['services', [...services, null]],
    ['services', [...services, { name: 'x' }]],
    ['services', [...services, { name: 'x', endpoint: 'y', version: 1 }]],
    ['services', [...services, { name: 'tls-key', endpoint: 'sha256:0x12' }]],
    ['services', [...services, { name: 'tls-key', endpoint: `md5:0x${'12'.repeat(32)}` }]],
    ['services', Array.from({ length: 33 }, () => services[0])],
    ['x402Support', 'true'],
    ['active', 1],
    ['registrations', []],
    ['registrations', [...registrations, ...registrations]],
    ['registrations', [{ ...registrations[0], agentId: '22' }]],
    ['registrations', [5]],
    ['supportedTrust', ['reputation', 'crypto-economic']],
    ['supportedTrust', 'tee-attestation'],
    ['supportedTrust', [1, 2, 3]],
  ]
  test.each(bad)('refuses a bad %s: %j', (name, value) => {
    expect(outcome(encode({ ...genuine, [name]: value }))).toMatchObject(refused)
  })

  test('an agent may be registered elsewhere too', () => {
    const elsewhere = { agentId: 1, agentRegistry: `eip155:1:0x${'11'.repeat(20)}` }
    expect(
      outcome(encode({ ...genuine, registrations: [elsewhere, ...registrations] })),
    ).toMatchObject(content)
  })

  test.each([
    '',
    'https://node.test/agent.json',
    'ipfs://x',
    'data:application/json,{}',
    `${PREFIX}!!`,
    `${PREFIX}${Buffer.from('{').toString('base64')}`,
    `${PREFIX}${Buffer.from([0x22, 0xff, 0x22]).toString('base64')}`,
    `${encode(genuine)}\n`,
    encode([]),
    encode(null),
    PREFIX + 'A'.repeat(16_384),
  ])('refuses %j', (uri) => {
    expect(outcome(uri)).toMatchObject(refused)
  })

  test('never throws anything else', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(...Object.keys(genuine)), (value, name) => {
        const result = outcome(encode({ ...genuine, [name]: value }))
        if (result instanceof Error) expect(result).toMatchObject(refused)
      }),
    )
  })
})
