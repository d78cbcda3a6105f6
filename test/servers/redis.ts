import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, start, waitFor, type RunningProcess } from '../../demo/network/process.ts'
import { installed } from './installed.ts'

/** Where Debian's package puts it. */
const REDIS = '/usr/bin/redis-server'

/** Whether there is a Redis server to test with. */
export const haveRedis: boolean = installed('redis', existsSync(REDIS))

if (!haveRedis) {
  console.warn(
    'NO REDIS: what replicas of a gateway share is not tested; install the Debian package "redis-server".',
  )
}

/** A Redis server of a test's own. */
export interface RedisServer {
  readonly url: string
  readonly port: number
  readonly process: RunningProcess
  /** Where it keeps what it has to keep. */
  readonly folder: string
}

/** How a server has to be told to forget nothing. */
const KEEPS = ['--appendonly', 'yes', '--maxmemory-policy', 'noeviction']

/** Starts a server on a free port, or on one that was free; with what one before it kept, where it is told where. */
export async function startRedis(
  onPort?: number,
  settings = KEEPS,
  kept?: string,
): Promise<RedisServer> {
  const port = onPort ?? (await freePort())
  const folder = kept ?? mkdtempSync(join(tmpdir(), 'jeju-redis-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const running = start('redis', [
    REDIS,
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--dir',
    folder,
    ...settings,
  ])
  const options = { timeoutMs: 20_000, running }
  await waitFor('redis', () => answersPing(port), options)
  return { url: `redis://127.0.0.1:${port}`, port, process: running, folder }
}

function answersPing(port: number): Promise<true | undefined> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1', () => socket.write('PING\r\n'))
    socket.once('data', (data) => {
      socket.destroy()
      resolve(data.toString().startsWith('+PONG') ? true : undefined)
    })
    socket.once('error', () => resolve(undefined))
  })
}
