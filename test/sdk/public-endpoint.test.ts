import { expect, test } from 'vitest'
import { publicEndpoint } from '../../sdk/src/provider/public-endpoint.ts'

test('N15 an endpoint on this machine is nobody else’s, but on a development chain', () => {
  for (const endpoint of ['http://127.0.0.1:8000', 'https://localhost', 'https://[::1]:1']) {
    expect(() => publicEndpoint(endpoint, 8453)).toThrow('expected a public address')
    expect(publicEndpoint(`${endpoint}/`, 31_337)).toBe(endpoint)
  }
  expect(publicEndpoint('https://node.example:8443/', 8453)).toBe('https://node.example:8443')
})
