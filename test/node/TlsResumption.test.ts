import * as SmtpLog from "@colloquy/core/SmtpLog"
import type { TlsInfo, TlsOptions } from "@colloquy/core/Tls"
import * as Transporter from "@colloquy/core/Transporter"
import * as NodeColloquy from "@colloquy/node/NodeColloquy"
import * as NodeConnector from "@colloquy/node/NodeConnector"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer, Redacted, Struct } from "effect"
import { TLSSocket } from "node:tls"
import { certificates, type Pair, pinOf } from "./certificates.ts"
import { ended, type Loopback, read, serve, serveTls, startTls, write } from "./loopback.ts"

const greeting = "220 mail.test\r\n"
const connector = NodeConnector.make({
  lookup: (_host, _options, callback) => callback(null, [{ address: "127.0.0.1", family: 4 }])
})

/** One connection with TLS first, until the greeting came; whether the server resumed, and what the client found out. */
const visit = Effect.fnUntraced(function*(server: Loopback, tls: TlsOptions, host = "localhost") {
  const [connection, peer] = yield* Effect.all([
    connector.connect({ host, port: server.port, tls }),
    server.accept
  ], { concurrency: 2 })
  assert.instanceOf(peer, TLSSocket)
  yield* write(peer, greeting)
  yield* connection.pull
  const { tls: info } = connection
  assert.isDefined(info)
  return { reused: peer.isSessionReused(), info }
}, Effect.scoped)

const visits = Effect.fnUntraced(
  function*(server: Loopback, ...policies: ReadonlyArray<readonly [TlsOptions, string?]>) {
    const seen: Array<boolean> = []
    for (const [tls, host] of policies) {
      const { info, reused } = yield* visit(server, tls, host)
      assert.strictEqual(info.resumed ?? false, reused)
      seen.push(reused)
    }
    return seen
  }
)

const policy = (more: TlsOptions = {}): TlsOptions => ({ mode: "implicit", ca: certificates().ca, ...more })

const withoutResumed = (info: TlsInfo) => Struct.omit(info, ["resumed"])

/** The clock is ahead by so many milliseconds. */
const later = (milliseconds: number) => <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.flatMap(Clock.Clock, (clock) =>
    Effect.provideService(effect, Clock.Clock, {
      currentTimeMillisUnsafe: () => clock.currentTimeMillisUnsafe() + milliseconds,
      currentTimeMillis: Effect.map(clock.currentTimeMillis, (now) => now + milliseconds),
      currentTimeNanosUnsafe: () => clock.currentTimeNanosUnsafe(),
      currentTimeNanos: clock.currentTimeNanos,
      monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe(),
      monotonicTimeNanos: clock.monotonicTimeNanos,
      sleep: (duration) => clock.sleep(duration)
    }))

