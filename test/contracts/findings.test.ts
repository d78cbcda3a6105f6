import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { computeRegistryAbi } from '@jeju/contracts'
import {
  addressOf,
  attestationDigest,
  authDigest,
  bindingIdOf,
  encodeComputeReceipt,
  fromHex,
  signComputeReceipt,
  signDigest,
  toHex,
  type Hex,
  type NodeStatement,
  type Receipt,
  type RequestAuth,
} from '@jeju/verifier/protocol'
import { numberToHex } from 'viem'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startChain, type LocalChain } from '../../demo/network/chain.ts'
import { jeju } from '../e2e/setting/shell.ts'
import { becomeProvider, mined, walletFor, type Wallet } from './provider.ts'

// What a gateway keeps of a node that signed two receipts for one authorisation costs its bond (E1). Tests run in order.

const SIGNER_KEY = new Uint8Array(32).fill(7)
const word = (value: number): Hex => numberToHex(value, { size: 32 })

let chain: LocalChain
let wallet: Wallet
let bindingId: Hex
let folder = ''

beforeAll(async () => {
  chain = await startChain()
  wallet = walletFor(chain, 1)
  await becomeProvider(chain, wallet)
  folder = await mkdtemp(join(tmpdir(), 'jeju-findings-'))
  await writeFile(join(folder, 'deployment.json'), JSON.stringify(chain.deployment))
  bindingId = await bind()
}, 60_000)

afterAll(async () => {
  await chain.process.stop()
  await rm(folder, { recursive: true, force: true })
})

/** Binds a key that this test holds, as a node does whose evidence no verifier on chain judges. */
async function bind(): Promise<Hex> {
  const registry = { address: chain.deployment.computeRegistry, abi: computeRegistryAbi } as const
  const domain = { chainId: BigInt(chain.chainId), verifyingContract: registry.address }
  const statement: NodeStatement = {
    agentId: 0n,
    operator: toHex(fromHex(wallet.account.address)),
    signer: addressOf(SIGNER_KEY),
    keysetDigest: word(1),
    modelCatalogDigest: word(2),
    postureDigest: word(3),
    gpuDevicesDigest: word(0),
    instanceId: word(4),
  }
  const approve = { ...registry, functionName: 'approveBinding', args: [statement] } as const
  await mined(wallet, wallet.writeContract(approve))
  const { number: blockNumber, timestamp } = await wallet.getBlock()
  const signed = {
    bindingId: bindingIdOf(statement, domain),
    evidenceHash: word(5),
    blockNumber,
    validUntil: timestamp + 3600n,
    deadline: timestamp + 600n,
  }
  const signature = signDigest(attestationDigest(signed, domain), SIGNER_KEY)
  const { evidenceHash, validUntil, deadline } = signed
  const args = [statement, evidenceHash, blockNumber, validUntil, deadline, signature] as const
  await mined(wallet, wallet.writeContract({ ...registry, functionName: 'bindSigner', args }))
  return signed.bindingId
}

function serving() {
  return { chainId: BigInt(chain.chainId), verifyingContract: chain.deployment.inferenceServing }
}

function authOf(nonce: bigint): RequestAuth {
  return {
    channelId: word(11),
    nonce,
    bindingId,
    requestHash: word(12),
    maxFee: 1_000n,
    validUntil: 2_000_000_000n,
  }
}

/** A finding as a gateway writes it, of an answer with so many input tokens each. */
function finding(nonce: bigint, counts: readonly [number, number?], key = SIGNER_KEY): object {
  const auth = authOf(nonce)
  const signedFor = (inputTokens: number) => {
    const receipt: Receipt = {
      authHash: authDigest(auth, serving()),
      responseHash: word(13),
      inputTokens,
      outputTokens: 1,
      finish: 0,
      issuedAt: 1_900_000_000n,
    }
    return signComputeReceipt(
      {
        bindingId,
        keysetDigest: word(1),
        model: 'm',
        modelId: word(2),
        priceVersion: 1,
        receipt,
      },
      { keyId: 'r', signerKey: key, receiptKey: new Uint8Array(32).fill(1), serving: serving() },
    )
  }
  const [count, before] = counts
  const earlier = before === undefined ? undefined : signedFor(before)
  return {
    at: '2026-11-29T00:00:00.000Z',
    agentId: '0',
    bindingId,
    evidence: {
      auth: {
        ...auth,
        nonce: auth.nonce.toString(),
        maxFee: auth.maxFee.toString(),
        validUntil: auth.validUntil.toString(),
      },
      signature: `0x${'00'.repeat(65)}`,
      receipt: { text: encodeComputeReceipt(signedFor(count)) },
      ...(earlier === undefined
        ? {}
        : {
            earlier: {
              receipt: { ...earlier.receipt, issuedAt: earlier.receipt.issuedAt.toString() },
              signature: earlier.receiptSignature,
            },
          }),
      responseHash: word(13),
      responseBytes: 10,
      requestBytes: 10,
      checks: [{ name: 'receipt-once', status: 'failed' }],
    },
  }
}

