import type { Deployment } from '@jeju/contracts'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../measurements/src/root.ts'

/** Contracts that exist nowhere but on a fresh local chain. */
export const { deployment } = JSON.parse(
  readFileSync(join(root, 'measurements/networks/anvil.json'), 'utf8'),
) as { readonly deployment: Deployment }
