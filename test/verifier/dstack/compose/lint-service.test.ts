import { describe, expect, test } from 'vitest'
import { lintCompose, type LintFinding, type LintRule } from '@jeju/verifier/compose-lint'
import { appCompose, COMPOSE_TEXT, DIGEST, LINT_OPTIONS } from './compose-fixture.ts'

const lint = (text: string): readonly LintFinding[] =>
  lintCompose(appCompose({ docker_compose_file: text }), LINT_OPTIONS)
/** Rules that object to a compose text. */
const ruled = (text: string): readonly LintRule[] => lint(text).map(({ rule }) => rule)
/** The compose text with lines added to the first service. */
const added = (lines: string): string =>
  COMPOSE_TEXT.replace('    user:', () => `${lines.replace(/^/gm, '    ')}\n    user:`)

test('a finding says where, what was expected and what is there', () => {
  expect(lint(added('privileged: true'))).toEqual([
    {
      rule: 'privileged',
      place: 'docker_compose_file.services.node.privileged',
      expected: 'false',
      actual: 'true',
    },
  ])
})

describe('a service', () => {
  test.each<[string, string, LintRule]>([
    ['A6 compose_privileged_rejected', added('privileged: true'), 'privileged'],
    ['A6 privileged in quotes', added('privileged: "true"'), 'privileged'],
    ['A6 privileged by the host', added('privileged: ${AGENT_ID}'), 'privileged'],
    [
      'no seccomp',
      added('security_opt: ["seccomp:unconfined"]').replace(/^.*no-new.*\n/m, ''),
      'privileged',
    ],
    [
      'A6 compose_unpinned_sidecar_rejected',
      COMPOSE_TEXT.replace(/sidecar:1.2@\S+/, 'sidecar:1.2'),
      'image',
    ],
    ['a short digest', COMPOSE_TEXT.replace(`node@sha256:${DIGEST}`, 'node@sha256:abcd'), 'image'],
    ['no image', COMPOSE_TEXT.replace(/^.*node@.*\n/m, ''), 'image'],
    [
      'A6 compose_env_in_image_rejected',
      COMPOSE_TEXT.replace('registry.example', '${REGISTRY}'),
      'interpolation',
    ],
    ['A6 a variable without braces', COMPOSE_TEXT.replace('owner', '$OWNER'), 'interpolation'],
    ['A6 a variable in a command', added('command: ["node", "${AGENT_ID}"]'), 'interpolation'],
    ['A6 a variable in an entrypoint', added('entrypoint: sh -c $AGENT_ID'), 'interpolation'],
    [
      'A6 a variable in a health check',
      COMPOSE_TEXT.replace('/app/healthcheck.js', '$X'),
      'interpolation',
    ],
    ['A6 a variable in a key', added('labels: {"$X": a}'), 'interpolation'],
    ['A6 three dollar signs', added('command: $$$X'), 'interpolation'],
    [
      'A6 a default beside the value',
      COMPOSE_TEXT.replace('${AGENT_ID}', '${AGENT_ID:-1}'),
      'interpolation',
    ],
    [
      'A7 a value under another name',
      COMPOSE_TEXT.replace('MODEL: "small"', 'MODEL: ${AGENT_ID}'),
      'interpolation',
    ],
    [
      'A7 a value nobody allowed',
      COMPOSE_TEXT.replace('MODEL: "small"', 'MODEL: ${MODEL}'),
      'allowed-env',
    ],
    ['A7 a name alone', COMPOSE_TEXT.replace('MODEL: "small"', 'MODEL:'), 'allowed-env'],
    ['A7 a file of variables', added('env_file: .env'), 'key'],
    [
      'A6 a linker variable of the host',
      COMPOSE_TEXT.replace('MODEL: "small"', 'LD_PRELOAD:'),
      'backdoor-env',
    ],
    ['a list as a value', COMPOSE_TEXT.replace('MODEL: "small"', 'MODEL: [a]'), 'key'],
    [
      'the runtime’s socket',
      COMPOSE_TEXT.replace('node-data:/data', '/var/run/docker.sock:/x'),
      'docker-socket',
    ],
    ['a path of the guest', COMPOSE_TEXT.replace('node-data:/data', '/:/host'), 'mount'],
    ['the folder of the sockets', COMPOSE_TEXT.replace('node-data:/data', '/var/run:/x'), 'mount'],
    ['a relative path', COMPOSE_TEXT.replace('node-data:/data', './x:/x'), 'mount'],
    [
      'a volume of another project',
      COMPOSE_TEXT.replace('node-data:/data', 'other:/data'),
      'mount',
    ],
    [
      'a mount mode of SELinux',
      COMPOSE_TEXT.replace('node-data:/data', 'node-data:/data:z'),
      'mount',
    ],
    [
      'a volume that binds',
      COMPOSE_TEXT.replace('node-data: {}', 'node-data: {driver_opts: {device: /}}'),
      'mount',
    ],
    [
      'a volume from outside',
      COMPOSE_TEXT.replace('node-data: {}', 'node-data: {external: true}'),
      'mount',
    ],
    ['host processes', added('pid: host'), 'key'],
    ['host network', added('network_mode: host'), 'key'],
    ['devices', added('devices: ["/dev/mem"]'), 'key'],
    ['capabilities', added('cap_add: [SYS_ADMIN]'), 'key'],
    ['a build', added('build: .'), 'key'],
    ['another service’s keys', added('extends: {file: x}'), 'key'],
    ['another runtime', added('runtime: runc'), 'key'],
    ['a device of another driver', COMPOSE_TEXT.replace('driver: nvidia', 'driver: cdi'), 'key'],
    ['a port nobody expects', COMPOSE_TEXT.replace('8443:8443', '22:22'), 'port'],
    ['a port in the long form', COMPOSE_TEXT.replace('["8443:8443"]', '[{target: 1}]'), 'port'],
    ['another top member', `${COMPOSE_TEXT}include: [x]\n`, 'key'],
    ['a secret of the host', `${COMPOSE_TEXT}secrets: {a: {file: /x}}\n`, 'key'],
    ['a network of the host', `${COMPOSE_TEXT}networks: {a: {external: true}}\n`, 'key'],
    ['no services', 'volumes: {}', 'key'],
    ['a list', '[]', 'key'],
    ['nothing', '', 'key'],
    ['a service that is none', 'services: {a: 1}', 'key'],
  ])('%s', (_, text, rule) => {
    expect(ruled(text)).toContain(rule)
  })

  test('N16 compose_lint_single_socket: the guest agent’s socket in one service only', () => {
    const both = COMPOSE_TEXT.replace(
      'volumes:\n  node-data',
      '    volumes: ["/run/tappd.sock:/run/tappd.sock:ro"]\nvolumes:\n  node-data',
    )
    expect(lint(both)).toEqual([
      {
        rule: 'agent-socket',
        place: 'docker_compose_file.services',
        expected: 'one service with the socket',
        actual: '["node","sidecar"]',
      },
    ])
  })

  test.each([
    [
      'environment as a list',
      COMPOSE_TEXT.replace(/ {6}(MODEL|PRICE|AGENT_ID): "?([^"\n]*)"?/g, '      - $1=$2'),
    ],
    [
      'a name alone in a list',
      COMPOSE_TEXT.replace(/environment:\n(?: {6}.*\n)+/, 'environment: [AGENT_ID]\n'),
    ],
    [
      'volumes in the long form',
      COMPOSE_TEXT.replace(
        '- node-data:/data',
        '- {type: volume, source: node-data, target: /data}',
      ),
    ],
    [
      'the socket in the long form',
      COMPOSE_TEXT.replace(
        '- /var/run/dstack.sock:/var/run/dstack.sock',
        '- {type: bind, source: /var/run/dstack.sock, target: /var/run/dstack.sock}',
      ),
    ],
    ['privileged: false', added('privileged: false')],
    ['no sidecar', COMPOSE_TEXT.replace(/ {2}sidecar:\n.*\n/, '')],
  ])('%s is no finding', (_, text) => {
    expect(lint(text)).toEqual([])
  })
})
