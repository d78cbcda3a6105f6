// Reads lcov.info and fails with the place of every line and branch of src/ that no test reaches (`npm run
// coverage:contracts`).
import { readFileSync } from 'node:fs'
import { gapsOf } from './lcov/gaps.ts'

const report = readFileSync(new URL('../lcov.info', import.meta.url), 'utf8')
const { files, lines, branches, gaps } = gapsOf(report, 'src/')
if (files === 0) throw new Error('lcov.info tells of no file of src/')
for (const { file, line, missing } of gaps) process.stderr.write(`${file}:${line}: ${missing}\n`)
process.stderr.write(
  `${files} files, ${lines} lines, ${branches} branches, ${gaps.length} not reached\n`,
)
if (gaps.length > 0) process.exitCode = 1
