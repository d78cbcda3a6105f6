import { canonicalJson, sha256, toHex, utf8, type Hex } from '@jeju/verifier/protocol'

/** Who runs the machine: they differ in who ends the way to it. */
export const PLATFORMS = ['bare-metal', 'phala-cloud'] as const

/** One of {@link PLATFORMS}. */
export type Platform = (typeof PLATFORMS)[number]

/** What an app-compose file is made of. */
export interface AppComposeContent {
  /** The docker compose text. */
  readonly composeText: string
  /** Names the host may set. */
  readonly allowedEnvs: readonly string[]
  /** Whether dstack's own gateway leads to the machine; Phala Cloud has one, bare metal may. */
  readonly gateway: boolean
  /** DER SubjectPublicKeyInfo of the CA of the KMS that must provide the keys; any KMS when absent. */
  readonly kmsCa?: Hex
  /** Whether the guest waits for network time before it starts anything. */
  readonly secureTime: boolean
}

/**
 * The exact bytes of app-compose.json: compact and with sorted keys, so that what the guest hashes is also what the
 * dstack SDK's `getComposeHash` gives.
 */
export function appComposeBytes(content: AppComposeContent): Uint8Array<ArrayBuffer> {
  const { composeText, allowedEnvs, gateway, kmsCa, secureTime } = content
  return utf8(
    canonicalJson({
      allowed_envs: [...allowedEnvs],
      docker_compose_file: composeText,
      gateway_enabled: gateway,
      kms_enabled: true,
      ...(kmsCa === undefined ? {} : { key_provider_id: kmsCa.slice(2) }),
      local_key_provider_enabled: false,
      manifest_version: 2,
      name: 'jeju-compute-node',
      no_instance_id: false,
      public_logs: false,
      public_sysinfo: false,
      public_tcbinfo: true,
      runner: 'docker-compose',
      secure_time: secureTime,
    }),
  )
}

/** What the guest measures of an app-compose file. */
export function composeHash(appCompose: Uint8Array): Hex {
  return toHex(sha256(appCompose))
}
