import { RegistrationFileError } from '@jeju/contracts'
import { expect, test } from 'vitest'
import { TestNetwork } from './network/test-network.ts'

test('B10 provider_not_its_own_judge: what a provider says of itself is shown, and nobody is admitted by it', async () => {
  const network = new TestNetwork()
  network.add({ agentId: 1n })
  network.chain.registrations.set(1n, { name: 'A node', description: 'd'.repeat(2_000) })
  await network.update()
  const { registration } = await network.only()
  expect(registration).toEqual({ name: 'A node', description: 'd'.repeat(400) })
})

test('F6 agent_uri_swap_rejected: a file that is not of this provider is named as that, and admits as before', async () => {
  const network = new TestNetwork()
  const node = network.add({ agentId: 1n })
  await network.update()
  const swapped = new RegistrationFileError('services inference: expected a, got "b"')
  network.chain.registrations.set(1n, swapped)
  network.pass(10)
  await network.update()
  expect(await network.only()).toMatchObject({
    registration: { problem: swapped.message },
    admitted: true,
  })
  expect((await network.ask(node.bindingId)).status).toBe(200)
})

test('a file is read again when the row on chain changes, and from time to time', async () => {
  const network = new TestNetwork()
  const node = network.add({ agentId: 1n })
  await network.update()
  await network.update()
  expect(network.chain.registrationReads).toBe(1)
  network.chain.providers.set(1n, node.state({ endpointVersion: 2 }))
  await network.update()
  expect(network.chain.registrationReads).toBe(2)
  network.pass(10)
  await network.update()
  expect(network.chain.registrationReads).toBe(3)
})

test('a chain that cannot be asked for it takes nothing away', async () => {
  const network = new TestNetwork()
  network.add({ agentId: 1n })
  network.chain.registrations.set(1n, { name: 'A node', description: '' })
  await network.update()
  network.chain.registrations.set(1n, new Error('RPC is down'))
  network.pass(10)
  await network.update()
  expect((await network.only()).registration).toEqual({ name: 'A node', description: '' })
  network.chain.registrations.set(1n, { name: 'Another name', description: '' })
  await network.update()
  expect((await network.only()).registration).toMatchObject({ name: 'A node' })
  network.pass(1)
  await network.update()
  expect((await network.only()).registration).toMatchObject({ name: 'Another name' })
})

test('an inactive provider’s file is not read', async () => {
  const network = new TestNetwork()
  const node = network.add({ agentId: 1n })
  network.chain.providers.set(1n, node.state({ active: false }))
  await network.update()
  expect(network.chain.registrationReads).toBe(0)
  expect((await network.only()).registration).toBeNull()
})
