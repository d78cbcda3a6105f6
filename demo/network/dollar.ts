import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Wallet } from '@jeju/sdk'
import { parseAbi, publicActions, type Abi, type Hex } from 'viem'
import { root } from './root.ts'

/** What of EIP-3009 and ERC-20 is used of a dollar. */
export const dollarAbi = parseAbi([
  'function mint(address to, uint256 value)',
  'function balanceOf(address account) view returns (uint256)',
  'function authorizationState(address authorizer, bytes32 nonce) view returns (bool)',
  'function transferWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, uint8 v, bytes32 r, bytes32 s)',
])

/** EIP-712 domain of the devnet's dollar, and of USDC on Base Sepolia. */
export const DOLLAR_NAME = 'USDC'
export const DOLLAR_VERSION = '2'

/** Deploys a dollar that anybody mints (`contracts/src/devnet`), for a local chain only. */
export async function deployDollar(wallet: Wallet): Promise<Hex> {
  const artifact = join(root, 'contracts/out/DevnetDollar.sol/DevnetDollar.json')
  const { abi, bytecode } = JSON.parse(await readFile(artifact, 'utf8')) as {
    readonly abi: Abi
    readonly bytecode: { readonly object: Hex }
  }
  const client = wallet.extend(publicActions)
  const hash = await client.deployContract({ abi, bytecode: bytecode.object })
  const { contractAddress } = await client.waitForTransactionReceipt({ hash })
  if (contractAddress === null || contractAddress === undefined) throw new Error('no dollar')
  return contractAddress
}

/** Gives an account dollars, in millionths. */
export async function mintDollars(
  wallet: Wallet,
  dollar: Hex,
  to: Hex,
  value: bigint,
): Promise<void> {
  const client = wallet.extend(publicActions)
  const call = { address: dollar, abi: dollarAbi, functionName: 'mint', args: [to, value] } as const
  const hash = await client.writeContract(call)
  await client.waitForTransactionReceipt({ hash })
}
