/**
 * The results of a batch: an NDJSON file that only grows, and what it knows of each message.
 *
 * Invariants: `begun` is in the file before anything of a message is sent, so a message that was begun and has no outcome
 * may have been delivered: it is unknown, whatever ended the program. A line that was torn off (kill -9, a full disk) is
 * cut away: if it was a `begun`, nothing was sent; if it was an outcome, its `begun` stands above it. One run at a time
 * has the file: a lock beside it holds the process id, and is taken over from a process that is no more.
 *
 * What was written outlives the process, not a machine that loses its power: no line is forced to the disk by itself.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import { createHash } from "node:crypto"
import { inputFailed, outputFailed } from "../internal/files.ts"
import * as MessageJson from "../internal/messageJson.ts"
import * as Printable from "../internal/printable.ts"
import * as Report from "../report.ts"
import * as Lines from "./lines.ts"

/** What became of a message. `begun`: it is on its way, or nobody knows. */
export const outcomes = [
  "begun",
  "accepted",
  "partial",
  "refused",
  "not accepted",
  "unknown",
  "invalid"
] as const
export type Outcome = typeof outcomes[number]

/** One line. `index` counts the messages of the batch from 0, `line` its lines from 1. */
export interface Record {
  readonly index: number
  readonly line: number
  /** Of the batch's line, to know it again. */
  readonly digest: string
  readonly outcome: Outcome
  readonly messageId?: string | undefined
  readonly queueId?: string | undefined
  readonly recipients?: unknown
  readonly error?: unknown
}

/** What the file knows of one message. */
export interface Known {
  readonly outcome: Outcome
  readonly digest: string
  readonly isRetryable: boolean
  /** Of one that is unknown. */
  readonly messageId: string | undefined
}

export interface Results {
  readonly path: string
  readonly known: (index: number) => Known | undefined
  /** In whole lines, one write after the other. */
  readonly write: (records: ReadonlyArray<Record>) => Effect.Effect<void, Report.OutputFailed>
}

/** 32 bits: it is to notice a batch that was edited, not to withstand anybody. */
export const digestOf = (line: Uint8Array): string => createHash("sha256").update(line).digest("hex").slice(0, 8)

const longestLine = 16 * 1024 * 1024

/** Five octets a message, however many there are. */
const makeTable = () => {
  let states = new Uint8Array(1024)
  let digests = new Uint32Array(1024)
  const ids = new Map<number, string>()
  return {
    set: ({ digest, index, isRetryable, messageId, outcome }: Known & { readonly index: number }) => {
      if (index >= states.length) {
        const size = 2 ** Math.ceil(Math.log2(index + 1))
        const [oldStates, oldDigests] = [states, digests]
        states = new Uint8Array(size)
        states.set(oldStates)
        digests = new Uint32Array(size)
        digests.set(oldDigests)
      }
      states[index] = (outcomes.indexOf(outcome) + 1) | (isRetryable ? 16 : 0)
      digests[index] = Number.parseInt(digest, 16)
      if (outcome !== "begun" && outcome !== "unknown") ids.delete(index)
      else if (messageId !== undefined) ids.set(index, messageId)
    },
    get: (index: number): Known | undefined => {
      const state = states[index] ?? 0
      const outcome = outcomes[(state & 15) - 1]
      return outcome === undefined ? undefined : {
        outcome,
        digest: (digests[index] ?? 0).toString(16).padStart(8, "0"),
        isRetryable: (state & 16) !== 0,
        messageId: ids.get(index)
      }
    }
  }
}

const decoder = new TextDecoder()

const decode = (octets: Uint8Array | undefined): (Known & { readonly index: number }) | undefined => {
  const parsed = octets === undefined ? undefined : Result.getOrUndefined(MessageJson.parse(decoder.decode(octets)))
  if (!MessageJson.isRecord(parsed)) return undefined
  const { digest, error, index, messageId, outcome: said } = parsed
  const outcome = outcomes.find((each) => each === said)
  if (typeof index !== "number" || !Number.isInteger(index) || index < 0 || index > 1e9 || outcome === undefined) {
    return undefined
  }
  if (typeof digest !== "string" || !/^[0-9a-f]{8}$/.test(digest)) return undefined
  return {
    index,
    outcome,
    digest,
    isRetryable: MessageJson.isRecord(error) && error["retryable"] === true,
    messageId: typeof messageId === "string" ? messageId : undefined
  }
}

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM"
  }
}

