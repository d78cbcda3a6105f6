import { join } from 'node:path'
import {
  createSimulatedPlatform,
  launchTd,
  serveGuestAgent,
  type SimulatedTd,
} from '@jeju/simulator'
import { toHex } from '@jeju/verifier/protocol'
import { afterAll, expect, test } from 'vitest'
import { connectGuestAgent } from '../../enclave/src/guest-agent/dstack-guest-agent.ts'
import { deriveNodeKeys } from '../../enclave/src/keys/node-keys.ts'
import { cleanUp, COMPOSE, temporaryFolder, thePlatform } from './setting/start-node.ts'

afterAll(cleanUp)

/** Every private key of a node in this TD, by hex. */
async function keysIn(td: SimulatedTd, instanceId: Uint8Array): Promise<readonly string[]> {
  const socket = join(await temporaryFolder(), 'dstack.sock')
  const server = await serveGuestAgent(td, socket)
  const agent = await connectGuestAgent(socket)
  const { signerKey, receiptKey, sealing } = await deriveNodeKeys(agent, instanceId)
  await server.close()
  return [signerKey, receiptKey, ...sealing.map(({ privateKey }) => privateKey)].map(toHex)
}

test('C13 keys_not_derivable_from_public_values: the same image, compose file and instance elsewhere have other keys', async () => {
  const td = launchTd(await thePlatform(), { appCompose: COMPOSE })
  const { instanceId } = td
  const own = await keysIn(td, instanceId)
  expect(new Set(own).size).toBe(4)
  expect(await keysIn(td, instanceId)).toEqual(own)
  // The same software, measured alike up to RTMR3, which names instance and KMS; the root that its KMS keeps is another.
  const elsewhere = await createSimulatedPlatform({ at: new Date() })
  const copy = launchTd(elsewhere, { appCompose: COMPOSE })
  const { rtmr3: _, ...software } = td.measurements
  expect(copy.measurements).toMatchObject(software)
  const others = await keysIn(copy, instanceId)
  // And a replica beside it has keys of its own.
  const replica = await keysIn(
    td,
    instanceId.map((byte) => byte ^ 1),
  )
  expect(new Set([...own, ...others, ...replica]).size).toBe(12)
})
