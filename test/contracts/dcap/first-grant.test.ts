import { randomBytes32, toHex } from '@jeju/verifier/protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTurns } from '../../../enclave/src/chain/turns.ts'
import { connectChain } from '../../../enclave/src/chain/viem-chain.ts'
import { openMarket, type Market } from './market.ts'

let market: Market

beforeAll(async () => {
  market = await openMarket()
}, 300_000)
afterAll(() => market.chain.process.stop())

test('what was never granted is attested and not renewed, also where agent 0 is registered with nobody', async () => {
  const { chain } = market
  const unasked = () => Promise.reject(new Error('collateral was asked for'))
  const node = connectChain(
    { urls: [chain.rpcUrl], fetch },
    { ...chain.deployment, tdx: market.tdx },
    randomBytes32(),
    createTurns(),
    { collateralFor: unasked, evaluationNumbers: unasked },
  )
  expect(await node.provider(0n)).toBeUndefined()
  expect(await node.binding(toHex(randomBytes32()))).toMatchObject({ valid: false, judged: false })
})
