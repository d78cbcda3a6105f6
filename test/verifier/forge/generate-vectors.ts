import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { VECTOR_FOLDER } from './stored-vectors.ts'
import { writeVectors } from './write-vectors.ts'

/** `npm run -s generate:vectors`: writes `test/vectors/tdx/` from the case list. */

const { cases, parts } = await writeVectors()
mkdirSync(VECTOR_FOLDER, { recursive: true })
writeFileSync(join(VECTOR_FOLDER, 'cases.json'), cases)
writeFileSync(join(VECTOR_FOLDER, 'parts.json.gz'), gzipSync(parts, { level: 9 }))
