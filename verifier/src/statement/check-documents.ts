import type { Hex } from '../bytes/hex.ts'
import {
  documentDigest,
  parseCatalog,
  parseKeyset,
  parsePosture,
  type Keyset,
  type ModelCatalog,
  type Posture,
} from '../protocol/documents.ts'
import { MAX_KEYSET_LIFE_S } from '../protocol/limits.ts'
import { ProtocolError } from '../protocol/protocol-error.ts'
import { failed, passed, type Check } from '../report/check.ts'

/** A document's check, and its content where the check passed. */
export interface CheckedDocument<Name extends string, Content> {
  readonly check: Check<Name>
  readonly content: Content | undefined
}

/** `keyset`: the statement's, well formed, in date and not valid implausibly far ahead (attack C11). */
export function checkKeyset(
  text: string,
  digest: Hex,
  at: Date,
): CheckedDocument<'keyset', Keyset> {
  const document = checkDocument('keyset', text, digest, parseKeyset)
  const { content } = document
  if (content === undefined) return document
  const now = Math.floor(at.getTime() / 1000)
  const until = content.not_after
  if (now < until && until <= now + MAX_KEYSET_LIFE_S) return document
  const expected = `not_after between ${now} and ${now + MAX_KEYSET_LIFE_S}`
  return { check: failed('keyset', expected, String(until)), content: undefined }
}

/** `model-catalog`: the statement's, well formed. */
export function checkCatalog(
  text: string,
  digest: Hex,
): CheckedDocument<'model-catalog', ModelCatalog> {
  return checkDocument('model-catalog', text, digest, parseCatalog)
}

/** `posture`: the statement's, well formed. */
export function checkPosture(text: string, digest: Hex): CheckedDocument<'posture', Posture> {
  return checkDocument('posture', text, digest, parsePosture)
}

function checkDocument<Name extends string, Content>(
  name: Name,
  text: string,
  digest: Hex,
  parse: (text: string) => Content,
): CheckedDocument<Name, Content> {
  try {
    const actual = documentDigest(text)
    if (actual !== digest) return { check: failed(name, digest, actual), content: undefined }
    return { check: passed(name, { digest }), content: parse(text) }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    return { check: failed(name, 'a canonical document', error.message), content: undefined }
  }
}
