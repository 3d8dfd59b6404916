/**
 * For the tests of secrets: one conversation with everything that can be seen of it, as text.
 *
 * Two runs that differ in nothing but the secret must be seen alike, byte for byte (`differences`), and what a server echoes
 * must not be seen in pieces either (`windowsIn`). Clock, randomness, counters and session numbers are those of the run, so
 * that nothing else can differ.
 */
import { LogEvent, LogSink, LogText, Receipt, SmtpError, SmtpLog, Transporter } from "@colloquy/core"
import type { Connector } from "@colloquy/core/Connector"
import { Script, TestPlatform } from "@colloquy/core/testing"
import {
  Cause,
  DateTime,
  Effect,
  Exit,
  Fiber,
  Layer,
  Logger,
  Metric,
  Random,
  References,
  Schema,
  Stream,
  Tracer
} from "effect"
import { SecureRandom } from "effect/crypto"
import { TestClock } from "effect/testing"
import { inspect } from "node:util"
import { memoryFiles } from "./memoryFiles.ts"

/** What was seen, by the place where it was seen. */
export type Seen = Record<string, string>

/** Frames name places in our sources, which two runs reach by different ways of the event loop. */
const withoutFrames = (text: string) => text.replaceAll(/\n\s*'?\s+at .*/g, "")

const attempt = (show: () => string): string => {
  try {
    return withoutFrames(show())
  } catch (error) {
    return `cannot be shown: ${withoutFrames(String(error))}`
  }
}

const bigints = (_: string, value: unknown) => typeof value === "bigint" ? `${value}n` : value

/** Whatever prints a value. */
export const show = (name: string, value: unknown): Seen => ({
  [`${name}, inspected`]: attempt(() => inspect(value, { depth: null, breakLength: 120 })),
  [`${name} as JSON`]: attempt(() => JSON.stringify(value, bigints) ?? "undefined"),
  [`${name} as a string`]: attempt(() => String(value))
})

/** And what would be seen of it with a debugger. */
export const showAll = (name: string, value: unknown): Seen => ({
  ...show(name, value),
  [`${name}, inspected with what is hidden`]: attempt(() =>
    inspect(value, { depth: null, showHidden: true, customInspect: false })
  )
})

const encodeError = Schema.encodeSync(Schema.toCodecJson(SmtpError.SmtpError))
const encodeReceipt = Schema.encodeSync(Schema.toCodecJson(Receipt.Receipt))

const showError = (error: SmtpError.SmtpError): Seen => ({
  ...showAll("the error", error),
  ...showAll("the error's reason", error.reason),
  ...show("the error's conversation", error.conversation),
  "the error's message": error.message,
  "the error's stack": attempt(() => error.stack ?? ""),
  "the error rendered": SmtpError.render(error),
  "the error encoded": attempt(() => JSON.stringify(encodeError(error))),
  "the error's own properties": attempt(() =>
    inspect(Object.fromEntries(Object.getOwnPropertyNames(error).map((name) => [name, Reflect.get(error, name)])), {
      depth: null
    }).replace(/^ {2}stack: [^]*?\n(?= {2}\w)/m, "")
  )
})

export const showExit = (exit: Exit.Exit<unknown, unknown>): Seen => {
  const seen = show("the exit", exit)
  if (Exit.isSuccess(exit)) {
    if (exit.value instanceof Receipt.Receipt) {
      const receipt = exit.value
      Object.assign(seen, showAll("the receipt", receipt), {
        "the receipt encoded": attempt(() => JSON.stringify(encodeReceipt(receipt)))
      })
    }
    return seen
  }
  seen["the cause printed"] = withoutFrames(Cause.pretty(exit.cause))
  Object.assign(seen, show("the cause", exit.cause), show("the cause squashed", Cause.squash(exit.cause)))
  for (const reason of exit.cause.reasons) {
    if (Cause.isFailReason(reason) && reason.error instanceof SmtpError.SmtpError) {
      Object.assign(seen, showError(reason.error))
    }
  }
  return seen
}

/** As whoever exports spans sees them. */
const showSpan = (span: Tracer.NativeSpan): string =>
  attempt(() =>
    [
      span.name,
      inspect([...span.attributes], { depth: null }),
      inspect(span.events, { depth: null }),
      span.status._tag !== "Ended"
        ? span.status._tag
        : Exit.isFailure(span.status.exit)
        ? Object.values(showExit(span.status.exit)).join("\n")
        // what succeeded is nobody's but the program's
        : "Success"
    ].join("\n")
  )

/** The clock, what is random and what counts are the run's own. */
const fixed = () => {
  let drawn = 0
  let counter = 0
  let session = 0
  const random = SecureRandom.make((size) => Uint8Array.from({ length: size }, () => (drawn = (drawn + 41) % 256)))
  return Layer.mergeAll(
    Layer.succeed(SecureRandom.SecureRandom, random),
    Layer.succeed(LogEvent.Sequence, {
      nextCounterUnsafe: () => ++counter,
      nextSessionUnsafe: () => ++session
    }),
    Layer.succeed(DateTime.CurrentTimeZone, DateTime.zoneMakeOffset(0))
  )
}

/** Everything that a program around a run can see by itself. */
export const watch = Effect.fnUntraced(function*<R>(
  program: Effect.Effect<Seen, never, R>
): Effect.fn.Return<Seen, never, R> {
  const spans: Array<Tracer.NativeSpan> = []
  const logged: Array<string> = []
  const tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      spans.push(span)
      return span
    }
  })
  const log = (name: string, logger: Logger.Logger<unknown, unknown>) =>
    Logger.make<unknown, void>((options) => {
      const output = logger.log(options)
      logged.push(`${name}: ${typeof output === "string" ? output : inspect(output, { depth: null })}`)
    })
  const seen = yield* program.pipe(
    Effect.provideService(Tracer.Tracer, tracer),
    Effect.provideService(Metric.MetricRegistry, new Map()),
    Effect.provideService(References.MinimumLogLevel, "All"),
    Effect.provide(Logger.layer([
      log("json", Logger.formatJson),
      log("logfmt", Logger.formatLogFmt),
      log("structured", Logger.formatStructured)
    ])),
    Random.withSeed("secrets"),
    // its warning would be the wall clock's word
    Effect.provide(TestClock.layer({ warningDelay: "1 day" }))
  )
  return {
    ...seen,
    "what Effect's loggers got": withoutFrames(logged.join("\n")).replaceAll(
      /(fiber(?:Id)?["']?[=:] ?["']?#?)\d+/g,
      "$1"
    ),
    "the spans": spans.map(showSpan).join("\n")
  }
})

