import { afterAll, describe, expect, test } from 'vitest'
import { AUTHORIZATION_HEADER, sha256, toHex, utf8 } from '@jeju/verifier/protocol'
import { createApp } from '../../enclave/src/http/app.ts'
import { createLogger } from '../../enclave/src/logging.ts'
import { createInclusionProofs } from '../../enclave/src/receipt-log/inclusion-proofs.ts'
import { credentialDigest } from '../../enclave/src/records/exchange-records.ts'
import { inclusionRoute } from '../../enclave/src/routes/inclusion.ts'
import { openStore } from '../../enclave/src/storage/store.ts'
import { insertEpoch, insertLogged } from '../../enclave/src/receipt-log/log-rows.ts'
import { deployment } from './setting/deployment.ts'
import { cleanUp, temporaryFolder } from './setting/start-node.ts'

afterAll(cleanUp)

const SALT = toHex(sha256(utf8('salt')))

describe('who asks for a proof', () => {
  test('public_id_costs_no_tree: nothing is hashed for who is not the owner', async () => {
    let made = 0
    const prove = (): Promise<string> => {
      made++
      return Promise.resolve('{}')
    }
    const credentials = [credentialDigest('mine'), credentialDigest(SALT)]
    const find = () => Promise.resolve({ credentials, retryAfterS: 0, prove })
    const app = createApp([inclusionRoute({ find })], createLogger('silent'))
    const ask = async (headers: Record<string, string>): Promise<number> =>
      (await app.request('/v1/receipts/0x01/inclusion', { headers })).status
    expect(await ask({})).toBe(401)
    expect(await ask({ [AUTHORIZATION_HEADER]: 'other' })).toBe(404)
    expect(await ask({ authorization: 'Bearer other' })).toBe(404)
    expect(made).toBe(0)
    expect(await ask({ [AUTHORIZATION_HEADER]: 'mine' })).toBe(200)
    expect(await ask({ authorization: `Bearer ${SALT}` })).toBe(200)
    expect(made).toBe(2)
  })

  test('an owner who asks again costs no second tree', async () => {
    const store = await openStore(await temporaryFolder())
    const commitment = toHex(sha256(utf8('one')))
    const bindingId = toHex(sha256(utf8('binding')))
    const logged = {
      receiptId: commitment,
      bindingId,
      commitment,
      salt: SALT,
      credential: '',
      madeAt: 1,
    }
    const closed = {
      bindingId,
      epoch: 0,
      previous: SALT,
      root: SALT,
      size: 1,
      digest: SALT,
      locator: '',
      closedAt: 1,
      anchoredAt: 1,
    }
    await store.write([insertLogged(logged)])
    await store.write(insertEpoch(closed, 1))
    let reads = 0
    const counting = {
      ...store,
      all: (...query: Parameters<typeof store.all>) => {
        reads++
        return store.all(...query)
      },
    }
    const roots = { chainId: 31337n, verifyingContract: deployment.receiptRoots } as const
    const proofs = createInclusionProofs(counting, roots)
    const first = await proofs.of(logged, closed)
    expect(await proofs.of(logged, closed)).toBe(first)
    expect(reads).toBe(1)
    await store.close()
  })
})
