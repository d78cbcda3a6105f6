import { CheckFailure } from '../../report/check-failure.ts'
import type { CertificateStore } from '../../pki/certificates.ts'
import type { ChainCodes } from '../../pki/issuance.ts'
import type { Certificate } from '../../x509/certificate.ts'
import { requireChainDates, verifyNvidiaChain, type NvidiaChain } from '../nvidia-chain.ts'
import { familyOf, type ChipFamily } from './chip-family.ts'

/** Leaf, BROM, provisioner, identity, root. */
const DEVICE_CHAIN_LENGTH = 5

export const DEVICE_CODES: ChainCodes = {
  shape: 'GPU_CHAIN_INVALID',
  untrusted: 'GPU_CHAIN_UNTRUSTED',
  certificate: 'GPU_CERT_INVALID',
  signature: 'GPU_CERT_SIGNATURE_INVALID',
  expired: 'GPU_CERT_EXPIRED',
  notYetValid: 'GPU_CERT_NOT_YET_VALID',
}

/** A device's certificates, of which every link holds. */
export interface DeviceChain {
  readonly chain: NvidiaChain
  /** Its key signs reports; it changes with the firmware. */
  readonly leaf: Certificate
  /** Of the boot ROM: the device itself, whatever its firmware. */
  readonly brom: Certificate
  readonly family: ChipFamily
}

/**
 * Chain of a device as NVML delivers it, in PEM, leaf first: five certificates, or four without the root; all valid at
 * `at` (Unix milliseconds). That the chain holds says nothing of a report beside it.
 * @throws CheckFailure
 */
export async function verifyDeviceChain(
  pem: string,
  root: Certificate,
  store: CertificateStore,
  at: number,
): Promise<DeviceChain> {
  const lengths = [DEVICE_CHAIN_LENGTH, DEVICE_CHAIN_LENGTH - 1]
  const what = 'a device chain of five certificates'
  // NVML's buffer is text of C.
  const text = pem.replace(/\0$/, '')
  const given = store.readChain(text, lengths, what, DEVICE_CODES)
  const chain = await verifyNvidiaChain(given, DEVICE_CHAIN_LENGTH, root, store, DEVICE_CODES)
  requireChainDates(chain, at, DEVICE_CODES)
  const [leaf, brom] = chain
  if (!leaf || !brom) throw new CheckFailure(DEVICE_CODES.shape, what, 'fewer')
  const family = familyOf(brom.commonName, 'BROM')
  if (!family || familyOf(leaf.commonName, 'FMC LF')?.chip !== family.chip) {
    const expected = 'leaf and BROM of one known chip'
    throw new CheckFailure(
      DEVICE_CODES.certificate,
      expected,
      `${leaf.commonName} by ${brom.commonName}`,
    )
  }
  return { chain, leaf, brom, family }
}
