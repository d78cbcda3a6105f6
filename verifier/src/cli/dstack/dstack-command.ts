import { COMMON_FLAGS, COMMON_FLAGS_HELP, EXIT_CODES_HELP, readArguments } from '../common-flags.ts'
import type { Command } from '../command.ts'
import { faultOf } from '../fault.ts'
import { malformedTree } from '../output/malformed-tree.ts'
import { paintFor } from '../output/paint.ts'
import { drawTree, type Tree } from '../output/tree.ts'
import { readCollateral } from '../read/collateral.ts'
import { readQuotePolicy } from '../read/quote-policy.ts'
import { readFileBytes, requireReadable } from '../read/read-file.ts'
import { parseTime } from '../read/time.ts'
import { readTrustAnchor } from '../read/trust-anchor.ts'
import { malformedResult } from '../tdx/case-result.ts'
import type { Terminal } from '../terminal.ts'
import { UsageError } from '../usage-error.ts'
import { exitCodeOf, type CliVerdict } from '../verdict.ts'
import { readCapture } from './capture.ts'
import { captureTree } from './capture-tree.ts'
import { judgeCapture } from './judge-capture.ts'

const HELP = `jeju-verify dstack [flags] FILE…

What did this dstack machine prove? Each FILE is the answer of a guest agent, JSON:

  quote        hex or base64; or attestation, hex, as Attest answers it
  event_log    the log as text or array; also read inside tcb_info
  app_compose  optional: exact text of app-compose.json; also read inside tcb_info
  mr_config    optional: exact text of the document that MRCONFIGID version 3 commits to
  vm_config    optional: printed, not judged

The quote is verified, the log replayed against its registers, and the compose file held against log and MRCONFIGID.
Events of the platform are printed in readable form. A check that could not be made leaves the verdict incomplete:
without --collateral nobody knows whether the platform is revoked or out of date.

${COMMON_FLAGS_HELP}
  --policy FILE        quote policy, JSON; an up-to-date production TD of any image without it
  --collateral FILE    Intel's documents for this platform, as dcap-qvl bundles them

Examples:
  curl -s --unix-socket /var/run/dstack.sock -X POST http://dstack/GetQuote -d '{"report_data":"00"}' > quote.json
  jeju-verify dstack quote.json
  jeju-verify dstack --collateral bundle.json --at 2026-06-08T12:54:22Z quote.json

${EXIT_CODES_HELP}`

/** `jeju-verify dstack`. */
export const dstackCommand: Command = { help: HELP, run: judgeCaptures }

const FLAGS = { ...COMMON_FLAGS, collateral: { type: 'string' } } as const

interface Answer {
  readonly verdict: CliVerdict
  readonly json: object
  readonly tree: Tree
}

async function judgeCaptures(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(args, FLAGS)
  if (positionals.length === 0) throw new UsageError('no FILE')
  const { collateral: collateralFile } = values
  const context = {
    at: parseTime(values.at) ?? new Date(),
    anchor: await readTrustAnchor(values),
    policy: await readQuotePolicy(values.policy),
  }
  await requireReadable([...positionals, ...(collateralFile === undefined ? [] : [collateralFile])])
  const judge = async (file: string): Promise<Answer> => {
    try {
      const collateral = await readCollateral(collateralFile)
      const capture = readCapture(await readFileBytes(file))
      const result = await judgeCapture(capture, { ...context, collateral })
      return { verdict: result.verdict, json: { file, ...result }, tree: captureTree(file, result) }
    } catch (error) {
      if (error instanceof UsageError) throw error
      const fault = faultOf(error)
      const tree = malformedTree(file, fault)
      return { verdict: 'malformed', json: { file, ...malformedResult(fault) }, tree }
    }
  }
  const paint = paintFor(terminal)
  const verdicts: CliVerdict[] = []
  for (const file of positionals) {
    const { verdict, json, tree } = await judge(file)
    verdicts.push(verdict)
    const text = values.json === true ? JSON.stringify(json) : drawTree(tree, paint)
    await terminal.print(`${text}\n`)
  }
  return exitCodeOf(verdicts)
}
