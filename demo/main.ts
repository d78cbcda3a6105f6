import { strict as assert } from 'node:assert'
import OpenAI from 'openai'
import { createFetch, createLedger, NotVerified, type SdkEvent } from '@jeju/sdk'
import { feeOf } from '@jeju/verifier/protocol'
import { formatEther, parseEther } from 'viem'
import { providerDocuments, type GatewayProviderView } from './network/gateway-view.ts'
import { startNetwork, type Network } from './network/network.ts'
import { PRICE, PROVIDER_STAKE, type DevnetProvider } from './network/operator.ts'
import { settlementOf, type Settlement } from './network/settlement.ts'
import { waitFor } from './network/process.ts'
import { createStory } from './story.ts'
import { startTamperingProxy } from './tampering-proxy.ts'

const CHANNEL_AMOUNT = parseEther('0.01')
const MAX_FEE = parseEther('0.001')
const DEPOSIT = parseEther('0.05')

const story = createStory(process.stdout, Date.now())
const network = await tell('A chain and a machine', () => startNetwork())
try {
  await run(network)
} finally {
  await network.stop()
}
story.chapter('Every assertion held.')

async function run(net: Network): Promise<void> {
  const { deployment } = net.chain
  story.step('Anvil runs, contracts are deployed', `ComputeRegistry ${deployment.computeRegistry}`)
  story.step(
    'the simulator stands in for a TDX machine',
    `its root is not Intel's and is accepted only by name: every verdict will say "simulated"`,
  )
  story.step(
    `the model ${net.model.descriptor.id} is hashed before it is loaded`,
    `weights ${net.model.descriptor.weights_sha256}`,
  )

  story.chapter('Two nodes prove themselves and register')
  const providers = [
    await net.startProvider('node A', 1),
    await net.startProvider('node B', 2),
  ] as const
  for (const provider of providers) tellRegistration(provider)
  assert.notEqual(providers[0].bindingId, providers[1].bindingId)

  story.chapter('A third node runs a changed compose file')
  const tampered = await net.startTamperedProvider('node C', 3)
  story.step(
    `${tampered.name} registers too: the chain takes a bond, it does not judge`,
    `agent ${tampered.agentId}, compose ${tampered.machine.td.composeHash}`,
  )

  story.chapter('The gateway discovers and verifies')
  const gateway = await net.startGateway()
  const views = await waitFor(
    'the gateway to judge all three',
    async () => {
      const documents = await providerDocuments(gateway.url)
      return documents.filter(({ judgement }) => judgement !== null).length === 3
        ? documents
        : undefined
    },
    { timeoutMs: 30_000, running: gateway.process },
  )
  tellAdmissions(views, providers, tampered)

  story.chapter('A client with nothing but a wallet')
  const events: SdkEvent[] = []
  const middle = await startTamperingProxy(gateway.url)
  try {
    const wallet = net.wallet(5)
    const ledger = createLedger({ wallet, deployment })
    await ledger.deposit(DEPOSIT)
    assert.equal(await ledger.availableOf(), DEPOSIT)
    story.step(`deposits ${formatEther(DEPOSIT)} ETH`, `LedgerManager ${deployment.ledgerManager}`)

    const options = {
      gateway: middle.url,
      wallet,
      deployment,
      trustAnchor: net.trustAnchor,
      policy: net.policy,
      channelAmount: CHANNEL_AMOUNT,
      maxFeePerRequest: MAX_FEE,
    }
    const fetch = createFetch({ ...options, onEvent: (event) => void events.push(event) })
    const openai = new OpenAI({ apiKey: 'none', baseURL: `${middle.url}/v1`, fetch })
    await streamOne(openai, net)
    await askOne(openai, net)
    tellRequests(events)
    await settle(net, [...providers], events, await ledger.availableOf())

    story.chapter('A man in the middle flips one byte')
    await flipOneByte(openai, middle, net)
  } finally {
    await middle.close()
  }
}

/** Runs a step under its chapter heading. */
async function tell<Result>(title: string, make: () => Promise<Result>): Promise<Result> {
  story.chapter(title)
  return make()
}

function tellRegistration({ name, agentId, machine, bindingId }: DevnetProvider): void {
  story.step(
    `${name}: keys from the guest agent, quote over its statement`,
    `binding ${bindingId}, RTMR3 ${machine.td.measurements.rtmr3.slice(0, 34)}…`,
  )
  story.detail(
    `ERC-8004 agent ${agentId}, bond ${formatEther(PROVIDER_STAKE)} ETH, price ${PRICE.inPerMTok}/${PRICE.outPerMTok} wei per million tokens, attested by the node itself`,
  )
}

