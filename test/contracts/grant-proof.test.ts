import {
  computeRegistryAbi,
  grantHeadAfter,
  grantProof,
  GrantProofError,
  NO_VERIFIER,
  type RegistryLog,
} from '@jeju/contracts'
import {
  attestationDigest,
  bindingIdOf,
  fromHex,
  signDigest,
  toHex,
  type Hex,
  type NodeStatement,
} from '@jeju/verifier/protocol'
import { numberToHex } from 'viem'
import { privateKeyToAddress } from 'viem/accounts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { becomeProvider, mined, walletFor, type Wallet } from './provider.ts'
import { startChain, type LocalChain } from '../../demo/network/chain.ts'

// What a reporter builds from events must be what the registry keeps (E2).
const SIGNER_KEY = new Uint8Array(32).fill(7)
const EVIDENCE = [1, 2, 3, 4].map((number) => numberToHex(number, { size: 32 }))

let chain: LocalChain
let wallet: Wallet
let bindingId: Hex
let logs: readonly RegistryLog[]

beforeAll(async () => {
  chain = await startChain()
  wallet = walletFor(chain, 1)
  await becomeProvider(chain, wallet)
  bindingId = bindingIdOf(statement(), domain())
  await approve()
  for (const evidenceHash of EVIDENCE.slice(0, 3)) await bind(evidenceHash)
  await mined(
    wallet,
    wallet.writeContract({
      ...registry(),
      functionName: 'updateEndpoint',
      args: [0n, 'http://127.0.0.2'],
    }),
  )
  await approve()
  for (const evidenceHash of EVIDENCE.slice(3)) await bind(evidenceHash)
  logs = (await wallet.getContractEvents({ ...registry(), fromBlock: 0n })) as RegistryLog[]
}, 60_000)

afterAll(async () => {
  await chain.process.stop()
})

function registry() {
  return { address: chain.deployment.computeRegistry, abi: computeRegistryAbi } as const
}

function domain() {
  return { chainId: BigInt(chain.chainId), verifyingContract: chain.deployment.computeRegistry }
}

function statement(): NodeStatement {
  return {
    agentId: 0n,
    operator: toHex(fromHex(wallet.account.address)),
    signer: privateKeyToAddress(toHex(SIGNER_KEY)),
    keysetDigest: numberToHex(1, { size: 32 }),
    modelCatalogDigest: numberToHex(2, { size: 32 }),
    postureDigest: numberToHex(3, { size: 32 }),
    gpuDevicesDigest: numberToHex(0, { size: 32 }),
    instanceId: numberToHex(4, { size: 32 }),
  }
}

async function approve(): Promise<void> {
  const args = [statement()] as const
  await mined(wallet, wallet.writeContract({ ...registry(), functionName: 'approveBinding', args }))
}

async function bind(evidenceHash: Hex): Promise<void> {
  const { number: blockNumber, timestamp } = await wallet.getBlock()
  const signed = {
    bindingId,
    evidenceHash,
    blockNumber,
    validUntil: timestamp + 3600n,
    deadline: timestamp + 600n,
  }
  const signature = signDigest(attestationDigest(signed, domain()), SIGNER_KEY)
  const { validUntil, deadline } = signed
  const args = [statement(), evidenceHash, blockNumber, validUntil, deadline, signature] as const
  await mined(wallet, wallet.writeContract({ ...registry(), functionName: 'bindSigner', args }))
}

it('E2 every grant leads to the head that the registry keeps', async () => {
  for (const [index, evidenceHash] of EVIDENCE.entries()) {
    const proof = grantProof(logs, { agentId: 0n, bindingId, evidenceHash })
    expect(proof.grants[0]).toMatchObject({ evidenceHash, verifierIndex: NO_VERIFIER })
    expect(proof.endpointVersion).toBe(index < 3 ? 1 : 2)
    expect(proof.grants).toHaveLength(index < 3 ? 3 - index : 1)
    const args = [bindingId, proof.endpointVersion] as const
    const head = await wallet.readContract({ ...registry(), functionName: 'grantHeadOf', args })
    expect(grantHeadAfter(proof.grants, proof.before)).toBe(head)
  }
})

it('E2 a head is kept on that proof, and not on another', async () => {
  const proof = grantProof(logs, { agentId: 0n, bindingId, evidenceHash: EVIDENCE[1] ?? '0x' })
  const keep = { ...registry(), functionName: 'keepHead' } as const
  await mined(wallet, wallet.writeContract({ ...keep, args: [bindingId, proof] }))
  const cut = { ...proof, grants: proof.grants.slice(0, 1) }
  await expect(wallet.simulateContract({ ...keep, args: [bindingId, cut] })).rejects.toThrow(
    /UnknownHead/,
  )
})

it('nothing is proven of what no event tells', () => {
  const unknown = { agentId: 0n, bindingId, evidenceHash: numberToHex(9, { size: 32 }) }
  expect(() => grantProof(logs, unknown)).toThrow(GrantProofError)
  const other = { agentId: 1n, bindingId, evidenceHash: EVIDENCE[0] ?? '0x' }
  expect(() => grantProof(logs, other)).toThrow(/agent 1, binding 0x.*found none in \d+ events/)
  const foreign = { agentId: 0n, bindingId: numberToHex(1, { size: 32 }) } as const
  expect(() => grantProof(logs, { ...foreign, evidenceHash: EVIDENCE[0] ?? '0x' })).toThrow(
    GrantProofError,
  )
})
