import type { Command } from './command.ts'
import { dstackCommand } from './dstack/dstack-command.ts'
import { evidenceCommand } from './node/evidence-command.ts'
import { OVERVIEW } from './overview.ts'
import { printable } from './output/printable.ts'
import { receiptCommand } from './receipt/receipt-command.ts'
import { tdxCommand } from './tdx/tdx-command.ts'
import type { Terminal } from './terminal.ts'
import { urlCommand } from './node/url-command.ts'
import { UsageError } from './usage-error.ts'
import { EXIT_INTERNAL, EXIT_USAGE } from './verdict.ts'

const COMMANDS: ReadonlyMap<string, Command> = new Map([
  ['tdx', tdxCommand],
  ['dstack', dstackCommand],
  ['url', urlCommand],
  ['evidence', evidenceCommand],
  ['receipt', receiptCommand],
])

/** Runs a command line. Gives the exit code; errors become one line, never a stack trace. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const [name = '', ...rest] = args
  try {
    if (name === '--help' || name === '-h') {
      await terminal.print(OVERVIEW)
      return 0
    }
    const command = COMMANDS.get(name)
    if (command === undefined) {
      throw new UsageError(name === '' ? 'no command' : `unknown command ${JSON.stringify(name)}`)
    }
    if (asksForHelp(rest)) {
      await terminal.print(command.help)
      return 0
    }
    return await command.run(rest, terminal)
  } catch (error) {
    const message = printable(error instanceof Error ? error.message : String(error))
    if (!(error instanceof UsageError)) {
      terminal.complain(`internal error: ${message}`)
      return EXIT_INTERNAL
    }
    const known = COMMANDS.has(name) ? ` ${name}` : ''
    terminal.complain(`${message} (see: jeju-verify${known} --help)`)
    return EXIT_USAGE
  }
}

function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf('--')
  const flags = end === -1 ? args : args.slice(0, end)
  return flags.includes('--help') || flags.includes('-h')
}
