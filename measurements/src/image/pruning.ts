/** What a node computes with. */
export const IMAGE_VARIANTS = ['cpu', 'cuda'] as const

/** One of {@link IMAGE_VARIANTS}. */
export type ImageVariant = (typeof IMAGE_VARIANTS)[number]

const LLAMA_BINARIES = '@node-llama-cpp/'
const KEPT_BINARIES: Readonly<Record<ImageVariant, readonly string[]>> = {
  cpu: ['linux-x64'],
  cuda: ['linux-x64', 'linux-x64-cuda', 'linux-x64-cuda-ext'],
}

/** Never loaded: SQLite for another C library, and what secp256k1 computes with where its native part is absent. */
const NEVER_LOADED: readonly string[] = ['@libsql/linux-x64-musl', 'elliptic']

/** Whether a package stays out: llama.cpp for machines that this image is not for, and what is never loaded. */
export function isPrunedPackage(name: string, variant: ImageVariant): boolean {
  if (NEVER_LOADED.includes(name)) return true
  if (!name.startsWith(LLAMA_BINARIES)) return false
  return !KEPT_BINARIES[variant].includes(name.slice(LLAMA_BINARIES.length))
}

/** Nothing of these is read when the node runs: TypeScript, source maps, and sources to compile llama.cpp from. */
const PRUNED_FILES = [/\.[cm]?ts$/, /\.map$/, /^llama\/gitRelease\.bundle$/]

/** Whether a file of a package stays out; its path is the one inside the package. */
export function isPrunedFile(path: string): boolean {
  return PRUNED_FILES.some((pattern) => pattern.test(path))
}
