import type { TdReportBody } from '@jeju/simulator/forge'
import { accepted, UP_TO_DATE, type CaseArea, type ForgeCase } from '../forge-case.ts'

/** Fields of the TD report that say nothing of whether it is genuine: who wants which TD is appraisal. */

type Rows = readonly (readonly [id: string, why: string, body: Partial<TdReportBody>])[]

const register = (fill: number): Uint8Array => new Uint8Array(48).fill(fill)
const octets = (...bytes: readonly number[]): Uint8Array =>
  Uint8Array.from({ length: 8 }, (_, index) => bytes[index] ?? 0)

const FIELDS: Rows = [
  [
    'debug',
    'a debuggable TD is genuine, and not acceptable',
    { tdAttributes: octets(1, 0, 0, 16) },
  ],
  ['perf-prof', 'a profiled TD likewise', { tdAttributes: octets(0x20, 0, 0, 16) }],
  [
    'reserved-bit',
    'TDATTRIBUTES bit 40 has no meaning yet',
    { tdAttributes: octets(0, 0, 0, 16, 0, 1) },
  ],
  ['no-sept-ve-disable', 'left to appraisal', { tdAttributes: octets() }],
  ['migratable', 'left to appraisal', { tdAttributes: octets(0, 0, 0, 0x30) }],
  ['xfam-zero', 'x87 and SSE cannot be off; left to appraisal', { xfam: octets() }],
  ['xfam-bit-63', 'a feature without a name', { xfam: octets(0xe7, 2, 6, 0, 0, 0, 0, 0x80) }],
  ['mr-seam', 'which module it is follows from its version', { mrSeam: register(0x33) }],
  ['mr-td', 'any measurement', { mrTd: register(0x33) }],
  ['mr-config-id', 'any configuration', { mrConfigId: register(1) }],
  ['mr-owner', 'any owner', { mrOwner: register(1), mrOwnerConfig: register(2) }],
  ['rtmrs', 'any registers', { rtmrs: [register(0), register(0), register(0), register(0xff)] }],
  ['report-data', 'any report data', { reportData: new Uint8Array(64) }],
]

const TD15_FIELDS: Rows = [
  ['mr-service-td', 'a service TD is bound; left to appraisal', { mrServiceTd: register(0x77) }],
  ['td15-debug', 'a debuggable TD of TDX 1.5', { tdAttributes: octets(1, 0, 0, 16) }],
]

export const tdReport: CaseArea = {
  area: 'TD report fields that are left to appraisal',
  cases: [
    ...FIELDS.map(([id, why, body]): ForgeCase => accepted(`td-${id}`, why, { quote: { body } })),
    ...TD15_FIELDS.map(([id, why, body]): ForgeCase =>
      accepted(`td-${id}`, why, { quote: { layout: 'v5', body } }, { current: UP_TO_DATE }),
    ),
  ],
}
