import { isHash, type Account, type Hex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { SdkError } from '../errors/sdk-error.ts'

/** The account of a private key, 32 bytes in hex. Throws `CONFIG_WALLET`, which never holds what was given. */
export function accountOf(privateKey: string): Account {
  const text = privateKey.trim()
  const key: Hex = text.startsWith('0x') ? `0x${text.slice(2)}` : `0x${text}`
  if (!isHash(key)) throw new SdkError('CONFIG_WALLET', 'private key: expected 64 hex digits')
  try {
    return privateKeyToAccount(key)
  } catch {
    // The library's message could hold the key.
    throw new SdkError('CONFIG_WALLET', 'private key: not one of secp256k1')
  }
}
