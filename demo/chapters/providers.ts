import { strict as assert } from 'node:assert'
import { BINDING_TIERS, computeRegistryAbi } from '@jeju/contracts'
import type { Check } from '@jeju/verifier'
import type { GpuClaims } from '@jeju/verifier/gpu'
import { formatEther, publicActions } from 'viem'
import type { GatewayProviderView } from '../network/gateway-view.ts'
import { holdsItsGpus } from '../network/gpu-record.ts'
import type { Network } from '../network/network.ts'
import { PRICE, PROVIDER_STAKE, type DevnetProvider } from '../network/operator.ts'
import type { RegistrationCost } from '../network/registration-costs.ts'
import type { Story } from '../story.ts'

/** A node that has proven itself to its owner and to the chain, and what each step of that cost. */
export function tellRegistration(
  story: Story,
  { name, agentId, machine, bindingId }: DevnetProvider,
  costs: readonly RegistrationCost[],
): void {
  story.step(
    `${name}: keys from the guest agent, quote over its statement`,
    `binding ${bindingId}, RTMR3 ${machine.td.measurements.rtmr3.slice(0, 34)}…`,
  )
  story.detail(
    `ERC-8004 agent ${agentId}, bond ${formatEther(PROVIDER_STAKE)} ETH, price ${PRICE.inPerMTok}/${PRICE.outPerMTok} wei per million tokens`,
  )
  assert(costs.length > 0)
  for (const { what, gas } of costs) {
    story.detail(`${gas.toLocaleString('en')} gas: ${what.join(', ')}`)
  }
}

/** What was proven of a GPU, and what nobody can prove. */
function tellGpu(story: Story, checks: readonly Check[]): void {
  const gpu = checks.find(({ name }) => name === 'gpu-evidence')
  assert(gpu?.status === 'passed')
  const { devices, mode, notProven } = gpu.evidence as Partial<Omit<GpuClaims, 'devices'>> & {
    readonly devices?: number
  }
  if (devices === undefined) return
  story.detail(`${devices} simulated GPU in mode ${mode}, by reference values under its root`)
  story.detail(`not proven: ${notProven?.[0]?.split(':')[0] ?? ''}`)
}

/** The chain judged the quote itself: the tier is its verifier's word. */
export async function tellGrant(
  story: Story,
  { chain, wallet }: Network,
  { name, bindingId }: DevnetProvider,
): Promise<void> {
  const [valid, { tier }] = await wallet(0)
    .extend(publicActions)
    .readContract({
      address: chain.deployment.computeRegistry,
      abi: computeRegistryAbi,
      functionName: 'bindingOf',
      args: [bindingId],
    })
  assert.equal(valid, true)
  assert.equal(BINDING_TIERS[tier], 'SIMULATED')
  story.step(`${name} is registered by the chain's own check of its quote`, 'tier SIMULATED')
  if (await holdsItsGpus(chain, bindingId)) {
    story.detail("its GPU is recorded on chain as this binding's: under Intel's root, tier TDX_GPU")
  }
}

/** What the gateway thinks of each: two admitted, the tampered one refused by the one check that concerns it. */
export function tellAdmissions(
  story: Story,
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
    const checks = view.judgement?.checks ?? []
    assert(checks.every(({ status }) => status === 'passed'))
    const tcb = checks.find(({ name }) => name === 'tcb-allowed')
    assert(tcb?.status === 'passed')
    story.step(
      `${provider.name} is admitted, tier ${view.lease?.tier}`,
      `all ${checks.length} checks passed, TCB ${String(tcb.evidence['status'])}`,
    )
    tellGpu(story, checks)
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
