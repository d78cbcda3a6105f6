/** The JSON documents Intel signs, in its member order (PCS API v4). */

/** A level of a module or of the quoting enclave. */
export interface SvnLevelJson {
  readonly tcb: { readonly isvsvn: unknown }
  readonly tcbDate: unknown
  readonly tcbStatus: unknown
  readonly advisoryIDs?: unknown
}

/** One component SVN. */
export interface ComponentJson {
  readonly svn: unknown
}

/** A level of the platform. */
export interface PlatformLevelJson {
  readonly tcb: {
    readonly sgxtcbcomponents: readonly ComponentJson[]
    readonly pcesvn: unknown
    readonly tdxtcbcomponents: readonly ComponentJson[]
  }
  readonly tcbDate: unknown
  readonly tcbStatus: unknown
  readonly advisoryIDs?: unknown
}

/** Signer and fixed attributes of a TDX module, in hex. */
export interface ModuleJson {
  readonly mrsigner: string
  readonly attributes: string
  readonly attributesMask: string
}

/** A generation of the TDX module. */
export interface ModuleIdentityJson extends ModuleJson {
  readonly id: string
  readonly tcbLevels: readonly SvnLevelJson[]
}

/** TCB info version 3 for TDX. */
export interface TcbInfoJson {
  readonly id: string
  readonly version: number
  readonly issueDate: string
  readonly nextUpdate: string
  readonly fmspc: string
  readonly pceId: string
  readonly tcbType: number
  readonly tcbEvaluationDataNumber: number
  readonly tdxModule: ModuleJson
  readonly tdxModuleIdentities: readonly ModuleIdentityJson[]
  readonly tcbLevels: readonly PlatformLevelJson[]
}

/** Identity version 2 of the TD quoting enclave. */
export interface QeIdentityJson {
  readonly id: string
  readonly version: number
  readonly issueDate: string
  readonly nextUpdate: string
  readonly tcbEvaluationDataNumber: number
  readonly miscselect: string
  readonly miscselectMask: string
  readonly attributes: string
  readonly attributesMask: string
  readonly mrsigner: string
  readonly isvprodid: number
  readonly tcbLevels: readonly SvnLevelJson[]
}

/** `YYYY-MM-DDTHH:MM:SSZ`, the only form Intel serves. */
export function jsonTime(at: Date): string {
  return `${at.toISOString().slice(0, 19)}Z`
}

/** 16 components: the given SVNs, then zeros. */
export function components(...svns: readonly number[]): readonly ComponentJson[] {
  return Array.from({ length: 16 }, (_, index) => ({ svn: svns[index] ?? 0 }))
}