export interface Run {
  readonly script: ReadonlyArray<Script.Step> | ReadonlyArray<ReadonlyArray<Script.Step>>
  readonly chunks?: "whole" | "line" | "byte"
  readonly channelBinding?: Uint8Array
  /** The server says nothing more at some point: minutes pass. */
  readonly silent?: boolean
  readonly act?: "send" | "check"
  readonly options: Partial<Transporter.Options>
  /** In the place of the scripted server's. */
  readonly connector?: Layer.Layer<Connector>
}

export const user = "ann@mail.test"
export const base: Transporter.Options = {
  host: "mail.test",
  port: 465,
  name: "client.test",
  keepAlive: false,
  conversation: "always"
}
export const message = { from: user, to: "bob@mail.test", subject: "Hi", text: "Hello Bob" }

/** A transporter, one use of it, and its end. */
export const observe = (run: Run): Effect.Effect<Seen> =>
  watch(Effect.gen(function*() {
    const files = memoryFiles(["/", "/log"])
    const given: Array<LogEvent.LogEvent> = []
    const written: Array<LogEvent.LogEvent> = []
    const streamed: Array<LogEvent.LogEvent> = []
    const options: Transporter.Options = { ...base, ...run.options }
    const seen: Seen = showAll("the options", options)

    const log = SmtpLog.layerTee([
      LogSink.fromFunction((event) => void given.push(event), { content: "full" }),
      LogSink.make({ write: (events) => Effect.sync(() => written.push(...events)) }),
      LogSink.file("/log/text", { content: "full" }),
      LogSink.file("/log/ndjson", { format: "ndjson" }),
      LogSink.file("/log/4d", { time: "4d" }),
      LogSink.onFailure(LogSink.file("/log/failed")),
      LogSink.rotating({ folder: "/log" }),
      LogSink.logger()
    ]).pipe(Layer.provideMerge(SmtpLog.layerMemoryWith({ content: "headers" })))
    const server = Script.layer(run.script, {
      chunks: run.chunks ?? "whole",
      ...(run.channelBinding === undefined ? {} : { channelBinding: run.channelBinding })
    })

    yield* Effect.gen(function*() {
      yield* SmtpLog.stream.pipe(
        Stream.runForEach((event) => Effect.sync(() => streamed.push(event))),
        Effect.forkScoped({ startImmediately: true })
      )
      const used = Effect.gen(function*() {
        const transporter = yield* Transporter.make(options)
        Object.assign(seen, showAll("the transporter", transporter))
        const use: Effect.Effect<unknown, SmtpError.SmtpError> = run.act === "check"
          ? transporter.checkConnection
          : transporter.send(message)
        return yield* use
      }).pipe(Effect.scoped, Effect.exit)
      const fiber = yield* Effect.forkChild(used, { startImmediately: true })
      while (run.silent === true && fiber.pollUnsafe() === undefined) yield* TestClock.adjust("1 minute")
      Object.assign(seen, showExit(yield* Fiber.join(fiber)))
      const memory = yield* SmtpLog.LogMemory
      const events = yield* memory.events
      Object.assign(seen, show("the memory's events", events), {
        "the memory's text": yield* memory.text,
        "the memory's statements": LogText.format(events, { columns: "statement" }),
        "the metrics": inspect(yield* Metric.snapshot, { depth: null })
      })
      const script = yield* Script.ScriptServer
      seen["the script's conversation"] = yield* script.wire
      seen["what the script says of its end"] = withoutFrames(
        inspect(yield* Effect.exit(script.assertFinished), { depth: null })
      )
    }).pipe(
      Effect.scoped,
      Effect.provide(
        Layer.mergeAll(server, run.connector ?? Layer.empty, log).pipe(
          Layer.provideMerge(fixed()),
          Layer.provideMerge(files.layer),
          Layer.provideMerge(TestPlatform.layer)
        )
      ),
      Effect.orDie
    )
    for (const path of files.files.keys()) seen[`the file ${path}`] = files.text(path)
    return {
      ...seen,
      ...show("the events of a function", given),
      ...show("the events of a writer", written),
      ...show("the live log", streamed)
    }
  }))

