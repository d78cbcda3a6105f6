import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Wallet } from '@jeju/sdk'
import {
  isAddress,
  isAddressEqual,
  isHash,
  parseSignature,
  publicActions,
  verifyTypedData,
  type Hex,
} from 'viem'
import { dollarAbi } from './dollar.ts'

/** A running facilitator of x402. */
export interface LocalFacilitator {
  readonly url: string
  close(): Promise<void>
}

/** What a facilitator is asked about (x402 v2, `exact` by EIP-3009). */
interface Asked {
  readonly requirements: {
    readonly scheme: unknown
    readonly network: unknown
    readonly amount: unknown
    readonly asset: Hex
    readonly payTo: Hex
    readonly name: string
    readonly version: string
  }
  readonly authorization: {
    readonly from: Hex
    readonly to: Hex
    readonly value: bigint
    readonly validAfter: bigint
    readonly validBefore: bigint
    readonly nonce: Hex
  }
  readonly signature: Hex
}

const TYPES = {
  TransferWithAuthorization: [
    { name: 'from', type: 'address' },
    { name: 'to', type: 'address' },
    { name: 'value', type: 'uint256' },
    { name: 'validAfter', type: 'uint256' },
    { name: 'validBefore', type: 'uint256' },
    { name: 'nonce', type: 'bytes32' },
  ],
} as const

/**
 * A facilitator for one local chain (x402 v2, `POST /verify`, `/settle`, `GET /supported`): checks the signature, time,
 * balance and nonce of an EIP-3009 authorisation, simulates it, and brings it on chain from a wallet of its own.
 */
export async function serveFacilitator(wallet: Wallet): Promise<LocalFacilitator> {
  const client = wallet.extend(publicActions)
  const network = `eip155:${wallet.chain.id}`

  const objectionTo = async (asked: Asked): Promise<string | undefined> => {
    const { requirements, authorization, signature } = asked
    const { asset: verifyingContract, name, version } = requirements
    const { from, to, value, validAfter, validBefore, nonce } = authorization
    if (requirements.scheme !== 'exact') return 'unsupported_scheme'
    if (requirements.network !== network) return 'invalid_network'
    if (value.toString() !== requirements.amount) {
      return 'invalid_exact_evm_payload_authorization_value_mismatch'
    }
    if (!isAddressEqual(to, requirements.payTo)) {
      return 'invalid_exact_evm_payload_recipient_mismatch'
    }
    const domain = { name, version, chainId: wallet.chain.id, verifyingContract }
    const typed = { domain, types: TYPES, primaryType: 'TransferWithAuthorization' } as const
    const isSigned = await verifyTypedData({
      ...typed,
      address: from,
      message: authorization,
      signature,
    }).catch(() => false)
    if (!isSigned) return 'invalid_exact_evm_payload_signature'
    const dollar = { address: verifyingContract, abi: dollarAbi } as const
    const [{ timestamp }, balance, isUsed] = await Promise.all([
      client.getBlock(),
      client.readContract({ ...dollar, functionName: 'balanceOf', args: [from] }),
      client.readContract({ ...dollar, functionName: 'authorizationState', args: [from, nonce] }),
    ])
    // The chain of a devnet may lie behind: what holds now holds there until then.
    const nowS = BigInt(Math.floor(Date.now() / 1000))
    if (validBefore <= (timestamp > nowS ? timestamp : nowS)) {
      return 'invalid_exact_evm_payload_authorization_valid_before'
    }
    if (validAfter >= timestamp) return 'invalid_exact_evm_payload_authorization_valid_after'
    if (balance < value) return 'insufficient_funds'
    return isUsed ? 'invalid_transaction_state' : undefined
  }
  const send = async ({ requirements, authorization, signature }: Asked): Promise<Hex> => {
    const { from, to, value, validAfter, validBefore, nonce } = authorization
    const { r, s, yParity } = parseSignature(signature)
    const { request } = await client.simulateContract({
      account: wallet.account,
      address: requirements.asset,
      abi: dollarAbi,
      functionName: 'transferWithAuthorization',
      args: [from, to, value, validAfter, validBefore, nonce, yParity + 27, r, s],
    })
    const hash = await client.writeContract(request)
    const { status } = await client.waitForTransactionReceipt({ hash })
    if (status !== 'success') throw new Error('reverted')
    return hash
  }
  const answer = async (path: string, body: unknown): Promise<object | undefined> => {
    if (path === '/supported') {
      const kinds = [{ x402Version: 2, scheme: 'exact', network }]
      return { kinds, extensions: [], signers: { [network]: [wallet.account.address] } }
    }
    if (path !== '/verify' && path !== '/settle') return undefined
    const asked = read(body)
    const reason = asked === undefined ? 'invalid_payload' : await objectionTo(asked)
    const payer = asked?.authorization.from
    if (path === '/verify') {
      return reason === undefined
        ? { isValid: true, payer }
        : { isValid: false, invalidReason: reason, payer }
    }
    const failure = { success: false, transaction: '', network, payer }
    if (asked === undefined || reason !== undefined) return { ...failure, errorReason: reason }
    return send(asked).then(
      (transaction) => ({ success: true, transaction, network, payer }),
      () => ({ ...failure, errorReason: 'invalid_transaction_state' }),
    )
  }
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = request.method === 'POST' ? await readJson(request) : undefined
    const document = await answer(request.url ?? '', body)
    response
      .writeHead(document === undefined ? 404 : 200, { 'content-type': 'application/json' })
      .end(JSON.stringify(document ?? {}))
  }
  // Two payments sent at once would take the same account nonce.
  let queue: Promise<unknown> = Promise.resolve()
  const server = createServer((request, response) => {
    queue = queue
      .then(() => handle(request, response))
      .catch(() => response.writeHead(500).end('{}'))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('expected a port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  try {
    return JSON.parse(Buffer.concat(parts).toString('utf8'))
  } catch {
    return undefined
  }
}

/** Undefined where anything is not of its form. */
function read(body: unknown): Asked | undefined {
  const requirements = member(body, 'paymentRequirements')
  const payload = member(member(body, 'paymentPayload'), 'payload')
  const authorization = member(payload, 'authorization')
  const extra = member(requirements, 'extra')
  const [from, to, asset, payTo] = [
    member(authorization, 'from'),
    member(authorization, 'to'),
    member(requirements, 'asset'),
    member(requirements, 'payTo'),
  ].map((value) => (isAddress(String(value)) ? (value as Hex) : undefined))
  const [value, validAfter, validBefore] = ['value', 'validAfter', 'validBefore'].map((name) => {
    const text = String(member(authorization, name))
    return /^\d{1,78}$/.test(text) ? BigInt(text) : undefined
  })
  const nonce = String(member(authorization, 'nonce'))
  const signature = String(member(payload, 'signature'))
  if (!from || !to || !asset || !payTo || !isHash(nonce)) return undefined
  if (value === undefined || validAfter === undefined || validBefore === undefined) return undefined
  if (!/^0x[0-9a-fA-F]{130}$/.test(signature)) return undefined
  return {
    requirements: {
      scheme: member(requirements, 'scheme'),
      network: member(requirements, 'network'),
      amount: member(requirements, 'amount'),
      asset,
      payTo,
      name: String(member(extra, 'name')),
      version: String(member(extra, 'version')),
    },
    authorization: { from, to, value, validAfter, validBefore, nonce },
    signature: signature as Hex,
  }
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined
}
