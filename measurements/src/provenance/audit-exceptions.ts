/** A finding that somebody judged not to matter here, and until when that holds. */
export interface AuditException {
  /** Advisory, `GHSA-…`. */
  readonly id: string
  readonly package: string
  /** Why it does not matter here. */
  readonly because: string
  /** Day after which the exception counts no longer, `YYYY-MM-DD`. */
  readonly until: string
}

/** A finding of `npm audit`. */
export interface AuditFinding {
  readonly id: string
  readonly package: string
  readonly severity: string
  readonly title: string
}

const ID = /GHSA-[0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4}/

/** Advisories in the answer of `npm audit --json`; undefined where it is not an answer but a failure to get one. */
export function auditFindings(json: string): readonly AuditFinding[] | undefined {
  let report: unknown
  try {
    report = JSON.parse(json)
  } catch {
    return undefined
  }
  const { vulnerabilities } = report as {
    readonly vulnerabilities?: Readonly<
      Record<string, { readonly via: readonly (string | AuditVia)[] }>
    >
  }
  if (vulnerabilities === undefined) return undefined
  const found = Object.values(vulnerabilities)
    .flatMap(({ via }) => via)
    .filter((via) => typeof via !== 'string')
    .map((via) => ({
      id: ID.exec(via.url)?.[0] ?? via.url,
      package: via.name,
      severity: via.severity,
      title: via.title,
    }))
  return [...new Map(found.map((each) => [`${each.id} ${each.package}`, each])).values()]
}

interface AuditVia {
  readonly name: string
  readonly severity: string
  readonly title: string
  readonly url: string
}

/** Findings that no exception in force covers. `today` is `YYYY-MM-DD`. */
export function openFindings(
  findings: readonly AuditFinding[],
  exceptions: readonly AuditException[],
  today: string,
): readonly AuditFinding[] {
  return findings.filter(
    (finding) =>
      !exceptions.some(
        (each) => each.id === finding.id && each.package === finding.package && today <= each.until,
      ),
  )
}
