import { z } from 'zod'
import { absent, text, type Absent } from '../json-body.ts'

const MAX_STOPS = 4
const MAX_STOP_CHARACTERS = 256
const stop = text.min(1).max(MAX_STOP_CHARACTERS)

/** Where an answer ends. */
export const stopField: Absent<z.ZodUnion<[z.ZodString, z.ZodArray<z.ZodString>]>> = absent(
  z.union([stop, z.array(stop).max(MAX_STOPS)]),
)

/** Notes of the client to itself. */
export const metadataField: Absent<z.ZodRecord<z.ZodString, z.ZodString>> = absent(
  z.record(z.string(), z.string()),
)

type NeutralName =
  'logit_bias' | 'store' | 'service_tier' | 'user' | 'safety_identifier' | 'prompt_cache_key'

/** Fields that change nothing at the value given; any other value is refused, never ignored. */
export const neutralFields: Readonly<Record<NeutralName, Absent<z.ZodType>>> = {
  logit_bias: absent(z.record(z.string(), z.never())),
  store: absent(z.literal(false)),
  service_tier: absent(z.enum(['auto', 'default'])),
  user: absent(z.string()),
  safety_identifier: absent(z.string()),
  prompt_cache_key: absent(z.string()),
}

/** `stream_options`. */
export const streamOptions: Absent<
  z.ZodType<{ readonly include_usage?: boolean | null | undefined }>
> = absent(z.strictObject({ include_usage: absent(z.boolean()) }))
