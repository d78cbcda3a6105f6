import { registrationFile } from '@jeju/sdk'
import { expect, test } from 'vitest'

const CONTENT = {
  name: 'Knoten Süd',
  description: 'confidential inference',
  services: [{ name: 'inference', endpoint: 'https://node.test' }],
}

function decode(uri: string): unknown {
  const prefix = 'data:application/json;base64,'
  expect(uri.startsWith(prefix)).toBe(true)
  return JSON.parse(Buffer.from(uri.slice(prefix.length), 'base64').toString('utf8'))
}

test('a registration file is an ERC-8004 data URI', () => {
  const registration = {
    agentId: 22n,
    chainId: 8453,
    identityRegistry: '0x8004a169fb4a3325136eb29fa0ceb6d2e539a432',
  } as const
  expect(decode(registrationFile({ ...CONTENT, registration }))).toEqual({
    type: 'https://eips.ethereum.org/EIPS/eip-8004#registration-v1',
    ...CONTENT,
    x402Support: false,
    active: true,
    registrations: [
      { agentId: 22, agentRegistry: 'eip155:8453:0x8004a169fb4a3325136eb29fa0ceb6d2e539a432' },
    ],
    supportedTrust: ['reputation', 'crypto-economic', 'tee-attestation'],
  })
  expect(decode(registrationFile({ ...CONTENT, active: false }))).toMatchObject({
    active: false,
    registrations: [],
  })
})

test('T3 an agent id that JSON cannot hold is refused, not rounded', () => {
  const registration = {
    agentId: 2n ** 53n,
    chainId: 1,
    identityRegistry: `0x${'11'.repeat(20)}`,
  } as const
  expect(() => registrationFile({ ...CONTENT, registration })).toThrow('2^53')
})
