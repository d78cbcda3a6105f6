import type { Hex } from '@jeju/verifier/protocol'
import type { ArchiveConfig } from '../config.ts'
import type { Fetch } from '../egress/guarded-fetch.ts'
import type { Archive } from './archive.ts'
import { createArweaveArchive } from './arweave-archive.ts'
import type { Tag } from './data-item.ts'
import { createFileArchive } from './file-archive.ts'

/** The configured archive, with items of that key; undefined where there is none. */
export function openArchive(
  config: ArchiveConfig,
  privateKey: Uint8Array,
  fetch: Fetch,
): Archive | undefined {
  switch (config.kind) {
    case 'off':
      return undefined
    case 'file':
      return createFileArchive(config.folder)
    case 'arweave': {
      const { uploadUrl, gateways } = config
      return createArweaveArchive({ uploadUrl, gateways, privateKey, fetch })
    }
  }
}

/** Addresses that an archive connects to. */
export function archiveEgress(config: ArchiveConfig): readonly string[] {
  return config.kind === 'arweave' ? [config.uploadUrl, ...config.gateways] : []
}

/** Whose node archived something, for who searches by tags. */
export function archiveTags(agentId: bigint, bindingId: Hex): readonly Tag[] {
  return [
    { name: 'App-Name', value: 'jeju-compute' },
    { name: 'Jeju-Agent', value: agentId.toString() },
    { name: 'Jeju-Binding', value: bindingId },
  ]
}
