import { toBareHex } from '../bytes/hex.ts'

/** Purpose under which a node derives its EVM signer on dstack's key surface v0 (docs/protocol.md §4). */
export const SIGNER_PURPOSE = 'jeju.evm-signer.v1'

/** Folder of the keys of one replica; every replica has its own (attack C6). `instanceId` is 20 bytes. */
export function nodeKeyFolder(instanceId: Uint8Array): string {
  return `jeju/node/${toBareHex(instanceId)}`
}

/** Path (v0) or domain (v1) of the EVM signer of one replica. */
export function signerPath(instanceId: Uint8Array): string {
  return `${nodeKeyFolder(instanceId)}/evm-signer/v1`
}
