import { expect, test } from 'vitest'
import { benchKill } from '../../bench/kill/kill.ts'

/** `npm run bench -- kill` does the same a hundred times. */
const KILLS = 3

test(`N9 E4 receipt_survives_restart: a node that is killed ${KILLS} times in its answers loses no receipt and answers nothing twice`, async () => {
  const figures = await benchKill(KILLS)
  expect(figures).toMatchObject({
    kills: KILLS,
    answeredTwice: 0,
    lostReceipts: 0,
    forgotten: 0,
    paidWei: figures.owedWei,
  })
  expect(figures.begun).toBeGreaterThan(0)
}, 900_000)
