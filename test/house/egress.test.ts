import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

// At run time the guard of enclave/src/egress refuses what the posture does not name. This says which files of a node can
// ask for a connection at all: a new one is a decision, and not an accident.

const folder = fileURLToPath(new URL('../../enclave/src', import.meta.url))

const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => ({ file, text: readFileSync(join(folder, file), 'utf8') }))

function filesWith(pattern: RegExp): readonly string[] {
  return sources
    .filter(({ text }) => pattern.test(text.replaceAll(/^\s*(\/\/|\/?\*|import type ).*$/gm, '')))
    .map(({ file }) => file)
    .toSorted()
}

test('E7 egress_denied_by_default: the process is guarded before it connects to anything', () => {
  const main = readFileSync(join(folder, 'main.ts'), 'utf8')
  const guarded = main.indexOf('  guardConnections(destinations')
  expect(guarded).toBeGreaterThan(0)
  for (const connects of [
    'connectGuestAgent(',
    'loadEmbeddedEngine(',
    'openMachineGpus(',
    'createNode(',
  ]) {
    expect(main.lastIndexOf(connects)).toBeGreaterThan(guarded)
  }
})

test.each([
  [
    'a module of Node that connects',
    /(from|import\(|require\()\s*['"](node:)?(net|tls|http|https|http2|dgram|dns|dns\/promises|inspector|cluster|child_process|worker_threads)['"]/,
    [
      // The guard itself.
      'egress/guard-connections.ts',
      // Names of the upstream, refused where they lead out of the machine.
      'engine/upstream/upstream-address.ts',
      // The guest agent's socket.
      'gpu/sources/attest-gpu.ts',
      // Starts NVIDIA's program, with no environment.
      'gpu/sources/nvattest-switches.ts',
      // A process of its own, which asks its own container.
      'healthcheck.ts',
      // Answers.
      'http/listen.ts',
    ],
  ],
  [
    'a library that connects',
    /(from|import\()\s*['"](undici|@phala\/dstack-sdk|axios|ws|node-fetch|eventsource)['"]/,
    ['engine/upstream/upstream-connection.ts', 'guest-agent/dstack-guest-agent.ts'],
  ],
  // By its plain name, the linter refuses it.
  ['a global by another name', /\b(globalThis|global)\b/, []],
  ['a transport of viem', /\b(http|webSocket|ipc)\(/, ['chain/rpc-endpoints.ts']],
])('E7 egress_denied_by_default: %s is used in these files alone', (_, pattern, files) => {
  expect(filesWith(pattern)).toEqual(files)
})
