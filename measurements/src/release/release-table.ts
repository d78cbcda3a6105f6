import { sha256Hex } from '../image/runtime-files.ts'
import { releasePolicy } from './release-policy.ts'
import type { Release } from './schema.ts'

/** A named number, and whether it is the recorded one; undefined where nothing is recorded. */
export interface TableRow {
  readonly name: string
  readonly value: string
  readonly agrees: boolean | undefined
}

/** Every number of a release beside the recorded one. */
export function releaseTable(
  measured: Release,
  recorded: Release | undefined,
): readonly TableRow[] {
  const known = new Map(recorded === undefined ? [] : rowsOf(recorded))
  return rowsOf(measured).map(([name, value]) => {
    const before = known.get(name)
    return { name, value, agrees: before === undefined ? undefined : before === value }
  })
}

/** The table as text. */
export function drawTable(rows: readonly TableRow[]): string {
  const width = Math.max(...rows.map(({ name }) => name.length))
  const mark = ({ agrees }: TableRow): string =>
    agrees === undefined ? 'new     ' : agrees ? 'same    ' : 'DIFFERS '
  return rows.map((row) => `${mark(row)}${row.name.padEnd(width)}  ${row.value}\n`).join('')
}

function rowsOf(release: Release): readonly (readonly [string, string])[] {
  return [
    ['sources', release.sourceSha256],
    ...release.images.flatMap(({ variant, digest, layers }): [string, string][] => [
      ...layers.map((layer): [string, string] => [`image ${variant}, ${layer.name}`, layer.digest]),
      [`image ${variant}`, digest],
    ]),
    ...release.composes.map(({ file, composeHash }): [string, string] => [file, composeHash]),
    ['model', release.model.modelId],
    ['model catalogue', release.model.catalogDigest],
    ...release.osImages.flatMap(({ name, osImageHash, accepted, machines }): [string, string][] => [
      [`${name}${accepted ? '' : ' (not accepted)'}`, osImageHash],
      ...machines.flatMap(({ shape, registers, imageId }) => [
        ...Object.entries(registers).map(([register, value]): [string, string] => [
          `${name}, ${shape}, ${register}`,
          value,
        ]),
        [`${name}, ${shape}, image id on chain`, imageId] as [string, string],
      ]),
    ]),
    ['policy', sha256Hex(new TextEncoder().encode(JSON.stringify(releasePolicy(release))))],
  ]
}
