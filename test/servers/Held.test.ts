/**
 * Thousands of messages through servers and networks that fail, each accounted for: who was told "accepted" has it once,
 * who was told "not accepted" has it not, and nobody has it twice or under another's sender.
 */
import * as Known from "@colloquy/core/internal/knownContent"
import * as SmtpLog from "@colloquy/core/SmtpLog"
import * as Transporter from "@colloquy/core/Transporter"
import * as NodeColloquy from "@colloquy/node/NodeColloquy"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer } from "@effect/vitest"
import { Effect, FileSystem, Layer, Path, Result, Stream } from "effect"
import * as Net from "node:net"
import * as Machine from "./Machine.ts"
import * as Maildir from "./Maildir.ts"
import * as PostfixServer from "./PostfixServer.ts"

const Platform = Layer.mergeAll(
  PostfixServer.layer.pipe(Layer.provideMerge(NodeServices.layer)),
  NodeColloquy.layer,
  SmtpLog.layerNone
)

const octets = (text: string) => new TextEncoder().encode(text)
const id = (at: number) => `held-${process.pid}-${at}@client.test`
const senderOf = (at: number) => `sender${at}@client.test`

const message = (at: number, to: string, lines = 10) => {
  const content = octets(
    `Message-ID: <${id(at)}>\r\nSubject: ${at}\r\n\r\n${"It is what it is, and it is long.\r\n".repeat(lines)}`
  )
  const stream = Stream.make(content)
  // in memory, as Message.raw has it
  Known.remember(stream, { chunks: [content], clean: false })
  return { envelope: { from: senderOf(at), to: [to] as const }, size: content.length, content: stream }
}

type Told = "Accepted" | "Refused" | "NotSent" | "Unknown"

/** Sends so many, and what each sender was told. */
const sendMany = Effect.fnUntraced(function*<E = never, R = never>(
  options: Transporter.Options,
  count: number,
  to: (at: number) => string,
  meanwhile: (told: number) => Effect.Effect<void, E, R> = () => Effect.void
) {
  const told = new Map<number, Told>()
  yield* Effect.scoped(Effect.gen(function*() {
    const transporter = yield* Transporter.make({ tls: "none", name: "client.test", host: Machine.host, ...options })
    yield* transporter.sendAll(
      Stream.fromIterable(Array.from({ length: count }, (_, at) => message(at, to(at), 1 + (at % 60))))
    ).pipe(
      Stream.runForEach(({ index, result }) => {
        const [verdict] = Result.isSuccess(result) ? result.success.recipients : result.failure.recipients
        assert.isFalse(told.has(index), "answered twice")
        told.set(index, verdict?._tag ?? "NotSent")
        return meanwhile(told.size)
      })
    )
  }))
  assert.strictEqual(told.size, count, "every message is answered")
  return told
})

const tally = (told: ReadonlyMap<number, Told>) => {
  const counts: Record<Told, number> = { Accepted: 0, Refused: 0, NotSent: 0, Unknown: 0 }
  for (const verdict of told.values()) counts[verdict]++
  return counts
}

/** The sink's book against what senders were told. */
const account = (told: ReadonlyMap<number, Told>, book: string, to: (at: number) => string) => {
  const times = new Map<string, number>()
  for (const line of book.split("\n").filter((line) => line !== "")) times.set(line, (times.get(line) ?? 0) + 1)
  for (const [at, verdict] of told) {
    const line = `${id(at)} ${senderOf(at)} ${to(at)}`
    const held = times.get(line) ?? 0
    times.delete(line)
    const about = `message ${at} is ${verdict}, and held ${held} times`
    assert.isAtMost(held, 1, about)
    if (verdict === "Accepted") assert.strictEqual(held, 1, about)
    if (verdict === "Refused" || verdict === "NotSent") assert.strictEqual(held, 0, about)
  }
  assert.deepStrictEqual(Array.from(times.keys()), [], "held under another's name")
}

/** Our sink as a process of its own, which can be killed, stopped and started again. */
const sink = Effect.fnUntraced(function*(every?: number) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const folder = yield* Machine.folder("held")
  const port = yield* Machine.freePort
  const file = path.join(folder, "book")
  yield* fs.writeFileString(file, "")
  const program = path.join(import.meta.dirname, "heldSink.ts")
  const start = Effect.gen(function*() {
    const child = yield* Machine.daemon(
      process.execPath,
      [program, String(port), file, ...(every === undefined ? [] : [String(every)])],
      path.join(folder, "log")
    )
    yield* Machine.listening([port], path.join(folder, "log"))
    return child
  })
  return { port, start, book: fs.readFileString(file) }
})

