import { canonicalJson, releaseDigest, signDigest, type Release } from '@jeju/verifier/protocol'
import { expect } from 'vitest'
import { deployment } from './deployment.ts'
import type { Running } from './start-node.ts'

/** The ledger's domain. */
export const LEDGER = {
  chainId: BigInt(deployment.chainId),
  verifyingContract: deployment.ledgerManager,
}

/** What a user signs differently, or adds. */
export interface ReleaseLies extends Partial<Release> {
  readonly key?: Uint8Array
  readonly more?: object
}

/** Shows a node a signed release. */
export function askRelease(
  { client, clock, fetch }: Running,
  lies: ReleaseLies = {},
): Promise<Response> {
  const { key = client.sessionKey, more = {}, ...members } = lies
  const nowS = BigInt(Math.floor(clock.now().getTime() / 1000))
  const release = { channelId: client.channelId, paid: 0n, deadline: nowS + 300n, ...members }
  const body = canonicalJson({
    channelId: release.channelId,
    deadline: release.deadline.toString(),
    paid: release.paid.toString(),
    signature: signDigest(releaseDigest(release, LEDGER), key),
    v: 1,
    ...more,
  })
  return fetch(new Request('http://node.test/v1/release', { method: 'POST', body }))
}

/** What a node that was shown a release says. */
export async function owedOf(running: Running, lies?: ReleaseLies): Promise<unknown> {
  const response = await askRelease(running, lies)
  expect(response.status).toBe(200)
  return response.json()
}