async function sh(
  command: string,
  findings: readonly object[],
  account = 5,
): Promise<{ exit: number; out: string; err: string }> {
  const file = join(folder, 'findings.json')
  await writeFile(file, JSON.stringify({ findings }))
  const ran = jeju([...command.split(' '), '--file', file, '--json'], {
    JEJU_NETWORK: folder,
    JEJU_RPC: chain.rpcUrl,
    JEJU_HOME: join(folder, `home-${account}`),
    JEJU_PRIVATE_KEY: toHex(chain.privateKey(account)),
  })
  return { exit: await ran.exit, out: ran.out.join('\n'), err: ran.err.join('\n') }
}

const hashOf = (nonce: bigint): Hex => authDigest(authOf(nonce), serving())

describe('E1 conflicting_receipts_slash', () => {
  test('K10 committed first, proven when it is of age; half of the bond is gone', async () => {
    const findings = [finding(1n, [3, 4])]
    const listed = await sh('findings', findings)
    expect(JSON.parse(listed.out)).toMatchObject({ authHash: hashOf(1n), provable: true })
    const submit = `findings submit ${hashOf(1n)}`
    const first = await sh(submit, findings)
    expect([first.exit, JSON.parse(first.out)]).toMatchObject([0, { outcome: 'committed' }])
    expect(JSON.parse((await sh(submit, findings)).out)).toMatchObject({ outcome: 'waiting' })
    await chain.passTime(301)
    const proven = await sh(submit, findings)
    expect([proven.exit, JSON.parse(proven.out)]).toMatchObject([
      0,
      { outcome: 'proven', slashed: '50000000000000000' },
    ])
    const [valid] = await wallet.readContract({
      address: chain.deployment.computeRegistry,
      abi: computeRegistryAbi,
      functionName: 'bindingOf',
      args: [bindingId],
    })
    expect(valid).toBe(false)
  })

  test('a second proof of the same is refused by the contract', async () => {
    const findings = [finding(1n, [3, 4])]
    const submit = `findings submit ${hashOf(1n)}`
    expect((await sh(submit, findings, 6)).exit).toBe(0)
    await chain.passTime(301)
    const again = await sh(submit, findings, 6)
    expect([again.exit, again.err]).toEqual([40, expect.stringContaining('AlreadyProven')])
  })

  test('two findings with a receipt each are one conflict', async () => {
    const findings = [finding(2n, [3]), finding(2n, [5])]
    const { out } = await sh('findings', findings)
    const lines = out.split('\n').map((line) => JSON.parse(line) as object)
    expect(lines).toMatchObject([{ provable: true }, { provable: true }])
  })
})

describe('what the chain cannot check is said, and nothing is sent', () => {
  test('K11 one receipt, or two requests under one nonce', async () => {
    const { exit, err } = await sh(`findings submit ${hashOf(3n)}`, [finding(3n, [3])])
    expect([exit, err]).toEqual([10, expect.stringContaining('one receipt alone')])
    const same = await sh(`findings submit ${hashOf(3n)}`, [finding(3n, [3, 3])])
    expect([same.exit, same.err]).toEqual([10, expect.stringContaining('one receipt alone')])
  })

  test('receipts by another key than the binding’s', async () => {
    const forged = finding(4n, [3, 4], new Uint8Array(32).fill(9))
    const { exit, err } = await sh(`findings submit ${hashOf(4n)}`, [forged])
    expect([exit, err]).toEqual([10, expect.stringContaining(addressOf(SIGNER_KEY))])
  })

  test('feedback by a wallet that has paid nothing weighs nothing', async () => {
    const { exit, err } = await sh(`findings feedback ${hashOf(3n)}`, [finding(3n, [3])])
    expect([exit, err]).toEqual([10, expect.stringContaining('has settled nothing')])
  })

  test('no such finding, no such form', async () => {
    expect((await sh(`findings submit ${hashOf(9n)}`, [])).exit).toBe(10)
    expect((await sh('findings submit 0x12', [])).exit).toBe(2)
    // A file's own fault, and no gateway's.
    expect((await sh('findings', [{ at: 1 }])).exit).toBe(30)
  })
})