interface Way {
  readonly port: number
  /** Octets of the client's and of the server's, after which both ends are reset. */
  readonly up?: number
  readonly down?: number
}

/** Passes each connection on, its own way. */
const faultProxy = Effect.fnUntraced(function*(wayOf: (connection: number) => Way) {
  const port = yield* Machine.freePort
  let connections = 0
  let resets = 0
  yield* Effect.acquireRelease(
    Effect.callback<Net.Server>((resume) => {
      const server = Net.createServer({ noDelay: true }, (client) => {
        const { down = Number.POSITIVE_INFINITY, port, up = Number.POSITIVE_INFINITY } = wayOf(connections++)
        const peer = Net.connect({ host: Machine.host, port, noDelay: true })
        let alive = true
        const end = () => {
          if (!alive) return
          alive = false
          resets++
          client.resetAndDestroy()
          peer.resetAndDestroy()
        }
        const pass = (from: Net.Socket, to: Net.Socket, left: number) => {
          from.on("error", () => to.destroy())
          from.on("end", () => to.end())
          from.on("data", (octets: Buffer) => {
            if (!alive) return
            const last = octets.length >= left
            to.write(octets.subarray(0, left), last ? end : undefined)
            left -= octets.length
            if (last) from.pause()
          })
        }
        pass(client, peer, up)
        pass(peer, client, down)
      })
      server.listen(port, Machine.host, () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => server.close())
  )
  return { port, resets: () => resets }
})

const bob = () => "bob@mail.test"
const refusedInTwoWays = (at: number) =>
  at % 20 === 7 ? (at % 40 === 7 ? "refused@mail.test" : "later@mail.test") : "bob@mail.test"
const someRefused = (at: number) => at % 20 === 7 ? "refused@mail.test" : "bob@mail.test"

layer(Platform, { excludeTestServices: true, timeout: "5 minutes" })("each message is accounted for", (it) => {
  it.effect("through Postfix with CHUNKING: 1,000 senders, 50 of them refused, each under its own name, once", () =>
    Effect.gen(function*() {
      const server = yield* PostfixServer.PostfixServer
      const told = yield* sendMany({ port: server.port, maxSessions: 2 }, 1_000, refusedInTwoWays)
      assert.deepStrictEqual(tally(told), { Accepted: 950, Refused: 50, NotSent: 0, Unknown: 0 })
      const files = yield* Maildir.holding(server.maildir, `Message-ID: <held-${process.pid}-`, 950)
      const found = files.map((file) => {
        const text = Buffer.from(file).toString("latin1")
        return `${/^Message-ID: <(.*)>/m.exec(text)?.[1]} ${/^Return-Path: <(.*)>/m.exec(text)?.[1]} bob@mail.test\n`
      })
      account(told, found.join(""), refusedInTwoWays)
    }).pipe(Effect.scoped))

  it.effect("by a sink that keeps refused transactions open: 10,000 messages, one in twenty refused", () =>
    Effect.gen(function*() {
      const { book, port, start } = yield* sink()
      yield* start
      const told = yield* sendMany({ port, maxSessions: 2 }, 10_000, someRefused)
      assert.deepStrictEqual(tally(told), { Accepted: 9_500, Refused: 500, NotSent: 0, Unknown: 0 })
      account(told, yield* book, someRefused)
    }).pipe(Effect.scoped))

  it.effect.each([["CHUNKING", []], ["DATA", ["CHUNKING"]]] as const)(
    "through a network that resets in mid-pipeline (%s): 10,000 messages",
    ([, ignoreExtensions]) =>
      Effect.gen(function*() {
        const { book, port, start } = yield* sink()
        yield* start
        const proxy = yield* faultProxy((connection) =>
          connection % 2 === 0
            ? { port, up: 2_000 + ((connection * 7_919) % 400_000) }
            : { port, down: 300 + ((connection * 104_729) % 30_000) }
        )
        const told = yield* sendMany({ port: proxy.port, maxSessions: 3, ignoreExtensions }, 10_000, someRefused)
        const counts = tally(told)
        assert.isAbove(proxy.resets(), 20)
        assert.isAbove(counts.Accepted, 5_000)
        account(told, yield* book, someRefused)
      }).pipe(Effect.scoped)
  )

  it.effect("by Postfix's smtp-sink with its refusals and disconnects on: 10,000 messages", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const path = yield* Path.Path
      const folder = yield* Machine.folder("smtp-sink")
      yield* fs.chmod(folder, 0o777)
      const troubles = ["-rMAIL", "-fRCPT", "-rDATA", "-f.", "-qMAIL", "-qDATA", "-q.", "-QRCPT", "-Q."]
      const sinks = yield* Effect.forEach(["-p", ...troubles], (flag) =>
        Effect.gen(function*() {
          const port = yield* Machine.freePort
          const dump = path.join(folder, `dump${flag}`)
          const args = ["-u", "postfix", "-p", flag, "-D", dump, `${Machine.host}:${port}`, "100"]
          yield* Machine.daemon("smtp-sink", args, path.join(folder, "log"))
          yield* Machine.listening([port], path.join(folder, "log"))
          return { flag, port, dump }
        }))
      const proxy = yield* faultProxy((connection) => {
        const bad = (connection >> 1) % troubles.length
        return { port: sinks[connection % 2 === 0 ? 0 : 1 + bad]?.port ?? 0 }
      })
      const told = yield* sendMany(
        { port: proxy.port, maxSessions: 3, sessionLimits: { messages: 10 } },
        10_000,
        bob
      )
      const counts = tally(told)
      assert.deepStrictEqual(Object.values(counts).map((count) => count > 20), [true, true, true, true])
      // what "." was answered by 4yz or 5yz is in the dump too, and nobody's
      const holding = sinks.filter(({ flag }) => flag !== "-f." && flag !== "-Q.")
      const dumps = yield* Effect.forEach(
        holding,
        ({ dump }) => Effect.orElseSucceed(fs.readFileString(dump), () => "")
      )
      const entries = dumps.join("").split(/^X-Client-Addr/m).map((entry) => {
        const found = (pattern: RegExp) => pattern.exec(entry)?.[1]
        return `${found(/^Message-ID: <(.*)>/m)} ${found(/^X-Mail-Args: <(.*?)>/m)} ${
          found(/^X-Rcpt-Args: <(.*?)>/m)
        }\n`
      })
      account(told, entries.filter((entry) => !entry.startsWith("undefined")).join(""), bob)
    }).pipe(Effect.scoped))

  it.effect("by a server that closes each session by 421 after 100 messages: none is lost", () =>
    Effect.gen(function*() {
      const { book, port, start } = yield* sink(100)
      yield* start
      const told = yield* sendMany({ port, maxSessions: 2 }, 5_000, bob)
      assert.deepStrictEqual(tally(told), { Accepted: 5_000, Refused: 0, NotSent: 0, Unknown: 0 })
      account(told, yield* book, bob)
    }).pipe(Effect.scoped))

  it.effect("by a server that is killed in the middle and comes back", () =>
    Effect.gen(function*() {
      const { book, port, start } = yield* sink()
      let child = yield* start
      let next = 2_000
      const told = yield* sendMany({ port, maxSessions: 3 }, 10_000, someRefused, (count) =>
        Effect.gen(function*() {
          if (count < next) return
          next += 2_000
          yield* child.kill({ killSignal: "SIGKILL" })
          child = yield* start
        }))
      assert.isAbove(tally(told).Accepted, 5_000)
      account(told, yield* book, someRefused)
    }).pipe(Effect.scoped))

  it.effect("by a server that falls silent: its sessions are given up, and what it does afterwards is told as unknown", () =>
    Effect.gen(function*() {
      const { book, port, start } = yield* sink()
      const child = yield* start
      let stopped = false
      const told = yield* sendMany(
        {
          port,
          maxSessions: 2,
          sendTimeOut: "20 seconds",
          timeLimits: {
            rset: "1 second",
            greeting: "1 second",
            mail: "1 second",
            rcpt: "1 second",
            content: "1 second",
            verdict: "1 second"
          }
        },
        3_000,
        someRefused,
        (count) =>
          Effect.gen(function*() {
            if (stopped || count < 1_000) return
            stopped = true
            process.kill(child.pid, "SIGSTOP")
            yield* Effect.forkDetach(Effect.andThen(
              Effect.sleep("2500 millis"),
              Effect.sync(() => process.kill(child.pid, "SIGCONT"))
            ))
          })
      )
      const counts = tally(told)
      assert.isAbove(counts.Unknown, 0)
      assert.isAbove(counts.Accepted, 1_000)
      // it works off what had reached it
      yield* Effect.sleep("500 millis")
      account(told, yield* book, someRefused)
    }).pipe(Effect.scoped))
})
