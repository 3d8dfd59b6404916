/**
 * How fast messages are composed, in ratios within one run: `node test/bench/compose.ts [small|attachment|memory]`.
 *
 * - small: text and HTML with a non-ASCII subject, to octets, against Nodemailer's MailComposer.
 * - attachment: 10 MiB in memory, streamed out, against `Buffer.toString("base64")` and a fold by regular expression.
 * - memory: 1 GiB from a file, composed and read to the end; peak of the resident set over the idle process.
 */
import * as Message from "@colloquy/core/Message"
import * as NodeColloquy from "@colloquy/node/NodeColloquy"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Stream from "effect/Stream"
import MailComposer from "nodemailer/lib/mail-composer/index.js"

const rounds = 5
const median = (values: ReadonlyArray<number>): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN

const timed = <A, E3, R3>(self: Effect.Effect<A, E3, R3>) =>
  Effect.gen(function*() {
    const start = yield* Clock.monotonicTimeNanos
    yield* self
    return Number((yield* Clock.monotonicTimeNanos) - start) / 1e9
  })

/** Seconds that each takes, by turns, after a round to warm up. */
const compare = Effect.fnUntraced(
  function*<E, R, E2, R2>(ours: Effect.Effect<unknown, E, R>, theirs: Effect.Effect<unknown, E2, R2>) {
    const times: Array<readonly [number, number]> = []
    for (let round = 0; round <= rounds; round++) {
      const pair = [yield* timed(ours), yield* timed(theirs)] as const
      if (round > 0) times.push(pair)
    }
    return { ours: median(times.map(([a]) => a)), theirs: median(times.map(([, b]) => b)) }
  }
)

const mail = { from: "Ann <ann@mail.test>", to: "bob@mail.test" }
const small = (i: number) => ({
  ...mail,
  subject: `Grüße 🎉 Nummer ${i}`,
  text: `Hello Bob,\n\nthis is message ${i}.\n\nBest regards\nAnn\n`.repeat(4),
  html: `<p>Hello Bob,</p>\n<p>this is message ${i}.</p>\n`.repeat(8)
})

const smallMessages = Effect.gen(function*() {
  const count = 10_000
  const ours = Effect.gen(function*() {
    let octets = 0
    for (let i = 0; i < count; i++) octets += (yield* Message.compose(small(i))).size ?? 0
    return octets
  })
  const theirs = Effect.promise(async () => {
    let octets = 0
    for (let i = 0; i < count; i++) octets += (await new MailComposer(small(i)).compile().build()).length
    return octets
  })
  const times = yield* compare(ours, theirs)
  yield* Console.log(
    `small: ${Math.round(count / times.ours)}/s, Nodemailer ${Math.round(count / times.theirs)}/s, `
      + `${(times.theirs / times.ours).toFixed(1)} times (at least 3)`
  )
})

const attachment = Effect.gen(function*() {
  const size = 10 * 1024 * 1024
  const content = Buffer.from(Array.from({ length: size }, (_, i) => (i * 7919) >> 3 & 255))
  const ours = Effect.gen(function*() {
    const composed = yield* Message.compose({ ...mail, attachments: [{ name: "a.bin", content }] })
    yield* Stream.runForEachArray(composed.content, () => Effect.void)
  })
  const theirs = Effect.sync(() => content.toString("base64").replaceAll(/.{76}/g, "$&\r\n").length)
  const times = yield* compare(ours, theirs)
  yield* Console.log(
    `attachment: ${Math.round(size / times.ours / 1e6)} MB/s, Buffer and fold ${
      Math.round(size / times.theirs / 1e6)
    } MB/s, `
      + `${(100 * times.theirs / times.ours).toFixed(0)} % (at least 80)`
  )
})

const memory = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const path = yield* fs.makeTempFileScoped()
  yield* Effect.scoped(Effect.flatMap(fs.open(path, { flag: "w" }), (file) => file.truncate(1024 ** 3)))
  const idle = process.memoryUsage.rss()
  let peak = idle
  const composed = yield* Message.compose({ ...mail, attachments: [Message.file(path)] })
  const start = yield* Clock.monotonicTimeNanos
  yield* Stream.runForEach(composed.content, () =>
    Effect.sync(() => {
      peak = Math.max(peak, process.memoryUsage.rss())
    }))
  const seconds = Number((yield* Clock.monotonicTimeNanos) - start) / 1e9
  yield* Console.log(
    `memory: ${Math.round((peak - idle) / 1024 ** 2)} MiB over an idle process (at most 60), ${
      Math.round(1024 / seconds)
    } MiB/s`
  )
}).pipe(Effect.scoped)

const all = { memory, attachment, small: smallMessages }
const wanted = process.argv.slice(2)
const program = Effect.forEach(
  Object.entries(all).filter(([name]) => wanted.length === 0 || wanted.includes(name)),
  ([, one]) => one,
  { discard: true }
)
await Effect.runPromise(Effect.provide(program, NodeColloquy.layer))
