import { setTimeout as delay } from 'node:timers/promises'
import { toBareHex, utf8 } from '@jeju/verifier/protocol'
import type { GpuLies, SimulatedGpus } from '../gpu/simulated-gpus.ts'
import { AgentError, bytes, type Fields } from './wire.ts'

/** One device as nvattest writes it. */
export interface EvidenceItem {
  readonly arch: string
  readonly nonce: string
  readonly evidence: string
  readonly certificate: string
}

/** How the agent lies about GPUs, or fails: each member one way. */
export interface AgentGpuLies extends GpuLies {
  /** Instead of evidence: no collector in the image, or a collection that failed. */
  readonly refusal?: { readonly status: 400 | 501; readonly message: string }
  /** Changes the list before it is written. */
  readonly items?: (items: readonly EvidenceItem[]) => unknown
  /** Changes the whole answer. */
  readonly answer?: (answer: unknown) => unknown
  readonly delayMs?: number
}

/** GPUs that an agent asks, and how it lies from the next call on. */
export interface AgentGpus {
  readonly gpus: SimulatedGpus
  lies?: AgentGpuLies
}

/** `AttestGpu`: reports of the GPUs over exactly this nonce, and none of the switches. */
export async function attestGpu(machine: AgentGpus | undefined, fields: Fields): Promise<unknown> {
  const nonce = bytes(fields, 'nonce')
  if (nonce.length !== 32) throw new AgentError('nonce must be 32 bytes')
  // Without a GPU's image there is no nvattest: dstack answers 501.
  if (machine === undefined) {
    throw new AgentError('GPU attestation is not available in this image', 501)
  }
  const { gpus, lies = {} } = machine
  if (lies.refusal !== undefined) throw new AgentError(lies.refusal.message, lies.refusal.status)
  if (lies.delayMs !== undefined) await delay(lies.delayMs)
  const items = gpus
    .evidence(nonce, lies)
    .devices.filter(({ kind }) => kind === 'gpu')
    .map(({ architecture, report, certificates }) => ({
      arch: architecture,
      nonce: toBareHex(nonce),
      evidence: Buffer.from(report).toString('base64'),
      certificate: Buffer.from(certificates).toString('base64'),
    }))
  const evidence = toBareHex(utf8(JSON.stringify(lies.items?.(items) ?? items)))
  const format = 'nvidia-nvattest-collect-evidence-json-v1'
  const answer = { bundles: [{ vendor: 'nvidia', format, evidence }] }
  return lies.answer?.(answer) ?? answer
}
