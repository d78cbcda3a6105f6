import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { createProviderConnection } from '../../../gateway/src/admission/provider-connection.ts'

/**
 * A process of its own, because Node reads further authorities (`NODE_EXTRA_CA_CERTS`) only at its start: asks each
 * request of the JSON on standard input in turn, and prints what came of them.
 */
interface Asked {
  readonly origin: string
  readonly tlsKeys: readonly string[]
}

const asked = JSON.parse(readFileSync(0, 'utf8')) as readonly Asked[]
const connection = createProviderConnection(true)
const outcomes: string[] = []
for (const { origin, tlsKeys } of asked) {
  const signal = AbortSignal.timeout(20_000)
  const request = {
    method: 'POST',
    path: '/',
    headers: {},
    body: Buffer.from('prompt'),
    signal,
  } as const
  const outcome = await connection.send(origin, { ...request, tlsKeys }).then(
    async ({ body }) => `answered: ${await text(body)}`,
    (error: unknown) => (error instanceof Error ? error.message : 'failed'),
  )
  outcomes.push(outcome)
}
await connection.close()
process.stdout.write(JSON.stringify(outcomes))
