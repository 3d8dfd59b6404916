import type { Connection } from "@colloquy/core/Connection"
import type { FailedAttempt, Target } from "@colloquy/core/Connector"
import { CertificateRejected, ConnectionFailed, ConnectionLost, type TlsFailed } from "@colloquy/core/SmtpError"
import { looksLikeRecord, type TlsOptions } from "@colloquy/core/Tls"
import * as NodeConnector from "@colloquy/node/NodeConnector"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Redacted, Scope } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import type { LookupFunction, Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { TLSSocket } from "node:tls"
import { certificates, pinOf } from "./certificates.ts"
import { closedPort, ended, interrupted, read, serve, serveTls, serveUnix, startTls, write } from "./loopback.ts"

const connector = NodeConnector.make()
const octets = (text: string) => new TextEncoder().encode(text)
const text = (chunks: ReadonlyArray<Uint8Array>) =>
  chunks.map((chunk) => new TextDecoder("latin1").decode(chunk)).join("")

/** Reads on until so many octets are there. */
const take = Effect.fnUntraced(function*(connection: Connection, length: number) {
  let all = ""
  while (all.length < length) all += text(yield* connection.pull)
  return all
})
/** Until what the server wrote has reached the client's process, where nobody may be reading. */
const received = Effect.fnUntraced(function*(connection: Connection, peer: Socket) {
  yield* connection.writeAll([octets("x")])
  yield* read(peer, 1)
  for (let turn = 0; turn < 3; turn++) yield* Effect.callback((resume) => void setImmediate(resume, Effect.void))
})
const dial = (target: Target) => connector.connect(target)
const at = (port: number, tls?: TlsOptions, host = "localhost"): Target => ({ host, port, tls })
const implicit = (port: number, options?: TlsOptions, host?: string) =>
  dial(at(port, { mode: "implicit", ...options }, host))
/** OpenSSL's codes differ from version to version. */
const words = ({ cause }: TlsFailed | ConnectionLost) =>
  cause instanceof Error ? cause.message.replace(/ \(ERR_SSL_\w+(?:\/\w+)?\)$/, "") : undefined
const scopedFork = <A, E, R>(effect: Effect.Effect<A, E, R | Scope.Scope>) =>
  Effect.forkChild(Effect.scoped(effect), { startImmediately: true })
const resolvesTo = (...addresses: ReadonlyArray<string>): LookupFunction => (_host, _options, callback) =>
  callback(null, addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })))

