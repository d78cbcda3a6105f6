import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { compileSource } from './compiled-source.ts'
import { APP } from './dependency-files.ts'
import { filesBelow } from './files-below.ts'
import type { ImageEntry } from './image-entry.ts'

/** A workspace's folders of sources with where they are compiled to, and files that are taken as they are. */
interface Workspace {
  readonly folder: string
  readonly sources: readonly { readonly from: string; readonly to: string }[]
  readonly skips: readonly string[]
  readonly asTheyAre: readonly RegExp[]
}

/** Our own code in the image. A command line tool has no place in a node. */
const WORKSPACES: readonly Workspace[] = [
  {
    folder: 'contracts',
    sources: [
      { from: 'abi', to: 'dist/abi' },
      { from: 'dcap', to: 'dist/dcap' },
    ],
    skips: [],
    asTheyAre: [],
  },
  {
    folder: 'enclave',
    sources: [{ from: 'src', to: 'dist' }],
    skips: [],
    asTheyAre: [/^model\/[^/]+\.gguf$/, /LICENSE$/],
  },
  { folder: 'verifier', sources: [{ from: 'src', to: 'dist' }], skips: ['cli'], asTheyAre: [] },
]

/** Folders that hold no sources. */
const NO_SOURCES = ['node_modules', 'dist', 'out', 'cache']

/**
 * The application as entries: compiled sources, package files, the embedded model, the licence.
 * @throws MeasureError `IMAGE_SOURCE`
 */
export async function applicationEntries(tree: string): Promise<readonly ImageEntry[]> {
  const workspaces = await Promise.all(WORKSPACES.map((each) => workspaceEntries(tree, each)))
  return [await asItIs(tree, 'LICENSE'), ...workspaces.flat()]
}

async function workspaceEntries(
  tree: string,
  { folder, sources, skips, asTheyAre }: Workspace,
): Promise<readonly ImageEntry[]> {
  const code = await Promise.all(sources.map((each) => compiledBelow(tree, folder, each, skips)))
  const others = asTheyAre.length === 0 ? [] : await filesBelow(join(tree, folder), isNoSource)
  const kept = others.filter((path) => asTheyAre.some((pattern) => pattern.test(path)))
  const asIs = await Promise.all([
    asItIs(tree, `${folder}/package.json`),
    ...kept.map((path) => asItIs(tree, `${folder}/${path}`)),
  ])
  return [...asIs, ...code.flat()]
}

function isNoSource(name: string): boolean {
  return NO_SOURCES.includes(name)
}

async function compiledBelow(
  tree: string,
  folder: string,
  { from, to }: Workspace['sources'][number],
  skips: readonly string[],
): Promise<readonly ImageEntry[]> {
  const paths = await filesBelow(join(tree, folder, from), (name) => skips.includes(name))
  const sources = paths.filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))
  return Promise.all(
    sources.map(async (path): Promise<ImageEntry> => {
      const source = `${folder}/${from}/${path}`
      const code = compileSource(source, await readFile(join(tree, source), 'utf8'))
      return {
        kind: 'file',
        path: `${APP}/${folder}/${to}/${path.replace(/\.ts$/, '.js')}`,
        content: new TextEncoder().encode(code),
      }
    }),
  )
}

async function asItIs(tree: string, path: string): Promise<ImageEntry> {
  return { kind: 'file', path: `${APP}/${path}`, content: await readFile(join(tree, path)) }
}
