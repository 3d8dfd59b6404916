/**
 * The writer's part of a transaction: content from its source to the socket.
 *
 * Line ends are made CRLF and dots are stuffed on the way (`stuffing.ts`), a piece of at most 64 KiB at a time, between
 * writes, so that memory stays bounded and the server works meanwhile. By BDAT a chunk is announced only when its
 * octets are in memory, and LAST goes with the last octets, so that a source that fails costs one chunk (RFC 3030 §2).
 * By DATA a source that fails destroys the connection: never a tidy end after a part of the content.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Command from "../Command.ts"
import {
  type ConnectionLost,
  ContentSourceFailed,
  ExtensionUnavailable,
  MessageTooLarge,
  type SmtpErrorReason
} from "../SmtpError.ts"
import { fixedLine } from "./pipeline.ts"
import { makeContentLines, type Recorder } from "./recorder.ts"
import { countLines, endOfData, hasEightBit, linesIfWhole, makeRepair, makeStuffing } from "./stuffing.ts"
import type { Ready, Transaction } from "./transaction.ts"

export interface Content {
  readonly stream: Stream.Stream<Uint8Array, unknown>
  /** The whole content, where it is in memory. */
  readonly chunks: ReadonlyArray<Uint8Array> | undefined
  /** Made by our own composer: CRLF only. Its line ends are not looked at. */
  readonly clean: boolean
  /** An octet over 127 is an error: the server does not offer 8BITMIME and nothing says that it takes them. */
  readonly sevenBit: boolean
  /** It carries a DKIM signature, which a repair of its line ends may break: worth a note. */
  readonly signed?: boolean | undefined
  /** Octets that the server takes at most (RFC 1870), where it said. */
  readonly limit: number | undefined
  /**
   * PIPELINING: chunks need not wait for each other's replies. Not in LMTP: behind a chunk that was refused, LAST may be
   * answered once or for each recipient, and nothing tells which.
   */
  readonly pipelining: boolean
}

export interface Wires {
  readonly recorder: Recorder
  readonly write: (octets: ReadonlyArray<Uint8Array>) => Effect.Effect<void, ConnectionLost>
  readonly moved: () => void
  readonly waitUntil: (condition: () => boolean) => Effect.Effect<void>
}

/** Octets of a BDAT chunk, and of a piece of content that is looked at between two writes. */
export const pieceSize = 65_536

const encoder = new TextEncoder()

class Stop {
  readonly reason: SmtpErrorReason | undefined
  constructor(reason: SmtpErrorReason | undefined) {
    this.reason = reason
  }
}

const problemOf = (cause: unknown): string =>
  cause instanceof Error ? cause.message : typeof cause === "string" ? cause : "it failed without saying why"

const fromSource = (cause: unknown): SmtpErrorReason => new ContentSourceFailed({ problem: problemOf(cause), cause })

const pieces = (chunk: Uint8Array): ReadonlyArray<Uint8Array> => {
  if (chunk.length <= pieceSize) return [chunk]
  const cut: Array<Uint8Array> = []
  for (let at = 0; at < chunk.length; at += pieceSize) cut.push(chunk.subarray(at, at + pieceSize))
  return cut
}

/** Content that is in memory and small enough to be looked at whole: what is to be written, or undefined where it needs the writer. */
export const ready = (content: Content, mode: "data" | "bdat", recorder: Recorder): Ready | undefined => {
  const { chunks } = content
  if (chunks === undefined) return undefined
  let size = 0
  for (const chunk of chunks) size += chunk.length
  if (size > pieceSize) return undefined
  let whole = chunks
  const known = content.clean ? undefined : linesIfWhole(chunks)
  if (!content.clean && known === undefined) {
    const repair = makeRepair()
    whole = chunks.map(repair.push)
    const rest = repair.end()
    if (rest.length > 0) whole = [...whole, rest]
    size = 0
    for (const chunk of whole) size += chunk.length
  }
  if (content.limit !== undefined && size > content.limit) return undefined
  if (content.sevenBit && whole.some(hasEightBit)) return undefined
  const record = () => {
    const level = recorder.contentLevel()
    let lines = known ?? 0
    if (known === undefined) { for (const chunk of whole) lines += countLines(chunk) }
    if (level !== "summary") {
      const log = makeContentLines(recorder, level)
      for (const chunk of whole) log.push(chunk)
    }
    recorder.record({ _tag: "Content", octets: size, lines, elapsed: 0 })
  }
  if (mode === "bdat") return { octets: whole, size, record }
  const stuffing = makeStuffing()
  return { octets: [...whole.flatMap(stuffing.push), endOfData], size, record }
}