describe("dialling", () => {
  it.live("gives octets both ways, and the addresses of both ends", () =>
    Effect.gen(function*() {
      const server = yield* serve
      const connection = yield* dial(at(server.port, undefined, "127.0.0.1"))
      const peer = yield* server.accept
      yield* write(peer, "220 mail.test\r\n")
      assert.strictEqual(yield* take(connection, 15), "220 mail.test\r\n")
      yield* connection.writeAll([octets("EHLO "), octets("client.test\r\n")])
      assert.strictEqual(yield* read(peer, 18), "EHLO client.test\r\n")
      assert.strictEqual(connection.address, "127.0.0.1")
      assert.strictEqual(connection.localAddress, "127.0.0.1")
      assert.isUndefined(connection.tls)
      assert.isUndefined(connection.channelBinding)
    }))

  it.live("says that there is no host of a name, for a name that nobody has", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(dial({ host: "mail.colloquy.invalid", port: 25 }))
      assert.instanceOf(error, ConnectionFailed)
      assert.deepStrictEqual(
        { kind: error.kind, host: error.host, port: error.port, tried: error.attempts.map(({ address }) => address) },
        { kind: "HostNotFound", host: "mail.colloquy.invalid", port: 25, tried: ["mail.colloquy.invalid"] }
      )
    }))

  it.live("says that a port refuses", () =>
    Effect.gen(function*() {
      const port = yield* closedPort
      const error = yield* Effect.flip(dial(at(port, undefined, "127.0.0.1")))
      assert.instanceOf(error, ConnectionFailed)
      assert.deepStrictEqual([error.kind, error.host, error.port, error.attempts], ["Refused", "127.0.0.1", port, [
        { address: "127.0.0.1", problem: "connection refused" }
      ]])
      assert.propertyVal(error.cause, "code", "ECONNREFUSED")
    }))

  it.live("tries one address after another, tells each that failed, and lists all when none answers", () =>
    Effect.gen(function*() {
      const port = yield* closedPort
      const connector = NodeConnector.make({ lookup: resolvesTo("127.0.0.3", "127.0.0.2") })
      const attempts: Array<FailedAttempt> = []
      const error = yield* Effect.flip(
        connector.connect(at(port, undefined, "mail.test"), { onAttempt: (attempt) => void attempts.push(attempt) })
      )
      assert.instanceOf(error, ConnectionFailed)
      assert.deepStrictEqual([error.kind, error.host, error.attempts], ["Refused", "mail.test", [
        { address: "127.0.0.3", problem: "connection refused" },
        { address: "127.0.0.2", problem: "connection refused" }
      ]])
      assert.deepStrictEqual(attempts, [
        { address: "127.0.0.3", port, problem: "connection refused" },
        { address: "127.0.0.2", port, problem: "connection refused" }
      ])
    }))

  it.live("reaches a server that listens on IPv4 only by a name that has IPv6 first, and tells the failed attempt", () =>
    Effect.gen(function*() {
      const server = yield* serve
      const connector = NodeConnector.make({ lookup: resolvesTo("::1", "127.0.0.1") })
      const failed: Array<string> = []
      const connection = yield* connector.connect(at(server.port, undefined, "mail.test"), {
        onAttempt: (attempt) => void failed.push(attempt.address)
      })
      assert.strictEqual(connection.address, "127.0.0.1")
      assert.deepStrictEqual(failed, ["::1"])
    }))

  it.live("takes an IPv6 address in brackets, as it stands in a URL", () =>
    Effect.gen(function*() {
      const port = yield* closedPort
      const error = yield* Effect.flip(dial(at(port, undefined, "[::1]")))
      assert.instanceOf(error, ConnectionFailed)
      assert.deepStrictEqual(error.attempts.map(({ address }) => address), ["::1"])
    }))

  it.live("fails, and does not die, for a port that is none", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(dial(at(70_000)))
      assert.instanceOf(error, ConnectionFailed)
      assert.deepStrictEqual([error.kind, error.port, error.attempts], ["Other", 70_000, []])
    }))

  it.live("speaks over a Unix socket, which has no address", () =>
    Effect.gen(function*() {
      const folder = yield* Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(join(tmpdir(), "colloquy-unix-"))),
        (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
      )
      const path = join(folder, "lmtp")
      const server = yield* serveUnix(path)
      const connection = yield* dial({ path })
      const peer = yield* server.accept
      yield* write(peer, "220 lmtp\r\n")
      assert.strictEqual(yield* take(connection, 10), "220 lmtp\r\n")
      yield* connection.writeAll([octets("LHLO a\r\n")])
      assert.strictEqual(yield* read(peer, 8), "LHLO a\r\n")
      assert.isUndefined(connection.address)

      const missing = join(folder, "missing")
      const error = yield* Effect.flip(dial({ path: missing }))
      assert.instanceOf(error, ConnectionFailed)
      assert.deepStrictEqual([error.kind, error.host, error.port, error.attempts], ["Other", missing, 0, [
        { address: missing, problem: "there is no such socket" }
      ]])
    }))
})

