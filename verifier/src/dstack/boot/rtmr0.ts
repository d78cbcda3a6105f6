import { concatBytes } from '../../bytes/bytes.ts'
import { sha384 } from '../../bytes/hash.ts'
import { fromBareHex } from '../../bytes/hex.ts'
import { guidBytes } from './guid.ts'
import { measuredRegister, utf16Le } from './measured-register.ts'

/** SHA-384 of the three ACPI blobs that QEMU hands to the firmware, 48 bytes each. */
export interface AcpiDigests {
  /** `etc/table-loader`. */
  readonly loader: Uint8Array
  /** `etc/acpi/rsdp`. */
  readonly rsdp: Uint8Array
  /** `etc/acpi/tables`. */
  readonly tables: Uint8Array
}

/** Digest of the empty variable store (CFV) of dstack's firmware, 48 bytes. */
export const EMPTY_CFV: Uint8Array = fromBareHex(
  '344bc51c980ba621aaa00da3ed7436f7d6e549197dfe699515dfa2c6583d95e6412af21c097d473155875ffd561d6790',
)
/** Digest of the boot option of dstack's firmware, its setup application. */
const BOOT_0000 = fromBareHex(
  '23ada07f5261f12f34a0bd8e46760962d6b4d576a416f1fea1c64bc656b1d28eacf7047ae6e967c58fd2a98bfa74c298',
)
const GLOBAL_VARIABLE = guidBytes('8be4df61-93ca-11d2-aa0d-00e098032b8c')
const IMAGE_SECURITY_DATABASE = guidBytes('d719b2cb-3d3a-4596-a3bc-dad00e67656f')

/** Digest of an EFI variable without content (TCG PC Client Platform Firmware Profile, UEFI_VARIABLE_DATA). */
export function emptyVariableDigest(vendor: Uint8Array, name: string): Uint8Array {
  const lengths = new Uint8Array(16)
  new DataView(lengths.buffer).setBigUint64(0, BigInt(name.length), true)
  return sha384(concatBytes(vendor, lengths, utf16Le(name)))
}

/**
 * RTMR0 of dstack's firmware, 48 bytes: the 13 events of its layout "pre202505", the one that 0.5 and 0.6 images use.
 * `tdHob` and `cfv` are the digests of the TD HOB and of the firmware's variable store.
 */
export function computeRtmr0(tdHob: Uint8Array, cfv: Uint8Array, acpi: AcpiDigests): Uint8Array {
  return measuredRegister([
    tdHob,
    cfv,
    ...['SecureBoot', 'PK', 'KEK'].map((name) => emptyVariableDigest(GLOBAL_VARIABLE, name)),
    ...['db', 'dbx'].map((name) => emptyVariableDigest(IMAGE_SECURITY_DATABASE, name)),
    sha384(new Uint8Array(4)), // separator
    acpi.loader,
    acpi.rsdp,
    acpi.tables,
    sha384(new Uint8Array(2)), // BootOrder
    BOOT_0000,
  ])
}