function tellAdmissions(
  views: readonly GatewayProviderView[],
  providers: readonly DevnetProvider[],
  tampered: DevnetProvider,
): void {
  const viewOf = ({ agentId }: DevnetProvider): GatewayProviderView => {
    const view = views.find((candidate) => candidate.agentId === agentId.toString())
    assert(view, `agent ${agentId} is not listed`)
    return view
  }
  for (const provider of providers) {
    const view = viewOf(provider)
    assert.equal(view.admitted, true)
    assert.equal(view.lease?.bindingId, provider.bindingId)
    const passed = view.judgement?.checks.filter(({ status }) => status === 'passed').length
    story.step(
      `${provider.name} is admitted, tier ${view.lease?.tier}`,
      `${passed} checks passed, not made and accepted by name: ${view.lease?.reservations.join(', ')}`,
    )
  }
  const refused = viewOf(tampered)
  const failed = refused.judgement?.checks.filter(({ status }) => status === 'failed') ?? []
  assert.equal(refused.admitted, false)
  assert.equal(refused.judgement?.outcome, 'refused')
  assert.deepEqual(
    failed.map(({ name }) => name),
    ['compose-allowed'],
  )
  story.step(`${tampered.name} is refused and never routed to`, `failed check: ${failed[0]?.name}`)
  story.detail(refused.judgement?.reasons.find((reason) => reason.startsWith('compose')) ?? '')
}

async function streamOne(openai: OpenAI, { model }: Network): Promise<void> {
  const stream = await openai.chat.completions.create({
    model: model.descriptor.id,
    messages: [{ role: 'user', content: 'What is remote attestation?' }],
    max_tokens: 80,
    stream: true,
  })
  let text = ''
  for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
  assert.match(text, /attestation|proof/i)
  story.step('streams a chat completion', `"${text}"`)
}

async function askOne(openai: OpenAI, { model }: Network): Promise<void> {
  const answer = await openai.chat.completions.create({
    model: model.descriptor.id,
    messages: [{ role: 'user', content: 'What is 7 times 8?' }],
    max_tokens: 40,
  })
  const text = answer.choices[0]?.message.content ?? ''
  assert.match(text, /56/)
  story.step('makes a non-streaming one', `"${text}"`)
}

function tellRequests(events: readonly SdkEvent[]): void {
  for (const event of events) {
    if (event.type === 'provider-verified') {
      const { claims, tier } = event
      story.detail(
        `before sending: agent ${event.agentId} verified (${tier}), binding ${claims.bindingId}`,
      )
    }
    if (event.type === 'channel-opened') {
      story.detail(`channel ${event.channelId}, ${formatEther(event.amount)} ETH locked`)
    }
    if (event.type === 'receipt-verified') {
      const { receipt } = event.receipt
      story.detail(
        `after: receipt over the bytes held, ${receipt.inputTokens} tokens in, ${receipt.outputTokens} out, fee ${event.fee} wei`,
      )
    }
  }
  const count = (type: SdkEvent['type']): number =>
    events.filter((event) => event.type === type).length
  assert.equal(count('provider-verified'), 1)
  assert.equal(count('channel-opened'), 1)
  assert.equal(count('receipt-verified'), 2)
}

async function settle(
  net: Network,
  providers: readonly DevnetProvider[],
  events: readonly SdkEvent[],
  available: bigint,
): Promise<void> {
  story.chapter('Settlement')
  const receipts = events.filter((event) => event.type === 'receipt-verified')
  const expected = receipts.reduce((sum, { receipt: { receipt }, fee }) => {
    assert.equal(fee, feeOf(PRICE, receipt.inputTokens, receipt.outputTokens))
    return sum + fee
  }, 0n)
  const agentId = receipts[0]?.agentId
  const provider = providers.find((candidate) => candidate.agentId === agentId)
  const channelId = receipts[0]?.channelId
  assert(provider !== undefined && channelId !== undefined)

  const settlement: Settlement = await waitFor(
    'the node to settle both receipts',
    async () => {
      const now = await settlementOf(net, channelId, provider.agentId)
      return now.settled === BigInt(receipts.length) ? now : undefined
    },
    { timeoutMs: 30_000, running: provider.process },
  )
  assert.equal(settlement.spent, expected)
  assert.equal(await provider.calls.claimableOf(), expected)
  story.step(
    `${provider.name} settles ${settlement.settled} receipts by itself`,
    `fee ${expected} wei, computed by the contract from the channel's price and two signatures each`,
  )
  const paid = await provider.calls.claim()
  assert.equal(paid, expected)
  assert.equal(await provider.calls.claimableOf(), 0n)
  story.step('its operator claims', `${paid} wei`)
  assert.equal(available, DEPOSIT - CHANNEL_AMOUNT)
  story.detail(
    `client: ${formatEther(available)} ETH available, ${formatEther(settlement.locked)} ETH locked, ${settlement.spent} wei spent`,
  )

  await provider.calls.postFeedback(provider.agentId)
  const { feedbackCount } = await settlementOf(net, channelId, provider.agentId)
  assert.equal(feedbackCount, 1n)
  story.step('ERC-8004 feedback is written', 'by InferenceServing, weighted by settled volume')
}

async function flipOneByte(
  openai: OpenAI,
  middle: Awaited<ReturnType<typeof startTamperingProxy>>,
  net: Network,
): Promise<void> {
  middle.tamperWith('56', '57')
  const refusal = await askOne(openai, net).then(
    () => undefined,
    (error: unknown) => error,
  )
  assert.equal(middle.tampered(), 1, 'the byte was flipped')
  assert(refusal instanceof NotVerified, `expected NotVerified, got ${String(refusal)}`)
  assert.deepEqual(refusal.failedChecks, ['receipt-response'])
  story.step('the SDK throws NotVerified', `failed check: ${refusal.failedChecks.join(', ')}`)
  story.detail(refusal.message)
}