describe("the end of a connection", () => {
  it.live("comes after the octets that the server sent before it closed", () =>
    Effect.gen(function*() {
      const server = yield* serve
      const connection = yield* dial(at(server.port))
      const peer = yield* server.accept
      peer.end("220-mail.te")
      assert.strictEqual(yield* take(connection, 11), "220-mail.te")
      const lost = new ConnectionLost({ kind: "Closed" })
      assert.deepStrictEqual(yield* Effect.flip(connection.pull), lost)
      assert.deepStrictEqual(yield* Effect.flip(connection.pull), lost)
      assert.deepStrictEqual(yield* Effect.flip(connection.writeAll([octets("EHLO a\r\n")])), lost)
    }))

  it.live("comes after the octets that the server sent before it reset the connection", () =>
    Effect.gen(function*() {
      const server = yield* serve
      const connection = yield* dial(at(server.port))
      const peer = yield* server.accept
      yield* write(peer, "421 too many\r\n")
      yield* received(connection, peer)
      peer.resetAndDestroy()
      // nobody reads yet; the writer is the first to know
      const error = yield* Effect.flip(Effect.forever(connection.writeAll([new Uint8Array(1_000_000)])))
      assert.strictEqual(error.kind, "Reset")
      assert.strictEqual(yield* take(connection, 14), "421 too many\r\n")
      assert.strictEqual(yield* Effect.flip(connection.pull), error)
      assert.strictEqual(yield* Effect.flip(connection.writeAll([octets("EHLO a\r\n")])), error)
    }))

  it.live("fails a write that waits for a server which then breaks the connection", () =>
    Effect.gen(function*() {
      const server = yield* serve
      const connection = yield* dial(at(server.port))
      const peer = yield* server.accept
      const writing = yield* Effect.forkChild(
        Effect.flip(Effect.forever(connection.writeAll([new Uint8Array(1_000_000)]))),
        { startImmediately: true }
      )
      peer.resetAndDestroy()
      assert.strictEqual((yield* Fiber.join(writing)).kind, "Reset")
    }))

  it.live("is orderly when the scope closes: what was written arrives, then the end", () =>
    Effect.gen(function*() {
      const server = yield* serve
      const scope = yield* Scope.make()
      const connection = yield* Scope.provide(dial(at(server.port)), scope)
      const peer = yield* server.accept
      yield* connection.writeAll([octets("QUIT\r\n")])
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(yield* read(peer, 1_000), "QUIT\r\n")
      assert.strictEqual(yield* ended(peer), "closed")
      assert.deepStrictEqual(yield* Effect.flip(connection.pull), new ConnectionLost({ kind: "Closed" }))
      assert.deepStrictEqual(
        yield* Effect.flip(connection.writeAll([octets("x")])),
        new ConnectionLost({ kind: "Closed" })
      )
    }))

  it.live("is orderly inside TLS too: the server's TLS sees the end, not a truncation", () =>
    Effect.gen(function*() {
      const { ca, server: pair } = certificates()
      const server = yield* serveTls(pair)
      const scope = yield* Scope.make()
      const connection = yield* Scope.provide(implicit(server.port, { ca }), scope)
      const peer = yield* server.accept
      yield* connection.writeAll([octets("QUIT\r\n")])
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(yield* read(peer, 1_000), "QUIT\r\n")
      assert.strictEqual(yield* ended(peer), "closed")
    }))
})

describe("interruption leaves no socket behind", () => {
  it.live("while the name is looked up", () =>
    Effect.gen(function*() {
      const server = yield* serve
      let answer: (() => void) | undefined
      const connector = NodeConnector.make({
        lookup: (host, options, callback) => {
          answer = () => resolvesTo("127.0.0.1")(host, options, callback)
        }
      })
      const fiber = yield* scopedFork(connector.connect(at(server.port, undefined, "mail.test")))
      yield* Fiber.interrupt(fiber)
      answer?.()
      // the next connection is our own: the interrupted one did not come
      yield* dial(at(server.port)).pipe(Effect.flatMap((connection) => connection.writeAll([octets("mine")])))
      assert.strictEqual(yield* Effect.flatMap(server.accept, (peer) => read(peer, 4)), "mine")
    }))

  it.live("while a server that accepts says nothing", () =>
    Effect.gen(function*() {
      const server = yield* serve
      const fiber = yield* scopedFork(Effect.flatMap(dial(at(server.port)), ({ pull }) => pull))
      assert.strictEqual(yield* interrupted(fiber, yield* server.accept), "closed")
    }))

  it.live("while the server does not answer the TLS handshake", () =>
    Effect.gen(function*() {
      const server = yield* serve
      const fiber = yield* scopedFork(implicit(server.port))
      const peer = yield* server.accept
      assert.isTrue(looksLikeRecord(octets(yield* read(peer, 5))))
      yield* interrupted(fiber, peer)
    }))

  it.live("though the scope lives on, when the dial itself is interrupted", () =>
    Effect.gen(function*() {
      const server = yield* serve
      const fiber = yield* Effect.forkChild(implicit(server.port), { startImmediately: true })
      const peer = yield* server.accept
      yield* read(peer, 5)
      yield* interrupted(fiber, peer)
    }))

  it.live("while STARTTLS shakes hands, after which the connection has ended", () =>
    Effect.gen(function*() {
      const server = yield* serve
      const connection = yield* dial(at(server.port))
      const peer = yield* server.accept
      const fiber = yield* Effect.forkChild(connection.upgrade({}), { startImmediately: true })
      yield* read(peer, 5)
      yield* interrupted(fiber, peer)
      const lost = new ConnectionLost({ kind: "Closed" })
      assert.deepStrictEqual(yield* Effect.flip(connection.pull), lost)
      assert.deepStrictEqual(yield* Effect.flip(connection.writeAll([octets("EHLO a\r\n")])), lost)
    }))

  it.live("while a write waits for a server that does not read", () =>
    Effect.gen(function*() {
      const server = yield* serve
      const fiber = yield* scopedFork(
        Effect.flatMap(dial(at(server.port)), ({ writeAll }) => Effect.forever(writeAll([new Uint8Array(1_000_000)])))
      )
      const peer = yield* server.accept
      yield* interrupted(fiber, peer)
    }))

  it.live("while a pull waits inside TLS", () =>
    Effect.gen(function*() {
      const { ca, server: pair } = certificates()
      const server = yield* serveTls(pair)
      const fiber = yield* scopedFork(Effect.flatMap(implicit(server.port, { ca }), ({ pull }) => pull))
      yield* interrupted(fiber, yield* server.accept)
    }))

  it.live("and a pull that was interrupted has lost nothing for the next one", () =>
    Effect.gen(function*() {
      const server = yield* serve
      const connection = yield* dial(at(server.port))
      const peer = yield* server.accept
      const fiber = yield* Effect.forkChild(connection.pull, { startImmediately: true })
      yield* Fiber.interrupt(fiber)
      yield* write(peer, "220 mail.test\r\n")
      yield* received(connection, peer)
      assert.strictEqual(yield* take(connection, 15), "220 mail.test\r\n")
    }))
})

