import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = process.env['JEJU_VECTORS'] ?? join(root, '..', 'shared', 'vectors')

/** Whether recorded evidence of real machines is at hand. Without it, tests run on what the simulator signs. */
export const haveVectors: boolean = existsSync(join(folder, 'tdx', 'quotes.json'))

if (!haveVectors) {
  console.warn(
    'NO RECORDED VECTORS: tests on quotes of real machines do not run; set JEJU_VECTORS to their folder.',
  )
}

/** Whether recorded evidence of NVIDIA devices is at hand. */
export const haveGpuVectors: boolean = existsSync(join(folder, 'nvidia', 'expected.json'))

if (!haveGpuVectors) {
  console.warn(
    'NO RECORDED GPU VECTORS: tests on evidence of real GPUs do not run; set JEJU_VECTORS to their folder.',
  )
}

/** A recorded file. */
export function vectorBytes(...path: readonly string[]): Uint8Array {
  return new Uint8Array(readFileSync(join(folder, ...path)))
}

/** A recorded JSON file. */
export function vectorJson(...path: readonly string[]): unknown {
  return JSON.parse(readFileSync(join(folder, ...path), 'utf8'))
}

/** A recorded text file. */
export function vectorText(...path: readonly string[]): string {
  return readFileSync(join(folder, ...path), 'utf8')
}