/** Where two runs are not seen alike. */
export const differences = (one: Seen, other: Seen): ReadonlyArray<string> =>
  Array.from(new Set([...Object.keys(one), ...Object.keys(other)])).filter((place) => one[place] !== other[place])

const utf8 = new TextEncoder()
const hexOf = (text: string) => Buffer.from(text).toString("hex")

/** What each octet of a text becomes behind `mark`. */
export const encodeAll = (text: string, mark: string) =>
  Array.from(utf8.encode(text), (octet) => mark + octet.toString(16).toUpperCase().padStart(2, "0")).join("")

/** The characters of base64 that a text alone decides, at each of the three alignments. */
const base64Of = (text: string): ReadonlyArray<string> =>
  [0, 1, 2].map((before) => {
    const octets = Buffer.concat([Buffer.alloc(before), Buffer.from(text)])
    const encoded = octets.toString("base64").replaceAll("=", "")
    return encoded.slice(before === 0 ? 0 : before + 1, octets.length % 3 === 0 ? undefined : -1)
  })

/** A secret as servers write it. */
export const forms = (secret: string): ReadonlyArray<string> => [
  secret,
  ...base64Of(secret),
  ...base64Of(secret).map((text) => text.replaceAll("+", "-").replaceAll("/", "_")),
  hexOf(secret),
  hexOf(secret).toUpperCase(),
  encodeURIComponent(secret),
  encodeAll(secret, "%"),
  encodeAll(secret, "+")
]

const windowsOf = (text: string): ReadonlyArray<string> =>
  Array.from({ length: Math.max(0, text.length - 7) }, (_, at) => text.slice(at, at + 8))

/**
 * The lines in which a piece of 8 characters of the secret, in any form, is seen. Such a piece can be less than three
 * octets (`+61+72+6`), and then also stands in what the client says for any secret (`Bearer `): what the server repeats
 * of another secret tells which.
 */
export const windowsIn = (seen: Seen, secret: string, ofAnother = ""): ReadonlyArray<string> => {
  const alike = new Set(windowsOf(ofAnother))
  const pieces = new Set(forms(secret).flatMap(windowsOf).filter((piece) => !alike.has(piece)))
  // most lines are seen in many places
  const lines = new Set(Object.values(seen).flatMap((text) => text.split("\n").map((line) => line.trimStart())))
  return [...lines].filter((line) => windowsOf(line).some((piece) => pieces.has(piece)))
}
