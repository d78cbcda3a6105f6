import { deviceRecordOf, objectionToGpus } from '@jeju/contracts'
import { describe, expect, test } from 'vitest'

describe('D7 what the chain says of devices can only object', () => {
  const numbers = { none: 0, simulated: 1, tdx: 2, tdxGpu: 3, notHeld: 0, held: 1, notKept: 2 }
  const { none, simulated, tdx, tdxGpu, notHeld, held, notKept } = numbers

  test.each([
    ['held under the root of Intel', tdxGpu, held, true, true],
    ['of another binding', tdx, notHeld, false, false],
    ['of no binding, under a simulated root', simulated, notHeld, false, false],
    // A claim under a simulated root costs nothing, so that it says nothing of real devices.
    ['held in the world of simulated roots', simulated, held, false, true],
    ['where nobody judged though somebody could', none, notHeld, false, false],
    ['where the chain keeps no record', none, notKept, true, true],
    ['no record, and a tier all the same', tdx, notKept, false, false],
    ['held, and no tier of GPUs', tdx, held, false, false],
    ['a tier to come', 9, held, false, false],
    ['a record to come', tdxGpu, 9, false, false],
  ])('%s', (_, tier, devices, isGood, isGoodSimulated) => {
    const record = deviceRecordOf({ tier, devices })
    expect(objectionToGpus(record, 'tdx') === undefined).toBe(isGood)
    expect(objectionToGpus(record, 'simulated') === undefined).toBe(isGoodSimulated)
  })

  test('and names what was expected and what is there', () => {
    expect(objectionToGpus(deviceRecordOf({ tier: tdx, devices: notHeld }), 'tdx')).toEqual({
      expected: "GPUs that the registry has as this binding's (tier tdx_gpu, held)",
      actual: 'tier tdx, devices not_held',
    })
  })
})
