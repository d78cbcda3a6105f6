import { expect, test } from 'vitest'
import { gapsOf } from '../../contracts/tools/lcov/gaps.ts'

const REPORT = `TN:
SF:src/A.sol
DA:3,1
FN:3,A.f
FNDA:1,A.f
DA:4,0
BRDA:5,0,0,2
BRDA:5,0,1,-
BRDA:6,1,0,0
end_of_record
SF:test/B.sol
DA:1,0
BRDA:1,0,0,-
end_of_record
SF:src/C.sol
DA:9,2
end_of_record
`

test('names every line and branch of the folder that nothing reached', () => {
  expect(gapsOf(REPORT, 'src/')).toEqual({
    files: 2,
    lines: 3,
    branches: 3,
    gaps: [
      { file: 'src/A.sol', line: 4, missing: 'line' },
      { file: 'src/A.sol', line: 5, missing: 'branch' },
      { file: 'src/A.sol', line: 6, missing: 'branch' },
    ],
  })
  expect(gapsOf('', 'src/')).toEqual({ files: 0, lines: 0, branches: 0, gaps: [] })
})
