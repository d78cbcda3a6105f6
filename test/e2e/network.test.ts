import type OpenAI from 'openai'
import { parseEventLogs, publicActions } from 'viem'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { computeRegistryAbi } from '@jeju/contracts'
import { NotVerified, type ClientOptions } from '@jeju/sdk'
import { parseCollateral, verifyEvidence } from '@jeju/verifier'
import { readQuote } from '@jeju/contracts/dcap'
import { decodeEvidence, toHex, type Hex } from '@jeju/verifier/protocol'
import { providerDocuments } from '../../demo/network/gateway-view.ts'
import type { GatewayProcess } from '../../demo/network/gateway.ts'
import { holdsItsGpus } from '../../demo/network/gpu-record.ts'
import { startNetwork, type Network } from '../../demo/network/network.ts'
import type { DevnetProvider } from '../../demo/network/operator.ts'
import { waitFor } from '../../demo/network/process.ts'
import { settlementOf } from '../../demo/network/settlement.ts'
import { admissions, admittedBy } from './setting/admission.ts'
import { heldUntil } from './setting/device-lease.ts'
import { answerTo, openaiOf, QUESTION, questionOf } from './setting/openai-client.ts'

// Real processes on a chain of their own: two nodes, a tampered one, a gateway. Tests run in order.

/** Stands in no answer of the model and in no name of the code. */
const CANARY = 'quetzalcoatlus-canary'
const WAIT = { timeoutMs: 30_000 }
/** `ComputeRegistry.Tier`. */
const SIMULATED = 1

let network: Network
let a: DevnetProvider
let b: DevnetProvider
let tampered: DevnetProvider
let gateway: GatewayProcess

beforeAll(async () => {
  network = await startNetwork()
  a = await network.startProvider('node A', 1)
  b = await network.startGpuProvider('node B', 2)
  tampered = await network.startTamperedProvider('node C', 3)
  gateway = await network.startGateway()
  await admissions(gateway, 2)
}, 180_000)

afterAll(async () => {
  await network.stop()
}, 60_000)

const client = (
  walletIndex: number,
  changes: Partial<ClientOptions> = {},
): ReturnType<typeof openaiOf> => openaiOf(network, gateway, walletIndex, changes)

const ask = (openai: OpenAI, content: string): Promise<string> =>
  answerTo(openai, questionOf(network, content))

describe('the tampered node', () => {
  test('is refused by the chain in words, without a binding', async () => {
    const reader = network.wallet(0).extend(publicActions)
    const [valid] = await reader.readContract({
      address: network.chain.deployment.computeRegistry,
      abi: computeRegistryAbi,
      functionName: 'bindingOf',
      args: [tampered.bindingId],
    })
    expect(valid).toBe(false)
    expect(tampered.refusal).toMatch(/^measurement: expected an entry of the allow-list/)
    const { status, registered } = await tampered.machine.health()
    expect({ status, registered }).toEqual({ status: 'starting', registered: false })
  })

  test('is refused by the gateway by name, which judges by itself', async () => {
    const documents = await providerDocuments(gateway.url)
    const document = documents.find(({ agentId }) => agentId === tampered.agentId.toString())
    expect(document?.admitted).toBe(false)
    const failed = document?.judgement?.checks.filter(({ status }) => status === 'failed') ?? []
    expect(failed.map(({ name }) => name)).toEqual(['compose-allowed'])
  })

  test('is refused by the client too, who names the check', async () => {
    const { openai, events } = client(4, { agents: [tampered.agentId] })
    const refusal: unknown = await ask(openai, QUESTION).catch((error: unknown) =>
      error instanceof Error ? error.cause : error,
    )
    expect(refusal).toBeInstanceOf(NotVerified)
    expect(refusal).toMatchObject({ failedChecks: ['compose-allowed'] })
    expect(events.some(({ type }) => type === 'authorised')).toBe(false)
  })
})

