import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import {
  computeRegistryAbi,
  feeOf,
  grantHeadAfter,
  inferenceServingAbi,
  ledgerManagerAbi,
  NO_VERIFIER,
  type TokenPrice,
} from '@jeju/contracts'
import {
  attestationDigest,
  authDigest,
  bindingIdOf,
  fromHex,
  MAX_AUTH_LIFE_S,
  MAX_SETTLE_BATCH,
  receiptDigest,
  SETTLE_WINDOW_S,
  signDigest,
  toHex,
  type Hex,
  type NodeStatement,
} from '@jeju/verifier/protocol'
import fc from 'fast-check'
import { numberToHex } from 'viem'
import { privateKeyToAddress } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { auths, prices, receipts, statements, uint32 } from './arbitraries.ts'
import { becomeProvider, channelOpening, mined, walletFor, type Wallet } from './provider.ts'
import { startChain, type LocalChain } from '../../demo/network/chain.ts'

// What TypeScript and Solidity compute of the same statement, authorisation and receipt must be the same 32 bytes, and
// the same wei, or nobody is paid.
let chain: LocalChain
let wallet: Wallet

beforeAll(async () => {
  chain = await startChain()
  wallet = walletFor(chain, 1)
  await becomeProvider(chain, wallet)
})

afterAll(async () => {
  await chain.process.stop()
})

function registry() {
  return { address: chain.deployment.computeRegistry, abi: computeRegistryAbi } as const
}
function serving() {
  return { address: chain.deployment.inferenceServing, abi: inferenceServingAbi } as const
}
function ledger() {
  return { address: chain.deployment.ledgerManager, abi: ledgerManagerAbi } as const
}
function domainOf(contract: { readonly address: Hex }) {
  return { chainId: BigInt(chain.chainId), verifyingContract: contract.address }
}
const runs = { numRuns: 25 }

describe('digests', () => {
  it('bindingId', async () => {
    await fc.assert(
      fc.asyncProperty(statements, async (statement) => {
        const onChain = await wallet.readContract({
          ...registry(),
          functionName: 'bindingIdOf',
          args: [statement],
        })
        expect(bindingIdOf(statement, domainOf(registry()))).toBe(onChain)
      }),
      runs,
    )
  })

  it('authHash', async () => {
    await fc.assert(
      fc.asyncProperty(auths, async (auth) => {
        const onChain = await wallet.readContract({
          ...serving(),
          functionName: 'authDigest',
          args: [auth],
        })
        expect(authDigest(auth, domainOf(serving()))).toBe(onChain)
      }),
      runs,
    )
  })

  it('receiptHash', async () => {
    await fc.assert(
      fc.asyncProperty(receipts, async (receipt) => {
        const onChain = await wallet.readContract({
          ...serving(),
          functionName: 'receiptDigest',
          args: [receipt],
        })
        expect(receiptDigest(receipt, domainOf(serving()))).toBe(onChain)
      }),
      runs,
    )
  })

  it('an attestation signed in TypeScript is accepted on chain', async () => {
    const signerKey = new Uint8Array(32).fill(7)
    const statement: NodeStatement = {
      agentId: 0n,
      operator: toHex(fromHex(wallet.account.address)),
      signer: privateKeyToAddress(toHex(signerKey)),
      keysetDigest: numberToHex(1, { size: 32 }),
      modelCatalogDigest: numberToHex(2, { size: 32 }),
      postureDigest: numberToHex(3, { size: 32 }),
      gpuDevicesDigest: numberToHex(0, { size: 32 }),
      instanceId: numberToHex(4, { size: 32 }),
    }
    const bindingId = bindingIdOf(statement, domainOf(registry()))
    await mined(
      wallet,
      wallet.writeContract({
        ...registry(),
        functionName: 'approveBinding',
        args: [statement],
      }),
    )
    const block = await wallet.getBlock()
    const attestation = {
      bindingId,
      evidenceHash: numberToHex(5, { size: 32 }),
      blockNumber: block.number,
      validUntil: block.timestamp + 3600n,
      deadline: block.timestamp + 600n,
    }
    const signature = signDigest(attestationDigest(attestation, domainOf(registry())), signerKey)
    await mined(
      wallet,
      wallet.writeContract({
        ...registry(),
        functionName: 'bindSigner',
        args: [
          statement,
          attestation.evidenceHash,
          attestation.blockNumber,
          attestation.validUntil,
          attestation.deadline,
          signature,
        ],
      }),
    )
    const [valid, binding] = await wallet.readContract({
      ...registry(),
      functionName: 'bindingOf',
      args: [bindingId],
    })
    expect(valid).toBe(true)
    const { evidenceHash, blockNumber } = attestation
    const first = { evidenceHash, verifierIndex: NO_VERIFIER, blockNumber }
    expect(binding.head).toBe(grantHeadAfter([first]))
    expect(binding.verifierIndex).toBe(NO_VERIFIER)
  })
})

