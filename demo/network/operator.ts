import { createProvider, type Provider, type Wallet } from '@jeju/sdk'
import type { AppraisalPolicy, CollateralSource, GpuTrust, TrustAnchor } from '@jeju/verifier'
import type { Hex } from '@jeju/verifier/protocol'
import { parseEther, publicActions } from 'viem'
import type { LocalChain } from './chain.ts'
import type { Machine } from './machine.ts'
import { waitFor, type RunningProcess } from './process.ts'

/** Wei per million tokens; the demo checks that exactly this is charged. */
export const PRICE = {
  inPerMTok: 2_000_000_000_000_000n,
  outPerMTok: 6_000_000_000_000_000n,
  maxOutputTokens: 256,
} as const

/** Bond of a provider. */
export const PROVIDER_STAKE: bigint = parseEther('0.1')
/** Gas money of a node's signer, which attests and settles by itself. */
const SIGNER_GAS = parseEther('0.05')
const ATTEST_TIMEOUT_MS = 60_000

/** A provider of the devnet: its operator's wallet, and the machine its node runs in. */
export interface DevnetProvider {
  readonly name: string
  readonly agentId: bigint
  readonly operator: Hex
  readonly calls: Provider
  readonly machine: Machine
  readonly process: RunningProcess
  readonly bindingId: Hex
  /** The node's own key, which pays for collateral and registration. */
  readonly signer: Hex
  /** What the chain refused the node's evidence for, where it did. */
  readonly refusal: string | undefined
}

/** What is waited for: the chain takes the node's evidence, or refuses it. */
export type Outcome = 'registered' | 'refused'

/** What the operator's own verification rests on before he consents to a binding. */
export interface OperatorTrust {
  readonly policy: AppraisalPolicy
  readonly trustAnchor: TrustAnchor
  readonly collateral: CollateralSource
  readonly gpu: GpuTrust
}

/**
 * What an operator does, outside the TD and with a key that never enters it (attack N17): agent, bond, registration,
 * service; then, once the node has made its keys, consent to exactly those. The node brings collateral and attests by itself.
 */
export async function setUpProvider(
  name: string,
  wallet: Wallet,
  { deployment }: LocalChain,
  machine: Machine,
  model: { readonly id: Hex; readonly name: string },
  trust: OperatorTrust,
  outcome: Outcome = 'registered',
): Promise<DevnetProvider> {
  const calls = createProvider({ wallet, deployment })
  const agentId = await calls.mintAgent()
  await calls.stake(agentId, PROVIDER_STAKE)
  await calls.register(agentId, machine.url)
  await calls.publish(agentId, { name, description: 'A node of the devnet' })
  const serviceId = await calls.addService(agentId, model.id, model.name, PRICE)
  const process = await machine.boot({ agentId, serviceId })

  const { signer, binding_id: bindingId } = await machine.health()
  await fund(wallet, signer)
  await calls.approveBinding(agentId, trust)
  const refusal = await waitFor(
    `${name} to be ${outcome} on chain`,
    async () => {
      const { registered, reason } = await machine.health()
      if (outcome === 'registered') return registered ? { text: undefined } : undefined
      return reason?.includes('expected') === true ? { text: reason } : undefined
    },
    { timeoutMs: ATTEST_TIMEOUT_MS, running: process },
  )
  const operator = wallet.account.address
  return {
    name,
    agentId,
    operator,
    calls,
    machine,
    process,
    bindingId,
    signer,
    refusal: refusal.text,
  }
}

async function fund(wallet: Wallet, to: Hex): Promise<void> {
  const hash = await wallet.sendTransaction({ to, value: SIGNER_GAS })
  await wallet.extend(publicActions).waitForTransactionReceipt({ hash })
}
