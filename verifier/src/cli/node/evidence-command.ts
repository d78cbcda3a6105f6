import { MAX_EVIDENCE_BYTES } from '../../protocol/evidence-bundle.ts'
import type { Freshness } from '../../protocol/report-data.ts'
import { COMMON_FLAGS, COMMON_FLAGS_HELP, EXIT_CODES_HELP, readArguments } from '../common-flags.ts'
import type { Command } from '../command.ts'
import { faultOf } from '../fault.ts'
import { malformedTree } from '../output/malformed-tree.ts'
import { paintFor } from '../output/paint.ts'
import { drawTree } from '../output/tree.ts'
import { readFileBytes } from '../read/read-file.ts'
import { malformedResult } from '../tdx/case-result.ts'
import type { Terminal } from '../terminal.ts'
import { UsageError } from '../usage-error.ts'
import { exitCodeOf } from '../verdict.ts'
import { parseFreshness } from './node-flags.ts'
import { NODE_FLAGS, NODE_FLAGS_HELP, readNodeJudge, type NodeJudge } from './node-judge.ts'
import { nodeResult, nodeTree, type NodeAnswer } from './node-result.ts'

const HELP = `jeju-verify evidence [flags] FILE

Was the node what it says it was? Judges an evidence bundle (docs/protocol.md §3) that somebody kept: what an archive
gives for a registration, what a node answers at /v1/evidence/… or /v1/attestation. The node is not asked. A bundle
that was archived with its registration carries Intel's documents of then, as its node put them in: nobody has judged
them yet. They are judged here, under the trust anchor and as of --at; what Intel has said since, a revocation too,
is not in them.

${NODE_FLAGS_HELP}
  --block NUMBER:HASH  the block of the registration, as the registry's Attested or SignerBound event names it
  --nonce HEX          the nonce, where the bundle answered a challenge; one of the two is required
${COMMON_FLAGS_HELP}

Examples:
  jeju-verify evidence --policy policy.json --registry 8453:0x1111111111111111111111111111111111111111 \\
    --agent 7 --operator 0x2222222222222222222222222222222222222222 --at 2026-08-01T12:00:00Z \\
    --block 31000000:0x3333333333333333333333333333333333333333333333333333333333333333 evidence.cbor

${EXIT_CODES_HELP}`

/** `jeju-verify evidence`. */
export const evidenceCommand: Command = { help: HELP, run: judgeFile }

const FLAGS = {
  ...COMMON_FLAGS,
  ...NODE_FLAGS,
  nonce: { type: 'string' },
  block: { type: 'string' },
} as const

async function judgeFile(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(args, FLAGS)
  const [path, ...others] = positionals
  if (path === undefined || others.length > 0) throw new UsageError('expected one file')
  const freshness = parseFreshness(values)
  const judge = await readNodeJudge(values)
  const evidence = await readFileBytes(path, MAX_EVIDENCE_BYTES)
  const { verdict, json, tree } = await answerFor(path, evidence, freshness, judge)
  const line = values.json === true ? JSON.stringify(json) : drawTree(tree, paintFor(terminal))
  await terminal.print(`${line}\n`)
  return exitCodeOf([verdict])
}

async function answerFor(
  file: string,
  evidence: Uint8Array,
  freshness: Freshness,
  judge: NodeJudge,
): Promise<NodeAnswer> {
  const what =
    freshness.kind === 'challenge'
      ? `nonce ${freshness.nonce}`
      : `block ${freshness.blockNumber} ${freshness.blockHash}`
  try {
    const result = nodeResult(await judge(evidence, freshness))
    const json = { file, freshness: what, ...result }
    return { verdict: result.verdict, json, tree: nodeTree(file, what, result) }
  } catch (error) {
    if (error instanceof UsageError) throw error
    const fault = faultOf(error)
    const { verdict, code, checks } = malformedResult(fault)
    const json = { file, freshness: what, verdict, code, checks }
    return { verdict: 'malformed', json, tree: malformedTree(file, fault) }
  }
}