describe("memory", () => {
  const total = 32 * 1024 * 1024
  const chunk = new Uint8Array(64 * 1024).fill(65)
  /** What the kernel holds on both ends of a loopback connection, and Node above it. */
  const bound = 16 * 1024 * 1024

  it.live("is bounded by a server that reads slowly: the writer waits, and all 32 MiB arrive", () =>
    Effect.gen(function*() {
      const server = yield* serve
      const connection = yield* dial(at(server.port))
      const peer = yield* server.accept
      let written = 0
      const writing = yield* Effect.forkChild(
        Effect.whileLoop({
          while: () => written < total,
          body: () => connection.writeAll([chunk, chunk]),
          step: () => {
            written += 2 * chunk.length
          }
        }),
        { startImmediately: true }
      )
      let received = 0
      let ahead = 0
      yield* Effect.callback<void>((resume) => {
        peer.on("readable", () => {
          // slowly: one turn of the loop for each 64 KiB
          setImmediate(() => {
            ahead = Math.max(ahead, written - received)
            received += peer.read()?.length ?? 0
            if (received >= total) resume(Effect.void)
          })
        })
      })
      yield* Fiber.join(writing)
      assert.strictEqual(received, total)
      assert.isBelow(ahead, bound)
    }))

  it.live("is bounded when the server sends 32 MiB to a reader who comes for each chunk", () =>
    Effect.gen(function*() {
      const server = yield* serve
      const connection = yield* dial(at(server.port))
      const peer = yield* server.accept
      let sent = 0
      const send = () => {
        while (sent < total) {
          sent += chunk.length
          if (!peer.write(chunk)) {
            peer.once("drain", send)
            return
          }
        }
      }
      send()
      let received = 0
      let ahead = 0
      let largest = 0
      while (received < total) {
        yield* Effect.yieldNow
        ahead = Math.max(ahead, sent - received)
        for (const part of yield* connection.pull) {
          received += part.length
          largest = Math.max(largest, part.length)
        }
      }
      assert.strictEqual(received, total)
      assert.isBelow(ahead, bound)
      assert.isAtMost(largest, 256 * 1024)
    }))
})

