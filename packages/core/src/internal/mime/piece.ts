/**
 * A composed message as it is rendered: text (ASCII, or UTF-8 under SMTPUTF8), octets in memory, and content that is
 * encoded while it travels. Pieces that are all in memory become one array of octets; nothing else is ever collected.
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Pull from "effect/Pull"
import * as Stream from "effect/Stream"
import { MessageError } from "../../MessageError.ts"
import * as Base64 from "./base64.ts"

/** Octets that are made when they are asked for; the same ones each time, if the source is the same. */
export interface Lazy {
  readonly _tag: "Lazy"
  /** Octets that come out, where known. */
  readonly size: number | undefined
  readonly stream: Stream.Stream<Uint8Array, MessageError>
  /** False where reading again may give something else, or nothing. */
  readonly repeatable: boolean
}
export type Piece = string | Uint8Array | Lazy

const encoder = new TextEncoder()

/** An array in memory of more than this is encoded in slices, while it travels. */
export const memoryLimit = 512 * 1024

export interface Rendered {
  readonly size: number | undefined
  readonly chunks: ReadonlyArray<Uint8Array> | undefined
  readonly content: Stream.Stream<Uint8Array, MessageError>
  readonly repeatable: boolean
}

const isLazy = (piece: Piece): piece is Lazy => typeof piece !== "string" && !(piece instanceof Uint8Array)
const inMemory = (pieces: ReadonlyArray<Piece>): pieces is ReadonlyArray<string | Uint8Array> => !pieces.some(isLazy)

/** Joins what is in memory and small; a larger array stays the one it is. */
const join = (pieces: ReadonlyArray<string | Uint8Array>): Array<Uint8Array> => {
  const chunks: Array<Uint8Array> = []
  let text = ""
  const small: Array<Uint8Array> = []
  let octets = 0
  const flushText = () => {
    if (text === "") return
    const bytes = encoder.encode(text)
    small.push(bytes)
    octets += bytes.length
    text = ""
  }
  const flush = () => {
    flushText()
    if (small.length === 0) return
    const only = small[0]
    if (small.length === 1 && only !== undefined) chunks.push(only)
    else {
      const joined = new Uint8Array(octets)
      let at = 0
      for (const bytes of small) {
        joined.set(bytes, at)
        at += bytes.length
      }
      chunks.push(joined)
    }
    small.length = 0
    octets = 0
  }
  for (const piece of pieces) {
    if (typeof piece === "string") text += piece
    else if (piece.length > 64 * 1024) {
      flush()
      chunks.push(piece)
    } else {
      flushText()
      small.push(piece)
      octets += piece.length
    }
  }
  flush()
  return chunks
}

export const render = (pieces: ReadonlyArray<Piece>): Rendered => {
  if (inMemory(pieces)) {
    const chunks = join(pieces)
    let size = 0
    for (const chunk of chunks) size += chunk.length
    return { size, chunks, content: Stream.fromArray(chunks), repeatable: true }
  }
  const streams: Array<Stream.Stream<Uint8Array, MessageError>> = []
  let size: number | undefined = 0
  let repeatable = true
  let held: Array<string | Uint8Array> = []
  const flush = () => {
    const chunks = join(held)
    held = []
    for (const chunk of chunks) size = size === undefined ? undefined : size + chunk.length
    streams.push(Stream.fromArray(chunks))
  }
  for (const piece of pieces) {
    if (!isLazy(piece)) {
      held.push(piece)
      continue
    }
    flush()
    streams.push(piece.stream)
    repeatable &&= piece.repeatable
    size = size === undefined || piece.size === undefined ? undefined : size + piece.size
  }
  flush()
  return { size, chunks: undefined, content: Stream.flatten(Stream.fromArray(streams)), repeatable }
}

/** A transformation that keeps a state from chunk to chunk and may add octets at the end. */
export interface Transformer {
  readonly push: (chunk: Uint8Array) => Uint8Array | MessageError
  readonly end: () => Uint8Array | MessageError
}

type Octets = Arr.NonEmptyReadonlyArray<Uint8Array>

export const transform = (
  source: Stream.Stream<Uint8Array, MessageError>,
  make: () => Transformer
): Stream.Stream<Uint8Array, MessageError> =>
  Stream.transformPull(source, (pull) =>
    Effect.sync(() => {
      const by = make()
      let ended = false
      const read: Pull.Pull<Octets, MessageError> = Effect.flatMap(pull, (chunks): Pull.Pull<Octets, MessageError> => {
        const out: Array<Uint8Array> = []
        for (const chunk of chunks) {
          const result = by.push(chunk)
          if (result instanceof MessageError) return Effect.fail(result)
          if (result.length > 0) out.push(result)
        }
        return Arr.isArrayNonEmpty(out) ? Effect.succeed(out) : read
      })
      const finish = Effect.suspend((): Pull.Pull<Octets, MessageError> => {
        ended = true
        const result = by.end()
        if (result instanceof MessageError) return Effect.fail(result)
        return result.length > 0 ? Effect.succeed([result]) : Cause.done()
      })
      return Effect.suspend((): Pull.Pull<Octets, MessageError> =>
        ended ? Cause.done() : Pull.catchDone(read, () => finish)
      )
    }))

/**
 * Octets that are encoded into one array, and asked for at once. Few on purpose: what streams by is garbage outside of the
 * heap, and engines collect many small arrays long before a few large ones (a gigabyte in 45 MiB instead of 80). Whoever
 * writes them puts several into one write.
 */
const sliceOctets = Base64.lineOctets * 54

const slices = (bytes: Uint8Array): Octets => {
  const out: Arr.NonEmptyArray<Uint8Array> = [bytes.subarray(0, sliceOctets)]
  for (let at = sliceOctets; at < bytes.length; at += sliceOctets) out.push(bytes.subarray(at, at + sliceOctets))
  return out
}

/** Base64 of a large array, a few slices at a time: it is in memory anyway. */
export const base64Slices = (bytes: Uint8Array): Lazy => ({
  _tag: "Lazy",
  size: Base64.encodedSize(bytes.length),
  repeatable: true,
  stream: Stream.suspend(() => {
    let at = 0
    return Stream.fromPull(Effect.succeed(Effect.suspend(() => {
      if (at >= bytes.length) return Cause.done()
      const slice = bytes.subarray(at, at + sliceOctets * 21)
      at += slice.length
      return Effect.succeed(Arr.of(Base64.encode(slice)))
    })))
  })
})

export const base64 = (
  size: number | undefined,
  source: Stream.Stream<Uint8Array, MessageError>,
  repeatable: boolean
): Lazy => ({
  _tag: "Lazy",
  size: size === undefined ? undefined : Base64.encodedSize(size),
  repeatable,
  stream: transform(Stream.rechunk(Stream.mapArray(source, Arr.flatMap(slices)), 1), Base64.makeEncoder)
})
