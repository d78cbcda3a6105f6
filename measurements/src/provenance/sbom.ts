import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ProductionPackage } from '../image/production-packages.ts'
import type { RuntimeLock } from '../image/runtime-lock.ts'

/** A component of the image. */
interface Component {
  readonly type: 'library' | 'application'
  readonly 'bom-ref': string
  readonly name: string
  readonly version: string
  readonly purl: string
  readonly licenses?: readonly object[]
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[]
}

/** What the image is called in its list. */
export interface SbomSubject {
  readonly version: string
  /** `sha256:…` of the image. */
  readonly digest: string
}

/**
 * A bill of materials of an image (CycloneDX 1.6, JSON): exactly the packages and runtime files that are in it, in
 * order, without a time or a serial number, so that the same image gives the same bill.
 */
export async function sbom(
  tree: string,
  packages: readonly ProductionPackage[],
  runtime: RuntimeLock,
  { version, digest }: SbomSubject,
): Promise<object> {
  const installed = packages.filter(({ locked, folder }) => !isOurs(folder) && locked.link !== true)
  const components = await Promise.all(installed.map((each) => npmComponent(tree, each)))
  const subject = `pkg:oci/compute-node@${encodeURIComponent(digest)}`
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      component: {
        type: 'container',
        'bom-ref': subject,
        name: 'jeju-compute-node',
        version,
        purl: subject,
        licenses: [{ license: { id: 'MIT' } }],
      },
    },
    components: [...runtimeComponents(runtime), ...components].toSorted((a, b) =>
      a['bom-ref'] < b['bom-ref'] ? -1 : 1,
    ),
  }
}

function isOurs(folder: string): boolean {
  return !folder.includes('node_modules/')
}

async function npmComponent(
  tree: string,
  { folder, name, locked }: ProductionPackage,
): Promise<Component> {
  const { version = '', integrity } = locked
  const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`
  return {
    type: 'library',
    // The same package may stand in several folders.
    'bom-ref': `${purl}#${folder}`,
    name,
    version,
    purl,
    licenses: licensesOf(await licenceOf(tree, folder)),
    ...(integrity === undefined ? {} : { hashes: [hashOf(integrity)] }),
  }
}

/** The licence a package states, an SPDX expression; `NOASSERTION` where it states none. */
export async function licenceOf(tree: string, folder: string): Promise<string> {
  const text = await readFile(join(tree, folder, 'package.json'), 'utf8')
  const { license } = JSON.parse(text) as { readonly license?: unknown }
  return typeof license === 'string' ? license : 'NOASSERTION'
}

function licensesOf(licence: string): readonly object[] {
  if (licence === 'NOASSERTION') return [{ license: { name: licence } }]
  return /[ ()]/.test(licence) ? [{ expression: licence }] : [{ license: { id: licence } }]
}

/** A lock's `sha512-<base64>` in the words of CycloneDX. */
function hashOf(integrity: string): { readonly alg: string; readonly content: string } {
  const [algorithm = '', base64 = ''] = integrity.split('-')
  const names: Readonly<Record<string, string>> = { sha1: 'SHA-1', sha512: 'SHA-512' }
  return {
    alg: names[algorithm] ?? algorithm,
    content: Buffer.from(base64, 'base64').toString('hex'),
  }
}

function runtimeComponents({ sources }: RuntimeLock): readonly Component[] {
  return Object.values(sources).map(({ kind, package: name, version, sha256 }) => {
    const purl =
      kind === 'npm'
        ? `pkg:npm/${name}@${version}`
        : `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?arch=amd64`
    return {
      type: 'library',
      'bom-ref': purl,
      name,
      version,
      purl,
      hashes: [{ alg: 'SHA-256', content: sha256 }],
    }
  })
}
