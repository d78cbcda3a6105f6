import {
  asDecimal,
  asHex,
  asInteger,
  canonicalJson,
  exactObject,
  fromHex,
  parseCanonicalJson,
  ProtocolError,
  toHex,
  type Hex,
  type JsonObject,
} from '@jeju/verifier/protocol'
import type { PriceRecord } from '../chain/chain-reader.ts'
import type { ChannelMode } from '../chain/ledger.ts'
import { SdkError } from '../errors/sdk-error.ts'
import type { Store } from '../store/store.ts'
import { VoucherSums } from './voucher-sums.ts'

/** A channel that this wallet opened and can sign for. */
export interface ChannelRecord {
  readonly channelId: Hex
  readonly agentId: bigint
  readonly serviceId: number
  /** Of the channel's own price version, which never changes. */
  readonly price: PriceRecord
  /** secp256k1 private key that signs authorisations. */
  readonly sessionKey: Uint8Array
  readonly mode: ChannelMode
  /** Of mode VOUCHER: the one node that is paid from it. */
  readonly bindingId?: Hex
}

/** Whose channels: of one wallet in one ledger on one chain. */
export interface ChannelOwner {
  readonly chainId: number
  readonly ledger: Hex
  readonly user: Hex
}

const MAX_UINT32 = 2 ** 32 - 1

/** The channels of one wallet, in a store. */
export class ChannelRecords {
  readonly #store: Store
  readonly #folder: string
  /** What was signed for, of those that are paid by vouchers. */
  readonly sums: VoucherSums

  constructor(store: Store, owner: ChannelOwner) {
    const { chainId, ledger, user } = owner
    this.#store = store
    this.sums = new VoucherSums(store, owner)
    this.#folder = `channels/${chainId}-${ledger}-${user}`.toLowerCase()
  }

  async save(record: ChannelRecord): Promise<void> {
    await this.#store.write(this.#nameOf(record.channelId), encodeChannel(record))
  }

  /** A closed channel signs nothing any more; its key goes with it. */
  async forget(channelId: Hex): Promise<void> {
    await this.#store.remove(this.#nameOf(channelId))
    await this.sums.forget(channelId)
  }

  /**
   * Wei that the known fees of a channel come to, for who keeps its receipts, which come to `receipts`. Throws
   * `RECORD_INVALID`.
   */
  async feesOf(channelId: Hex, receipts: bigint): Promise<bigint> {
    const { known = 0n } = (await this.sums.find(channelId)) ?? {}
    return known > receipts ? known : receipts
  }

  /**
   * Wei that were signed for, as far as is kept: known fees, and in a channel of vouchers the maximum of each request whose
   * fee is not known. Throws `RECORD_INVALID`.
   */
  async signedOf(channelId: Hex, receipts: bigint): Promise<bigint> {
    const { committed = 0n } = (await this.sums.find(channelId)) ?? {}
    return committed > receipts ? committed : receipts
  }

  /** Throws `RECORD_INVALID`. */
  async find(channelId: Hex): Promise<ChannelRecord | undefined> {
    const name = this.#nameOf(channelId)
    const text = await this.#store.read(name)
    return text === undefined ? undefined : parseChannel(text, name)
  }

  /** Throws `RECORD_INVALID`. */
  async all(): Promise<readonly ChannelRecord[]> {
    const names = await this.#store.list(this.#folder)
    const texts = await Promise.all(names.map((name) => this.#store.read(name)))
    return names.flatMap((name, index) => {
      const text = texts[index]
      return text === undefined ? [] : [parseChannel(text, name)]
    })
  }

  #nameOf(channelId: Hex): string {
    return `${this.#folder}/${channelId}`
  }
}

function encodeChannel({
  channelId,
  agentId,
  serviceId,
  price,
  sessionKey,
  mode,
  bindingId,
}: ChannelRecord): string {
  return canonicalJson({
    v: 1,
    channelId,
    agentId: agentId.toString(),
    serviceId,
    price: {
      version: price.version,
      inPerMTok: price.inPerMTok.toString(),
      outPerMTok: price.outPerMTok.toString(),
      maxOutputTokens: price.maxOutputTokens,
    },
    sessionKey: toHex(sessionKey),
    // Those of receipts are as they were before there were others.
    ...(mode === 'VOUCHER' ? { mode, bindingId: bindingId ?? null } : {}),
  })
}

/** Messages name members, never the key. */
function parseChannel(text: string, name: string): ChannelRecord {
  try {
    const members = ['v', 'channelId', 'agentId', 'serviceId', 'price', 'sessionKey'] as const
    const optional = ['mode', 'bindingId'] as const
    const record = exactObject(parseCanonicalJson(text, name), name, members, optional)
    const uint32 = { min: 0, max: MAX_UINT32 }
    asInteger(record['v'], `${name}.v`, { min: 1, max: 1 })
    return {
      channelId: asHex(record['channelId'], `${name}.channelId`, 32),
      agentId: asDecimal(record['agentId'], `${name}.agentId`, 256),
      serviceId: asInteger(record['serviceId'], `${name}.serviceId`, uint32),
      price: readPrice(record['price'], `${name}.price`),
      sessionKey: fromHex(asHex(record['sessionKey'], `${name}.sessionKey`, 32)),
      ...readMode(record, name),
    }
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) throw cause
    throw new SdkError('RECORD_INVALID', cause.message, { cause })
  }
}

function readMode(
  { mode, bindingId = null }: JsonObject,
  place: string,
): Pick<ChannelRecord, 'mode' | 'bindingId'> {
  if (mode === undefined && bindingId === null) return { mode: 'RECEIPT' }
  if (mode !== 'VOUCHER') {
    throw new ProtocolError('INPUT_FIELD', `${place}.mode: expected VOUCHER, or none`)
  }
  if (bindingId === null) return { mode }
  return { mode, bindingId: asHex(bindingId, `${place}.bindingId`, 32) }
}

/** A price as records hold it. Throws a ProtocolError. */
export function readPrice(value: unknown, place: string): PriceRecord {
  const members = ['version', 'inPerMTok', 'outPerMTok', 'maxOutputTokens'] as const
  const price = exactObject(value, place, members)
  const uint32 = { min: 0, max: MAX_UINT32 }
  return {
    version: asInteger(price['version'], `${place}.version`, uint32),
    inPerMTok: asDecimal(price['inPerMTok'], `${place}.inPerMTok`, 128),
    outPerMTok: asDecimal(price['outPerMTok'], `${place}.outPerMTok`, 128),
    maxOutputTokens: asInteger(price['maxOutputTokens'], `${place}.maxOutputTokens`, uint32),
  }
}
