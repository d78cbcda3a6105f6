import { MeasureError } from '../measure-error.ts'
import { modeOf, type ImageEntry } from './image-entry.ts'

const BLOCK = 512
const NAME_BYTES = 100
const PREFIX_BYTES = 155
/** Only names that every reader of an archive takes for the same. */
const PLAIN = /^[\x21-\x7e][\x20-\x7e]*$/
const TYPES = { file: '0', link: '2', directory: '5' } as const

/**
 * The parts of a tar archive in the order of the entries: ustar headers (POSIX.1-1988), contents, padding, two empty
 * blocks. Times, user names and device numbers are zero.
 * @throws MeasureError `IMAGE_ENTRY`
 */
export function* tarParts(entries: readonly ImageEntry[]): Generator<Uint8Array> {
  for (const entry of entries) {
    yield header(entry)
    if (entry.kind !== 'file') continue
    yield entry.content
    const over = entry.content.length % BLOCK
    if (over > 0) yield new Uint8Array(BLOCK - over)
  }
  yield new Uint8Array(2 * BLOCK)
}

function header(entry: ImageEntry): Uint8Array {
  const block = new Uint8Array(BLOCK)
  const text = (at: number, length: number, value: string): void => {
    if (value.length > length || (value !== '' && !PLAIN.test(value))) {
      throw new MeasureError('IMAGE_ENTRY', `${entry.path}: ${JSON.stringify(value)} does not fit`)
    }
    block.set(new TextEncoder().encode(value), at)
  }
  const octal = (at: number, length: number, value: number): void =>
    text(at, length, value.toString(8).padStart(length - 1, '0'))
  const owner = entry.kind === 'directory' ? (entry.owner ?? 0) : 0
  const { prefix, name } = split(entry.kind === 'directory' ? `${entry.path}/` : entry.path)
  text(0, NAME_BYTES, name)
  octal(100, 8, modeOf(entry))
  octal(108, 8, owner)
  octal(116, 8, owner)
  octal(124, 12, entry.kind === 'file' ? entry.content.length : 0)
  octal(136, 12, 0)
  text(156, 1, TYPES[entry.kind])
  text(157, NAME_BYTES, entry.kind === 'link' ? entry.target : '')
  text(257, 5, 'ustar')
  text(263, 2, '00')
  octal(329, 8, 0)
  octal(337, 8, 0)
  text(345, PREFIX_BYTES, prefix)
  block.fill(0x20, 148, 156)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.set(new TextEncoder().encode(`${sum.toString(8).padStart(6, '0')}\0 `), 148)
  return block
}

/** A long path stands in two fields, cut at a slash. */
function split(path: string): { readonly prefix: string; readonly name: string } {
  if (path.length <= NAME_BYTES) return { prefix: '', name: path }
  const cut = path.indexOf('/', path.length - NAME_BYTES - 1)
  if (cut <= 0 || cut > PREFIX_BYTES || cut === path.length - 1) {
    throw new MeasureError('IMAGE_ENTRY', `${path}: too long for an archive`)
  }
  return { prefix: path.slice(0, cut), name: path.slice(cut + 1) }
}