describe('types', () => {
  it('the struct definitions are the types of docs/protocol.md', () => {
    const found = eip712Types('src/interfaces/IInferenceServing.sol')
    expect(found).toContain(
      'NodeStatement(uint256 agentId,address operator,address signer,bytes32 keysetDigest,bytes32 modelCatalogDigest,bytes32 postureDigest,bytes32 gpuDevicesDigest,bytes32 instanceId)',
    )
    expect(found).toContain(
      'RequestAuth(bytes32 channelId,uint256 nonce,bytes32 bindingId,bytes32 requestHash,uint128 maxFee,uint64 validUntil)',
    )
    expect(found).toContain(
      'Receipt(bytes32 authHash,bytes32 responseHash,uint32 inputTokens,uint32 outputTokens,uint8 finish,uint64 issuedAt)',
    )
  })

  it('T10 the limits are the same on both sides', async () => {
    const read = async (functionName: 'MAX_BATCH' | 'SETTLE_WINDOW' | 'MAX_AUTH_LIFE') =>
      BigInt(await wallet.readContract({ ...serving(), functionName }))
    expect(await read('MAX_BATCH')).toBe(BigInt(MAX_SETTLE_BATCH))
    expect(await read('SETTLE_WINDOW')).toBe(SETTLE_WINDOW_S)
    expect(await read('MAX_AUTH_LIFE')).toBe(MAX_AUTH_LIFE_S)
    expect(await wallet.readContract({ ...ledger(), functionName: 'MAX_AUTH_LIFE' })).toBe(
      MAX_AUTH_LIFE_S,
    )
  })
})

describe('P28 fuzz_fee_ts_equals_sol (I10)', () => {
  const most = (1n << 128n) - 1n
  const price = fc.record({ inPerMTok: prices, outPerMTok: prices })

  it('at any price, for any counts', async () => {
    await fc.assert(
      fc.asyncProperty(price, fc.array(fc.tuple(uint32, uint32), { minLength: 4 }), feesAgree),
      {
        ...runs,
        examples: [
          [{ inPerMTok: 1n, outPerMTok: 1n }, EDGES],
          [{ inPerMTok: 999_999n, outPerMTok: 1_000_001n }, EDGES],
          [{ inPerMTok: most, outPerMTok: most }, EDGES],
        ],
      },
    )
  })
})

/** Counts of input and output tokens at the ends of what a receipt can say. */
const EDGES: [number, number][] = [
  [0, 0],
  [1, 0],
  [0, 1],
  [0xffffffff, 0xffffffff],
]

async function feesAgree(
  price: TokenPrice,
  counts: readonly (readonly [number, number])[],
): Promise<void> {
  const channelId = await channelAt(price)
  for (const [inputTokens, outputTokens] of counts) {
    const onChain = await wallet.readContract({
      ...serving(),
      functionName: 'feeOf',
      args: [channelId, inputTokens, outputTokens],
    })
    expect(feeOf(price, inputTokens, outputTokens)).toBe(onChain)
  }
}

/** A channel whose service costs this. */
async function channelAt(price: TokenPrice): Promise<Hex> {
  const open = await channelOpening(chain, wallet, price)
  await mined(
    wallet,
    wallet.writeContract({ ...ledger(), functionName: 'openChannel', args: [open], value: 1n }),
  )
  return wallet.readContract({ ...ledger(), functionName: 'channelIdOf', args: [open] })
}

/** Canonical EIP-712 types of the structs that a source file can see, as forge derives them. */
function eip712Types(path: string): string[] {
  const text = execFileSync(
    fileURLToPath(at('../../node_modules/.bin/forge')),
    ['eip712', path, '--json'],
    {
      cwd: at('../../contracts/'),
      encoding: 'utf8',
    },
  )
  const found: readonly { readonly type: string }[] = JSON.parse(text)
  return found.map(({ type }) => type)
}

function at(path: string): URL {
  return new URL(path, import.meta.url)
}
