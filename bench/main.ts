import { writeFile } from 'node:fs/promises'
import { availableParallelism, cpus } from 'node:os'
import { fileURLToPath } from 'node:url'

/** `npm run bench -- SUITE [--write]`: measures a suite; with `--write` the figures become the published ones. */

/** How often a node is killed for the published figures. */
const KILLS = 100

/** Loaded when it is asked for: what one suite holds in memory is no figure of another. */
const SUITES: Readonly<Record<string, () => Promise<object>>> = {
  gas: async () => (await import('./gas/gas.ts')).benchGas(),
  gateway: async () => (await import('./gateway/gateway.ts')).benchGateway(),
  gpu: async () => (await import('./gpu/gpu.ts')).benchGpu(),
  kill: async () => (await import('./kill/kill.ts')).benchKill(KILLS),
  node: async () => (await import('./node/node.ts')).benchNode(),
  verifier: async () => (await import('./verifier/verifier.ts')).benchVerifier(),
}

const [suite = '', option] = process.argv.slice(2)
const measure = Object.hasOwn(SUITES, suite) ? SUITES[suite] : undefined
if (measure === undefined || (option !== undefined && option !== '--write')) {
  process.stderr.write(`usage: npm run bench -- ${Object.keys(SUITES).join('|')} [--write]\n`)
  process.exit(2)
}
const figures = {
  machine: `${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}`,
  ...(await measure()),
}
const text = `${JSON.stringify(figures, null, 2)}\n`
process.stdout.write(text)
if (option === '--write') {
  await writeFile(fileURLToPath(new URL(`results/${suite}.json`, import.meta.url)), text)
}
