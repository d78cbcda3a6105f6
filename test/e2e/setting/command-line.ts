import { rm } from 'node:fs/promises'
import { toHex } from '@jeju/verifier/protocol'
import { expect } from 'vitest'
import { startNetwork, type Network } from '../../../demo/network/network.ts'
import type { DevnetProvider } from '../../../demo/network/operator.ts'
import { waitFor } from '../../../demo/network/process.ts'
import { admissions } from './admission.ts'
import { jeju, type Ran } from './shell.ts'
import { makeUser } from './user-folder.ts'

const PASSWORD = 'correct horse battery'
const USER = 5

/** A command that has ended, and what it printed. */
export interface Ended {
  readonly exit: number
  readonly out: string
  readonly err: string
}

/** A user with a shell on a network of real processes: a node, a tampered one and a gateway. */
export interface CommandLine {
  readonly network: Network
  readonly node: DevnetProvider
  readonly tampered: DevnetProvider
  /** The user's files. */
  readonly folder: string
  /** Everything that any command printed. */
  readonly printed: readonly string[]
  /** Runs `jeju` with these words, and more in its environment. */
  sh(line: string, more?: Readonly<Record<string, string>>): Promise<Ended>
  /** Runs `jeju proxy` while `use` lasts; what it told. */
  withProxy(flags: string, use: (url: string) => Promise<void>): Promise<string>
  stop(): Promise<void>
}

/** Starts the network, and makes its user. */
export async function startCommandLine(): Promise<CommandLine> {
  const network = await startNetwork()
  try {
    const node = await network.startProvider('node A', 1)
    const tampered = await network.startTamperedProvider('node B', 2)
    const gateway = await network.startGateway()
    await admissions(gateway, 1)
    const { folder, env } = await makeUser(network, gateway, { key: USER, password: PASSWORD })
    const printed: string[] = []
    const ended = async (ran: Ran): Promise<Ended> => {
      const exit = await ran.exit
      printed.push(...ran.out, ...ran.err)
      return { exit, out: ran.out.join('\n'), err: ran.err.join('\n') }
    }
    return {
      network,
      node,
      tampered,
      folder,
      printed,
      sh: (line, more = {}) => ended(jeju(line.split(' '), { ...env, ...more })),
      withProxy: async (flags, use) => {
        const more = flags.split(' ').filter((flag) => flag !== '')
        const ran = jeju(['proxy', '--port', '0', ...more], env)
        const url = await waitFor('the proxy', async () => ran.out[0], { timeoutMs: 30_000 })
        try {
          await use(url)
        } finally {
          ran.interrupt()
        }
        const { exit, err } = await ended(ran)
        expect(exit).toBe(0)
        return err
      },
      stop: async () => {
        await network.stop()
        await rm(folder, { recursive: true, force: true })
      },
    }
  } catch (error) {
    await network.stop()
    throw error
  }
}

/** The documents of an output with `--json`, one a line. */
export function json<Value>(out: string): Value[] {
  return out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Value)
}

/** Nothing that was printed holds a key or a password of the user. */
export function expectNoSecrets({ network, printed }: CommandLine): void {
  const all = printed.join('\n')
  expect(all).not.toContain(toHex(network.chain.privateKey(USER)).slice(2))
  expect(all).not.toContain(PASSWORD)
  expect(all).not.toMatch(/"(sessionKey|salt|signature)"/)
}
