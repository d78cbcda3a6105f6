import { z } from 'zod'
import type { Lease } from '../admission/lease.ts'
import { readWhole } from '../admission/answer-body.ts'
import type { ProviderConnection } from '../admission/provider-connection.ts'
import type { FeaturesOf } from './candidate.ts'

const TIMEOUT_MS = 5_000
const MAX_BYTES = 256 * 1024
const modelList = z.object({
  data: z.array(z.object({ features: z.array(z.string()).optional() })),
})

/** Reads what nodes say they can do, once for each lease, when somebody asks. A node that does not say can nothing. */
export function createFeatureReader(connection: Pick<ProviderConnection, 'send'>): FeaturesOf {
  const known = new WeakMap<Lease, Promise<ReadonlySet<string>>>()
  return (lease) => {
    const reading = known.get(lease) ?? readFeatures(connection, lease)
    known.set(lease, reading)
    return reading
  }
}

async function readFeatures(
  connection: Pick<ProviderConnection, 'send'>,
  { endpoint, tlsKeys }: Lease,
): Promise<ReadonlySet<string>> {
  try {
    const { status, body } = await connection.send(endpoint, {
      method: 'GET',
      path: '/v1/models',
      headers: { accept: 'application/json' },
      signal: AbortSignal.timeout(TIMEOUT_MS),
      tlsKeys,
    })
    const bytes = await readWhole(body, MAX_BYTES)
    if (status !== 200 || bytes === undefined) return new Set()
    const { data } = modelList.parse(JSON.parse(bytes.toString('utf8')))
    return new Set(data.flatMap(({ features = [] }) => features))
  } catch {
    return new Set()
  }
}
