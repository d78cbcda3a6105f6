import { existsSync } from 'node:fs'
import { createConnection } from 'node:net'
import { freePort, start, waitFor, type RunningProcess } from '../../demo/network/process.ts'

/** Where Debian's package puts it. */
const REDIS = '/usr/bin/redis-server'

/** Whether there is a Redis server to test with. */
export const haveRedis: boolean = existsSync(REDIS)

if (!haveRedis) {
  console.warn(
    'NO REDIS: what replicas of a gateway share is not tested; install the Debian package "redis-server".',
  )
}

/** A Redis server of a test's own, in memory. */
export interface RedisServer {
  readonly url: string
  readonly port: number
  readonly process: RunningProcess
}

/** Starts a server on a free port, or on one that was free. */
export async function startRedis(onPort?: number): Promise<RedisServer> {
  const port = onPort ?? (await freePort())
  const running = start('redis', [
    REDIS,
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--appendonly',
    'no',
  ])
  const options = { timeoutMs: 20_000, running }
  await waitFor('redis', () => answersPing(port), options)
  return { url: `redis://127.0.0.1:${port}`, port, process: running }
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
