import { createHash } from 'node:crypto'
import type { RandomSource } from '../pki/random-source.ts'
import { element, objectId, octets, sequence, TAG, unsignedInteger } from '../pki/der-writer.ts'
import { uncompressed } from '../pki/key-encoding.ts'
import { serialOf } from './device-pki.ts'
import {
  issueP384,
  signedDer,
  USAGE_SIGN,
  type P384Identity,
  type P384Request,
} from './p384-certificate.ts'
import { createP384Key, type P384Key } from './p384-key.ts'

/** What an answer is to say. */
export interface OcspRequest {
  readonly certificate: P384Identity
  readonly issuer: P384Identity
  readonly at: Date
  readonly status?: 'good' | 'revoked' | 'on-hold' | 'unknown'
  readonly hash?: 'sha1' | 'sha384'
  readonly nonce?: Uint8Array
  /** Who issued the responder's certificate; the issuer asked about unless given. */
  readonly responderIssuer?: P384Identity
  /** OID of its extended key usage. */
  readonly usage?: string
  /** What its certificate says otherwise. */
  readonly responder?: Partial<Omit<P384Request, 'issuer' | 'key'>>
  /** Who signs the answer instead of it. */
  readonly signWith?: P384Key
  /** RFC 6960 §4.2.1: anything but 0 is a refusal. */
  readonly responseStatus?: number
  /** OID of what the answer holds. */
  readonly responseType?: string
}

const DAY_MS = 24 * 3600 * 1000
const OID_BASIC = '1.3.6.1.5.5.7.48.1.1'
const OID_OCSP_SIGNING = '1.3.6.1.5.5.7.3.9'
const HASH_OIDS = { sha1: '1.3.14.3.2.26', sha384: '2.16.840.1.101.3.4.2.2' } as const

/** A basic OCSP answer (RFC 6960 §4.2.1) in force for a day from an hour before `at`. */
export function writeOcsp(request: OcspRequest, random: RandomSource): Uint8Array<ArrayBuffer> {
  const { issuer, at, nonce, responseStatus = 0, responseType = OID_BASIC } = request
  const from = new Date(at.getTime() - 3600_000)
  const responder = issueResponder(request, random)
  const single = sequence(
    certIdOf(request),
    statusOf(request, from),
    generalizedTime(from),
    element(TAG.explicit0, generalizedTime(new Date(from.getTime() + DAY_MS))),
  )
  const extensions =
    nonce === undefined
      ? []
      : [element(0xa1, sequence(sequence(objectId('1.3.6.1.5.5.7.48.1.2'), octets(octets(nonce)))))]
  const tbs = sequence(
    element(0xa1, issuer.name),
    generalizedTime(from),
    sequence(single),
    ...extensions,
  )
  const certs = element(TAG.explicit0, sequence(responder.der))
  const basic = signedDer(tbs, request.signWith ?? responder.key, certs)
  const bytes = sequence(objectId(responseType), octets(basic))
  const status = element(TAG.enumerated, Uint8Array.of(responseStatus))
  return sequence(status, element(TAG.explicit0, bytes))
}

function issueResponder(
  { issuer, responderIssuer = issuer, at, usage = OID_OCSP_SIGNING, responder }: OcspRequest,
  random: RandomSource,
): P384Identity {
  const label = `OCSP responder of ${Buffer.from(responderIssuer.serial).toString('hex')}`
  return issueP384({
    commonName: 'NVIDIA OCSP Responder',
    key: createP384Key(random, label),
    serial: serialOf(random, label),
    issuer: responderIssuer,
    from: new Date(at.getTime() - 30 * DAY_MS),
    until: new Date(at.getTime() + 700 * DAY_MS),
    usage: USAGE_SIGN,
    extensions: [{ oid: '2.5.29.37', critical: true, value: sequence(objectId(usage)) }],
    ...responder,
  })
}

/** How requests and answers name a certificate (RFC 6960 §4.1.1). */
export function certIdOf({
  certificate,
  issuer,
  hash = 'sha384',
}: Pick<OcspRequest, 'certificate' | 'issuer' | 'hash'>): Uint8Array {
  const digest = (bytes: Uint8Array): Uint8Array => createHash(hash).update(bytes).digest()
  return sequence(
    sequence(objectId(HASH_OIDS[hash]), element(0x05)),
    octets(digest(issuer.name)),
    octets(digest(uncompressed(issuer.key.point))),
    unsignedInteger(certificate.serial),
  )
}

function statusOf({ status = 'good' }: OcspRequest, from: Date): Uint8Array {
  switch (status) {
    case 'good':
      return element(0x80)
    case 'unknown':
      return element(0x82)
    case 'revoked':
      return element(0xa1, generalizedTime(from))
    case 'on-hold': {
      const reason = element(TAG.explicit0, element(TAG.enumerated, Uint8Array.of(6)))
      return element(0xa1, generalizedTime(from), reason)
    }
  }
}

function generalizedTime(at: Date): Uint8Array {
  const digits = at.toISOString().replaceAll(/[-:T]|\.\d+/g, '')
  return element(TAG.generalizedTime, new TextEncoder().encode(digits))
}
