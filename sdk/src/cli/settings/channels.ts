import type { Hex } from '@jeju/verifier/protocol'
import type { ChannelMode } from '../../chain/ledger.ts'
import { UsageError } from '../usage-error.ts'
import { isDigest } from './operand.ts'
import { setting, type Env, type Values } from './read-setting.ts'

/** Which kind of channels. */
export const CHANNELS_FLAG: { readonly channels: { readonly type: 'string' } } = {
  channels: { type: 'string' },
}

/** The kind of `--channels`, or of JEJU_CHANNELS. Throws a UsageError. */
export function readChannels(values: Values, env: Env): 'receipts' | 'vouchers' {
  const kind = setting(values, env, 'channels') ?? 'receipts'
  if (kind === 'receipts' || kind === 'vouchers') return kind
  throw new UsageError(`--channels: expected receipts or vouchers, got ${JSON.stringify(kind)}`)
}

/**
 * What a channel is to be: one of vouchers has to say which node is paid from it, since no other will be. Throws a
 * UsageError.
 */
export function readMode(
  values: Values,
  env: Env,
): { readonly mode: ChannelMode; readonly bindingId?: Hex } {
  const kind = readChannels(values, env)
  const { binding } = values
  if (kind === 'receipts') {
    if (binding === undefined) return { mode: 'RECEIPT' }
    throw new UsageError('--binding: a channel of receipts is for every node of the service')
  }
  if (typeof binding === 'string' && isDigest(binding))
    return { mode: 'VOUCHER', bindingId: binding }
  const got = binding === undefined ? 'none' : JSON.stringify(binding)
  const text = `--binding: expected 0x and 64 lowercase hex digits, got ${got}`
  throw new UsageError(
    `${text}; a channel of vouchers is for one node (jeju verify shows its binding)`,
  )
}
