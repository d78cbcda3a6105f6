import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { root } from '../root.ts'
import { auditFindings, openFindings, type AuditException } from './audit-exceptions.ts'

/**
 * `npm run audit:packages`: advisories on what is installed, less the written exceptions. Exit code 1 on a finding; 0
 * where nobody could be asked, and then it says so loudly.
 */
function npmAudit(): Promise<string> {
  return new Promise((resolve) => {
    const options = { cwd: root, maxBuffer: 64 * 1024 * 1024 }
    // npm's exit code says that there are findings, or that it failed; what it prints tells which.
    execFile('npm', ['audit', '--json'], options, (_, stdout) => resolve(stdout))
  })
}

const text = await readFile(join(root, 'measurements/audit-exceptions.json'), 'utf8')
const exceptions = JSON.parse(text) as readonly AuditException[]
const findings = auditFindings(await npmAudit())
if (findings === undefined) {
  process.stderr.write(
    '!! NOT AUDITED: the registry gave no advisories (no network?). Nothing is known about these packages.\n',
  )
} else {
  const open = openFindings(findings, exceptions, new Date().toISOString().slice(0, 10))
  for (const { severity, id, package: name, title } of open) {
    process.stdout.write(`${severity.padEnd(9)} ${name.padEnd(24)} ${id}  ${title}\n`)
  }
  process.stdout.write(`${findings.length} findings, ${open.length} without an exception\n`)
  process.exitCode = open.length === 0 ? 0 : 1
}