export const runContent = (
  transaction: Transaction<Content>,
  { moved, recorder, waitUntil, write }: Wires
): Effect.Effect<void, ConnectionLost> => {
  const { content } = transaction.job
  const repair = makeRepair()
  const stuffing = makeStuffing()
  const log = makeContentLines(recorder, recorder.contentLevel())
  const begunAt = recorder.elapsedNow()
  let lines = 0
  let held: Array<Uint8Array> = []
  let heldSize = 0

  /** Checks and repairs a piece. Gives the reason why it may not travel. */
  const take = (piece: Uint8Array): SmtpErrorReason | undefined => {
    transaction.octets += piece.length
    if (content.limit !== undefined && transaction.octets > content.limit) {
      return new MessageTooLarge({ octets: transaction.octets, limit: content.limit })
    }
    if (content.sevenBit && hasEightBit(piece)) {
      return new ExtensionUnavailable({ extension: "8BITMIME", neededFor: "content with octets over 127" })
    }
    if (content.clean) lines += countLines(piece)
    log.push(piece)
    if (transaction.mode === "data") held.push(...stuffing.push(piece))
    else held.push(piece)
    heldSize += piece.length
    return undefined
  }

  const finish = () => {
    if (!content.clean) lines = repair.lines()
    if (content.signed === true && repair.repaired() > 0) {
      recorder.record({
        _tag: "Note",
        text: "the content has a DKIM-Signature, and line ends that were not CRLF: making them right may have broken it"
      })
    }
    recorder.record({ _tag: "Content", octets: transaction.octets, lines, elapsed: recorder.elapsedNow() - begunAt })
  }

  const announce = (size: number, last: boolean): Uint8Array => {
    const line = fixedLine(Command.bdat(size, { last }))
    recorder.tick()
    recorder.clientLine(line.log)
    return encoder.encode(line.wire)
  }

  /** What is held goes out; the source may have more. */
  const flush = Effect.suspend(() => {
    if (held.length === 0) return Effect.void
    const octets = held
    const size = heldSize
    held = []
    heldSize = 0
    if (transaction.mode === "data") return Effect.tap(write(octets), () => Effect.sync(moved))
    const announced = announce(size, false)
    transaction.chunkWritten(false)
    return write([announced, ...octets]).pipe(
      Effect.tap(() => Effect.sync(moved)),
      Effect.andThen(
        content.pipelining ? Effect.void : waitUntil(() => transaction.outstanding() === 0 || !transaction.wanted())
      )
    )
  })

  const onPiece = (raw: Uint8Array): Effect.Effect<void, ConnectionLost | Stop> => {
    if (!transaction.wanted()) return Effect.fail(new Stop(undefined))
    const piece = content.clean ? raw : repair.push(raw)
    if (piece.length === 0) return Effect.void
    const before = transaction.mode === "bdat" && heldSize >= pieceSize ? flush : Effect.void
    return Effect.andThen(
      before,
      Effect.suspend((): Effect.Effect<void, ConnectionLost | Stop> => {
        const problem = take(piece)
        if (problem !== undefined) return Effect.fail(new Stop(problem))
        return transaction.mode === "data" && heldSize >= pieceSize ? flush : Effect.void
      })
    )
  }

  const end = Effect.suspend((): Effect.Effect<void, ConnectionLost | Stop> => {
    if (!transaction.wanted()) return Effect.fail(new Stop(undefined))
    const rest = repair.end()
    const problem = rest.length > 0 && !content.clean ? take(rest) : undefined
    if (problem !== undefined) return Effect.fail(new Stop(problem))
    if (transaction.mode === "data") {
      finish()
      transaction.endWritten()
      return write([...held, endOfData])
    }
    const announced = announce(heldSize, true)
    finish()
    transaction.chunkWritten(true)
    return write([announced, ...held])
  })

  const inMemory = content.chunks
  const source: Effect.Effect<void, ConnectionLost | Stop> = inMemory === undefined
    ? Stream.runForEachArray(
      Stream.mapError(content.stream, (cause) => new Stop(fromSource(cause))),
      (chunks) => Effect.forEach(chunks.flatMap(pieces), onPiece, { discard: true })
    )
    : Effect.forEach(inMemory.flatMap(pieces), onPiece, { discard: true })

  return source.pipe(
    Effect.andThen(end),
    Effect.catch((failure) => {
      if (!(failure instanceof Stop)) return Effect.fail(failure)
      transaction.bodyStopped(failure.reason === undefined ? undefined : { reason: failure.reason, phase: "content" })
      return Effect.void
    })
  )
}
