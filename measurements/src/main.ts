import { readFlags, required, print, type Command } from './commands/command.ts'
import { allowListCommand } from './commands/allow-list-command.ts'
import { bootCommand } from './commands/boot-command.ts'
import { composeCommand } from './commands/compose-command.ts'
import { fetchCommand } from './commands/fetch-command.ts'
import { imageCommand } from './commands/image-command.ts'
import { kmsCommand } from './commands/kms-command.ts'
import { mrtdCommand } from './commands/mrtd-command.ts'
import { measureAll } from './commands/release-command.ts'
import { rtmr3Command } from './commands/rtmr3-command.ts'
import { sbomCommand } from './commands/sbom-command.ts'
import { measureNode } from './commands/url-command.ts'
import { MeasureError } from './measure-error.ts'

const COMMANDS: ReadonlyMap<string, Command> = new Map([
  ['image', imageCommand],
  ['compose', composeCommand],
  ['boot', bootCommand],
  ['mrtd', mrtdCommand],
  ['rtmr3', rtmr3Command],
  ['kms', kmsCommand],
  ['allow-list', allowListCommand],
  ['sbom', sbomCommand],
  ['fetch', fetchCommand],
])

const OVERVIEW = `npm run measure                     measure this tree, print a table, record it in measurements/
npm run measure -- --check          the same, and fail where measurements/ records something else
npm run measure -- --url URL FLAGS  judge a running node with measurements/policy.json (flags: npm run -s verify -- url --help)
${[...COMMANDS].map(([name, { summary }]) => `npm run measure -- ${name.padEnd(16)} ${summary}`).join('\n')}

npm run measure -- COMMAND --help   flags of a command`

async function run(args: readonly string[]): Promise<number> {
  const [name = '', ...rest] = args
  const command = COMMANDS.get(name)
  if (command !== undefined) {
    if (rest.includes('--help')) {
      print(command.usage)
      return 0
    }
    return command.run(rest)
  }
  if (name === '--help') {
    print(OVERVIEW)
    return 0
  }
  if (name === '--url') {
    const [url, ...flags] = rest
    return measureNode(required(url, '--url'), flags)
  }
  const { values, positionals } = readFlags(args, { check: { type: 'boolean', default: false } })
  if (positionals.length > 0) throw new MeasureError('MEASURE_USAGE', `no command ${name}`)
  return measureAll(values.check)
}

// Whoever reads a part of the output only, such as `head`, is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

try {
  process.exitCode = await run(process.argv.slice(2))
} catch (error) {
  const code = error instanceof Error && 'code' in error ? `${String(error.code)}: ` : ''
  process.stderr.write(`${code}${error instanceof Error ? error.message : 'failed'}\n`)
  process.exitCode = error instanceof MeasureError && error.code === 'MEASURE_USAGE' ? 2 : 1
}
