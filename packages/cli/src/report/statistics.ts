/**
 * Counting without keeping: percentiles, and numbers over time, in bounded memory however long the log is.
 *
 * Percentiles are within 1 % of a value that occurred (exact below 100 ms); the largest value is exact.
 */

export interface Distribution {
  readonly add: (value: number) => void
  readonly count: () => number
  readonly max: () => number
  /** The value that this share (0 to 1) of all values does not exceed. */
  readonly percentile: (share: number) => number
}

const growth = Math.log(1.01)
/** Below this, every whole number has a place of its own. */
const exact = 100

const place = (value: number) =>
  value < exact ? Math.round(value) : exact + Math.floor(Math.log(value / exact) / growth)
const valueOf = (at: number) => at < exact ? at : Math.round(exact * Math.exp((at - exact) * growth))

export const makeDistribution = (): Distribution => {
  const counts = new Map<number, number>()
  let count = 0
  let max = 0
  return {
    add: (value) => {
      const at = place(value)
      counts.set(at, (counts.get(at) ?? 0) + 1)
      count++
      max = Math.max(max, value)
    },
    count: () => count,
    max: () => max,
    percentile: (share) => {
      const wanted = Math.ceil(count * share)
      let seen = 0
      for (const [at, number] of [...counts].toSorted(([a], [b]) => a - b)) {
        seen += number
        if (seen >= wanted) return Math.min(max, valueOf(at))
      }
      return max
    }
  }
}

const second = 1_000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour
/** Each is a multiple of the one before. */
const widths = [
  second,
  5 * second,
  15 * second,
  minute,
  5 * minute,
  15 * minute,
  hour,
  3 * hour,
  6 * hour,
  12 * hour,
  day,
  7 * day,
  28 * day,
  364 * day,
  3_640 * day,
  36_400 * day,
  364_000 * day,
  3_640_000 * day
]

export interface Timeline<Key extends string> {
  readonly add: (time: number, key: Key) => void
  /** Columns of equal width from the first to the last that holds something, at most `most`; none without a time. */
  readonly columns: (most: number) => {
    readonly start: number
    readonly width: number
    readonly columns: ReadonlyArray<Readonly<Record<Key, number>>>
  } | undefined
}

const widthAt = (at: number) => widths[at] ?? 3_640_000 * day

/** So many columns are kept apart before they are joined to wider ones. */
const mostKept = 4_096

export const makeTimeline = <Key extends string>(keys: ReadonlyArray<Key>): Timeline<Key> => {
  type Column = Record<Key, number>
  const empty = () => Object.fromEntries(keys.map((key) => [key, 0])) as Column // oxlint-disable-line typescript/no-unsafe-type-assertion -- fromEntries forgets the keys
  let at = 0
  let kept = new Map<number, Column>()

  const joined = (columns: ReadonlyMap<number, Column>, width: number): Map<number, Column> => {
    const wider = new Map<number, Column>()
    for (const [start, column] of columns) {
      const place = Math.floor(start / width) * width
      const into = wider.get(place) ?? empty()
      for (const key of keys) into[key] += column[key]
      wider.set(place, into)
    }
    return wider
  }

  return {
    add: (time, key) => {
      const start = Math.floor(time / widthAt(at)) * widthAt(at)
      const column = kept.get(start) ?? empty()
      column[key]++
      kept.set(start, column)
      while (kept.size > mostKept && at < widths.length - 1) kept = joined(kept, widthAt(++at))
    },
    columns: (most) => {
      if (kept.size === 0) return undefined
      const starts = [...kept.keys()]
      const first = starts.reduce((a, b) => Math.min(a, b))
      const last = starts.reduce((a, b) => Math.max(a, b))
      let chosen = at
      const span = () => Math.floor(last / widthAt(chosen)) - Math.floor(first / widthAt(chosen)) + 1
      while (span() > most && chosen < widths.length - 1) chosen++
      const width = widthAt(chosen)
      const columns = joined(kept, width)
      const start = Math.floor(first / width) * width
      return {
        start,
        width,
        columns: Array.from({ length: Math.min(span(), most) }, (_, n) => columns.get(start + n * width) ?? empty())
      }
    }
  }
}