describe('a node with a GPU', () => {
  test('is admitted by the gateway on what its GPU proves', async () => {
    const documents = await providerDocuments(gateway.url)
    const gpuOf = ({ agentId }: DevnetProvider): unknown =>
      documents
        .find((document) => document.agentId === agentId.toString())
        ?.judgement?.checks.find(({ name }) => name === 'gpu-evidence')
    expect(gpuOf(b)).toMatchObject({
      status: 'passed',
      evidence: { tier: 'simulated', mode: 'SPT', devices: 1 },
    })
    expect(gpuOf(a)).toMatchObject({
      status: 'passed',
      evidence: { gpu: 'none: a CPU-only node' },
    })
  })

  test('has its GPU on chain as its own', async () => {
    const claimed = async (): Promise<true | undefined> =>
      (await holdsItsGpus(network.chain, b.bindingId)) ? true : undefined
    await waitFor('the claim of its GPU', claimed, { ...WAIT, running: b.process })
    expect(await holdsItsGpus(network.chain, a.bindingId)).toBe(false)
  })

  test('proves it to the client, who may require it', async () => {
    const gpu = network.policy.gpu
    if (gpu === 'forbidden') throw new Error('the devnet takes no GPUs')
    const policy = { ...network.policy, gpu: { ...gpu, presence: 'required' } as const }
    const { openai, events } = client(9, { agents: [b.agentId], policy })
    expect(await ask(openai, QUESTION)).toContain('proof')
    const verified = events.find((event) => event.type === 'provider-verified')
    expect(verified?.claims.gpu?.devices).toMatchObject([
      { kind: 'gpu', identity: expect.stringMatching(/^0x[0-9a-f]{64}$/) },
    ])
    const devices = (verified?.claims.gpu?.devices ?? []).map(({ identity }) => identity)
    const now = BigInt(Math.floor(Date.now() / 1000))
    expect(await heldUntil(network.chain, a.bindingId, devices)).toBeGreaterThan(now)
    // What is its own nobody else holds, and what nobody claimed is held by nobody.
    expect(await heldUntil(network.chain, b.bindingId, devices)).toBe(0n)
    expect(await heldUntil(network.chain, a.bindingId, [a.bindingId])).toBe(0n)
    const without = client(9, { agents: [a.agentId], policy })
    await expect(ask(without.openai, QUESTION)).rejects.toMatchObject({
      cause: { failedChecks: ['gpu-evidence'] },
    })
    // Whoever brings nobody to judge GPUs verifies no node that has one.
    const blind = client(9, { agents: [b.agentId], gpu: undefined as never })
    await expect(ask(blind.openai, QUESTION)).rejects.toThrow()
  })
})

describe('a client with a wallet', () => {
  test('streams and asks, and every answer is verified', async () => {
    const { openai, events } = client(5)
    const stream = await openai.chat.completions.create({
      ...questionOf(network),
      stream: true,
      stream_options: { include_usage: true },
    })
    let text = ''
    let usage = 0
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? ''
      usage = chunk.usage?.completion_tokens ?? usage
    }
    expect(text).toContain('proof')
    expect(await ask(openai, QUESTION)).toBe(text)
    const receipts = events.filter((event) => event.type === 'receipt-verified')
    expect(receipts).toHaveLength(2)
    expect(receipts[0]?.receipt.receipt.outputTokens).toBe(usage)
  })

  test('several at once are served and settled, each once', async () => {
    const { openai, events } = client(6, { agents: [b.agentId] })
    const answers = await Promise.all(Array.from({ length: 6 }, () => ask(openai, QUESTION)))
    expect(new Set(answers).size).toBe(1)
    const receipts = events.filter((event) => event.type === 'receipt-verified')
    const [first] = receipts
    if (first === undefined) throw new Error('no receipt')
    const owed = receipts.reduce((sum, { fee }) => sum + fee, 0n)
    const settlement = await waitFor(
      'settlement',
      async () => {
        const now = await settlementOf(network, first.channelId, b.agentId)
        return now.spent === owed ? now : undefined
      },
      WAIT,
    )
    expect(settlement.spent).toBe(owed)
  })

  test('gets coded errors for what a node cannot do', async () => {
    const { openai } = client(5)
    const create = openai.chat.completions.create.bind(openai.chat.completions)
    const model = network.model.descriptor.id
    const messages = [{ role: 'user' as const, content: QUESTION }]
    await expect(
      create({ model: network.model.descriptor.id, messages, store: true }),
    ).rejects.toMatchObject({
      status: 400,
      code: 'unsupported_field',
      param: 'store',
    })
    // The SDK refuses what it could not pay for, before anything is sent.
    await expect(create({ model, messages, max_tokens: -1 })).rejects.toMatchObject({
      cause: { name: 'SdkError' },
    })
    await expect(create({ model: 'no-such-model', messages })).rejects.toThrow()
  })
})

