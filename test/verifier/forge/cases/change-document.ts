import type { PlatformLevelJson, QeIdentityJson, TcbInfoJson } from '@jeju/simulator/forge'
import type { Forgery } from '@jeju/simulator/forge'

/** Changes members of TCB info. */
export function tcbInfo(change: (info: TcbInfoJson) => Record<string, unknown>): Forgery {
  return { tcbInfo: { value: (info) => ({ ...info, ...change(info) }) } }
}

/** Changes members of the QE identity. */
export function qeIdentity(change: (identity: QeIdentityJson) => Record<string, unknown>): Forgery {
  return { qeIdentity: { value: (identity) => ({ ...identity, ...change(identity) }) } }
}

/** Leaves a member out. */
export function without(document: 'tcbInfo' | 'qeIdentity', member: string): Forgery {
  return { [document]: { value: (json: object) => omit(json, member) } }
}

/** The same object without that member. */
export function omit(object: object, member: string): unknown {
  return Object.fromEntries(Object.entries(object).filter(([name]) => name !== member))
}

/** Changes the text that is signed. */
export function text(
  document: 'tcbInfo' | 'qeIdentity',
  change: (text: string) => string,
): Forgery {
  return { [document]: { text: change } }
}

/** Changes the text after it was signed. */
export function served(
  document: 'tcbInfo' | 'qeIdentity',
  change: (text: string) => string,
): Forgery {
  return { [document]: { served: change } }
}

/** Changes the first level of the platform. */
export function firstLevel(change: (level: PlatformLevelJson) => Record<string, unknown>): Forgery {
  return tcbInfo(({ tcbLevels: [first, ...rest] }) => {
    if (first === undefined) throw new RangeError('TCB info without levels')
    return { tcbLevels: [{ ...first, ...change(first) }, ...rest] }
  })
}
