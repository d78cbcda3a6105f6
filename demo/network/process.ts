import { spawn, type ChildProcess } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { root } from './root.ts'

/** How long a process may take to end after SIGTERM before it is killed. */
const STOP_TIMEOUT_MS = 15_000
/** Output kept of a process, for the message when it dies. */
const MAX_OUTPUT_CHARACTERS = 8_000
/** First and one after the last of the ports that servers are started on. */
const PORTS = [16_384, 32_768] as const
const MAX_PORT_TRIES = 100

/** How a package's sources are run without a build. */
export const NODE_FLAGS = ['--conditions=@jeju/source', '--import', 'tsx'] as const

/** A started process, ended by its own handle and never by name. */
export interface RunningProcess {
  readonly name: string
  readonly pid: number | undefined
  /** The last of what it printed. */
  output(): string
  /** SIGTERM, wait, and SIGKILL only when it does not end. */
  stop(): Promise<void>
  /** SIGKILL, as a machine that loses power. */
  kill(): Promise<void>
  /** Rejects when the process ends by itself. */
  readonly died: Promise<never>
}

/** Starts a command in the repository root with exactly this environment beside PATH and HOME. */
export function start(
  name: string,
  command: readonly [string, ...string[]],
  environment: Readonly<Record<string, string>> = {},
): RunningProcess {
  const [file, ...args] = command
  const { PATH = '', HOME = '' } = process.env
  const child = spawn(file, args, {
    cwd: root,
    env: { PATH, HOME, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString('utf8')).slice(-MAX_OUTPUT_CHARACTERS)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  // Nothing outlives this process, however it ends.
  const killed = (): void => void child.kill('SIGKILL')
  process.once('exit', killed)
  let stopping = false
  const exited = once(child, 'exit')
  void exited.then(() => process.off('exit', killed))
  const died = exited.then(([code, signal]): never => {
    const how = `${name} ended by itself (${String(code ?? signal)})`
    throw new Error(stopping ? `${name} was stopped` : `${how}:\n${output}`)
  })
  died.catch(() => undefined)
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    stopping = true
    if (hasEnded(child)) return
    child.kill(signal)
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
    await exited
    clearTimeout(timer)
  }
  return {
    name,
    pid: child.pid,
    output: () => output,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    died,
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

/** Asks again and again until the answer is not undefined; ends early when the process dies. */
export async function waitFor<Value>(
  what: string,
  ask: () => Promise<Value | undefined>,
  options: { readonly timeoutMs: number; readonly running?: RunningProcess },
): Promise<Value> {
  const deadline = Date.now() + options.timeoutMs
  const poll = async (): Promise<Value> => {
    for (;;) {
      const value = await ask().catch(() => undefined)
      if (value !== undefined) return value
      if (Date.now() > deadline) {
        const printed = options.running === undefined ? '' : `:\n${options.running.output()}`
        throw new Error(`${what}: not within ${options.timeoutMs} ms${printed}`)
      }
      await delay(100)
    }
  }
  return options.running === undefined ? poll() : Promise.race([poll(), options.running.died])
}

/**
 * A TCP port that nothing listens on, below those that a system gives to connections and to port 0: a server that is
 * started again finds it free.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < MAX_PORT_TRIES; tries++) {
    const port = randomInt(...PORTS)
    if (await canListen(port)) return port
  }
  throw new Error(`no free TCP port from ${PORTS[0]} to ${PORTS[1]}`)
}

async function canListen(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch {
    return false
  }
  server.close()
  await once(server, 'close')
  return true
}
