import { createSocket } from 'node:dgram'
import { lookup, Resolver } from 'node:dns/promises'
import { once } from 'node:events'
import { expect, onTestFinished, test } from 'vitest'
import { addressesOf } from '../../gateway/src/admission/host-addresses.ts'

test('F5 name servers that never answer take no place from other look-ups, and are given up', async () => {
  let questions = 0
  const silent = createSocket('udp4', () => void questions++)
  silent.bind(0, '127.0.0.1')
  await once(silent, 'listening')
  onTestFinished(() => void silent.close())
  const resolver = new Resolver({ timeout: 500, tries: 1 })
  resolver.setServers([`127.0.0.1:${silent.address().port}`])

  let waiting = true
  const slow = Promise.all(
    Array.from({ length: 32 }, (_, index) => addressesOf(`node-${index}.test`, resolver)),
  ).finally(() => (waiting = false))
  await expect.poll(() => questions).toBeGreaterThan(32)
  expect((await lookup('localhost', 4)).address).toBe('127.0.0.1')
  expect(waiting).toBe(true)
  expect((await slow).flat()).toEqual([])
})

test.each([
  ['localhost', [{ address: '127.0.0.1', family: 4 }]],
  ['8.8.8.8', [{ address: '8.8.8.8', family: 4 }]],
  ['2606:4700::1111', [{ address: '2606:4700::1111', family: 6 }]],
])('%s is no question', async (host, addresses) => {
  const refuse = (): never => {
    throw new Error('asked')
  }
  expect(await addressesOf(host, { resolve4: refuse, resolve6: refuse })).toEqual(addresses)
})
