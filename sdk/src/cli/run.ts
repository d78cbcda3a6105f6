import { approveCommand } from './agent/approve-command.ts'
import { claimCommand } from './agent/claim-command.ts'
import { mintCommand } from './agent/mint-command.ts'
import { priceCommand } from './agent/price-command.ts'
import { publishCommand } from './agent/publish-command.ts'
import { registerCommand } from './agent/register-command.ts'
import { revokeCommand } from './agent/revoke-command.ts'
import { serviceCommand } from './agent/service-command.ts'
import { closeCommand } from './channel/close-command.ts'
import { listCommand } from './channel/list-command.ts'
import { openCommand } from './channel/open-command.ts'
import { topupCommand } from './channel/topup-command.ts'
import type { Command } from './command.ts'
import { endingOf, EXIT, EXIT_HELP } from './exit-code.ts'
import { feedbackCommand } from './findings/feedback-command.ts'
import { listFindingsCommand } from './findings/list-command.ts'
import { submitFindingCommand } from './findings/submit-command.ts'
import { printResult, toJson } from './output.ts'
import { providersCommand } from './providers-command.ts'
import { proxyCommand } from './proxy-command.ts'
import { listReceiptsCommand } from './receipts/list-command.ts'
import { proveReceiptsCommand } from './receipts/prove-command.ts'
import { verifyReceiptsCommand } from './receipts/verify-command.ts'
import { stakeCommand } from './stake-command.ts'
import type { Terminal } from './terminal.ts'
import { UsageError } from './usage-error.ts'
import { verifyCommand } from './verify-command.ts'
import { readVersion } from './version.ts'

const COMMANDS: ReadonlyMap<string, Command> = new Map([
  ['proxy', proxyCommand],
  ['verify', verifyCommand],
  ['providers', providersCommand],
  ['channel open', openCommand],
  ['channel topup', topupCommand],
  ['channel close', closeCommand],
  ['channel list', listCommand],
  ['stake', stakeCommand],
  ['agent mint', mintCommand],
  ['agent register', registerCommand],
  ['agent publish', publishCommand],
  ['agent service', serviceCommand],
  ['agent price', priceCommand],
  ['agent approve', approveCommand],
  ['agent revoke', revokeCommand],
  ['agent claim', claimCommand],
  ['findings', listFindingsCommand],
  ['findings list', listFindingsCommand],
  ['findings submit', submitFindingCommand],
  ['findings feedback', feedbackCommand],
  ['receipts', listReceiptsCommand],
  ['receipts list', listReceiptsCommand],
  ['receipts prove', proveReceiptsCommand],
  ['receipts verify', verifyReceiptsCommand],
])

/** Runs a command line. Gives the exit code; errors become one line, never a stack trace. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  // As people try it.
  if (args[0] === 'help') return run([...args.slice(1), '--help'], terminal)
  const { name, command, rest } = find(args)
  try {
    if (command === undefined) {
      if (asksForHelp(args)) {
        await terminal.print(overview(args[0]))
        return EXIT.ok
      }
      if (asksForVersion(args)) {
        const version = await readVersion()
        await printResult(terminal, args.includes('--json'), { version }, version)
        return EXIT.ok
      }
      throw new UsageError(complaintAbout(args, name))
    }
    if (asksForHelp(rest)) {
      await terminal.print(command.help.trimEnd())
      return EXIT.ok
    }
    return await command.run(rest, terminal)
  } catch (error) {
    const { exit, code, message } = endingOf(error)
    if (rest.includes('--json')) await terminal.print(toJson({ error: { code, message } }))
    const known = command === undefined ? groupOf(args) : name
    const hint =
      exit === EXIT.usage ? ` (see: jeju ${known === undefined ? '' : `${known} `}--help)` : ''
    terminal.tell(`${code}: ${message}${hint}`)
    return exit
  }
}

/** The first word, where it only begins commands. */
function groupOf([word]: readonly string[]): string | undefined {
  return [...COMMANDS.keys()].some((name) => name.startsWith(`${word} `)) ? word : undefined
}

function complaintAbout(args: readonly string[], name: string): string {
  if (args.length === 0) return 'no command'
  const group = groupOf(args)
  if (group === undefined) return `unknown command ${JSON.stringify(name)}`
  const words = [...COMMANDS.keys()]
    .filter((one) => one.startsWith(`${group} `))
    .map((one) => one.slice(group.length + 1))
  return `${group}: expected one of ${words.join(', ')}, got ${args[1] === undefined ? 'nothing' : JSON.stringify(args[1])}`
}

/** The command that the first two words or the first one name. */
function find(args: readonly string[]): {
  readonly name: string
  readonly command: Command | undefined
  readonly rest: readonly string[]
} {
  for (const words of [2, 1]) {
    const name = args.slice(0, words).join(' ')
    const command = COMMANDS.get(name)
    if (command !== undefined) return { name, command, rest: args.slice(words) }
  }
  return { name: args.slice(0, 2).join(' '), command: undefined, rest: args }
}

function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf('--')
  const flags = end === -1 ? args : args.slice(0, end)
  return flags.includes('--help') || flags.includes('-h')
}

function asksForVersion([first, ...flags]: readonly string[]): boolean {
  return first === '--version' && flags.every((flag) => flag === '--json')
}

/** All commands, or those of one group. */
function overview(group: string | undefined): string {
  const all = [...COMMANDS].filter(([name]) => !name.endsWith('s list'))
  const own = all.filter(([name]) => name.startsWith(`${group} `))
  const lines = (own.length > 0 ? own : all).map(
    ([name, { summary }]) => `  jeju ${name.padEnd(17)}  ${summary}`,
  )
  return `jeju: private AI inference from verified nodes, paid by a wallet

${lines.join('\n')}

Each has its own --help with flags and examples; jeju --version says which one this is. Results go to standard output,
one line of JSON each with --json; progress goes to standard error. Private keys are read from files or the environment,
and printed nowhere.

${EXIT_HELP}`.trimEnd()
}
