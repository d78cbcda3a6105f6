import type { JSX } from 'preact'

/** One bar: what it stands for, how long it is, and what is written behind it. */
export interface Bar {
  readonly label: string
  readonly value: number
  readonly text: string
}

const ROW = 26
const LABEL = 150
const LENGTH = 300
const WIDTH = 620

interface BarsProps {
  /** What the bars compare, for who does not see them. */
  readonly title: string
  readonly bars: readonly Bar[]
}

/** Bars under each other, from zero; the longest fills the width. */
export function Bars({ title, bars }: BarsProps): JSX.Element {
  const longest = Math.max(...bars.map(({ value }) => value), Number.MIN_VALUE)
  return (
    <figure class="bars">
      <figcaption>{title}</figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} ${bars.length * ROW}`}
        role="img"
        aria-label={describe(title, bars)}
      >
        {bars.map(({ label, value, text }, row) => (
          <g key={label} transform={`translate(0 ${row * ROW})`}>
            <text x={LABEL - 8} y={ROW / 2} class="label" text-anchor="end">
              {label}
            </text>
            <rect
              x={LABEL}
              y={5}
              height={ROW - 10}
              width={Math.max(1, (LENGTH * value) / longest)}
            />
            <text x={LABEL + 8 + (LENGTH * value) / longest} y={ROW / 2} class="value">
              {text}
            </text>
          </g>
        ))}
      </svg>
    </figure>
  )
}

function describe(title: string, bars: readonly Bar[]): string {
  return `${title}: ${bars.map(({ label, text }) => `${label} ${text}`).join('; ')}`
}
