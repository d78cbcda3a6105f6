/** A place that no test reached. */
export interface Gap {
  readonly file: string
  readonly line: number
  readonly missing: 'line' | 'branch'
}

/** What a report says of the files that were asked for. */
export interface Coverage {
  readonly files: number
  readonly lines: number
  readonly branches: number
  readonly gaps: readonly Gap[]
}

/** Reads the lcov text of forge, in which `-` is a branch that was never taken: files whose path begins with `folder`. */
export function gapsOf(report: string, folder: string): Coverage {
  let file: string | undefined
  let [files, lines, branches] = [0, 0, 0]
  const gaps: Gap[] = []
  for (const row of report.split('\n')) {
    const [kind, rest] = split(row)
    if (kind === 'SF') {
      file = rest.startsWith(folder) ? rest : undefined
      if (file !== undefined) ++files
    }
    if (file === undefined) continue
    const [line = '', ...fields] = rest.split(',')
    if (kind === 'DA') {
      ++lines
      if (fields[0] === '0') gaps.push({ file, line: Number(line), missing: 'line' })
    }
    if (kind === 'BRDA') {
      ++branches
      if (fields[2] === '-' || fields[2] === '0')
        gaps.push({ file, line: Number(line), missing: 'branch' })
    }
  }
  return { files, lines, branches, gaps }
}

function split(row: string): readonly [string, string] {
  const colon = row.indexOf(':')
  return [row.slice(0, colon), row.slice(colon + 1).trim()]
}
