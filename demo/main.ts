import { strict as assert } from 'node:assert'
import OpenAI from 'openai'
import { createFetch, createLedger, createMemoryStore, type SdkEvent } from '@jeju/sdk'
import { formatEther, parseEther } from 'viem'
import { tellAdmissions, tellGrant, tellRegistration } from './chapters/providers.ts'
import { proveReceipts } from './chapters/receipt-log.ts'
import { askOne, flipOneBit, streamOne, tellRequests } from './chapters/requests.ts'
import { settle } from './chapters/settlement.ts'
import { providerDocuments } from './network/gateway-view.ts'
import { holdsItsGpus } from './network/gpu-record.ts'
import { interruption } from './network/interruption.ts'
import { startNetwork, type Network } from './network/network.ts'
import { waitFor } from './network/process.ts'
import { registrationCosts } from './network/registration-costs.ts'
import { createStory } from './story.ts'
import { startTamperingProxy } from './tampering-proxy.ts'

const CHANNEL_AMOUNT = parseEther('0.01')
const MAX_FEE = parseEther('0.001')
const DEPOSIT = parseEther('0.05')

/** Development account of the client. */
const CLIENT = 5

const story = createStory(process.stdout, Date.now())
// A signal alone would end this process and none of those it started.
const interrupted = interruption().then((): never => {
  throw new Error('interrupted')
})
const network = await orInterrupted(tell('A chain and a machine', () => startNetwork()))
try {
  await orInterrupted(run(network))
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
    await net.startGpuProvider('node B', 2),
  ] as const
  for (const provider of providers) {
    tellRegistration(story, provider, await registrationCosts(net.chain, provider.signer))
    await tellGrant(story, net, provider)
  }
  assert.notEqual(providers[0].bindingId, providers[1].bindingId)
  assert(await holdsItsGpus(net.chain, providers[1].bindingId))

  story.chapter('A third node runs a changed compose file')
  const tampered = await net.startTamperedProvider('node C', 3)
  story.step(
    `${tampered.name} pays its bond, and the chain refuses its evidence`,
    `agent ${tampered.agentId}, compose ${tampered.machine.td.composeHash}`,
  )
  assert.match(
    tampered.refusal ?? '',
    /^measurement: expected an entry of the allow-list, got none/,
  )
  story.detail(tampered.refusal ?? '')

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
  tellAdmissions(story, views, providers, tampered)

  story.chapter('A client with nothing but a wallet')
  const events: SdkEvent[] = []
  const middle = await startTamperingProxy(gateway.url)
  try {
    const wallet = net.wallet(CLIENT)
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
      collateral: net.collateral,
      gpu: net.gpu,
      channelAmount: CHANNEL_AMOUNT,
      maxFeePerRequest: MAX_FEE,
      store: createMemoryStore(),
    }
    const fetch = createFetch({ ...options, onEvent: (event) => void events.push(event) })
    const openai = new OpenAI({ apiKey: 'none', baseURL: `${middle.url}/v1`, fetch })
    const model = net.model.descriptor.id
    await streamOne(story, openai, model)
    await askOne(story, openai, model)
    tellRequests(story, events)

    story.chapter('Settlement')
    const available = await ledger.availableOf()
    await settle(story, net, [...providers], events, available, DEPOSIT - CHANNEL_AMOUNT)

    story.chapter('What is left when a node is gone')
    await proveReceipts(story, net, options.store, CLIENT)

    story.chapter('A man in the middle flips one bit')
    await flipOneBit(story, openai, middle, model)
  } finally {
    await middle.close()
  }
}

function orInterrupted<Result>(doing: Promise<Result>): Promise<Result> {
  return Promise.race([doing, interrupted])
}

/** Runs a step under its chapter heading. */
async function tell<Result>(title: string, make: () => Promise<Result>): Promise<Result> {
  story.chapter(title)
  return make()
}
