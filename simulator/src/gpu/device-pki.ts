import { concatBytes, toBareHex } from '@jeju/verifier/protocol'
import { element, integer, objectId, octets, sequence, TAG } from '../pki/der-writer.ts'
import type { RandomSource } from '../pki/random-source.ts'
import type { Chip } from './chip.ts'
import {
  issueP384,
  keyInfo,
  USAGE_CERT,
  USAGE_CERT_AND_CRL,
  USAGE_SIGN,
  type CertificateExtension,
  type P384Identity,
} from './p384-certificate.ts'
import { createP384Key, type P384Key } from './p384-key.ts'

const FOREVER = new Date('9999-12-31T23:59:59Z')
const DAY_MS = 24 * 3600 * 1000

/** Root, identity and provisioner of simulated devices. */
export interface DevicePki {
  readonly root: P384Identity
  readonly from: Date
  readonly random: RandomSource
  /** By name of the chip. */
  provisionerOf(chip: Chip): { readonly identity: P384Identity; readonly ica: P384Identity }
}

/** Certificates of a device, leaf first, root last. */
export interface DeviceCertificates {
  readonly chain: readonly P384Identity[]
  readonly leaf: P384Identity
  readonly brom: P384Identity
  readonly fwid: Uint8Array
}

export function serialOf(random: RandomSource, label: string): Uint8Array<ArrayBuffer> {
  const serial = random(`${label}/serial`, 16)
  serial[0] = 0x40 | ((serial[0] ?? 0) & 0x3f)
  return serial
}

/** A device PKI in the form of NVIDIA's, valid from a month before `at`. */
export function createDevicePki(at: Date, random: RandomSource): DevicePki {
  const from = new Date(at.getTime() - 30 * DAY_MS)
  const authority = (commonName: string, issuer?: P384Identity): P384Identity =>
    issueP384({
      commonName,
      key: createP384Key(random, `${commonName}/key`),
      serial: serialOf(random, commonName),
      from,
      until: FOREVER,
      usage: USAGE_CERT_AND_CRL,
      ca: {},
      ...(issuer === undefined ? {} : { issuer }),
    })
  const root = authority('NVIDIA Device Identity CA')
  const made = new Map<string, { readonly identity: P384Identity; readonly ica: P384Identity }>()
  return {
    root,
    from,
    random,
    provisionerOf: ({ name }) => {
      const known = made.get(name)
      if (known !== undefined) return known
      const identity = authority(`NVIDIA ${name} Identity`, root)
      const ica = authority(`NVIDIA ${name} Provisioner ICA 1`, identity)
      made.set(name, { identity, ica })
      return { identity, ica }
    },
  }
}

/** Issues the certificates of a device with that PDI, for firmware of that digest. */
export function issueDevice(
  pki: DevicePki,
  chip: Chip,
  device: { readonly label: string; readonly pdi: Uint8Array; readonly fwid: Uint8Array },
): DeviceCertificates {
  const { random, from, root } = pki
  const { identity, ica } = pki.provisionerOf(chip)
  const { label, pdi, fwid } = device
  const bromKey = createP384Key(random, `${label}/BROM`)
  const brom = issueP384({
    commonName: `${chip.name} A01 ${chip.processor} BROM`,
    key: bromKey,
    serial: concatBytes(Uint8Array.of(chip.serialByte), pdi),
    issuer: ica,
    from,
    until: FOREVER,
    usage: USAGE_CERT,
    ca: {},
  })
  // The leaf is for one firmware: another driver, another leaf under the same BROM.
  const leafLabel = `${label}/leaf/${toBareHex(fwid)}`
  const leafKey = createP384Key(random, leafLabel)
  const chipId = toBareHex(random(`${label}/chip`, 8)).toUpperCase()
  const leaf = issueP384({
    commonName: `${chip.name} A01 ${chip.processor} FMC LF`,
    key: leafKey,
    serial: serialOf(random, leafLabel),
    issuer: brom,
    from,
    until: FOREVER,
    usage: USAGE_SIGN,
    extensions: [deviceInfo(`NVIDIA:${chip.name}:${chipId}`), fwidExtension(chip, leafKey, fwid)],
  })
  return { chain: [leaf, brom, ica, identity, root], leaf, brom, fwid }
}

/** DMTF device info in the subject alternative name. */
function deviceInfo(text: string): CertificateExtension {
  const name = element(TAG.utf8String, new TextEncoder().encode(text))
  const other = element(0xa0, objectId('1.3.6.1.4.1.412.274.1'), element(TAG.explicit0, name))
  return { oid: '2.5.29.17', critical: false, value: sequence(other) }
}

/** TCG DICE: TcbInfo on Blackwell, CompositeDeviceID elsewhere. */
function fwidExtension(chip: Chip, key: P384Key, fwid: Uint8Array): CertificateExtension {
  const digest = (bytes: Uint8Array): Uint8Array =>
    sequence(objectId('2.16.840.1.101.3.4.2.2'), octets(bytes))
  if (chip.architecture === 'BLACKWELL') {
    const text = (tag: number, value: string): Uint8Array =>
      element(tag, new TextEncoder().encode(value))
    const fwids = element(0xa6, digest(fwid), digest(new Uint8Array(48)))
    const value = sequence(text(0x80, 'NVIDIA'), text(0x81, 'GB100 A01 GSP'), fwids)
    return { oid: '2.23.133.5.4.1.1', critical: false, value }
  }
  const value = sequence(integer(1), keyInfo(key), digest(fwid))
  return { oid: '2.23.133.5.4.1', critical: false, value }
}
