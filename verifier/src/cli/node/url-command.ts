import { toHex } from '../../bytes/hex.ts'
import type { Report } from '../../index.ts'
import { COMMON_FLAGS, COMMON_FLAGS_HELP, EXIT_CODES_HELP, readArguments } from '../common-flags.ts'
import type { Command } from '../command.ts'
import { faultOf } from '../fault.ts'
import { malformedTree } from '../output/malformed-tree.ts'
import { paintFor } from '../output/paint.ts'
import { drawTree } from '../output/tree.ts'
import { malformedResult } from '../tdx/case-result.ts'
import type { Terminal } from '../terminal.ts'
import { UsageError } from '../usage-error.ts'
import { exitCodeOf } from '../verdict.ts'
import { fetchEvidence, UnreachableError } from './fetch-evidence.ts'
import { parseNodeUrl, parseNonceFlag } from './node-flags.ts'
import { NODE_FLAGS, NODE_FLAGS_HELP, readNodeJudge } from './node-judge.ts'
import { nodeResult, nodeTree, unreachableTree, type NodeAnswer } from './node-result.ts'

const HELP = `jeju-verify url [flags] URL

Is this node what it says it is? Asks GET URL/v1/attestation for evidence over a fresh nonce and makes every check
of docs/protocol.md §4. No redirect is followed; the answer has 30 s and 2 MiB. Where the policy takes GPUs and the
node shows any, the services of reference values and of certificates are asked as well.

${NODE_FLAGS_HELP}
  --nonce HEX          32 bytes to ask with; fresh random ones without it
${COMMON_FLAGS_HELP}

Examples:
  jeju-verify url --policy policy.json --registry 8453:0x1111111111111111111111111111111111111111 \\
    --agent 7 --operator 0x2222222222222222222222222222222222222222 https://node.example
  jeju-verify url --json --anchor simulator.der --anchor-name simulator … http://127.0.0.1:8080

${EXIT_CODES_HELP}`

/** `jeju-verify url`. */
export const urlCommand: Command = { help: HELP, run: judgeNode }

const FLAGS = { ...COMMON_FLAGS, ...NODE_FLAGS, nonce: { type: 'string' } } as const

async function judgeNode(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(args, FLAGS)
  const [text, ...others] = positionals
  if (text === undefined || others.length > 0) throw new UsageError('expected one URL')
  const node = parseNodeUrl(text)
  const nonce = parseNonceFlag(values.nonce)
  const judge = await readNodeJudge(values)
  const { verdict, json, tree } = await askNode(node, nonce, async (evidence) =>
    judge(evidence, { kind: 'challenge', nonce: toHex(nonce) }),
  )
  const line = values.json === true ? JSON.stringify(json) : drawTree(tree, paintFor(terminal))
  await terminal.print(`${line}\n`)
  return exitCodeOf([verdict])
}

async function askNode(
  node: URL,
  nonce: Uint8Array,
  judge: (evidence: Uint8Array) => Promise<Report>,
): Promise<NodeAnswer> {
  const url = node.href
  try {
    const evidence = await fetchEvidence(node, nonce)
    const result = nodeResult(await judge(evidence))
    const json = { url, nonce: toHex(nonce), ...result }
    return { verdict: result.verdict, json, tree: nodeTree(url, `nonce ${toHex(nonce)}`, result) }
  } catch (error) {
    if (error instanceof UsageError) throw error
    if (error instanceof UnreachableError) {
      const { message } = error
      const json = { url, nonce: toHex(nonce), verdict: 'unreachable', code: null, message }
      return { verdict: 'unreachable', json, tree: unreachableTree(url, message) }
    }
    const fault = faultOf(error)
    const { verdict, code, checks } = malformedResult(fault)
    const json = { url, nonce: toHex(nonce), verdict, code, checks }
    return { verdict: 'malformed', json, tree: malformedTree(url, fault) }
  }
}
