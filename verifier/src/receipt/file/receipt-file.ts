import { documentDigest, parseKeyset } from '../../protocol/documents.ts'
import type { ContractDomain } from '../../protocol/eip712.ts'
import { parseAuthorization } from '../../protocol/request-auth.ts'
import {
  asDecimal,
  asHex,
  asInteger,
  asString,
  exactObject,
  type JsonObject,
} from '../../protocol/shape.ts'
import type { ReceiptExpectation, ReceivedAnswer } from '../receipt-expectation.ts'
import { parseJsonObject } from '../../protocol/json-object.ts'
import { readAnswer } from './received-answer.ts'

/** An answer and what it is held against. */
export interface ReceiptCase {
  readonly answer: ReceivedAnswer
  readonly expectation: Omit<ReceiptExpectation, 'at'>
  /** When the answer came. */
  readonly at: Date | undefined
}

const MAX_UINT32 = 2 ** 32 - 1
const MAX_TEXT_CHARACTERS = 64 * 1024
const MAX_UNIX_SECONDS = 2 ** 40

/**
 * Reads a receipt with everything it is held against: the file of `jeju-verify receipt` (verifier/README.md). Unknown and missing members are refused.
 * @throws ProtocolError
 */
export function readReceiptFile(bytes: Uint8Array): ReceiptCase {
  const file = exactObject(
    parseJsonObject(bytes, 'file'),
    'file',
    ['v', 'authorization', 'requestBytes', 'answer', 'serving', 'binding', 'model', 'price'],
    ['receivedAt'],
  )
  asInteger(file['v'], 'file.v', { min: 1, max: 1 })
  const signed = parseAuthorization(asString(file['authorization'], 'file.authorization', 8192))
  const { receivedAt } = file
  const seconds =
    receivedAt === undefined
      ? undefined
      : asInteger(receivedAt, 'file.receivedAt', { min: 0, max: MAX_UNIX_SECONDS })
  const model = exactObject(file['model'], 'file.model', ['name', 'id'])
  return {
    answer: readAnswer(file['answer'], signed.salt),
    at: seconds === undefined ? undefined : new Date(seconds * 1000),
    expectation: {
      signed,
      serving: readDomain(file),
      binding: readBinding(file),
      model: asString(model['name'], 'file.model.name', 128),
      modelId: asHex(model['id'], 'file.model.id', 32),
      price: readPrice(file),
      requestBytes: asInteger(file['requestBytes'], 'file.requestBytes', {
        min: 0,
        max: MAX_UINT32,
      }),
    },
  }
}

function readDomain(file: JsonObject): ContractDomain {
  const place = 'file.serving'
  const serving = exactObject(file['serving'], place, ['chainId', 'address'])
  return {
    chainId: asDecimal(serving['chainId'], `${place}.chainId`, 64),
    verifyingContract: asHex(serving['address'], `${place}.address`, 20),
  }
}

/** The digest is taken of the keyset's text, so a file cannot state another. */
function readBinding(file: JsonObject): ReceiptExpectation['binding'] {
  const place = 'file.binding'
  const binding = exactObject(file['binding'], place, ['id', 'signer', 'keyset'])
  const text = asString(binding['keyset'], `${place}.keyset`, MAX_TEXT_CHARACTERS)
  return {
    bindingId: asHex(binding['id'], `${place}.id`, 32),
    signer: asHex(binding['signer'], `${place}.signer`, 20),
    keyset: parseKeyset(text),
    keysetDigest: documentDigest(text),
  }
}

function readPrice(file: JsonObject): ReceiptExpectation['price'] {
  const place = 'file.price'
  const members = ['version', 'inPerMTok', 'outPerMTok', 'maxOutputTokens'] as const
  const price = exactObject(file['price'], place, members)
  const uint32 = { min: 0, max: MAX_UINT32 }
  return {
    version: asInteger(price['version'], `${place}.version`, uint32),
    inPerMTok: asDecimal(price['inPerMTok'], `${place}.inPerMTok`, 128),
    outPerMTok: asDecimal(price['outPerMTok'], `${place}.outPerMTok`, 128),
    maxOutputTokens: asInteger(price['maxOutputTokens'], `${place}.maxOutputTokens`, uint32),
  }
}