describe('evidence of a registration', () => {
  test('is served by the digest on chain and verifies for the block it names', async () => {
    const reader = network.wallet(0).extend(publicActions)
    const { computeRegistry, deployedAtBlock, chainId } = network.chain.deployment
    const logs = await reader.getLogs({
      address: computeRegistry,
      fromBlock: BigInt(deployedAtBlock),
    })
    const events = parseEventLogs({ abi: computeRegistryAbi, eventName: 'Attested', logs })
    const event = events.find(({ args }) => args.bindingId === a.bindingId)
    if (event === undefined) throw new Error('node A has no binding')
    const { evidenceHash, blockNumber, blockHash, tier } = event.args
    expect(tier).toBe(SIMULATED)
    const response = await fetch(`${a.machine.url}/v1/evidence/${evidenceHash.slice(2)}`)
    const bundle = new Uint8Array(await response.arrayBuffer())
    // What the chain judged is the quote of this very bundle.
    const { trimmed } = readQuote(decodeEvidence(bundle).quote)
    const { input } = await reader.getTransaction({ hash: event.transactionHash })
    expect(input).toContain(toHex(trimmed).slice(2))
    const { verdict } = await verifyEvidence(bundle, {
      at: new Date(),
      trustAnchor: network.trustAnchor,
      collateral: parseCollateral(await network.platform.collateralJson(new Date())),
      policy: network.policy,
      registry: { chainId: BigInt(chainId), verifyingContract: computeRegistry },
      freshness: { kind: 'registration', blockNumber, blockHash },
      expected: { agentId: a.agentId, operator: a.operator.toLowerCase() as Hex },
    })
    expect(verdict.outcome).toBe('verified')
    expect((await reader.getBlock({ blockNumber })).hash).toBe(blockHash)
  })
})

describe('a node that dies', () => {
  test('is left for the other by client and gateway', async () => {
    const { openai, events } = client(7)
    expect(await ask(openai, QUESTION)).toContain('proof')
    const first = events.find((event) => event.type === 'receipt-verified')
    const [dead, alive] = first?.agentId === a.agentId ? [a, b] : [b, a]
    await dead.process.kill()
    expect(await ask(openai, QUESTION)).toContain('proof')
    const last = events.findLast((event) => event.type === 'receipt-verified')
    expect(last?.agentId).toBe(alive.agentId)
    await waitFor(
      'the gateway to drop the dead node',
      async () => {
        const agents = await admittedBy(gateway)
        return agents.includes(dead.agentId.toString()) ? undefined : agents
      },
      WAIT,
    )
    expect(await admittedBy(gateway)).toEqual([alive.agentId.toString()])

    // The same TD gives the same keys: the binding is the one its owner approved.
    const restarted = await dead.machine.boot({ agentId: dead.agentId, serviceId: 0 })
    await waitFor(
      'the node to serve again',
      async () => ((await dead.machine.health()).registered ? true : undefined),
      { ...WAIT, running: restarted },
    )
    expect((await dead.machine.health()).binding_id).toBe(dead.bindingId)
    await admissions(gateway, 2)
    // Until then a node that has started again refuses what its earlier life can have answered.
    await new Promise((resolve) => setTimeout(resolve, 61_000))
  }, 180_000)

  test('by SIGTERM finishes what it has begun, and settles before it exits', async () => {
    const { openai, events } = client(8, { agents: [a.agentId] })
    const stream = await openai.chat.completions.create({ ...questionOf(network), stream: true })
    let answer = ''
    let stopped: Promise<unknown> | undefined
    for await (const chunk of stream) {
      stopped ??= a.machine.stop()
      answer += chunk.choices[0]?.delta.content ?? ''
    }
    await stopped
    expect(answer).toContain('proof')
    const receipt = events.find((event) => event.type === 'receipt-verified')
    if (receipt === undefined) throw new Error('no receipt')
    const { spent } = await settlementOf(network, receipt.channelId, a.agentId)
    expect(spent).toBe(receipt.fee)
  })
})

describe('what processes print', () => {
  test('E10 no_prompt_in_logs: no prompt, answer or authorisation in any log', async () => {
    const { openai, events } = client(6, { agents: [b.agentId] })
    await ask(openai, `${CANARY} ${QUESTION}`)
    const auth = events.find((event) => event.type === 'authorised')
    const printed =
      [a, b, tampered].map(({ process }) => process.output()).join('') + gateway.process.output()
    expect(printed).toContain('"settled"')
    expect(printed).not.toContain(CANARY)
    expect(printed).not.toContain('signed by a key in the hardware')
    expect(auth).toBeDefined()
    expect(printed).not.toMatch(/salt|compute-authorization/i)
  })
})

describe('one GPU, two registrations', () => {
  test('D7 duplicated GPU refused by the registry: it stays with the node that has it', async () => {
    // The same machine sold again by another operator: genuine, granted, and without the GPU.
    const again = await network.startGpuProvider('node D', 4)
    // A node is registered before its GPUs are claimed.
    const refused = async (): Promise<true | undefined> =>
      again.process.output().includes('does not have the GPUs') ? true : undefined
    await waitFor('the claim to be refused', refused, { ...WAIT, running: again.process })
    expect(again.process.output()).toContain('expected one that no other binding holds')
    expect(await holdsItsGpus(network.chain, again.bindingId)).toBe(false)
    expect(await holdsItsGpus(network.chain, b.bindingId)).toBe(true)
  }, 180_000)
})
