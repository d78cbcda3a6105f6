import { embeddedModel, loadEmbeddedEngine } from '@jeju/enclave'
import type { Wallet } from '@jeju/sdk'
import {
  createSimulatedPlatform,
  servePcs,
  type AgentGpus,
  type SimulatedPlatform,
} from '@jeju/simulator'
import { createSimulatedGpus, serveOcsp, serveRims } from '@jeju/simulator/gpu'
import type { AppraisalPolicy, CollateralSource, GpuTrust, TrustAnchor } from '@jeju/verifier'
import {
  createCollateralClient,
  createOcspClient,
  createRimClient,
} from '@jeju/verifier/collateral'
import { gpuTrust, GpuVerifier } from '@jeju/verifier/gpu'
import { nodeP384 } from '@jeju/verifier/node'
import { modelIdOf, sha256, toHex, type Hex, type ModelDescriptor } from '@jeju/verifier/protocol'
import { createWalletClient } from 'viem'
import { foundry } from 'viem/chains'
import { BEHIND_S, listOnChain, type ListedSoftware } from './allow-list.ts'
import { startChain, type LocalChain } from './chain.ts'
import { nodeCodeDigest } from './code-digest.ts'
import { appCompose, type MeasuredSettings } from './compose.ts'
import { startGateway, type GatewayProcess } from './gateway.ts'
import { launchDevnetTd, launchMachine, type Machine } from './machine.ts'
import { setUpProvider, type DevnetProvider, type Outcome } from './operator.ts'
import {
  devnetGpuTrustAnchor,
  devnetTrustAnchor,
  gpuRootSetting,
  gpuTrustRootSetting,
  publishedPolicy,
} from './policy.ts'
import { rpc } from './rpc.ts'

/** The model every node of the devnet serves, and its id on chain. */
export interface DevnetModel {
  readonly descriptor: ModelDescriptor
  readonly id: Hex
}

/** A whole network on one machine. Parts start one by one, so that a story can be told of each. */
export interface Network {
  readonly chain: LocalChain
  readonly platform: SimulatedPlatform
  readonly trustAnchor: TrustAnchor
  /** What the devnet publishes of its nodes. */
  readonly policy: AppraisalPolicy
  /** Collateral of the simulated platform, from a service like Intel's. */
  readonly collateral: CollateralSource
  readonly collateralUrl: string
  /** Judges simulated GPUs, with reference values from a service like NVIDIA's. */
  readonly gpu: GpuTrust
  readonly model: DevnetModel
  /** A funded wallet. */
  wallet(index: number): Wallet
  /** A machine with the published compose, of which the chain knows nothing yet. */
  launchMachine(name: string): Promise<Machine>
  /** Starts a node from the published compose. */
  startProvider(name: string, walletIndex: number): Promise<DevnetProvider>
  /** Starts a node on a machine with a simulated GPU, which it has to prove. */
  startGpuProvider(name: string, walletIndex: number): Promise<DevnetProvider>
  /** Starts a node from a compose that was changed; its operator accepts it, nobody else should: the chain refuses it. */
  startTamperedProvider(name: string, walletIndex: number): Promise<DevnetProvider>
  /** Starts a gateway process; several are replicas where the settings say so. */
  startGateway(settings?: Readonly<Record<string, string>>): Promise<GatewayProcess>
  /** Stops everything that was started, newest first. */
  stop(): Promise<void>
}

/** Log level and pace of settlement are measured too: whatever changes what a node does is. */
const NODE_SETTINGS = {
  KEY_API: 'v0',
  LOG_LEVEL: 'info',
  SETTLE_INTERVAL_S: '2',
  // A few tokens are to be settled at once, and blocks come only with transactions.
  SETTLE_WORTH: '0',
  SETTLE_CONFIRMATIONS: '1',
  // A folder in the node's own state stands for Arweave, which nobody needs for a demo.
  ARCHIVE: 'file',
  RECEIPT_EPOCH_S: '5',
} as const

/** A container beside the node that the published compose does not have. */
const EXTRA_SERVICE = `  tap:
    image: prompt-tap.invalid/tap@sha256:${'ee'.repeat(32)}
    network_mode: "service:node"
`

const now = (): Date => new Date()

/**
 * Starts a chain and a simulated platform; nodes and gateway follow on request.
 * @param settings of every node, in place of the devnet's own
 */
