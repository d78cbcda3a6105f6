import { tmpdir } from 'node:os'
import { describe, expect, test } from 'vitest'
import { fileOf, runCli, runHere } from './run-cli.ts'

describe('as a process', () => {
  test('help goes to standard output', async () => {
    const { code, stdout, stderr } = await runCli(['--help'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^jeju-verify: /)
  })

  test('a fault is one line on standard error, and no stack trace', async () => {
    const { code, stdout, stderr } = await runCli(['tdx', '--fast', '-'])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toBe("jeju-verify: Unknown option '--fast' (see: jeju-verify tdx --help)\n")
  })
})

describe('--help', () => {
  test.each([
    [['--help'], 'jeju-verify dstack FILE'],
    [['tdx', '--help'], 'jeju-verify tdx --json - < cases.jsonl'],
    [['dstack', '-h'], 'GetQuote'],
    [['url', '--help'], '--registry 8453:0x'],
    // Who archives judges nothing.
    [['evidence', '--help'], 'nobody has judged'],
    [['receipt', '--help'], 'jeju-verify receipt answer.json'],
  ])('%s', async (args, example) => {
    const { code, stdout, stderr } = await runHere(args)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain(example)
    expect(stdout).toContain('Exit code: 0 all accepted')
  })
})

describe('a command line that cannot be run: one line on standard error, exit code 2', () => {
  const empty = fileOf('empty.json', '{}')
  const garbage = fileOf('garbage.pem', 'garbage')
  test.each([
    ['no command', []],
    ['unknown command "quote"', ['quote']],
    ["Unknown option '--fast'", ['tdx', '--fast', '-']],
    ["Option '--at <value>' argument missing", ['tdx', '-', '--at']],
    ['no FILE', ['tdx']],
    ['no case in the input', ['tdx', '-']],
    ['cannot read nowhere.json: no such file', ['tdx', empty, 'nowhere.json']],
    ['is a directory', ['tdx', tmpdir()]],
    ['--at: expected Unix seconds', ['tdx', '--at', '2026-08-13', '-']],
    ['--at: expected Unix seconds', ['tdx', '--at', '2026-08-13T11:15:38', '-']],
    ['--anchor-name: names nothing', ['tdx', '--anchor-name', 'x', '-']],
    [`--anchor ${garbage}: trust anchor`, ['tdx', '--anchor', garbage, '-']],
    [`--policy ${empty}: policy.v: missing`, ['tdx', '--policy', empty, '-']],
    ['cannot read nowhere.json', ['dstack', '--collateral', 'nowhere.json', empty]],
    ['URL: expected http:// or https://', ['url', 'file:///etc/passwd']],
    ['URL: expected no user name', ['url', 'https://user:secret@node.example']],
    ['--nonce: expected 64', ['url', '--nonce', '00', 'https://node.example']],
    ['--registry: expected CHAINID:ADDRESS', ['url', 'https://node.example']],
    ['expected one FILE', ['receipt', empty, empty]],
  ])('%s', async (message, args) => {
    const { code, stdout, stderr } = await runHere(args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(message)
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
  })
})
