import { gzipSync } from 'node:zlib'
import { build, type Rolldown } from 'vite'

/** What a bundler for browsers makes of an entry. */
export interface BrowserBundle {
  readonly code: string
  /** Bytes of the code as a server sends it, gzip level 9. */
  readonly gzipBytes: number
  /** Everything that went in. */
  readonly modules: readonly string[]
  /** What of it is there before a dynamic import asks for more. */
  readonly initialModules: readonly string[]
  /** The scripts by file name; the entry's name comes first. */
  readonly files: ReadonlyMap<string, string>
  /** Modules of Node that something asked for: replaced by an empty one, or left to import. */
  readonly foreign: readonly string[]
}

/** Bundles a TypeScript file with the sources of our packages, minified, exports kept. */
export async function bundleForBrowser(entry: string): Promise<BrowserBundle> {
  const result = await build({
    configFile: false,
    logLevel: 'error',
    publicDir: false,
    resolve: { conditions: ['@jeju/source', 'browser', 'module', 'import'] },
    build: {
      write: false,
      minify: true,
      modulePreload: false,
      // Not `lib`: there vite keeps the whitespace of a module.
      rolldownOptions: { input: entry, preserveEntrySignatures: 'strict' },
    },
  })
  const chunks = [result]
    .flat()
    .flatMap((bundle) => ('output' in bundle ? bundle.output : []))
    .filter((output): output is Rolldown.OutputChunk => output.type === 'chunk')
  const own = new Set(chunks.map(({ fileName }) => fileName))
  const modules = chunks.flatMap(({ moduleIds }) => moduleIds)
  const imports = chunks.flatMap((chunk) => [...chunk.imports, ...chunk.dynamicImports])
  const code = chunks.map((chunk) => chunk.code).join('\n')
  return {
    code,
    gzipBytes: gzipSync(code, { level: 9 }).length,
    modules,
    initialModules: initialOf(chunks).flatMap(({ moduleIds }) => moduleIds),
    files: new Map(
      chunks
        .toSorted((a, b) => Number(b.isEntry) - Number(a.isEntry))
        .map(({ fileName, code: text }) => [fileName, text]),
    ),
    foreign: [
      ...modules.filter((id) => id.includes('browser-external')),
      ...imports.filter((name) => !own.has(name)),
    ],
  }
}

/** The entry and whatever it imports at once. */
function initialOf(chunks: readonly Rolldown.OutputChunk[]): readonly Rolldown.OutputChunk[] {
  const wanted = chunks.filter(({ isEntry }) => isEntry)
  // The list grows while it is walked.
  for (const { imports } of wanted) {
    wanted.push(
      ...chunks.filter((chunk) => imports.includes(chunk.fileName) && !wanted.includes(chunk)),
    )
  }
  return wanted
}
