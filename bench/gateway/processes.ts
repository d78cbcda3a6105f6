import { fork, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../demo/network/process.ts'
import type { Target } from './load.ts'
import {
  USAGE,
  USAGE_COLLECTED,
  type BenchExchange,
  type Pace,
  type Serving,
  type Usage,
} from './messages.ts'

/** A process of ours that serves. */
export interface OwnProcess {
  readonly child: ChildProcess
  readonly serving: Serving
  usage(): Promise<Usage>
  /** With garbage collected before. */
  collected(): Promise<Usage>
  /** Tells the upstream what to answer, or how slowly. */
  tell(message: BenchExchange | Pace): Promise<void>
}

const COMPILED = new URL('../use-compiled.ts', import.meta.url).href

/** Starts one of the scripts beside this one, and waits until it serves. */
export async function startOwn(script: string, ...args: readonly string[]): Promise<OwnProcess> {
  const file = fileURLToPath(new URL(`${script}.ts`, import.meta.url))
  const child = fork(file, [...args], {
    stdio: 'inherit',
    execArgv: [...process.execArgv, '--import', COMPILED],
  })
  const [serving] = (await once(child, 'message')) as [Serving]
  const asked = async (message: string): Promise<Usage> => {
    child.send(message)
    const [usage] = (await once(child, 'message')) as [Usage]
    return usage
  }
  return {
    child,
    serving,
    usage: () => asked(USAGE),
    collected: () => asked(USAGE_COLLECTED),
    tell: async (message) => {
      const heard = once(child, 'message')
      child.send(message)
      await heard
    },
  }
}

/** A peer that runs, or why it does not. */
export type Peer =
  { readonly target: Target; readonly child: ChildProcess } | { readonly notRun: string }

/** nginx as Debian packages it. */
export async function startNginx(upstreamPort: number): Promise<Peer> {
  if (spawnSync('nginx', ['-v']).error !== undefined) return { notRun: 'nginx is not installed' }
  const folder = mkdtempSync(join(tmpdir(), 'jeju-bench-nginx-'))
  const port = await freePort()
  const file = join(folder, 'nginx.conf')
  writeFileSync(file, nginxConfig(folder, port, upstreamPort))
  const child = spawn('nginx', ['-p', folder, '-c', file, '-g', 'daemon off;'], { stdio: 'ignore' })
  await answering(port)
  return { target: { port }, child }
}

/** Portkey's gateway, where it is installed beside this repository's packages. */
export async function startPortkey(upstreamPort: number): Promise<Peer> {
  const require = createRequire(process.env['BENCH_PEERS'] ?? import.meta.url)
  let manifest: string
  try {
    manifest = require.resolve('@portkey-ai/gateway/package.json')
  } catch {
    return { notRun: '@portkey-ai/gateway is not installed' }
  }
  const port = await freePort()
  const script = join(manifest, '../build/start-server.js')
  const child = spawn(process.execPath, [script, '--headless', `--port=${port}`], {
    stdio: 'ignore',
    env: { ...process.env, TRUSTED_CUSTOM_HOSTS: '127.0.0.1,localhost' },
  })
  await answering(port)
  const headers = {
    authorization: 'Bearer none',
    'x-portkey-provider': 'openai',
    'x-portkey-custom-host': `http://127.0.0.1:${upstreamPort}/v1`,
    'x-portkey-forward-headers': 'compute-authorization',
  }
  return { target: { port, headers }, child }
}

function nginxConfig(folder: string, port: number, upstreamPort: number): string {
  return `
worker_processes 1;
pid ${folder}/pid;
error_log ${folder}/error.log;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  upstream node { server 127.0.0.1:${upstreamPort}; keepalive 64; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://node;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
    }
  }
}`
}

async function answering(port: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const isUp = await fetch(`http://127.0.0.1:${port}/`).then(
      () => true,
      () => false,
    )
    if (isUp) return
    await delay(100)
  }
  throw new Error(`nothing answers at port ${port}`)
}
