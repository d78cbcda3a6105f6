import { expect, test } from 'vitest'
import { ArrivingBody, readWhole } from '../../gateway/src/admission/answer-body.ts'

/** A source that says what it was told. */
function source(): { readonly told: string[]; readonly body: ArrivingBody } {
  const told: string[] = []
  const body = new ArrivingBody({
    pause: () => void told.push('pause'),
    resume: () => void told.push('resume'),
    abort: ({ message }) => void told.push(message),
  })
  return { told, body }
}

test('a body is read whole, in however many pieces, whether it was there before or comes after', async () => {
  for (const pieces of [['abc'], ['a', 'bc'], []]) {
    const before = source()
    for (const piece of pieces) before.body.push(Buffer.from(piece))
    before.body.end()
    expect((await readWhole(before.body, 3))?.toString()).toBe(pieces.join(''))
    const after = source()
    const read = readWhole(after.body, 3)
    for (const piece of pieces) {
      await new Promise(setImmediate)
      after.body.push(Buffer.from(piece))
    }
    after.body.end()
    expect((await read)?.toString()).toBe(pieces.join(''))
  }
})

test('N7 body_limit: counted while it is read, and given up then', async () => {
  const { body, told } = source()
  const read = readWhole(body, 25)
  for (let given = 0; given < 3; given++) {
    body.push(Buffer.alloc(10))
    await new Promise(setImmediate)
  }
  expect(await read).toBeUndefined()
  expect(told.at(-1)).toBe('body: given up')
})

test('N7 slow_reader: a source waits for a reader that is behind, and goes on with it', async () => {
  const { body, told } = source()
  for (let given = 0; given < 4; given++) body.push(Buffer.alloc(16 * 1024))
  expect(told).toEqual(['pause'])
  // Once, of all that had come.
  expect((await body.next()).value?.length).toBe(64 * 1024)
  const next = body.next()
  await new Promise(setImmediate)
  expect(told).toEqual(['pause', 'resume'])
  body.end()
  expect((await next).done).toBe(true)
})

test('a body that breaks off is no body: what came before is read, then it rejects', async () => {
  const { body } = source()
  body.push(Buffer.from('a'))
  body.fail(new Error('reset'))
  await expect(readWhole(body, 100)).rejects.toThrow('reset')

  const waiting = source().body
  const read = readWhole(waiting, 100)
  await new Promise(setImmediate)
  waiting.fail(new Error('reset'))
  await expect(read).rejects.toThrow('reset')
})

test('a body that is given up ends its connection once, and one that was whole does not', async () => {
  const { body, told } = source()
  body.destroy()
  await expect(readWhole(body, 100)).rejects.toThrow('given up')
  const whole = source()
  whole.body.end()
  whole.body.destroy()
  expect([told, whole.told]).toEqual([['body: given up'], []])

  const left = source()
  left.body.push(Buffer.from('a'))
  for await (const piece of left.body) {
    expect(piece.length).toBe(1)
    break
  }
  expect(left.told).toEqual(['body: given up'])
})

test('is over when its last byte was handed out, and not while pieces wait', async () => {
  const { body } = source()
  const first = body.next()
  body.push(Buffer.from('a'))
  body.push(Buffer.from('b'))
  body.end()
  expect((await first).value?.toString()).toBe('a')
  expect(body.isOver).toBe(false)
  expect((await body.next()).value?.toString()).toBe('b')
  expect(body.isOver).toBe(true)
  expect((await body.next()).done).toBe(true)
})