describe("implicit TLS", () => {
  it.live("tells protocol, cipher, name and chain of a certificate that is in order", () =>
    Effect.gen(function*() {
      const { ca, server: pair } = certificates()
      const server = yield* serveTls(pair)
      const connection = yield* implicit(server.port, { ca })
      const peer = yield* server.accept
      assert.propertyVal(peer, "servername", "localhost")
      yield* write(peer, "220 mail.test\r\n")
      assert.strictEqual(yield* take(connection, 15), "220 mail.test\r\n")
      yield* connection.writeAll([octets("EHLO a\r\n")])
      assert.strictEqual(yield* read(peer, 8), "EHLO a\r\n")

      const [leaf, authority, ...others] = connection.tls?.chain ?? []
      assert.deepStrictEqual(connection.tls, {
        protocol: "TLSv1.3",
        cipher: "TLS_AES_256_GCM_SHA384",
        servername: "localhost",
        verified: true,
        chain: connection.tls?.chain ?? []
      })
      assert.deepStrictEqual(others, [])
      assert.match(leaf?.fingerprint256 ?? "", /^(?:[0-9A-F]{2}:){31}[0-9A-F]{2}$/)
      assert.deepStrictEqual({ ...leaf, fingerprint256: "" }, {
        subject: "CN=server",
        names: ["localhost", "127.0.0.1", "0:0:0:0:0:0:0:1"],
        issuer: "CN=Authority, O=Colloquy",
        validFrom: 1_577_836_800_000,
        validTo: 4_070_908_800_000,
        fingerprint256: ""
      })
      assert.strictEqual(authority?.subject, "CN=Authority, O=Colloquy")
    }))

  it.live("sends no server name to a host that was given as an IP address, and checks the address", () =>
    Effect.gen(function*() {
      const { ca, server: pair } = certificates()
      const server = yield* serveTls(pair)
      const connection = yield* implicit(server.port, { ca }, "127.0.0.1")
      const peer = yield* server.accept
      assert.propertyVal(peer, "servername", false)
      assert.deepInclude(connection.tls, { servername: "127.0.0.1", verified: true })
    }))

  it.live("has RFC 9266's channel binding with TLS 1.3, the same at both ends, and none with TLS 1.2", () =>
    Effect.gen(function*() {
      const { ca, server: pair } = certificates()
      const server = yield* serveTls(pair)
      const connection = yield* implicit(server.port, { ca })
      const peer = (yield* server.accept) as TLSSocket
      assert.deepStrictEqual(
        connection.channelBinding,
        new Uint8Array(peer.exportKeyingMaterial(32, "EXPORTER-Channel-Binding", Buffer.alloc(0)))
      )
      const old = yield* serveTls(pair, { maxVersion: "TLSv1.2" })
      const second = yield* implicit(old.port, { ca })
      assert.strictEqual(second.tls?.protocol, "TLSv1.2")
      assert.isUndefined(second.channelBinding)
    }))

  it.live("says what a server greeted with that speaks plain text on this port", () =>
    Effect.gen(function*() {
      const server = yield* serve
      const fiber = yield* Effect.forkChild(Effect.flip(implicit(server.port)), { startImmediately: true })
      for (let i = 0; i < 2; i++) {
        const peer = yield* server.accept
        yield* write(peer, "220 mail.test ESMTP Postfix\r\n")
      }
      const error = yield* Fiber.join(fiber)
      assert.strictEqual(error._tag, "TlsFailed")
      assert.deepInclude(error, { kind: "PlainServerOnTlsPort", seen: "220 mail.test ESMTP Postfix" })
    }))

  it.live("says that the server speaks plain text also when it does not greet a second time", () =>
    Effect.gen(function*() {
      const server = yield* serve
      const fiber = yield* Effect.forkChild(Effect.flip(implicit(server.port)), { startImmediately: true })
      yield* write(yield* server.accept, "554 go away\r\n")
      const again = yield* server.accept
      again.destroy()
      const error = yield* Fiber.join(fiber)
      assert.strictEqual(error._tag, "TlsFailed")
      assert.deepInclude(error, { kind: "PlainServerOnTlsPort" })
      assert.notProperty(error, "seen")
    }))

  it.live.each([
    { name: "cut", end: "closes", act: "end" as const },
    { name: "reset", end: "resets", act: "resetAndDestroy" as const }
  ])("fails when the server $end during the handshake", ({ act }) =>
    Effect.gen(function*() {
      const server = yield* serve
      const fiber = yield* Effect.forkChild(Effect.flip(implicit(server.port)), { startImmediately: true })
      const peer = yield* server.accept
      yield* read(peer, 5)
      peer[act]()
      const error = yield* Fiber.join(fiber)
      assert.strictEqual(error._tag, "TlsFailed")
      assert.deepInclude(error, { kind: "Handshake" })
      assert.strictEqual(
        words(error as TlsFailed),
        "the connection was cut during the TLS handshake (ECONNRESET)"
      )
    }))

  it.live("says that a server speaks no TLS that is new enough", () =>
    Effect.gen(function*() {
      const { ca, server: pair } = certificates()
      const server = yield* serveTls(pair, { maxVersion: "TLSv1.2" })
      const error = yield* Effect.flip(implicit(server.port, { ca, minVersion: "TLSv1.3" }))
      assert.strictEqual(error._tag, "TlsFailed")
      assert.strictEqual(
        words(error as TlsFailed),
        "the server does not speak TLSv1.3 or newer"
      )
    }))

  it.live.each([
    { options: { ca: "no certificate" }, problem: "tls.ca is not a certificate in PEM form" },
    { options: { cert: "x" }, problem: "a client certificate needs both tls.cert and tls.key" },
    {
      options: { cert: "x", key: Redacted.make("s3cret") },
      problem: "tls.cert and tls.key are not a certificate and its private key in PEM form, without passphrase"
    }
  ])("says which option is of no use, without showing it: $problem", ({ options, problem }) =>
    Effect.gen(function*() {
      const server = yield* serve
      const error = yield* Effect.flip(implicit(server.port, options))
      assert.strictEqual(error._tag, "TlsFailed")
      assert.strictEqual(words(error as TlsFailed), problem)
    }))

  it.live("reads plain text as it is where a TLS server answers a plain client: an alert that can be recognised", () =>
    Effect.gen(function*() {
      const server = yield* serve
      const connection = yield* dial(at(server.port))
      // what OpenSSL's servers say to `EHLO`: fatal, protocol_version
      yield* write(yield* server.accept, Uint8Array.of(0x15, 3, 1, 0, 2, 2, 70))
      const [first] = yield* connection.pull
      assert.isTrue(looksLikeRecord(first))
    }))
})

