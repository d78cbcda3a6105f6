/**
 * Whether a server is there to test with. Where `TESTS_NEED` names it, as where CI has installed it, its absence is an
 * error: tests that are skipped look like tests that pass.
 */
export function installed(name: 'chromium' | 'redis' | 'postgresql', isThere: boolean): boolean {
  const needed = (process.env['TESTS_NEED'] ?? '').split(' ')
  if (isThere || !needed.includes(name)) return isThere
  throw new Error(`${name}: named in TESTS_NEED, and not installed`)
}
