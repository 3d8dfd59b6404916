/**
 * Two lists of lines side by side, with as many equal ones as possible beside each other.
 *
 * What differs between two equal lines is paired in order, so that a changed line stands beside what it was. Memory is
 * bounded: of very long lists the middle is paired by place.
 */

export interface Row {
  readonly kind: "same" | "changed" | "left" | "right"
  readonly left?: string
  readonly right?: string
}

/** Cells of the table. */
const most = 4_000_000

export const align = (left: ReadonlyArray<string>, right: ReadonlyArray<string>): ReadonlyArray<Row> => {
  let start = 0
  while (start < left.length && start < right.length && left[start] === right[start]) start++
  let end = 0
  while (
    end < left.length - start && end < right.length - start &&
    left[left.length - 1 - end] === right[right.length - 1 - end]
  ) end++
  const rows: Array<Row> = left.slice(0, start).map(same)
  const a = left.slice(start, left.length - end)
  const b = right.slice(start, right.length - end)
  let from = { a: 0, b: 0 }
  for (const [atA, atB] of a.length * b.length > most ? [] : common(a, b)) {
    rows.push(...pairs(a.slice(from.a, atA), b.slice(from.b, atB)), same(a[atA] ?? ""))
    from = { a: atA + 1, b: atB + 1 }
  }
  rows.push(...pairs(a.slice(from.a), b.slice(from.b)), ...left.slice(left.length - end).map(same))
  return rows
}

const same = (line: string): Row => ({ kind: "same", left: line, right: line })

const pairs = (left: ReadonlyArray<string>, right: ReadonlyArray<string>): ReadonlyArray<Row> =>
  Array.from({ length: Math.max(left.length, right.length) }, (_, at): Row => {
    const [a, b] = [left[at], right[at]]
    if (a === undefined) return { kind: "right", ...(b === undefined ? {} : { right: b }) }
    return b === undefined ? { kind: "left", left: a } : a === b ? same(a) : { kind: "changed", left: a, right: b }
  })

/** The places of a longest common subsequence, in order. */
const common = (a: ReadonlyArray<string>, b: ReadonlyArray<string>): ReadonlyArray<readonly [number, number]> => {
  const width = b.length + 1
  const length = new Uint32Array((a.length + 1) * width)
  const at = (i: number, j: number) => length[i * width + j] ?? 0
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      length[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
    }
  }
  const found: Array<readonly [number, number]> = []
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    if (a[i] === b[j]) found.push([i++, j++])
    else if (at(i + 1, j) >= at(i, j + 1)) i++
    else j++
  }
  return found
}