describe("a TLS session", () => {
  for (const version of ["TLSv1.3", "TLSv1.2"] as const) {
    it.live(`is resumed by the same policy, with the verdict and chain of its first handshake (${version})`, () =>
      Effect.gen(function*() {
        const server = yield* serveTls(certificates().server, { maxVersion: version })
        const tls = policy()
        const first = yield* visit(server, tls)
        assert.deepStrictEqual([first.reused, first.info.protocol, first.info.resumed], [false, version, undefined])
        assert.isTrue(first.info.verified)
        assert.strictEqual(first.info.chain[0]?.subject, "CN=server")
        for (let time = 0; time < 3; time++) {
          const again = yield* visit(server, tls)
          assert.deepStrictEqual([again.reused, again.info.resumed], [true, true])
          assert.deepStrictEqual(withoutResumed(again.info), first.info)
        }
      }))
  }

  it.live("is resumed by STARTTLS too, and gives each connection a channel binding of its own", () =>
    Effect.gen(function*() {
      const server = yield* serve
      const tls = policy({ mode: "required" })
      const pair = { ...certificates().server, ticketKeys: Buffer.alloc(48, 7) }
      const bindings: Array<string> = []
      const seen = []
      for (let time = 0; time < 2; time++) {
        seen.push(
          yield* Effect.scoped(Effect.gen(function*() {
            const connection = yield* connector.connect({ host: "localhost", port: server.port })
            const peer = yield* server.accept
            const [info, secure] = yield* Effect.all([
              connection.upgrade(tls),
              startTls(peer, pair)
            ], { concurrency: 2 })
            assert.isDefined(secure)
            yield* write(secure, greeting)
            yield* connection.pull
            bindings.push(Buffer.from(connection.channelBinding ?? []).toString("hex"))
            return [info.verified, info.resumed ?? false]
          }))
        )
      }
      assert.deepStrictEqual(seen, [[true, false], [true, true]])
      assert.strictEqual(new Set(bindings).size, 2)
    }))

  it.live("is not resumed by another value of the options, whatever is in it", () =>
    Effect.gen(function*() {
      const server = yield* serveTls(certificates().server)
      assert.deepStrictEqual(yield* visits(server, [policy()], [policy()]), [false, false])
    }))

  it.live("is not resumed under another name, at another host or port", () =>
    Effect.gen(function*() {
      const pair = certificates().server
      const ticketKeys = Buffer.alloc(48, 7)
      const [server, other] = [yield* serveTls(pair, { ticketKeys }), yield* serveTls(pair, { ticketKeys })]
      const tls = policy()
      assert.deepStrictEqual(yield* visits(server, [tls, "localhost"], [tls, "127.0.0.1"], [tls, "localhost"]), [
        false,
        false,
        true
      ])
      assert.deepStrictEqual(yield* visits(other, [tls, "localhost"], [tls, "localhost"]), [false, true])
    }))

  it.live("is never resumed where a pin decides", () =>
    Effect.gen(function*() {
      const { ca, server: pair } = certificates()
      const server = yield* serveTls(pair)
      const pinned = policy({ ca: undefined, pin: pinOf(pair.cert) })
      const either = policy({ ca, pin: pinOf(pair.cert) })
      assert.deepStrictEqual(yield* visits(server, [pinned], [pinned], [either], [either]), [
        false,
        false,
        false,
        false
      ])
    }))

  it.live("is never resumed where the first handshake was not verified", () =>
    Effect.gen(function*() {
      const server = yield* serveTls(certificates().selfSigned)
      const tls = policy({ dangerouslyAcceptInvalidCertificates: true })
      assert.deepStrictEqual(yield* visits(server, [tls], [tls]), [false, false])
      const { info } = yield* visit(server, tls)
      assert.isFalse(info.verified)
    }))

  it.live("is given up when the server shows another certificate that is not good", () =>
    Effect.gen(function*() {
      const server = yield* serve
      const tls = policy({ mode: "required" })
      const good = { ...certificates().server, ticketKeys: Buffer.alloc(48, 7) }
      const upgraded = Effect.fnUntraced(function*(pair: Pair) {
        const connection = yield* connector.connect({ host: "localhost", port: server.port })
        const peer = yield* server.accept
        const [info] = yield* Effect.all([
          connection.upgrade(tls),
          Effect.flatMap(startTls(peer, pair), (secure) => secure === undefined ? Effect.void : write(secure, greeting))
        ], { concurrency: 2 })
        yield* connection.pull
        return info.resumed ?? false
      }, Effect.scoped)
      assert.deepStrictEqual([yield* upgraded(good), yield* upgraded(good)], [false, true])
      assert.strictEqual((yield* Effect.flip(upgraded(certificates().selfSigned)))._tag, "CertificateRejected")
      assert.deepStrictEqual([yield* upgraded(good), yield* upgraded(good)], [false, true])
    }))

  it.live("is good for an hour from the handshake that was verified", () =>
    Effect.gen(function*() {
      const server = yield* serveTls(certificates().server)
      const tls = policy()
      const half = 1_900_000
      assert.isFalse((yield* visit(server, tls)).reused)
      assert.isTrue((yield* later(half)(visit(server, tls))).reused)
      // what the resumed one brought is no younger
      assert.isFalse((yield* later(2 * half)(visit(server, tls))).reused)
      assert.isFalse((yield* later(-half)(visit(server, tls))).reused)
    }))

  it.live("is not resumed when a certificate of its chain has expired meanwhile", () =>
    Effect.gen(function*() {
      const server = yield* serveTls(certificates().server)
      const tls = policy()
      const { info } = yield* visit(server, tls)
      const end = Math.min(...info.chain.map(({ validTo }) => validTo))
      // verified a minute before the end
      const ahead = end - (yield* Clock.currentTimeMillis) - 60_000
      const near = policy()
      assert.isFalse((yield* later(ahead)(visit(server, near))).reused)
      assert.isTrue((yield* later(ahead + 30_000)(visit(server, near))).reused)
      assert.isFalse((yield* later(ahead + 90_000)(visit(server, near))).reused)
    }))

  it.live("of one of many names is forgotten: what is kept is bounded", () =>
    Effect.gen(function*() {
      const server = yield* serveTls(certificates().otherName)
      const tls = policy()
      const names = Array.from({ length: 33 }, (_, at) => `host${at}.example.net`)
      yield* visits(server, ...names.map((name) => [tls, name] as const))
      assert.deepStrictEqual(yield* visits(server, [tls, "host32.example.net"], [tls, "host0.example.net"]), [
        true,
        false
      ])
    }))

  it.live("is resumed with the client's certificate", () =>
    Effect.gen(function*() {
      const { ca, client, server: pair } = certificates()
      const server = yield* serveTls(pair, { requestCert: true, rejectUnauthorized: false, ca })
      const tls = policy({ cert: client.cert, key: Redacted.make(client.key) })
      assert.deepStrictEqual(yield* visits(server, [tls], [tls], [policy()]), [false, true, false])
    }))
})

describe("a transporter's TLS session", () => {
  it.live("is resumed from one of its connections to the next, and the log says so", () =>
    Effect.gen(function*() {
      const server = yield* serveTls(certificates().server)
      const transporter = yield* Transporter.make({
        host: "localhost",
        port: server.port,
        tls: { mode: "implicit", ca: certificates().ca },
        name: "client.test"
      })
      const reused: Array<boolean> = []
      for (let time = 0; time < 2; time++) {
        yield* Effect.all([
          transporter.checkConnection,
          Effect.gen(function*() {
            const peer = yield* server.accept
            assert.instanceOf(peer, TLSSocket)
            reused.push(peer.isSessionReused())
            for (const [said, length] of [[greeting, 18], ["250 mail.test\r\n", 6], ["221 Bye\r\n", 0]] as const) {
              yield* write(peer, said)
              yield* read(peer, length)
            }
            yield* ended(peer)
          })
        ], { concurrency: 2 })
      }
      assert.deepStrictEqual(reused, [false, true])
      const events = yield* Effect.flatMap(SmtpLog.LogMemory, (log) => log.events)
      assert.deepStrictEqual(
        events.flatMap((event) => event._tag === "Secured" ? [[event.tls.verified, event.tls.resumed]] : []),
        [[true, undefined], [true, true]]
      )
    }).pipe(Effect.provide(Layer.merge(NodeColloquy.layer, SmtpLog.layerMemory))))
})
