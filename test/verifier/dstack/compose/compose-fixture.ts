import type { LintOptions } from '@jeju/verifier/compose-lint'
import { utf8 } from '@jeju/verifier/protocol'

export const DIGEST: string = 'ab'.repeat(32)

/** A compose text without a fault, as a node of ours has it. */
export const COMPOSE_TEXT = `services:
  node:
    image: registry.example/owner/node@sha256:${DIGEST}
    user: "10001:10001"
    read_only: true
    cap_drop: [ALL]
    security_opt: ["no-new-privileges:true"]
    restart: unless-stopped
    environment:
      MODEL: "small"
      PRICE: "$$5"
      AGENT_ID: \${AGENT_ID}
    ports: ["8443:8443"]
    volumes:
      - /var/run/dstack.sock:/var/run/dstack.sock
      - node-data:/data
    healthcheck: {test: ["CMD", "node", "/app/healthcheck.js"], interval: 10s}
    deploy:
      resources:
        reservations:
          devices: [{driver: nvidia, count: all, capabilities: [gpu]}]
  sidecar:
    image: sidecar:1.2@sha256:${DIGEST}
volumes:
  node-data: {}
`

/** Members of an app-compose file without a fault. */
export const APP_COMPOSE = {
  manifest_version: 2,
  name: 'node',
  runner: 'docker-compose',
  docker_compose_file: COMPOSE_TEXT,
  allowed_envs: ['AGENT_ID'],
  gateway_enabled: false,
  kms_enabled: true,
  local_key_provider_enabled: false,
  no_instance_id: false,
  public_logs: false,
  public_sysinfo: false,
  public_tcbinfo: true,
  secure_time: false,
}

/** The file's bytes, some members changed. */
export function appCompose(members: object = {}): Uint8Array<ArrayBuffer> {
  return utf8(JSON.stringify({ ...APP_COMPOSE, ...members }))
}

/** What the fixture needs to have no finding. */
export const LINT_OPTIONS: LintOptions = {
  allowedEnvs: ['AGENT_ID'],
  ports: ['8443:8443'],
  scripts: [],
}
