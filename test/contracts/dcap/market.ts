import type { TdxDeployment } from '@jeju/contracts'
import {
  createOnchainDcap,
  type CollateralOffer,
  type OnchainDcap,
  type Send,
} from '@jeju/contracts/dcap'
import { createSimulatedPlatform, launchTd, type SimulatedPlatform } from '@jeju/simulator'
import { sha256, toHex, utf8 } from '@jeju/verifier/protocol'
import { createTestClient, createWalletClient, http, parseEther, publicActions } from 'viem'
import { generatePrivateKey, privateKeyToAccount, type PrivateKeyAccount } from 'viem/accounts'
import { foundry } from 'viem/chains'
import { BEHIND_S, listOnChain } from '../../../demo/network/allow-list.ts'
import { startChain, type LocalChain } from '../../../demo/network/chain.ts'
import { publishCollateral, type SimulatedPki } from '../../../simulator/src/pki/collateral.ts'
import type { Vintage } from '../../../simulator/src/pki/collateral-documents.ts'

/** When the service issued what it hands out. */
export const AT: Date = new Date()
export const APP_COMPOSE = utf8('{"docker_compose_file":"services: {}","name":"node"}')

/** A chain whose verifier trusts the root of a simulated machine, and lists one image and compose file. */
export interface Market {
  readonly chain: LocalChain
  readonly tdx: TdxDeployment
  readonly platform: SimulatedPlatform
  /** Keeps the chain's state until `restore`. */
  snapshot(): Promise<void>
  restore(): Promise<void>
}

export async function openMarket(): Promise<Market> {
  const platform = await createSimulatedPlatform({ at: AT })
  const simulatedRoot = toHex(sha256(platform.rootCertificateDer))
  const chain = await startChain({ simulatedRoot, behindS: BEHIND_S })
  const { tdx } = chain.deployment
  if (tdx === undefined) throw new Error('nothing judges quotes')
  const reference = launchTd(platform, { appCompose: APP_COMPOSE })
  await listOnChain(chain, [{ reference, tier: 'TDX' }], 'ab'.repeat(32))
  const client = createTestClient({ mode: 'anvil', chain: foundry, transport: http(chain.rpcUrl) })
  let id = await client.snapshot()
  return {
    chain,
    tdx,
    platform,
    snapshot: async () => {
      id = await client.snapshot()
    },
    restore: () => client.revert({ id }),
  }
}

/** Somebody nobody knows, with money for gas. */
export interface Stranger {
  readonly account: PrivateKeyAccount
  readonly wallet: ReturnType<typeof walletOf>
  readonly dcap: OnchainDcap
  readonly send: Send
}

export async function stranger({ chain, tdx }: Market, ether = '1'): Promise<Stranger> {
  const account = privateKeyToAccount(generatePrivateKey())
  const rich = createTestClient({ mode: 'anvil', chain: foundry, transport: http(chain.rpcUrl) })
  await rich.setBalance({ address: account.address, value: parseEther(ether) })
  const wallet = walletOf(chain, account)
  return {
    account,
    wallet,
    dcap: createOnchainDcap({ reader: wallet as never, tdx, account: account.address }),
    send: async ({ to, data, gas }) => {
      const hash = await wallet.sendTransaction({ to, data, gas })
      const { status, gasUsed } = await wallet.waitForTransactionReceipt({ hash })
      if (status !== 'success') throw new Error(`${hash} reverted`)
      return { gasUsed }
    },
  }
}

function walletOf({ rpcUrl }: LocalChain, account: PrivateKeyAccount) {
  return createWalletClient({
    account,
    chain: foundry,
    transport: http(rpcUrl),
    pollingInterval: 50,
  }).extend(publicActions)
}

/** What a service hands out for a machine; counts how often it is asked. */
export function offerOf(
  pki: SimulatedPki,
  vintage: Vintage = {},
  at: Date = AT,
): CollateralOffer & { readonly asked: string[] } {
  const asked: string[] = []
  return {
    asked,
    collateralFor: async ({ fmspc }, { tcbEvaluationDataNumber }) => {
      asked.push(`${fmspc} ${tcbEvaluationDataNumber}`)
      const { tcbInfo, qeIdentity, signerChain, ...published } = await publishCollateral(pki, at, {
        ...vintage,
        tcbEvaluationDataNumber,
      })
      return {
        ...published,
        rootCaCrl: published.rootCrl,
        tcbInfoIssuerChain: signerChain,
        tcbInfo: tcbInfo.text,
        tcbInfoSignature: tcbInfo.signature,
        qeIdentity: qeIdentity.text,
        qeIdentitySignature: qeIdentity.signature,
      }
    },
    evaluationNumbers: async () => {
      asked.push('numbers')
      const { evaluationNumbers, signerChain } = await publishCollateral(pki, at, vintage)
      return {
        evaluationNumbers: evaluationNumbers.text,
        evaluationNumbersSignature: evaluationNumbers.signature,
        evaluationNumbersIssuerChain: signerChain,
      }
    },
  }
}
