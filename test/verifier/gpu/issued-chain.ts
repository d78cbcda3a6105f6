import {
  issueP384,
  USAGE_CERT,
  USAGE_CERT_AND_CRL,
  USAGE_SIGN,
  type P384Identity,
  type P384Request,
} from '../../../simulator/src/gpu/p384-certificate.ts'
import { parseCertificate } from '../../../verifier/src/x509/certificate.ts'
import { P384_PROFILE } from '../../../verifier/src/x509/ecdsa-profile.ts'

export type Place = 'leaf' | 'brom' | 'ica' | 'identity' | 'root'
export type Change = Partial<Omit<P384Request, 'issuer'>>

const PLACES = ['leaf', 'brom', 'ica', 'identity', 'root'] as const
/** Extensions that are written anew. */
const BASIC = ['2.5.29.14', '2.5.29.15', '2.5.29.19', '2.5.29.35']

/** What a certificate says. */
export function fieldsOf({ der }: P384Identity): Omit<P384Request, 'key' | 'issuer' | 'serial'> {
  const read = parseCertificate(der, 'own', P384_PROFILE)
  const usage = !read.isCa ? USAGE_SIGN : read.keyUsage.cRLSign ? USAGE_CERT_AND_CRL : USAGE_CERT
  return {
    commonName: read.commonName,
    from: new Date(read.notBefore),
    until: new Date(read.notAfter),
    usage,
    ...(read.isCa ? { ca: {} } : {}),
    extensions: [...read.extensions]
      .filter(([oid]) => !BASIC.includes(oid))
      .map(([oid, value]) => ({ oid, critical: false, value })),
  }
}

/** A device's chain in PEM, issued again from the root down by the same keys, with one certificate changed. */
export function issuedChain(own: readonly P384Identity[], place: Place, change: Change): string {
  const blocks: string[] = []
  let issuer: P384Identity | undefined
  for (const at of PLACES.toReversed()) {
    const old = own[PLACES.indexOf(at)]
    if (old === undefined) throw new Error(`no ${at}`)
    const { key, serial } = old
    const above = issuer === undefined ? {} : { issuer }
    const request = { ...fieldsOf(old), key, serial, ...above, ...(at === place ? change : {}) }
    issuer = issueP384(request)
    blocks.unshift(issuer.pem)
  }
  return blocks.join('')
}
