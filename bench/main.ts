import { writeFile } from 'node:fs/promises'
import { availableParallelism, cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { benchGpu } from './gpu/gpu.ts'
import { benchGas } from './gas/gas.ts'
import { benchGateway } from './gateway/gateway.ts'
import { benchVerifier } from './verifier/verifier.ts'

/** `npm run bench -- SUITE [--write]`: measures a suite; with `--write` the figures become the published ones. */

const SUITES = {
  gas: benchGas,
  gateway: benchGateway,
  gpu: benchGpu,
  verifier: benchVerifier,
} as const

const [suite = '', option] = process.argv.slice(2)
if (!Object.hasOwn(SUITES, suite) || (option !== undefined && option !== '--write')) {
  process.stderr.write(`usage: npm run bench -- ${Object.keys(SUITES).join('|')} [--write]\n`)
  process.exit(2)
}
const figures = {
  machine: `${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}`,
  ...(await SUITES[suite as keyof typeof SUITES]()),
}
const text = `${JSON.stringify(figures, null, 2)}\n`
process.stdout.write(text)
if (option === '--write') {
  await writeFile(fileURLToPath(new URL(`results/${suite}.json`, import.meta.url)), text)
}
