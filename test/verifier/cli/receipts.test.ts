import { describe, expect, test } from 'vitest'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { receiptRootsAbi } from '@jeju/contracts'
import {
  encodeAnchoredEpoch,
  encodeComputeReceipt,
  encodeInclusionProof,
  inclusionPath,
  merkleRoot,
  receiptCommitment,
  receiptSalt,
  type AnchoredEpoch,
  type Hex,
} from '@jeju/verifier/protocol'
import { encodeFunctionData, encodeFunctionResult } from 'viem'
import {
  answerText,
  bindingId,
  file,
  json,
  receiptOver,
  salt,
  stream,
  streamText,
} from '../protocol/receipt-file.ts'
import { fileOf, jsonLines, runCli, runHere } from './run-cli.ts'

const judge = async (
  content: object,
): Promise<readonly [number | null, Record<string, unknown> | undefined]> => {
  const path = fileOf('answer.json', JSON.stringify(content))
  const { code, stdout } = await runHere(['receipt', '--json', path])
  return [code, jsonLines(stdout)[0]]
}

describe('receipt', () => {
  test.each([
    ['a JSON answer', { ...json, usage: { inputTokens: 12, outputTokens: 20 } }],
    [
      'its bytes',
      { kind: 'json', bytes: Buffer.from(answerText).toString('base64'), receipt: json.receipt },
    ],
    ['a stream', stream],
  ])('%s as it came is accepted, with its fee', async (_name, answer) => {
    const [code, found] = await judge({ ...file, answer })
    expect(code).toBe(0)
    expect(found).toMatchObject({ verdict: 'accepted', code: null, fee: '144' })
  })

  test.each([
    [
      'E14 another text',
      { ...json, text: answerText.replace('a proof', 'a claim') },
      'receipt-response',
    ],
    ['E15 no receipt', { kind: 'json', text: answerText }, 'receipt-present'],
    ['E15 a receipt that is none', { ...json, receipt: 'AA' }, 'receipt-present'],
    ['a stream cut short', { ...stream, text: streamText }, 'receipt-present'],
    ['other counts', { ...json, usage: { inputTokens: 12, outputTokens: 21 } }, 'receipt-usage'],
  ])('%s is rejected by name', async (_name, answer, check) => {
    const [code, found] = await judge({ ...file, answer })
    expect(code).toBe(10)
    expect(found).toMatchObject({ verdict: 'rejected', code: check, fee: null })
  })

  test('a file of another form is malformed', async () => {
    for (const content of [
      { ...file, v: 2 },
      { ...file, price: undefined },
      { ...file, comment: 'x' },
      { ...file, answer: { ...json, bytes: '00' } },
      { ...file, answer: { ...stream, receipt: json.receipt } },
    ]) {
      const [code, found] = await judge(content)
      expect(code).toBe(30)
      expect(found).toMatchObject({ verdict: 'malformed', code: 'INPUT_FIELD' })
    }
  })

  test('for people, and as of another time', async () => {
    const path = fileOf('answer.json', JSON.stringify(file))
    const { code, stdout } = await runCli(['receipt', '--at', '2027-01-01T00:00:00Z', path])
    expect(code).toBe(10)
    expect(stdout).toMatch(/FAILED +receipt-time.*\n.*expected {2}issued no later than/)
  })
})

