import { readReceiptFile, verifyReceipt, type ReceiptReport } from '@jeju/verifier'
import { utf8 } from '@jeju/verifier/protocol'
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { ProofTree } from '../proof/proof-tree.tsx'
import { ether } from '../view/format.ts'
import { reasonOf } from '../view/loaded.ts'

/** A file holds at most one answer, written as hex. */
const MAX_BYTES = 64 * 1024 * 1024

type Result =
  | { readonly state: 'none' }
  | { readonly state: 'judged'; readonly report: ReceiptReport }
  | { readonly state: 'unreadable'; readonly reason: string }

/** Judges a receipt with what it is held against, in this page alone: nothing of it is sent anywhere. */
export function ReceiptPage(): JSX.Element {
  const [text, setText] = useState('')
  const [result, setResult] = useState<Result>({ state: 'none' })
  const check = (content: string): void => {
    setText(content)
    setResult(content.trim() === '' ? { state: 'none' } : judge(content))
  }
  const take = (files: FileList | null | undefined): void => {
    const file = files?.[0]
    if (file === undefined) return
    if (file.size > MAX_BYTES) {
      setResult({ state: 'unreadable', reason: `at most ${MAX_BYTES} bytes, got ${file.size}` })
      return
    }
    file.text().then(check, (error: unknown) => {
      setResult({ state: 'unreadable', reason: reasonOf(error) })
    })
  }
  return (
    <>
      <h1>Check a receipt</h1>
      <p>
        Paste or drop the JSON file that <code>jeju-verify receipt</code> reads: the receipt, and
        what it is held against. It stays in this page.
      </p>
      <div
        class="drop"
        onDragOver={(event) => event.preventDefault()}
        onDrop={(event) => {
          event.preventDefault()
          take(event.dataTransfer?.files)
        }}
      >
        <label for="receipt">Receipt file</label>
        <textarea
          id="receipt"
          rows={10}
          spellcheck={false}
          value={text}
          onInput={(event) => check(event.currentTarget.value)}
        />
        <input
          type="file"
          accept="application/json,.json"
          aria-label="Choose a receipt file"
          onChange={(event) => take(event.currentTarget.files)}
        />
      </div>
      <div role="status" aria-live="polite">
        <Outcome result={result} />
      </div>
    </>
  )
}

function Outcome({ result }: { readonly result: Result }): JSX.Element | null {
  switch (result.state) {
    case 'none':
      return null
    case 'unreadable':
      return (
        <p class="verdict refused" data-verdict="unreadable">
          Not a receipt file: {result.reason}
        </p>
      )
    case 'judged': {
      const { verdict, checks } = result.report
      return (
        <>
          {verdict.outcome === 'verified' ? (
            <p class="verdict verified" data-verdict="verified">
              Verified: {ether(verdict.fee.toString())} ether
            </p>
          ) : (
            <p class="verdict refused" data-verdict="refused">
              Refused
            </p>
          )}
          <ProofTree checks={checks} />
        </>
      )
    }
  }
}

function judge(text: string): Result {
  try {
    const { answer, expectation, at } = readReceiptFile(utf8(text))
    const report = verifyReceipt(answer, { ...expectation, at: at ?? new Date() })
    return { state: 'judged', report }
  } catch (error) {
    return { state: 'unreadable', reason: reasonOf(error) }
  }
}
