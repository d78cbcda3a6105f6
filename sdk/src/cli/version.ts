import { readFile } from 'node:fs/promises'

/** Version of this package; its description lies two folders up, of the sources and of what is built. */
export async function readVersion(): Promise<string> {
  const file = new URL('../../package.json', import.meta.url)
  const { version }: { version: string } = JSON.parse(await readFile(file, 'utf8'))
  return version
}
