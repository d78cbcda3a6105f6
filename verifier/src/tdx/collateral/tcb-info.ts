import { CheckFailure } from '../../report/check-failure.ts'
import { PLATFORM_STATUSES, type PlatformStatus, type TcbLevel } from '../tcb/tcb-status.ts'
import { parseDocument, type DocumentFields } from './document.ts'
import {
  evaluationNumber,
  readLevel,
  readSvnLevels,
  requireValue,
  requireVersion,
  type SvnLevel,
} from './levels.ts'

const COMPONENTS = 16
/** TCB info version 3 for TDX (Intel PCS API v4). Hex is lowercase. */
export interface TcbInfo {
  /** Unix milliseconds. */
  readonly issueDate: number
  readonly nextUpdate: number
  /** 6 bytes. */
  readonly fmspc: string
  /** 2 bytes. */
  readonly pceId: string
  readonly tcbEvaluationDataNumber: number
  readonly tdxModule: TdxModule
  readonly tdxModuleIdentities: readonly TdxModuleIdentity[]
  /** Sorted best first. */
  readonly tcbLevels: readonly PlatformLevel[]
}

/** Who signs a TDX module and which of its attributes are fixed. */
export interface TdxModule {
  /** 48 bytes. */
  readonly mrSigner: string
  /** 8 bytes. */
  readonly attributes: string
  readonly attributesMask: string
}

/** A generation of the TDX module, `TDX_` and two digits of its major version. */
export interface TdxModuleIdentity extends TdxModule {
  readonly id: string
  /** Sorted best first. */
  readonly tcbLevels: readonly SvnLevel[]
}

/** A level of the platform: the least SVNs it takes. */
export interface PlatformLevel extends TcbLevel<PlatformStatus> {
  readonly sgxComponents: readonly number[]
  readonly pceSvn: number
  readonly tdxComponents: readonly number[]
}

/** Reads the exact text that was signed. @throws CheckFailure */
export function parseTcbInfo(text: string): TcbInfo {
  const info = parseDocument(text, 'tcbInfo')
  requireValue(info.text('id'), 'TDX', 'tcbInfo.id')
  requireVersion(info, 3, 'tcbInfo')
  requireValue(String(info.integer('tcbType', 0xff)), '0', 'tcbInfo.tcbType')
  return {
    issueDate: info.time('issueDate'),
    nextUpdate: info.time('nextUpdate'),
    fmspc: info.hex('fmspc', 6),
    pceId: info.hex('pceId', 2),
    tcbEvaluationDataNumber: evaluationNumber(info),
    tdxModule: readModule(info.object('tdxModule')),
    tdxModuleIdentities: readIdentities(info),
    tcbLevels: info.objects('tcbLevels', 1).map(readPlatformLevel).toSorted(bestPlatformFirst),
  }
}

function readIdentities(info: DocumentFields): readonly TdxModuleIdentity[] {
  if (!info.has('tdxModuleIdentities')) return []
  const identities = info.objects('tdxModuleIdentities', 0).map((identity) => ({
    id: identity.text('id'),
    ...readModule(identity),
    tcbLevels: readSvnLevels(identity),
  }))
  const ids = new Set(identities.map(({ id }) => id))
  if (ids.size !== identities.length) {
    throw new CheckFailure('COLLATERAL_FORMAT', 'tdxModuleIdentities: each id once', 'one twice')
  }
  return identities
}

function readModule(module: DocumentFields): TdxModule {
  return {
    mrSigner: module.hex('mrsigner', 48),
    attributes: module.hex('attributes', 8),
    attributesMask: module.hex('attributesMask', 8),
  }
}

function readPlatformLevel(level: DocumentFields): PlatformLevel {
  const tcb = level.object('tcb')
  return {
    ...readLevel(level, PLATFORM_STATUSES),
    sgxComponents: readComponents(tcb, 'sgxtcbcomponents'),
    pceSvn: tcb.integer('pcesvn', 0xffff),
    tdxComponents: readComponents(tcb, 'tdxtcbcomponents'),
  }
}

function readComponents(tcb: DocumentFields, name: string): readonly number[] {
  return tcb.objects(name, COMPONENTS, COMPONENTS).map((component) =>
    // Above 255 no platform can match; the level is skipped, as Intel's library does.
    component.integer('svn', 0xffff),
  )
}

function bestPlatformFirst(a: PlatformLevel, b: PlatformLevel): number {
  return (
    compareSvns(b.sgxComponents, a.sgxComponents) ||
    b.pceSvn - a.pceSvn ||
    compareSvns(b.tdxComponents, a.tdxComponents)
  )
}

function compareSvns(a: readonly number[], b: readonly number[]): number {
  const index = a.findIndex((svn, place) => svn !== b[place])
  return index === -1 ? 0 : (a[index] ?? 0) - (b[index] ?? 0)
}
