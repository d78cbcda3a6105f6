import { measureRelease } from '../release/measure-release.ts'
import {
  differingFiles,
  readRelease,
  releaseFiles,
  writeReleaseFiles,
} from '../release/release-files.ts'
import { drawTable, releaseTable } from '../release/release-table.ts'
import { MeasureError } from '../measure-error.ts'
import { print } from './command.ts'

/**
 * Measures the whole tree, prints a table against what is recorded, and records it; with `check`, refuses a difference
 * instead.
 * @throws MeasureError `MEASURE_DIFFERS`
 */
export async function measureAll(check: boolean): Promise<number> {
  const recorded = await readRelease().catch((error: unknown) => {
    if (check) throw error
    return undefined
  })
  const measured = await measureRelease()
  print(drawTable(releaseTable(measured.release, recorded)))
  const files = releaseFiles(measured)
  const differing = await differingFiles(files)
  if (!check) await writeReleaseFiles(files)
  if (check && differing.length > 0) {
    throw new MeasureError('MEASURE_DIFFERS', `not those of this tree: ${differing.join(', ')}`)
  }
  print(
    check ? 'every file is the recorded one' : `written: ${differing.join(', ') || 'nothing new'}`,
  )
  return 0
}
