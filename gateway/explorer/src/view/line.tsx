import type { JSX } from 'preact'
import { milliseconds } from './format.ts'

const WIDTH = 620
const HEIGHT = 136
const MARGIN = 24
/** Room for the text over the highest point. */
const TOP = 40

interface LineProps {
  readonly title: string
  /** Milliseconds, the oldest first. */
  readonly samples: readonly number[]
}

/** Times in the order in which they were taken, over zero. */
export function Line({ title, samples }: LineProps): JSX.Element {
  const most = Math.max(...samples, 1)
  const step = (WIDTH - 2 * MARGIN) / Math.max(samples.length - 1, 1)
  const points = samples.map((ms, index) => ({
    x: MARGIN + index * step,
    y: HEIGHT - MARGIN - ((HEIGHT - TOP - MARGIN) * ms) / most,
  }))
  const last = samples.at(-1) ?? 0
  return (
    <figure class="line">
      <figcaption>{title}</figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={`${title}: ${samples.length} samples, the last ${milliseconds(last)}, at most ${milliseconds(most)}`}
      >
        <line x1={MARGIN} x2={WIDTH - MARGIN} y1={HEIGHT - MARGIN} y2={HEIGHT - MARGIN} />
        <text x={MARGIN} y={TOP - 22}>
          {milliseconds(most)}
        </text>
        <polyline points={points.map(({ x, y }) => `${x},${y}`).join(' ')} />
        {points.map(({ x, y }) => (
          <circle key={x} cx={x} cy={y} r={2.5} />
        ))}
      </svg>
    </figure>
  )
}