/** Two runs would send everything twice. */
const lock = Effect.fnUntraced(function*(path: string) {
  const fs = yield* FileSystem.FileSystem
  const file = `${path}.lock`
  const create = fs.writeFileString(file, `${process.pid}\n`, { flag: "wx", mode: 0o600 })
  const take = Effect.catchIf(create, (error) => error.reason._tag === "AlreadyExists", () =>
    Effect.gen(function*() {
      const holder = Number.parseInt(yield* Effect.orElseSucceed(fs.readFileString(file), () => ""), 10)
      if (holder > 0 && holder !== process.pid && isAlive(holder)) {
        return yield* new Report.OutputFailed({
          path,
          problem: `process ${holder} is at work with it; if that is no colloquy, remove '${file}'`
        })
      }
      yield* fs.remove(file, { force: true })
      yield* create
    }))
  yield* Effect.acquireRelease(
    Effect.mapError(take, (error) => error._tag === "OutputFailed" ? error : outputFailed(path)(error)),
    () => Effect.ignore(fs.remove(file))
  )
})

/** Reads what is there, cuts off a torn line, and gives the end of what is whole. */
const read = Effect.fnUntraced(function*(path: string, table: ReturnType<typeof makeTable>) {
  const fs = yield* FileSystem.FileSystem
  let end = 0
  let ended = true
  yield* fs.stream(path).pipe(
    Stream.mapError(inputFailed(path)),
    Lines.split(longestLine),
    Stream.runForEach(({ end: lineEnd, isWhole, number, octets }) => {
      if (octets?.length === 0 && isWhole) {
        end = lineEnd
        return Effect.void
      }
      const record = decode(octets)
      if (record === undefined) {
        return isWhole
          ? Effect.fail(
            new Report.InputFailed({
              path,
              problem: `line ${number} is no result of a batch; name another file with --results`
            })
          )
          : Effect.void
      }
      table.set(record)
      end = lineEnd
      ended = isWhole
      return Effect.void
    })
  )
  return { end, ended }
})

/** Opens the file, made where it is new (mode 0600), for this run alone until the scope ends. */
export const open = Effect.fnUntraced(function*(path: string) {
  const fs = yield* FileSystem.FileSystem
  const failed = Effect.mapError(outputFailed(path))
  const there = yield* Effect.option(fs.stat(path))
  if (Option.isSome(there) && there.value.type !== "File") {
    return yield* new Report.OutputFailed({ path, problem: "it is no regular file, and results are read again" })
  }
  yield* lock(path)
  const table = makeTable()
  const { end, ended } = Option.isSome(there) ? yield* read(path, table) : { end: 0, ended: true }
  const file = yield* failed(fs.open(path, { flag: "a", mode: 0o600 }))
  if (Option.isSome(there)) yield* failed(fs.truncate(path, end))
  const one = yield* Semaphore.make(1)
  const encoder = new TextEncoder()
  if (!ended) yield* failed(file.writeAll(encoder.encode("\n")))
  let broken: Report.OutputFailed | undefined
  const write = (records: ReadonlyArray<Record>) =>
    one.withPermit(Effect.suspend(() =>
      broken !== undefined
        ? Effect.fail(broken)
        : records.length === 0
        ? Effect.void
        : failed(file.writeAll(encoder.encode(records.map((record) => `${Printable.json(record)}\n`).join("")))).pipe(
          Effect.tapError((error) =>
            Effect.sync(() => {
              broken = error
            })
          ),
          // a line is whole, or the last one of the file
          Effect.uninterruptible
        )
    ))
  return { path, known: table.get, write } satisfies Results
})
