import { concatBytes, utf8 } from '@jeju/verifier/protocol'
import { guidBytes } from '../../../../verifier/src/dstack/boot/guid.ts'

/** One record of a section table; absent members are those of an empty section. */
export interface SectionRecord {
  readonly dataOffset?: number
  readonly rawSize?: number
  readonly address?: bigint
  readonly memorySize?: bigint
  readonly type?: number
  readonly attributes?: number
}

/** What a firmware file is made of; absent members make a good one. */
export interface FirmwareParts {
  readonly payload?: Uint8Array
  readonly sections: readonly SectionRecord[]
  readonly version?: number
  readonly declaredSections?: number
  readonly descriptorOffset?: number
  readonly entryLength?: number
  readonly tableLength?: number
  readonly signature?: string
}

const FOOTER = guidBytes('96b582de-1fb2-45f7-baea-a366c55a082d')
const METADATA_OFFSET = guidBytes('e47a6535-984a-4798-865e-4685a7bf8ec2')
const OTHER_ENTRY = guidBytes('00f771de-1a7e-4fcb-890e-68c77e2fb44e')

function little(bytes: number, value: bigint | number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, index) =>
    Number((BigInt(value) >> BigInt(8 * index)) & 0xffn),
  )
}

/** A firmware file: payload, descriptor and sections, the GUID table, and 32 bytes of reset vector. */
export function buildFirmware(parts: FirmwareParts): Uint8Array<ArrayBuffer> {
  const { payload = new Uint8Array(0), sections } = parts
  const descriptor = concatBytes(
    utf8(parts.signature ?? 'TDVF'),
    little(4, 16 + 32 * sections.length),
    little(4, parts.version ?? 1),
    little(4, parts.declaredSections ?? sections.length),
    ...sections.map((section) =>
      concatBytes(
        little(4, section.dataOffset ?? 0),
        little(4, section.rawSize ?? 0),
        little(8, section.address ?? 0n),
        little(8, section.memorySize ?? 0n),
        little(4, section.type ?? 0),
        little(4, section.attributes ?? 0),
      ),
    ),
  )
  const entryBytes = 4 + 18
  const otherBytes = 8 + 18
  const behind = entryBytes + otherBytes + 18 + 32
  const offset = parts.descriptorOffset ?? descriptor.length + behind
  return concatBytes(
    payload,
    descriptor,
    little(4, offset),
    little(2, parts.entryLength ?? entryBytes),
    METADATA_OFFSET,
    new Uint8Array(8),
    little(2, otherBytes),
    OTHER_ENTRY,
    little(2, parts.tableLength ?? entryBytes + otherBytes + 18),
    FOOTER,
    new Uint8Array(32),
  )
}

const PAGE = 0x1000
/** Two pages of code and one of variables. */
export const PAYLOAD: Uint8Array<ArrayBuffer> = Uint8Array.from(
  { length: 3 * PAGE },
  (_, index) => index * 7,
)

/** Sections like those of OVMF: code, variables, the hand-off block and memory accepted at start. */
export const SECTIONS: readonly SectionRecord[] = [
  { rawSize: 2 * PAGE, address: 0xffffe000n, memorySize: 0x2000n, attributes: 1 },
  { dataOffset: 2 * PAGE, rawSize: PAGE, address: 0xffffd000n, memorySize: 0x1000n, type: 1 },
  { address: 0x810000n, memorySize: 0x10000n, type: 3 },
  { address: 0x80b000n, memorySize: 0x2000n, type: 3 },
  { address: 0x809000n, memorySize: 0x2000n, type: 2 },
  { address: 0x800000n, memorySize: 0x6000n, type: 3 },
]
