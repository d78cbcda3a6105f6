import { DEFAULT_QUOTE_POLICY, parseQuotePolicy, type QuotePolicy } from '../../index.ts'
import { ProtocolError } from '../../protocol/protocol-error.ts'
import { UsageError } from '../usage-error.ts'
import { parseJsonObject } from '../../protocol/json-object.ts'
import { readFileBytes } from './read-file.ts'

const MAX_POLICY_BYTES = 4 * 1024 * 1024

/** The quote policy of `--policy`; the default one without it. @throws UsageError */
export async function readQuotePolicy(path: string | undefined): Promise<QuotePolicy> {
  if (path === undefined) return DEFAULT_QUOTE_POLICY
  const bytes = await readFileBytes(path, MAX_POLICY_BYTES)
  try {
    return parseQuotePolicy(parseJsonObject(bytes, 'policy'))
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    throw new UsageError(`--policy ${path}: ${error.message}`, { cause: error })
  }
}
