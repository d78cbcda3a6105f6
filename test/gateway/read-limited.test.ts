import { once } from 'node:events'
import { PassThrough, Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { readLimited } from '../../gateway/src/http/read-limited.ts'

test('a body is read whole, in however many pieces', async () => {
  for (const pieces of [['abc'], ['a', 'bc'], []]) {
    const body = Readable.from(pieces.map((piece) => Buffer.from(piece)))
    expect((await readLimited(body, 3))?.toString()).toBe(pieces.join(''))
  }
})

test('N7 body_limit: counted while it is read, and not read on after that', async () => {
  let given = 0
  const body = new Readable({
    highWaterMark: 1,
    read() {
      given++
      this.push(Buffer.alloc(10))
    },
  })
  expect(await readLimited(body, 25)).toBeUndefined()
  const atEnd = given
  await new Promise((resolve) => setImmediate(resolve))
  expect(given).toBe(atEnd)
  body.destroy()
})

test('a body that breaks off is no body: with an error, without one, or before it is read', async () => {
  const failing = new PassThrough()
  const read = readLimited(failing, 100)
  failing.write('a')
  failing.destroy(new Error('reset'))
  await expect(read).rejects.toThrow('reset')

  const closing = new PassThrough()
  const closed = readLimited(closing, 100)
  closing.write('a')
  closing.destroy()
  await expect(closed).rejects.toThrow('broke off')

  const gone = new PassThrough()
  gone.destroy()
  await once(gone, 'close')
  await expect(readLimited(gone, 100)).rejects.toThrow('broke off')
})
