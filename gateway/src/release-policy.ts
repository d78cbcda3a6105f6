import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

/** Policy of the release that this gateway is part of: `measurements/policy.json`, from `src` and from `dist`. */
const RELEASE_POLICY = fileURLToPath(new URL('../../measurements/policy.json', import.meta.url))

/** The policy of a gateway that is given none; undefined where the package stands alone. */
export function releasePolicyText(): Promise<string | undefined> {
  return readFile(RELEASE_POLICY, 'utf8').catch(() => undefined)
}