describe("whom a client believes", () => {
  const rejection = Effect.fnUntraced(function*(
    pair: { readonly cert: string; readonly key: string },
    options: TlsOptions,
    host?: string
  ) {
    const server = yield* serveTls(pair)
    const error = yield* Effect.flip(implicit(server.port, options, host))
    assert.instanceOf(error, CertificateRejected)
    // the scope of the dial lives on, its connection does not
    yield* server.idle
    return error
  })

  it.live("not a certificate that has expired", () =>
    Effect.gen(function*() {
      const { ca, expired } = certificates()
      const error = yield* rejection(expired, { ca })
      assert.strictEqual(error.problem, "the certificate expired on 2020-02-01")
      assert.strictEqual(error.servername, "localhost")
      assert.deepStrictEqual(error.chain.map(({ subject }) => subject), ["CN=expired", "CN=Authority, O=Colloquy"])
    }))

  it.live("not a certificate from the future", () =>
    Effect.gen(function*() {
      const { ca, future } = certificates()
      const { problem } = yield* rejection(future, { ca })
      assert.strictEqual(problem, "the certificate is not valid before 2100-01-01")
    }))

  it.live("not a self-signed certificate", () =>
    Effect.gen(function*() {
      const { problem } = yield* rejection(certificates().selfSigned, {})
      assert.strictEqual(problem, "the certificate is self-signed: no authority vouches for it")
    }))

  it.live("not an authority that is unknown here", () =>
    Effect.gen(function*() {
      const { ca, stranger } = certificates()
      const { problem } = yield* rejection(stranger, { ca })
      assert.strictEqual(
        problem,
        "the certificate's issuer 'CN=Elsewhere, O=Colloquy' is not trusted here, or the server does not send the certificates in between"
      )
    }))

  it.live("not the public authorities, where it was given its own", () =>
    Effect.gen(function*() {
      const { server } = certificates()
      const { problem } = yield* rejection(server, { ca: certificates().selfSigned.cert })
      assert.match(problem, /is not trusted here/)
    }))

  it.live("not a certificate for another name", () =>
    Effect.gen(function*() {
      const { ca, otherName } = certificates()
      const { problem } = yield* rejection(otherName, { ca })
      assert.strictEqual(problem, "the certificate is for 'mail.example.com', '*.example.net', not for 'localhost'")
    }))

  it.live("not a certificate for localhost, at 127.0.0.1", () =>
    Effect.gen(function*() {
      const { ca, nameOnly } = certificates()
      const { problem, servername } = yield* rejection(nameOnly, { ca }, "127.0.0.1")
      assert.strictEqual(problem, "the certificate is for 'localhost', not for '127.0.0.1'")
      assert.strictEqual(servername, "127.0.0.1")
    }))

  it.live("not a name inside another name", () =>
    Effect.gen(function*() {
      const { ca, forgedNames } = certificates()
      const { chain, problem } = yield* rejection(forgedNames, { ca })
      assert.deepStrictEqual(chain[0]?.names, ["a.example, DNS:localhost"])
      assert.strictEqual(problem, "the certificate is for 'a.example, DNS:localhost', not for 'localhost'")
    }))

  it.live("a certificate for the name that the options give, though the host has another", () =>
    Effect.gen(function*() {
      const { ca, otherName } = certificates()
      const server = yield* serveTls(otherName)
      const connection = yield* implicit(server.port, { ca, servername: "mail.example.com" })
      assert.deepInclude(connection.tls, { verified: true, servername: "mail.example.com" })
    }))

  it.live("both problems of a certificate that has two", () =>
    Effect.gen(function*() {
      const { problem } = yield* rejection(certificates().selfSigned, { servername: "mail.test" })
      assert.strictEqual(
        problem,
        "the certificate is self-signed: no authority vouches for it; the certificate is for 'localhost', not for 'mail.test'"
      )
    }))

  it.live("nobody, but goes on and says why, where any certificate is accepted or the mode is opportunistic", () =>
    Effect.gen(function*() {
      const server = yield* serveTls(certificates().selfSigned)
      const careless = yield* implicit(server.port, { dangerouslyAcceptInvalidCertificates: true })
      const verdict = { verified: false, problem: "the certificate is self-signed: no authority vouches for it" }
      assert.deepInclude(careless.tls, verdict)
      assert.strictEqual(careless.tls?.chain[0]?.subject, "CN=selfSigned")

      const plain = yield* serve
      const connection = yield* dial(at(plain.port))
      const peer = yield* plain.accept
      const upgraded = yield* Effect.all(
        [connection.upgrade({ mode: "opportunistic" }), startTls(peer, certificates().selfSigned)],
        { concurrency: "unbounded" }
      )
      assert.deepInclude(upgraded[0], verdict)
    }))

  it.live("a key that is pinned, whatever its certificate says", () =>
    Effect.gen(function*() {
      const { expired, selfSigned } = certificates()
      for (const pair of [expired, selfSigned]) {
        const server = yield* serveTls(pair)
        const connection = yield* implicit(server.port, { pin: pinOf(pair.cert), servername: "elsewhere.test" })
        assert.deepInclude(connection.tls, { verified: true })
        assert.notProperty(connection.tls, "problem")
      }
    }))

  it.live("no other key, where pins alone decide, and says which key it saw", () =>
    Effect.gen(function*() {
      const { client, server } = certificates()
      const { problem } = yield* rejection(server, { pin: [pinOf(client.cert)] })
      assert.strictEqual(problem, `its key (${pinOf(server.cert)}) is not one that tls.pin allows`)
    }))

  it.live("either of authority and pin, where both are given", () =>
    Effect.gen(function*() {
      const { ca, client, selfSigned, server: pair } = certificates()
      const server = yield* serveTls(pair)
      const byAuthority = yield* implicit(server.port, { ca, pin: pinOf(client.cert) })
      assert.deepInclude(byAuthority.tls, { verified: true })
      const other = yield* serveTls(selfSigned)
      const byPin = yield* implicit(other.port, { ca, pin: [pinOf(client.cert), pinOf(selfSigned.cert)] })
      assert.deepInclude(byPin.tls, { verified: true })
      const { problem } = yield* rejection(selfSigned, { ca, pin: pinOf(client.cert) })
      assert.strictEqual(
        problem,
        `the certificate is self-signed: no authority vouches for it; its key (${
          pinOf(selfSigned.cert)
        }) is not one that tls.pin allows`
      )
    }))
})

