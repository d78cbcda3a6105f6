/**
 * Fails where a line or branch of the market's contracts is reached by no test. Reads what
 * `forge coverage --report lcov` wrote: `node --import tsx contracts/tools/check-coverage.ts contracts/lcov.info`.
 */
import { readFileSync } from 'node:fs'

/** src/tdx is held to recorded and forged quotes instead (test/contracts/tdx). */
const COVERED = /^src\/(?!tdx\/)/

interface FileCoverage {
  readonly file: string
  readonly linesMissed: number[]
  readonly branchesMissed: number[]
  lines: number
  branches: number
}

const [path] = process.argv.slice(2)
if (path === undefined) throw new Error('usage: check-coverage.ts LCOV_FILE')

const files = readLcov(readFileSync(path, 'utf8')).filter(({ file }) => COVERED.test(file))
if (files.length === 0) throw new Error(`${path}: no file of src/`)

const gaps = files.filter(
  ({ linesMissed, branchesMissed }) => linesMissed.length + branchesMissed.length > 0,
)
for (const { file, linesMissed, branchesMissed } of gaps) {
  if (linesMissed.length > 0) console.error(`${file}: lines ${linesMissed.join(', ')}`)
  if (branchesMissed.length > 0) console.error(`${file}: branches at ${branchesMissed.join(', ')}`)
}

const lines = sum(files.map((f) => f.lines))
const branches = sum(files.map((f) => f.branches))
const missed = {
  lines: sum(gaps.map((f) => f.linesMissed.length)),
  branches: sum(gaps.map((f) => f.branchesMissed.length)),
}
console.log(
  `${String(files.length)} files: ${String(lines - missed.lines)} of ${String(lines)} lines, ` +
    `${String(branches - missed.branches)} of ${String(branches)} branches`,
)
if (gaps.length > 0) process.exitCode = 1

/** Records of one file each; a line or branch that was taken zero times is missed. */
function readLcov(text: string): FileCoverage[] {
  const found: FileCoverage[] = []
  for (const line of text.split('\n')) {
    const [tag = '', value = ''] = splitOnce(line, ':')
    if (tag === 'SF') {
      found.push({ file: value, linesMissed: [], branchesMissed: [], lines: 0, branches: 0 })
      continue
    }
    const file = found.at(-1)
    if (file === undefined) continue
    const fields = value.split(',')
    if (tag === 'DA') {
      file.lines += 1
      if (fields[1] === '0') file.linesMissed.push(Number(fields[0]))
    }
    if (tag === 'BRDA') {
      file.branches += 1
      // A dash: the line itself was never reached.
      if (fields[3] === '0' || fields[3] === '-') file.branchesMissed.push(Number(fields[0]))
    }
  }
  return found
}

function splitOnce(line: string, separator: string): [string, string] {
  const at = line.indexOf(separator)
  return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + 1)]
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0)
}
