import { HOST_SETTINGS } from '@jeju/enclave'
import { appComposeBytes } from '../../measurements/src/compose/app-compose.ts'

/** Settings that change what a node does: literals in the compose text, so they are measured. */
export type MeasuredSettings = Readonly<Record<string, string>>

/** A setting that a host may choose from outside. None of them changes code, model, chain or contracts. */
export type UnmeasuredSetting = (typeof HOST_SETTINGS)[number]

/**
 * The exact app-compose.json bytes of a node: compact and key-sorted, so that the dstack SDK's compose hash and the
 * measured one agree (dstack app-compose, §compose-hash).
 */
export function appCompose(
  codeDigest: string,
  settings: MeasuredSettings,
  extraService = '',
): Uint8Array<ArrayBuffer> {
  return appComposeBytes({
    composeText: dockerCompose(codeDigest, settings) + extraService,
    allowedEnvs: HOST_SETTINGS,
    gateway: false,
    secureTime: false,
  })
}

function dockerCompose(codeDigest: string, settings: MeasuredSettings): string {
  // JSON strings are YAML strings; `$` would start compose's own substitution.
  const environment = Object.entries(settings)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `      ${name}: ${JSON.stringify(value.replaceAll('$', '$$$$'))}\n`)
  const passed = HOST_SETTINGS.map((name) => `      ${name}: \${${name}}\n`)
  return `services:
  node:
    image: compute-node.devnet.invalid/node@sha256:${codeDigest}
    user: "10001:10001"
    read_only: true
    cap_drop: [ALL]
    security_opt: ["no-new-privileges:true"]
    environment:
${[...environment, ...passed].join('')}    volumes:
      - /var/run/dstack.sock:/var/run/dstack.sock
      - node-data:/data
volumes:
  node-data: {}
`
}
