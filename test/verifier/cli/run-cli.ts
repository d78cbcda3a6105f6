import { spawn } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run } from '../../../verifier/src/cli/run.ts'

/** The command line tool as a process, from its sources. */

const root = fileURLToPath(new URL('../../..', import.meta.url))
const NODE = ['--conditions=@jeju/source', '--import', 'tsx', 'verifier/src/cli/main.ts']

export interface CliResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command line to its end. */
export function runCli(
  args: readonly string[],
  input: string | Uint8Array = '',
): Promise<CliResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...NODE, ...args], { cwd: root })
    const stdout: Buffer[] = []
    const stderr: Buffer[] = []
    child.stdout.on('data', (part: Buffer) => stdout.push(part))
    child.stderr.on('data', (part: Buffer) => stderr.push(part))
    // A process that refuses its arguments does not read.
    child.stdin.on('error', () => undefined)
    child.on('error', reject)
    child.on('close', (code) =>
      resolve({
        code,
        stdout: Buffer.concat(stdout).toString('utf8'),
        stderr: Buffer.concat(stderr).toString('utf8'),
      }),
    )
    child.stdin.end(input)
  })
}

/** A command line inside this process, with nothing on its standard input: starting another one takes a second. */
export async function runHere(args: readonly string[]): Promise<CliResult> {
  let [stdout, stderr] = ['', '']
  async function* nothing(): AsyncGenerator<Uint8Array> {}
  const code = await run(args, {
    input: nothing(),
    isColoured: false,
    print: async (text) => void (stdout += text),
    complain: (line) => void (stderr += `${line}\n`),
  })
  return { code, stdout, stderr }
}

/** Starts a command line and leaves its input open. */
export function startCli(args: readonly string[]): ReturnType<typeof spawn> {
  return spawn(process.execPath, [...NODE, ...args], { cwd: root })
}

/** What `--json` printed, one value a line. */
export function jsonLines(text: string): readonly Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

/** Writes a file into a folder of its own; gives its path. */
export function fileOf(name: string, content: string | Uint8Array): string {
  const path = join(mkdtempSync(join(tmpdir(), 'jeju-verify-')), name)
  writeFileSync(path, content)
  return path
}

/** A certificate as PEM. */
export function pemOf(der: Uint8Array): string {
  const base64 = Buffer.from(der).toString('base64')
  const lines = base64.match(/.{1,64}/g) ?? []
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n')
}
