import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres, { type Sql } from 'postgres'
import { freePort, start, waitFor, type RunningProcess } from '../../demo/network/process.ts'
import { installed } from './installed.ts'

/** Where Debian's packages put the versions. */
const VERSIONS = '/usr/lib/postgresql'

const bin = binaries()

/** Whether there is a PostgreSQL server to test with. */
export const havePostgres: boolean = installed('postgresql', bin !== undefined)

if (!havePostgres) {
  console.warn(
    'NO POSTGRESQL: the ledger of receipts is not tested; install the Debian package "postgresql".',
  )
}

/** A PostgreSQL server with a folder of its own, removed with it. */
export interface PostgresServer {
  readonly url: string
  readonly process: RunningProcess
  /** Ends the server and keeps its folder. */
  halt(): Promise<void>
  /** Starts it again on the same port. */
  again(): Promise<void>
  stop(): Promise<void>
}

/** Starts a server on a free port. It refuses to run as root, so that it runs as Debian's account where we are root. */
export async function startPostgres(): Promise<PostgresServer> {
  if (bin === undefined) throw new Error('no PostgreSQL')
  const folder = mkdtempSync(join(tmpdir(), 'jeju-postgres-'))
  const as = process.getuid?.() === 0 ? asAccount(folder) : []
  const initdb = [join(bin, 'initdb'), '-D', folder, '-U', 'ledger', '-A', 'trust', '-N']
  const [file = '', ...args] = [...as, ...initdb]
  execFileSync(file, args, { stdio: 'ignore', cwd: '/' })
  const port = await freePort()
  const url = `postgres://ledger@127.0.0.1:${port}/postgres`
  const settings = ['fsync=off', 'listen_addresses=127.0.0.1', `unix_socket_directories=${folder}`]
  const run = async (): Promise<RunningProcess> => {
    const server = [join(bin, 'postgres'), '-D', folder, '-p', String(port)]
    const [command = '', ...rest] = [...as, ...server, ...settings.flatMap((one) => ['-c', one])]
    const running = start('postgres', [command, ...rest])
    await waitFor('postgres', () => answers(url), { timeoutMs: 30_000, running })
    return running
  }
  let running = await run()
  return {
    url,
    get process() {
      return running
    },
    halt: async () => {
      // At once and with its children: those of a killed one hold its memory for a while, and no other starts on it.
      if (running.pid !== undefined) process.kill(running.pid, 'SIGQUIT')
      await running.died.catch(() => undefined)
    },
    again: async () => {
      running = await run()
    },
    stop: async () => {
      await running.kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A client for what a test looks at. */
export function connect(url: string): Sql {
  return postgres(url, { max: 1, onnotice: () => undefined })
}

async function answers(url: string): Promise<true | undefined> {
  const sql = connect(url)
  try {
    await sql`SELECT 1`
    return true
  } finally {
    await sql.end()
  }
}

function asAccount(folder: string): readonly string[] {
  execFileSync('chown', ['postgres:postgres', folder])
  return ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups', '--']
}

function binaries(): string | undefined {
  const versions = existsSync(VERSIONS) ? readdirSync(VERSIONS) : []
  return versions
    .map((version) => join(VERSIONS, version, 'bin'))
    .find((path) => existsSync(join(path, 'initdb')))
}
