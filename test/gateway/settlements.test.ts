import {
  createTestClient,
  createWalletClient,
  http,
  parseEther,
  parseSignature,
  publicActions,
  zeroHash,
  type Hex,
} from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { foundry } from 'viem/chains'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { randomBytes32, toHex } from '@jeju/verifier/protocol'
import { startAnvil, type Anvil } from '../../demo/network/chain.ts'
import {
  deployDollar,
  dollarAbi,
  DOLLAR_NAME,
  DOLLAR_VERSION,
  mintDollars,
} from '../../demo/network/dollar.ts'
import { connectSettlements } from '../../gateway/src/chain/viem-settlements.ts'
import type { FindSettlement, Moved } from '../../gateway/src/x402/facilitator.ts'

// A real token on a real chain; what a facilitator sent, and what a payer does with its nonces instead.

const PAY_TO: Hex = `0x${'70'.repeat(20)}`
const relayer = privateKeyToAccount(generatePrivateKey())
const payer = privateKeyToAccount(generatePrivateKey())
let anvil: Anvil
let dollar: Hex
let find: FindSettlement

beforeAll(async () => {
  anvil = await startAnvil(foundry.id)
  const { address } = relayer
  const devnet = createTestClient({ mode: 'anvil', transport: http(anvil.rpcUrl) })
  await devnet.setBalance({ address, value: parseEther('10') })
  dollar = await deployDollar(wallet())
  await mintDollars(wallet(), dollar, payer.address, 1_000n)
  find = connectSettlements([anvil.rpcUrl], foundry.id)
}, 60_000)
afterAll(() => anvil.process.stop())

test('paid_and_not_served: the transaction that moved exactly this payment is found', async () => {
  const other = moved()
  await move(other)
  const wanted = moved()
  const hash = await move(wanted)
  expect(await find(wanted)).toBe(hash)
  expect(await find(other)).not.toBe(hash)
})

test('cancelled_is_not_paid: a nonce that is used for anything else pays nothing', async () => {
  const wanted = moved()
  expect(await find(wanted)).toBeUndefined()
  // Used to pay itself.
  await move({ ...wanted, to: payer.address })
  expect(await find(wanted)).toBeUndefined()
  // Used for less than was asked.
  const less = moved()
  await move({ ...less, amount: 1n })
  expect(await find(less)).toBeUndefined()
  // The payee was paid, by another nonce, at another token, or by somebody else.
  const paid = moved()
  await move(paid)
  expect(await find({ ...paid, nonce: zeroHash })).toBeUndefined()
  expect(await find({ ...paid, asset: PAY_TO })).toBeUndefined()
  expect(await find({ ...paid, from: PAY_TO })).toBeUndefined()
})

test('T6 rpc_of_other_chain_rejected: nothing of another chain is believed', async () => {
  const paid = moved()
  await move(paid)
  await expect(connectSettlements([anvil.rpcUrl], 8453)(paid)).rejects.toThrow('expected chain')
})

function wallet() {
  return createWalletClient({ account: relayer, chain: foundry, transport: http(anvil.rpcUrl) })
}

function moved(): Moved {
  const from: Hex = `0x${payer.address.slice(2).toLowerCase()}`
  return { asset: dollar, from, to: PAY_TO, amount: 10n, nonce: toHex(randomBytes32()) }
}

/** Brings what the payer signs on chain. */
async function move({ asset, from, to, amount: value, nonce }: Moved): Promise<Hex> {
  const message = { from, to, value, validAfter: 0n, validBefore: 2n ** 40n, nonce }
  const signature = await payer.signTypedData({
    domain: {
      name: DOLLAR_NAME,
      version: DOLLAR_VERSION,
      chainId: foundry.id,
      verifyingContract: asset,
    },
    types: {
      TransferWithAuthorization: [
        { name: 'from', type: 'address' },
        { name: 'to', type: 'address' },
        { name: 'value', type: 'uint256' },
        { name: 'validAfter', type: 'uint256' },
        { name: 'validBefore', type: 'uint256' },
        { name: 'nonce', type: 'bytes32' },
      ],
    },
    primaryType: 'TransferWithAuthorization',
    message,
  })
  const { r, s, yParity } = parseSignature(signature)
  const client = wallet().extend(publicActions)
  const hash = await client.writeContract({
    address: asset,
    abi: dollarAbi,
    functionName: 'transferWithAuthorization',
    args: [from, to, value, 0n, message.validBefore, nonce, yParity + 27, r, s],
  })
  const { status } = await client.waitForTransactionReceipt({ hash })
  expect(status).toBe('success')
  return hash
}
