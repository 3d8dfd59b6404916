/**
 * The lines of an NDJSON file, as octets: LF ends a line, a CR before it belongs to the end.
 *
 * Bounded: a line longer than the limit is passed over, and given without its octets. Lines are numbered from 1, blank
 * ones too; `end` is where the line ends in the file, its LF included, and `isWhole` is false for one without LF.
 */
import * as Arr from "effect/Array"
import * as Stream from "effect/Stream"

export interface Line {
  readonly number: number
  /** Undefined where the line is longer than the limit. */
  readonly octets: Uint8Array | undefined
  readonly end: number
  readonly isWhole: boolean
}

const lf = 0x0a
const cr = 0x0d

interface State {
  parts: Array<Uint8Array>
  /** Of the line that has begun. */
  length: number
  number: number
  offset: number
}

export const split = (limit: number) => <E, R>(self: Stream.Stream<Uint8Array, E, R>): Stream.Stream<Line, E, R> =>
  Stream.suspend(() => {
    const state: State = { parts: [], length: 0, number: 0, offset: 0 }
    const keep = (piece: Uint8Array, copy: boolean) => {
      state.length += piece.length
      state.offset += piece.length
      if (state.length > limit) state.parts = []
      else if (piece.length > 0) state.parts.push(copy ? piece.slice() : piece)
    }
    const line = (isWhole: boolean): Line => {
      const [first = new Uint8Array(0), ...others] = state.parts
      const all = others.length === 0 ? first : Buffer.concat(state.parts)
      const octets = state.length > limit
        ? undefined
        : all.at(-1) === cr
        ? all.subarray(0, -1)
        : all
      state.parts = []
      state.length = 0
      return { number: ++state.number, octets, end: state.offset, isWhole }
    }
    const pieces = (chunk: Uint8Array): ReadonlyArray<Line> => {
      const lines: Array<Line> = []
      let start = 0
      for (let at = chunk.indexOf(lf); at >= 0; at = chunk.indexOf(lf, start)) {
        keep(chunk.subarray(start, at), false)
        state.offset++
        lines.push(line(true))
        start = at + 1
      }
      if (start < chunk.length) keep(chunk.subarray(start), true)
      return lines
    }
    return self.pipe(
      Stream.map(pieces),
      Stream.filter(Arr.isReadonlyArrayNonEmpty),
      Stream.flattenArray,
      Stream.concat(Stream.suspend(() => state.length > 0 ? Stream.make(line(false)) : Stream.empty))
    )
  })
