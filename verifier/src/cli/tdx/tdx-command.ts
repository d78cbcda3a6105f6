import type { Command } from '../command.ts'
import { COMMON_FLAGS, COMMON_FLAGS_HELP, EXIT_CODES_HELP, readArguments } from '../common-flags.ts'
import { paintFor } from '../output/paint.ts'
import { drawTree } from '../output/tree.ts'
import { linesOf, type Line } from '../read/lines.ts'
import { readQuotePolicy } from '../read/quote-policy.ts'
import { fileChunks, readFileBytes, requireReadable } from '../read/read-file.ts'
import { parseTime } from '../read/time.ts'
import { readTrustAnchor } from '../read/trust-anchor.ts'
import type { Terminal } from '../terminal.ts'
import { UsageError } from '../usage-error.ts'
import { exitCodeOf, type CliVerdict } from '../verdict.ts'
import { caseTree } from './case-tree.ts'
import { CaseJudge, MAX_CASE_BYTES } from './judge-cases.ts'

const HELP = `jeju-verify tdx [flags] FILE…|-

Is a TDX quote genuine? Each FILE holds one case, a JSON object; a FILE named *.jsonl, and standard input as -,
hold one case a line:

  id           what to call it in the answer
  quote        hex or base64
  collateral   the bundle of Intel's documents (member names of dcap-qvl), an object or its JSON text
  now          Unix seconds at which to judge; --at where it is missing
  trustAnchor  optional: root certificate, PEM; --anchor, or Intel's root, where it is missing
  policy       optional: a quote policy; --policy, or the default one, where it is missing

The verdict says whether the quote is genuine: accepted, rejected (a check failed) or malformed (nobody can parse
it). Whether a genuine quote is also one to trust is the appraisal, apart from it.

${COMMON_FLAGS_HELP}
  --policy FILE        quote policy, JSON; an up-to-date production TD of any image without it

Examples:
  jeju-verify tdx case.json
  jeju-verify tdx --at 2026-08-13T11:15:38Z --policy policy.json case.json
  jeju-verify tdx --json - < cases.jsonl > verdicts.jsonl
  jeju-verify tdx --anchor test-root.pem --anchor-name 'test PKI' forged.json

${EXIT_CODES_HELP}`

/** `jeju-verify tdx`. */
export const tdxCommand: Command = { help: HELP, run: judgeQuotes }

async function judgeQuotes(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(args, COMMON_FLAGS)
  if (positionals.length === 0) throw new UsageError('no FILE, and no - for standard input')
  const judge = new CaseJudge(await readTrustAnchor(values), {
    at: parseTime(values.at),
    policy: await readQuotePolicy(values.policy),
  })
  await requireReadable(positionals.filter((path) => path !== '-'))
  const paint = paintFor(terminal)
  const verdicts = new Set<CliVerdict>()
  for await (const line of casesOf(positionals, terminal)) {
    const result = await judge.judge(line)
    verdicts.add(result.verdict)
    await terminal.print(
      values.json === true
        ? `${JSON.stringify(result)}\n`
        : `${drawTree(caseTree(result), paint)}\n`,
    )
  }
  // Nothing judged is not everything accepted.
  if (verdicts.size === 0) throw new UsageError('no case in the input')
  return exitCodeOf(verdicts)
}

async function* casesOf(paths: readonly string[], { input }: Terminal): AsyncGenerator<Line> {
  for (const path of paths) {
    if (path === '-') yield* linesOf(input, MAX_CASE_BYTES)
    else if (path.endsWith('.jsonl')) yield* linesOf(fileChunks(path), MAX_CASE_BYTES)
    else yield await readFileBytes(path, MAX_CASE_BYTES)
  }
}
