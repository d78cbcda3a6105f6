import { parseArgs, type ParseArgsConfig } from 'node:util'
import { UsageError } from './usage-error.ts'

interface TextFlag {
  readonly type: 'string'
}

/** Flags every command knows, for `parseArgs`. */
export const COMMON_FLAGS: {
  readonly at: TextFlag
  readonly anchor: TextFlag
  readonly 'anchor-name': TextFlag
  readonly policy: TextFlag
  readonly json: { readonly type: 'boolean' }
} = {
  at: { type: 'string' },
  anchor: { type: 'string' },
  'anchor-name': { type: 'string' },
  policy: { type: 'string' },
  json: { type: 'boolean' },
}

/** The lines of `--help` about {@link COMMON_FLAGS}. */
export const COMMON_FLAGS_HELP = `  --at TIME            judge as of this time: ISO 8601 with zone, or Unix seconds
  --anchor FILE        root certificate to end in, PEM or DER; Intel's SGX Root CA without it
  --anchor-name NAME   what to call that root in the output
  --json               one line of JSON a case
  --help               this text`

/** The lines of `--help` about exit codes. */
export const EXIT_CODES_HELP = `Exit code: 0 all accepted; 10 some rejected or incomplete; 20 a node did not answer;
30 some malformed; 2 the command line cannot be run. The largest counts.
`

type Flags = NonNullable<ParseArgsConfig['options']>
type Parsed<Options extends Flags> = ReturnType<
  typeof parseArgs<{ options: Options; allowPositionals: true }>
>

/** Flags and operands of a command line. @throws UsageError */
export function readArguments<Options extends Flags>(
  args: readonly string[],
  options: Options,
): Parsed<Options> {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true })
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    // The first sentence names the flag; what follows is advice on quoting.
    throw new UsageError(error.message.split(/\.\s|\n/)[0] ?? error.message, { cause: error })
  }
}
