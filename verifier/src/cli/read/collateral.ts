import { decodeUtf8 } from '../../bytes/bytes.ts'
import { parseCollateral, type QuoteCollateral } from '../../index.ts'
import { readFileBytes } from './read-file.ts'

/**
 * The bundle of `--collateral`; undefined without it.
 * @throws UsageError where the file cannot be read, VerifierError and ProtocolError where it is no bundle
 */
export async function readCollateral(
  path: string | undefined,
): Promise<QuoteCollateral | undefined> {
  if (path === undefined) return undefined
  return parseCollateral(decodeUtf8(await readFileBytes(path), 'collateral'))
}
