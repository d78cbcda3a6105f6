import { verifyEvidence, type Report } from '../../index.ts'
import type { Freshness } from '../../protocol/report-data.ts'
import type { COMMON_FLAGS } from '../common-flags.ts'
import { readCollateral } from '../read/collateral.ts'
import { requireReadable } from '../read/read-file.ts'
import { parseTime } from '../read/time.ts'
import { readTrustAnchor } from '../read/trust-anchor.ts'
import { gpuTrustOf } from './gpu-flags.ts'
import { parseAddress, parseAgentId, parseRegistry, readAppraisalPolicy } from './node-flags.ts'

/** Flags of the commands that judge a node's evidence, for `parseArgs`, beside those of every command. */
export const NODE_FLAGS: Readonly<Record<OwnFlag, { readonly type: 'string' }>> = {
  registry: { type: 'string' },
  agent: { type: 'string' },
  operator: { type: 'string' },
  collateral: { type: 'string' },
  'gpu-anchor': { type: 'string' },
  'rim-url': { type: 'string' },
  'ocsp-url': { type: 'string' },
  'nras-url': { type: 'string' },
}

type OwnFlag =
  | 'registry'
  | 'agent'
  | 'operator'
  | 'collateral'
  | 'gpu-anchor'
  | 'rim-url'
  | 'ocsp-url'
  | 'nras-url'

/** The lines of `--help` about {@link NODE_FLAGS}, and about `--policy`, which these commands require. */
export const NODE_FLAGS_HELP = `  --policy FILE        required: appraisal policy, JSON: images, compose files, key custody, TCB
  --registry ID:ADDR   required: chain id and address of the ComputeRegistry the node is registered in
  --agent ID           required: the agent (ERC-8004) that is meant
  --operator ADDRESS   required: its operator, as the chain names it
  --collateral FILE    Intel's documents; those of the node's own evidence without it
  --gpu-anchor D,R     roots of devices and of RIM signers, files as for --anchor; NVIDIA's without it
  --rim-url URL        where reference values of GPUs come from; NVIDIA's service without it
  --ocsp-url URL       who answers about certificates of GPUs; NVIDIA's service without it
  --nras-url URL       NVIDIA's attestation service, asked where the policy wants its word; nobody without it`

type NodeFlags = Readonly<
  Partial<Record<OwnFlag | Exclude<keyof typeof COMMON_FLAGS, 'json'>, string | undefined>>
>

/** Judges evidence over that freshness, as of the time of `--at` or of the call. */
export type NodeJudge = (evidence: Uint8Array, freshness: Freshness) => Promise<Report>

/** Reads everything that the flags name before any evidence is asked for. @throws UsageError */
export async function readNodeJudge(flags: NodeFlags): Promise<NodeJudge> {
  const context = {
    registry: parseRegistry(flags.registry),
    expected: {
      agentId: parseAgentId(flags.agent),
      operator: parseAddress(flags.operator, '--operator'),
    },
    trustAnchor: await readTrustAnchor(flags),
    policy: await readAppraisalPolicy(flags.policy),
  }
  const gpus = await gpuTrustOf(flags, context.policy.gpu)
  const at = parseTime(flags.at)
  if (flags.collateral !== undefined) await requireReadable([flags.collateral])
  return async (evidence, freshness) =>
    verifyEvidence(evidence, {
      ...context,
      freshness,
      // Asked after the answer came: freshness and dates are judged at one moment.
      at: at ?? new Date(),
      collateral: await readCollateral(flags.collateral),
      // Nobody is asked for what the policy refuses anyway.
      ...(context.policy.gpu === 'forbidden' ? {} : { gpu: await gpus.judgementFor(evidence) }),
    })
}
