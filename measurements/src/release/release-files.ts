import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { root } from '../root.ts'
import type { MeasuredRelease } from './measure-release.ts'
import { releasePolicy } from './release-policy.ts'
import { JSON_SCHEMAS, parseInput, release, type Release } from './schema.ts'

const FOLDER = join(root, 'measurements')

/** A generated file of this folder. */
export interface ReleaseFile {
  readonly name: string
  readonly content: Uint8Array
}

/** Everything a release publishes, by name. */
export function releaseFiles(measured: MeasuredRelease): readonly ReleaseFile[] {
  return [
    ...measured.composes.map(({ file, bytes }) => ({ name: file, content: bytes })),
    { name: 'release.json', content: readable(measured.release) },
    { name: 'policy.json', content: readable(releasePolicy(measured.release)) },
    ...schemaFiles(),
  ]
}

/** The JSON schemas, for readers in other languages. */
export function schemaFiles(): readonly ReleaseFile[] {
  return Object.entries(JSON_SCHEMAS).map(([name, schema]) => ({
    name: `schema/${name}`,
    content: readable(z.toJSONSchema(schema)),
  }))
}

/** Writes generated files over the recorded ones. */
export async function writeReleaseFiles(files: readonly ReleaseFile[]): Promise<void> {
  for (const { name, content } of files) await writeFile(join(FOLDER, name), content)
}

/** Names of the files whose recorded content is another, or missing. */
export async function differingFiles(files: readonly ReleaseFile[]): Promise<readonly string[]> {
  const compared = await Promise.all(
    files.map(async ({ name, content }) => {
      const recorded = await readFile(join(FOLDER, name)).catch(() => undefined)
      return { name, same: recorded !== undefined && recorded.equals(content) }
    }),
  )
  return compared.filter(({ same }) => !same).map(({ name }) => name)
}

/** The recorded release. @throws MeasureError `MEASURE_INPUT` */
export async function readRelease(): Promise<Release> {
  const text = await readFile(join(FOLDER, 'release.json'), 'utf8')
  return parseInput(release, text, 'release.json')
}

function readable(value: unknown): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`)
}