export async function startNetwork(settings: MeasuredSettings = {}): Promise<Network> {
  const platform = await createSimulatedPlatform({ at: new Date() })
  const chain = await startChain({
    simulatedRoot: toHex(sha256(platform.rootCertificateDer)),
    behindS: BEHIND_S,
  })
  const running: (() => Promise<void>)[] = [() => chain.process.stop()]
  const stop = async (): Promise<void> => {
    for (const end of running.splice(0).toReversed()) await end()
  }
  try {
    const trustAnchor = devnetTrustAnchor(platform)
    const pcs = await servePcs(platform, { at: now })
    running.push(() => pcs.close())
    const collateral = createCollateralClient({ fetch, baseUrl: pcs.url, now })
    const model = await describeModel()
    const measured = { ...measuredSettings(chain, model, pcs.url), ...settings }
    const codeDigest = await nodeCodeDigest()
    const published = appCompose(codeDigest, measured)
    const tampered = appCompose(codeDigest, measured, EXTRA_SERVICE)
    const gpus = createSimulatedGpus({ at: new Date() })
    const measuredWithGpu = { ...measured, GPU: 'required', GPU_ROOT: gpuRootSetting(gpus) }
    const publishedWithGpu = appCompose(codeDigest, measuredWithGpu)
    const rimService = await serveRims(gpus)
    running.push(() => rimService.close())
    const ocspService = await serveOcsp(gpus, { now })
    running.push(() => ocspService.close())
    const gpu = gpuTrust({
      verifier: new GpuVerifier(devnetGpuTrustAnchor(gpus), { signatures: nodeP384 }),
      rims: createRimClient({ fetch, baseUrl: rimService.url, now }),
      ocsp: createOcspClient({ fetch, baseUrl: ocspService.url, now }),
    })
    const software: readonly ListedSoftware[] = [
      { reference: launchDevnetTd(platform, published, undefined), tier: 'TDX' },
      { reference: launchDevnetTd(platform, publishedWithGpu, { gpus }), tier: 'TDX_GPU' },
    ]
    await listOnChain(chain, software, codeDigest)
    const policyOf = (compose: Uint8Array): AppraisalPolicy =>
      publishedPolicy(
        launchDevnetTd(platform, compose, undefined),
        launchDevnetTd(platform, publishedWithGpu, { gpus }),
      )

    const wallet = (index: number): Wallet =>
      createWalletClient({
        account: chain.account(index),
        chain: foundry,
        transport: rpc(chain.rpcUrl),
        pollingInterval: 100,
        ccipRead: false,
      })
    const launch = async (
      name: string,
      compose: Uint8Array,
      settings: MeasuredSettings = measured,
      own?: AgentGpus,
    ): Promise<Machine> => {
      const machine = await launchMachine(name, platform, compose, settings, own)
      running.push(() => machine.stop())
      return machine
    }
    const provider = async (
      name: string,
      walletIndex: number,
      compose: Uint8Array,
      outcome: Outcome,
      settings?: MeasuredSettings,
      own?: AgentGpus,
    ): Promise<DevnetProvider> => {
      const machine = await launch(name, compose, settings, own)
      const trust = { policy: policyOf(compose), trustAnchor, collateral, gpu }
      const { id, descriptor } = model
      const offer = { id, name: descriptor.id }
      return setUpProvider(name, wallet(walletIndex), chain, machine, offer, trust, outcome)
    }
    const policy = policyOf(published)
    return {
      chain,
      platform,
      trustAnchor,
      policy,
      collateral,
      collateralUrl: pcs.url,
      gpu,
      model,
      wallet,
      launchMachine: (name) => launch(name, published),
      startProvider: (name, index) => provider(name, index, published, 'registered'),
      startGpuProvider: (name, index) =>
        provider(name, index, publishedWithGpu, 'registered', measuredWithGpu, { gpus }),
      startTamperedProvider: (name, index) => provider(name, index, tampered, 'refused'),
      startGateway: async (settings) => {
        const gateway = await startGateway(
          chain,
          policy,
          platform,
          { collateral: pcs.url, rims: rimService.url, ocsp: ocspService.url },
          gpuTrustRootSetting(gpus),
          settings,
        )
        running.push(() => gateway.process.stop())
        return gateway
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** The descriptor a node will state: made by the node's own engine from the same file. */
async function describeModel(): Promise<DevnetModel> {
  const engine = await loadEmbeddedEngine(embeddedModel)
  await engine.close()
  return { descriptor: engine.descriptor, id: modelIdOf(engine.descriptor) }
}

function measuredSettings(
  chain: LocalChain,
  model: DevnetModel,
  collateralUrl: string,
): MeasuredSettings {
  return {
    ...NODE_SETTINGS,
    COLLATERAL_URL: collateralUrl,
    RPC_URL: chain.rpcUrl,
    CHAIN_ID: String(chain.chainId),
    DEPLOYMENT: JSON.stringify(chain.deployment),
    MODEL_NAME: model.descriptor.id,
    MODEL_SHA256: model.descriptor.weights_sha256,
  }
}