describe('receipt --inclusion', () => {
  const roots = { chainId: 31337n, verifyingContract: `0x${'77'.repeat(20)}` } as const
  const flag = `31337:${roots.verifyingContract}`
  const commitmentSalt = receiptSalt(salt)
  const receipt = encodeComputeReceipt(receiptOver(answerText))
  const leaves: Hex[] = [`0x${'01'.repeat(32)}`, receiptCommitment(commitmentSalt, receipt)]
  const place = { roots, bindingId, epoch: 2 }
  const proof = {
    ...place,
    salt: commitmentSalt,
    index: 1,
    size: 2,
    path: inclusionPath(leaves, 1),
  }
  const anchored: AnchoredEpoch = {
    ...place,
    root: merkleRoot(leaves),
    size: 2,
    digest: `0x${'02'.repeat(32)}`,
    anchoredAt: 1_800_000_900,
  }
  const answerFile = fileOf('answer.json', JSON.stringify(file))
  const proofFile = fileOf('proof.json', `${encodeInclusionProof(proof)}\n`)
  const rootFile = fileOf('root.json', encodeAnchoredEpoch(anchored))
  const run = async (...flags: readonly string[]): Promise<readonly [number | null, unknown]> => {
    const { code, stdout } = await runHere(['receipt', '--json', ...flags, answerFile])
    return [code, jsonLines(stdout)[0]]
  }

  test('a receipt with its proof verifies offline, with the root in a file', async () => {
    const flags = ['--inclusion', proofFile, '--roots', flag]
    const [code, found] = await run(...flags, '--root', rootFile)
    expect(code).toBe(0)
    expect(found).toMatchObject({ verdict: 'accepted', anchoredAt: '2027-01-15T08:15:00.000Z' })
    const shown = await runHere(['receipt', ...flags, '--root', rootFile, answerFile])
    expect(shown.stdout).toContain('in the log since 2027-01-15')
  })

  test('forged_inclusion_proof_rejected, and the root of another epoch or contract', async () => {
    const forged = fileOf('proof.json', encodeInclusionProof({ ...proof, index: 0 }))
    const other = fileOf('root.json', encodeAnchoredEpoch({ ...anchored, epoch: 3 }))
    const stranger = `31337:0x${'78'.repeat(20)}`
    for (const [flags, check] of [
      [['--inclusion', forged, '--root', rootFile, '--roots', flag], 'inclusion-root'],
      [['--inclusion', proofFile, '--root', other, '--roots', flag], 'inclusion-log'],
      [['--inclusion', proofFile, '--root', rootFile, '--roots', stranger], 'inclusion-log'],
    ] as const) {
      const [code, found] = await run(...flags)
      expect(code).toBe(10)
      expect(found).toMatchObject({ verdict: 'rejected', code: check, fee: null })
    }
  })

  test('the root from an RPC; one of another chain, or without the epoch, is out of reach', async () => {
    let [chainId, isThere, head] = ['0x7a69', true, '0x14']
    const asked = encodeFunctionData({
      abi: receiptRootsAbi,
      functionName: 'epochOf',
      args: [bindingId, 2n],
    })
    const server = createServer((request, response) => {
      void request.toArray().then((parts) => {
        const { method, params } = JSON.parse(Buffer.concat(parts).toString()) as {
          method: string
          params: readonly { to: string; data: string }[]
        }
        if (method === 'eth_call') {
          expect(params[0]).toEqual({ to: roots.verifyingContract, data: asked })
        }
        const { root, digest, size, anchoredAt } = anchored
        const found = {
          root,
          digest,
          size: isThere ? BigInt(size) : 0n,
          anchoredAt: BigInt(anchoredAt),
          blockNumber: 9n,
        }
        const call = { abi: receiptRootsAbi, functionName: 'epochOf', result: found } as const
        const result = { eth_chainId: chainId, eth_blockNumber: head }[method]
        const answer = { jsonrpc: '2.0', id: 1, result: result ?? encodeFunctionResult(call) }
        response.end(JSON.stringify(answer))
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const rpc = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const flags = ['--inclusion', proofFile, '--roots', flag, '--rpc', rpc]
    expect((await run(...flags))[0]).toBe(0)
    // unconfirmed_root_is_not_believed: block 9 under 11 blocks.
    head = '0x13'
    expect((await run(...flags))[0]).toBe(20)
    expect((await run(...flags, '--confirmations', '11'))[0]).toBe(0)
    isThere = false
    expect((await run(...flags))[0]).toBe(20)
    chainId = '0x1'
    expect((await run(...flags))[0]).toBe(20)
    await new Promise((resolve) => server.close(resolve))
    expect((await run(...flags))[0]).toBe(20)
  })

  test('flags that do not go together are refused', async () => {
    for (const flags of [
      ['--root', rootFile],
      ['--inclusion', proofFile],
      ['--inclusion', proofFile, '--roots', flag],
      ['--inclusion', proofFile, '--roots', flag, '--root', rootFile, '--rpc', 'http://a.test'],
      ['--inclusion', proofFile, '--roots', 'x', '--root', rootFile],
    ]) {
      expect((await run(...flags))[0]).toBe(2)
    }
    const [code] = await run('--inclusion', answerFile, '--roots', flag, '--root', rootFile)
    expect(code).toBe(30)
  })
})