describe("a client's own certificate", () => {
  it.live("reaches a server that asks for one", () =>
    Effect.gen(function*() {
      const { ca, client, server: pair } = certificates()
      const server = yield* serveTls(pair, { requestCert: true, ca })
      yield* implicit(server.port, { ca, cert: client.cert, key: Redacted.make(client.key) })
      const peer = (yield* server.accept) as TLSSocket
      assert.deepInclude(peer.getPeerX509Certificate(), { subject: "CN=client" })
      assert.isTrue(peer.authorized)
    }))

  it.live("is what a TLS 1.2 server misses during the handshake", () =>
    Effect.gen(function*() {
      const { ca, server: pair } = certificates()
      const server = yield* serveTls(pair, { requestCert: true, ca, maxVersion: "TLSv1.2" })
      const error = yield* Effect.flip(implicit(server.port, { ca }))
      assert.strictEqual(
        words(error as TlsFailed),
        "the server refuses: no cipher in common, or it wants a certificate of the client (tls.cert, tls.key)"
      )
    }))

  it.live("is what a TLS 1.3 server misses after the handshake, in place of its greeting", () =>
    Effect.gen(function*() {
      const { ca, server: pair } = certificates()
      const server = yield* serveTls(pair, { requestCert: true, ca })
      const connection = yield* implicit(server.port, { ca })
      const error = yield* Effect.flip(connection.pull)
      assert.strictEqual(error.kind, "Closed")
      assert.strictEqual(
        words(error),
        "the server wants a certificate of the client (tls.cert, tls.key)"
      )
    }))
})

