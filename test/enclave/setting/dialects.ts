import type { AciContext } from '@jeju/verifier/dialects'
import type { JsonValue } from '@jeju/verifier/protocol'
import { expect } from 'vitest'
import { contextOf } from './relying-party.ts'
import { startNode, type Running } from './start-node.ts'

export const NONCE: string = 'ab'.repeat(32)
export const OTHER_NONCE: string = 'cd'.repeat(32)
export const SOURCE = {
  repoUrl: 'https://example.org/node',
  repoCommit: '12'.repeat(20),
  imageDigest: null,
}

/** What the node answers at a path, which has to be there. */
export async function textOf(running: Running, path: string): Promise<string> {
  const response = await running.get(path)
  expect([path, response.status]).toEqual([path, 200])
  return response.text()
}

interface ServedKeyset {
  readonly e2ee_public_keys: readonly { readonly algo: string; readonly public_key: string }[]
}

/** The sealing key in a served ACI report, as a client takes it only after verification. */
export function sealingKeyIn(text: string): string {
  const { attestation } = JSON.parse(text) as { attestation: { workload_keyset: ServedKeyset } }
  return attestation.workload_keyset.e2ee_public_keys[0]?.public_key ?? ''
}

/** What a relying party brings to an ACI report that this node made for {@link NONCE}. */
export async function aciContext(running: Running, text: string): Promise<AciContext> {
  return {
    ...(await contextOf(running)),
    nonce: NONCE,
    channel: { kind: 'sealed', publicKey: sealingKeyIn(text) },
    sources: [SOURCE],
  }
}

/** Changes one member of a served report, by path. */
export function changed(text: string, path: readonly string[], value: JsonValue): string {
  const document = JSON.parse(text) as Record<string, unknown>
  let at: Record<string, unknown> = document
  for (const name of path.slice(0, -1)) at = at[name] as Record<string, unknown>
  at[path.at(-1) ?? ''] = value
  return JSON.stringify(document)
}

/** A node that says where its code is from. */
export const start = (): Promise<Running> => startNode({ config: { source: SOURCE } })
