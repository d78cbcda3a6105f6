import { readFile, stat } from 'node:fs/promises'
import { fromBareHex } from '@jeju/verifier/protocol'
import { ConfigError } from '../config.ts'

/** Bits of a mode that let somebody else in. */
const OTHERS = 0o077

/**
 * Seed of the Ed25519 key of the gateway's receipts, 32 bytes, from a file of 64 lowercase hex digits.
 * @throws ConfigError, which quotes nothing of the file
 */
export async function readReceiptKey(path: string): Promise<Uint8Array> {
  let text: string
  try {
    const { mode } = await stat(path)
    if ((mode & OTHERS) !== 0) throw invalid('others may read it; expected mode 600')
    text = (await readFile(path, 'utf8')).trim()
  } catch (error) {
    throw error instanceof ConfigError ? error : invalid('cannot be read')
  }
  if (!/^[0-9a-f]{64}$/.test(text)) throw invalid('expected 64 lowercase hex digits')
  return fromBareHex(text)
}

function invalid(text: string): ConfigError {
  return new ConfigError([`RECEIPT_KEY_FILE: ${text}`])
}