describe("STARTTLS", () => {
  const open = Effect.gen(function*() {
    const server = yield* serve
    const connection = yield* dial(at(server.port))
    return { connection, peer: yield* server.accept }
  })

  it.live("goes on inside TLS over the same connection, also for a pull that was waiting", () =>
    Effect.gen(function*() {
      const { ca, server: pair } = certificates()
      const { connection, peer } = yield* open
      yield* write(peer, "220 go ahead\r\n")
      assert.strictEqual(yield* take(connection, 14), "220 go ahead\r\n")
      const waiting = yield* Effect.forkChild(connection.pull, { startImmediately: true })
      const [info, secure] = yield* Effect.all([connection.upgrade({ ca }), startTls(peer, pair)], {
        concurrency: "unbounded"
      })
      assert.deepInclude(info, { protocol: "TLSv1.3", servername: "localhost", verified: true })
      assert.strictEqual(connection.tls, info)
      assert.strictEqual(connection.channelBinding?.length, 32)
      assert.isDefined(secure)
      if (secure === undefined) return
      yield* write(secure, "250 inside\r\n")
      assert.strictEqual(text(yield* Fiber.join(waiting)), "250 inside\r\n")
      yield* connection.writeAll([octets("EHLO a\r\n"), octets("QUIT\r\n")])
      assert.strictEqual(yield* read(secure, 14), "EHLO a\r\nQUIT\r\n")
    }))

  it.live("ends the connection when the certificate is refused: nothing is written, nothing hangs", () =>
    Effect.gen(function*() {
      const { ca, expired } = certificates()
      const { connection, peer } = yield* open
      const waiting = yield* Effect.forkChild(Effect.flip(connection.pull), { startImmediately: true })
      const [error] = yield* Effect.all([Effect.flip(connection.upgrade({ ca })), startTls(peer, expired)], {
        concurrency: "unbounded"
      })
      assert.instanceOf(error, CertificateRejected)
      assert.strictEqual(error.problem, "the certificate expired on 2020-02-01")
      const lost = new ConnectionLost({ kind: "Closed" })
      assert.deepStrictEqual(yield* Fiber.join(waiting), lost)
      assert.deepStrictEqual(yield* Effect.flip(connection.pull), lost)
      assert.deepStrictEqual(yield* Effect.flip(connection.writeAll([octets("EHLO a\r\n")])), lost)
      assert.isUndefined(connection.tls)
      yield* ended(peer)
    }))

  it.live("fails when plain text comes in place of the handshake", () =>
    Effect.gen(function*() {
      const { connection, peer } = yield* open
      const upgrading = yield* Effect.forkChild(Effect.flip(connection.upgrade({})), { startImmediately: true })
      yield* read(peer, 5)
      yield* write(peer, "250-mail.test\r\n250 AUTH PLAIN\r\n")
      const error = yield* Fiber.join(upgrading)
      assert.deepInclude(error, { _tag: "TlsFailed", kind: "PlaintextInjected" })
      assert.strictEqual(
        words(error as TlsFailed),
        "plain text came where TLS was expected"
      )
      yield* ended(peer)
    }))

  it.live("fails when plain text had come before, and nobody had read it", () =>
    Effect.gen(function*() {
      const { ca, server: pair } = certificates()
      const { connection, peer } = yield* open
      yield* write(peer, "220 go\r\n250 injected\r\n")
      yield* received(connection, peer)
      const [error] = yield* Effect.all([Effect.flip(connection.upgrade({ ca })), startTls(peer, pair)], {
        concurrency: "unbounded"
      })
      assert.deepInclude(error, { _tag: "TlsFailed", kind: "PlaintextInjected" })
    }))

  it.live("writes nothing in plain text while the handshake runs", () =>
    Effect.gen(function*() {
      const { connection, peer } = yield* open
      const upgrading = yield* Effect.forkChild(connection.upgrade({}), { startImmediately: true })
      assert.deepStrictEqual(
        yield* Effect.flip(connection.writeAll([octets("AUTH PLAIN AGEAYg==\r\n")])),
        new ConnectionLost({ kind: "Closed" })
      )
      yield* Fiber.interrupt(upgrading)
      assert.notInclude(yield* read(peer, 100_000), "AUTH")
    }))

  it.live("cannot be had twice, nor after the end", () =>
    Effect.gen(function*() {
      const { ca, server: pair } = certificates()
      const tls = yield* serveTls(pair)
      const secure = yield* implicit(tls.port, { ca })
      const twice = yield* Effect.flip(secure.upgrade({ ca }))
      assert.strictEqual(words(twice as TlsFailed), "TLS is on already")

      const { connection, peer } = yield* open
      peer.end()
      yield* Effect.flip(connection.pull)
      const late = yield* Effect.flip(connection.upgrade({ ca }))
      assert.strictEqual(words(late as TlsFailed), "the connection has ended")
    }))
})
