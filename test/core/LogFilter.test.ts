import { type LogEvent, LogFilter, LogSink, LogText, SmtpLog } from "@colloquy/core"
import { Script, TestPlatform } from "@colloquy/core/testing"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Stream } from "effect"
import { mail, script, sending } from "./dialogue.ts"

const head = (session: number, counter: number) => ({ counter, time: counter, process: 1, session })
const connecting = (session: number, counter: number, host: string): LogEvent.LogEvent => ({
  _tag: "Connecting",
  ...head(session, counter),
  host,
  port: 25,
  tls: "none"
})
const said = (session: number, counter: number, line: string): LogEvent.LogEvent => ({
  _tag: "ClientLine",
  ...head(session, counter),
  line
})
const failed = (session: number, counter: number): LogEvent.LogEvent => ({
  _tag: "Failed",
  ...head(session, counter),
  phase: "mail",
  reason: "SenderRefused",
  message: "no"
})
const connected = (session: number, counter: number, host: string): LogEvent.LogEvent => ({
  _tag: "Connected",
  ...head(session, counter),
  host,
  port: 25,
  secured: false
})
const closed = (session: number, counter: number): LogEvent.LogEvent => ({
  _tag: "Closed",
  ...head(session, counter),
  by: "client",
  elapsed: 1
})

/** Two sessions at once, the second of which fails. */
const two: ReadonlyArray<LogEvent.LogEvent> = [
  connecting(1, 1, "mail.test"),
  connecting(2, 2, "other.test"),
  connected(2, 3, "other.test"),
  connected(1, 4, "mail.test"),
  said(1, 5, "RCPT TO:<bob@Example.org>"),
  said(2, 6, "RCPT TO:<j***@example.com> NOTIFY=NEVER"),
  failed(2, 7),
  said(2, 8, "QUIT"),
  closed(1, 9),
  closed(2, 10)
]
const counters = (filter: LogFilter.LogFilter, events = two) =>
  Stream.runCollect(filter(Stream.fromIterable(events))).pipe(
    Effect.map((events) => events.map(({ counter }) => counter))
  )
const first = [1, 4, 5, 9]
const second = [2, 3, 6, 7, 8, 10]

describe("a filter", () => {
  it.effect("gives whole conversations: by session, host, recipient's domain, or those that fail", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* counters(LogFilter.session(1)), first)
      assert.deepStrictEqual(yield* counters(LogFilter.session(1, 2)), two.map(({ counter }) => counter))
      assert.deepStrictEqual(yield* counters(LogFilter.host("MAIL.test")), first)
      assert.deepStrictEqual(yield* counters(LogFilter.recipientDomain("example.ORG")), first)
      assert.deepStrictEqual(yield* counters(LogFilter.recipientDomain("example.com")), second)
      assert.deepStrictEqual(yield* counters(LogFilter.recipientDomain("example.net")), [])
      assert.deepStrictEqual(yield* counters(LogFilter.failures()), second)
    }))

  it.effect("is one of several in a pipe", () =>
    Effect.gen(function*() {
      const both = Stream.fromIterable(two).pipe(LogFilter.host("other.test"), LogFilter.failures())
      assert.deepStrictEqual((yield* Stream.runCollect(both)).map(({ counter }) => counter), second)
      const none = Stream.fromIterable(two).pipe(LogFilter.host("mail.test"), LogFilter.failures())
      assert.deepStrictEqual(yield* Stream.runCollect(none), [])
    }))

  it.effect("holds no more of a conversation than it has room for, and says so", () =>
    Effect.gen(function*() {
      const long = [connecting(1, 1, "mail.test"), ...Array.from({ length: 50 }, (_, at) => said(1, at + 2, "NOOP"))]
      const found = yield* Stream.runCollect(
        Stream.fromIterable([...long, failed(1, 52)]).pipe(LogFilter.failures({ maxEvents: 10 }))
      )
      assert.strictEqual(found.length, 11)
      const [lost] = found
      assert.strictEqual(lost?._tag === "Lost" ? lost.count : 0, 42)
    }))

  it.effect("forgets a dial that failed: its number may come again", () =>
    Effect.gen(function*() {
      const again = [
        connecting(1, 1, "mail.test"),
        failed(1, 2),
        connecting(1, 3, "mail.test"),
        said(1, 4, "NOOP"),
        closed(1, 5)
      ]
      assert.deepStrictEqual(yield* counters(LogFilter.failures(), again), [1, 2])
    }))
})

describe("live", () => {
  it.effect("the stream of failures and the flight recorder tell the same", () =>
    Effect.gen(function*() {
      const kept: Array<LogEvent.LogEvent> = []
      const log = yield* SmtpLog.make([
        LogSink.onFailure(Effect.succeed(LogSink.fromFunction((event) => kept.push(event))))
      ])
      const seen: Array<LogEvent.LogEvent> = []
      const watching = yield* Effect.forkChild(
        Stream.runForEach(LogFilter.failures()(log.stream), (event) => Effect.sync(() => seen.push(event))),
        { startImmediately: true }
      )
      yield* Effect.yieldNow
      yield* Effect.forEach([1, 2, 3], () => Effect.exit(sending(undefined, mail())), { discard: true }).pipe(
        Effect.provide(Layer.mergeAll(
          Script.layer([
            Script.fromText(
              `${script.hello}${script.envelope}C: DATA\nS: 354 Go\n-- content\nS: 250 Ok\n${script.bye}`
            ),
            Script.fromText(`${script.hello}${script.from}S: 550 5.7.1 No\n${script.bye}`),
            Script.fromText(`${script.hello}${script.from}S: 551 5.7.1 No\n${script.bye}`)
          ]),
          Layer.succeed(SmtpLog.SmtpLog, log),
          TestPlatform.layer
        ))
      )
      yield* Effect.yieldNow
      yield* Fiber.interrupt(watching)
      const text = LogText.format(kept, { columns: "statement" })
      assert.strictEqual(LogText.format(seen), LogText.format(kept))
      assert.include(text, "550 5.7.1 No")
      assert.notInclude(text, "Content sent")
      assert.strictEqual(kept.filter(({ _tag }) => _tag === "Connecting").length, 2)
      assert.strictEqual(
        kept.filter(({ _tag }) => _tag === "Closed").length,
        kept.filter(({ _tag }) => _tag === "Connecting").length
      )
    }).pipe(Effect.scoped))
})
