import { ROOT_CONFIRMATIONS } from '../../chain/receipt-roots.ts'
import { UsageError } from '../usage-error.ts'
import { setting, type Env, type Values } from './read-setting.ts'

/** The lines of `--help` about `--confirmations`. */
export const CONFIRMATIONS_HELP: string = `  --confirmations N     blocks under which an epoch of a log is believed, 1 to 256; ${ROOT_CONFIRMATIONS} without it`

/** The number of `--confirmations`. @throws UsageError */
export function readConfirmations(values: Values, env: Env): number {
  const text = setting(values, env, 'confirmations') ?? String(ROOT_CONFIRMATIONS)
  const count = /^[1-9]\d{0,2}$/.test(text) ? Number(text) : Infinity
  if (count <= 256) return count
  throw new UsageError(`--confirmations: expected 1 to 256, got ${text}`)
}
