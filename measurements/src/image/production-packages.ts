import { MeasureError } from '../measure-error.ts'

/** An entry of package-lock.json, as far as it is read. */
export interface LockedPackage {
  readonly version?: string
  readonly resolved?: string
  readonly integrity?: string
  readonly license?: string
  readonly link?: boolean
  readonly os?: readonly string[]
  readonly cpu?: readonly string[]
  readonly libc?: readonly string[]
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
}

/** Packages of a lock by their folder (package-lock.json, lockfileVersion 3). */
export type Lock = Readonly<Record<string, LockedPackage>>

/** A package in the image. */
export interface ProductionPackage {
  /** Folder it is installed in, from the repository. */
  readonly folder: string
  readonly name: string
  readonly locked: LockedPackage
}

/**
 * Reads a lock.
 * @throws MeasureError `MEASURE_INPUT`
 */
export function parseLock(text: string): Lock {
  const lock = JSON.parse(text) as { readonly lockfileVersion?: number; readonly packages?: Lock }
  if (lock.lockfileVersion !== 3 || lock.packages === undefined) {
    throw new MeasureError('MEASURE_INPUT', 'package-lock.json: expected lockfileVersion 3')
  }
  return lock.packages
}

/**
 * What `npm ci --omit=dev` installs for a workspace on Linux x64 with glibc, less what `isPruned` says: workspaces as
 * links (their folders come apart), packages by folder.
 * @throws MeasureError `MEASURE_INPUT` for a dependency that the lock does not have
 */
export function productionPackages(
  lock: Lock,
  workspace: string,
  isPruned: (name: string) => boolean,
): readonly ProductionPackage[] {
  const found = new Map<string, ProductionPackage>()
  const todo = [workspace]
  for (let folder = todo.pop(); folder !== undefined; folder = todo.pop()) {
    const locked = lock[folder]
    if (locked === undefined) throw new MeasureError('MEASURE_INPUT', `${folder}: not in the lock`)
    if (found.has(folder)) continue
    found.set(folder, { folder, name: packageName(folder), locked })
    if (locked.link === true) {
      todo.push(locked.resolved ?? '')
      continue
    }
    for (const [name, optional] of dependenciesOf(locked)) {
      if (isPruned(name)) continue
      const at = resolve(lock, folder, name)
      const target = at === undefined ? undefined : lock[at]
      if (at !== undefined && target !== undefined && runsHere(target)) todo.push(at)
      else if (!optional)
        throw new MeasureError('MEASURE_INPUT', `${folder}: no ${name} in the lock`)
    }
  }
  return [...found.values()].toSorted((a, b) => (a.folder < b.folder ? -1 : 1))
}

function dependenciesOf(locked: LockedPackage): readonly (readonly [string, boolean])[] {
  const { dependencies = {}, optionalDependencies = {}, peerDependencies = {} } = locked
  const peers = Object.keys(peerDependencies).filter(
    (name) => locked.peerDependenciesMeta?.[name]?.optional !== true,
  )
  return [
    ...[...Object.keys(dependencies), ...peers].map((name) => [name, false] as const),
    ...Object.keys(optionalDependencies).map((name) => [name, true] as const),
  ]
}

/** Node's own way of finding a package: the nearest `node_modules` upward. */
function resolve(lock: Lock, from: string, name: string): string | undefined {
  const parts = from.split('/')
  for (let length = parts.length; length >= 0; length--) {
    if (parts[length - 1] === 'node_modules') continue
    const at = [...parts.slice(0, length), 'node_modules', name].join('/')
    if (Object.hasOwn(lock, at)) return at
  }
  return undefined
}

function runsHere({ os, cpu, libc }: LockedPackage): boolean {
  return allows(os, 'linux') && allows(cpu, 'x64') && allows(libc, 'glibc')
}

/** npm's rule: a list of what is allowed, or, with `!`, of what is not. */
function allows(list: readonly string[] | undefined, value: string): boolean {
  if (list === undefined) return true
  if (list.includes(`!${value}`)) return false
  return list.includes(value) || list.every((item) => item.startsWith('!'))
}

function packageName(folder: string): string {
  return folder.split('node_modules/').at(-1) ?? folder
}
