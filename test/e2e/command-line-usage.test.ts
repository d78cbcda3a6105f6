import { describe, expect, test } from 'vitest'
import { jeju } from './setting/shell.ts'

// What is wrong with the words is said before any file is read or anybody is asked: there is no network here.

async function sh(line: string): Promise<{ exit: number; out: string; err: string }> {
  const ran = jeju(line.split(' '))
  const exit = await ran.exit
  return { exit, out: ran.out.join('\n'), err: ran.err.join('\n') }
}

describe('a command line that cannot be run', () => {
  test.each([
    ['channel', 'USAGE'],
    ['nothing', 'USAGE'],
    ['providers --nothing', 'USAGE'],
    ['proxy --port x', 'USAGE'],
    ['proxy --sealing maybe', 'USAGE'],
    ['verify', 'USAGE'],
    ['verify http://example.test', 'CONFIG_GATEWAY'],
    ['channel open --agent 0 --model a --service 1 1', 'USAGE'],
    ['channel open --agent 0 --model a 1e3', 'USAGE'],
    ['channel close', 'USAGE'],
    ['channel topup 0x12 1', 'USAGE'],
    ['stake --role king', 'USAGE'],
    ['stake --role user --agent 1', 'USAGE'],
    ['stake --agent 1 add', 'USAGE'],
    ['receipts verify extra', 'USAGE'],
  ])('%s', async (line, code) => {
    const { exit, err } = await sh(line)
    expect(exit).toBe(2)
    expect(err).toMatch(new RegExp(`^${code}: .*--help`))
  })

  test('every command has its help', async () => {
    const overview = await sh('--help')
    expect(overview.exit).toBe(0)
    const names = overview.out.match(/(?<=^ {2}jeju )[a-z]+( [a-z]+)?(?= )/gm) ?? []
    expect(names.length).toBeGreaterThan(8)
    for (const name of names) {
      const { exit, out } = await sh(`${name.trim()} --help`)
      expect(exit).toBe(0)
      expect(out).toContain('Example')
      expect(out).toContain('Exit code')
    }
    expect((await sh('channel --help')).out).toContain('jeju channel open')
  })
})
