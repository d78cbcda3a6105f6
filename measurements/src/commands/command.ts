import { parseArgs, type ParseArgsConfig } from 'node:util'
import { MeasureError } from '../measure-error.ts'

/** A subcommand. Resolves with the exit code. */
export interface Command {
  /** One line for the overview. */
  readonly summary: string
  readonly usage: string
  run(args: readonly string[]): Promise<number>
}

type Flags = NonNullable<ParseArgsConfig['options']>
type Parsed<Options extends Flags> = ReturnType<
  typeof parseArgs<{ options: Options; allowPositionals: true }>
>

/** Flags and operands. @throws MeasureError `MEASURE_USAGE` */
export function readFlags<Options extends Flags>(
  args: readonly string[],
  options: Options,
): Parsed<Options> {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true })
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause
    throw new MeasureError('MEASURE_USAGE', cause.message, { cause })
  }
}

/** A flag that must be given. @throws MeasureError `MEASURE_USAGE` */
export function required(value: string | undefined, flag: string): string {
  if (value === undefined || value === '')
    throw new MeasureError('MEASURE_USAGE', `${flag}: missing`)
  return value
}

/** One of a few words. @throws MeasureError `MEASURE_USAGE` */
export function oneOf<Word extends string>(
  value: string,
  flag: string,
  words: readonly Word[],
): Word {
  const found = words.find((word) => word === value)
  if (found !== undefined) return found
  throw new MeasureError('MEASURE_USAGE', `${flag}: expected ${words.join(' or ')}, got ${value}`)
}

/** Prints to standard output. */
export function print(text: string): void {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`)
}
