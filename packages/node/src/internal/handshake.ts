/**
 * The client's side of a TLS handshake over a connection that we dialled, and what it found out.
 *
 * OpenSSL verifies, but nothing is rejected before the handshake has ended: then the verdict is ours (`certificate.ts`),
 * complete, in words, and known also where the connection goes on over a certificate that does not verify. No octet of
 * the application passes before it.
 *
 * A session is resumed only where an authority vouched for its first handshake, by the same options, for the same peer and
 * name (`resumption.ts`); its verdict is that handshake's. Where a pin decides nothing is resumed.
 */
import { CertificateRejected, TlsFailed } from "@colloquy/core/SmtpError"
import type { TlsInfo, TlsOptions } from "@colloquy/core/Tls"
import * as Arr from "effect/Array"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { X509Certificate } from "node:crypto"
import * as Net from "node:net"
import * as Tls from "node:tls"
import { judge, type Verdict } from "./certificate.ts"
import * as Resumption from "./resumption.ts"
import { isPlainText, plainWords } from "./tlsErrors.ts"

export interface Secured {
  readonly socket: Tls.TLSSocket
  readonly info: TlsInfo
  readonly channelBinding: Uint8Array | undefined
}

/**
 * @param host what was dialled; the name to check unless `options.servername` gives another. A Unix socket has none.
 * @param port what was dialled
 * @param plainText the kind of error where the peer answers in plain text
 */
export const handshake = Effect.fnUntraced(function*(
  raw: Net.Socket,
  options: TlsOptions,
  host: string | undefined,
  port: number | undefined,
  plainText: TlsFailed["kind"]
): Effect.fn.Return<Secured, TlsFailed | CertificateRejected> {
  const { secureContext, tickets } = yield* Effect.fromResult(contextOf(options))
  const wanted = options.servername ?? host
  const now = yield* Clock.currentTimeMillis
  const peer = host === undefined || wanted === undefined || options.pin !== undefined
    ? undefined
    : JSON.stringify([host, port, wanted])
  const kept = peer === undefined ? undefined : tickets.get(peer, now)
  const issued: Array<Uint8Array> = []
  let keep = (session: Uint8Array): void => void issued.push(session)
  const socket = yield* secured(raw, (session) => keep(session), {
    secureContext,
    ...(kept === undefined ? {} : { session: Buffer.from(kept.session) }),
    servername: serverNameIndication(wanted),
    rejectUnauthorized: false,
    // or Node would look for a name of its own, `localhost` at worst
    checkServerIdentity: () => undefined
  }).pipe(
    Effect.mapError((cause) => {
      // the ticket may be what the server trips over
      if (peer !== undefined) tickets.forget(peer)
      return new TlsFailed({ kind: isPlainText(cause) ? plainText : "Handshake", cause: plainWords(cause, options) })
    })
  )
  const resumed = kept !== undefined && socket.isSessionReused()
  const { chain, problem }: Verdict = resumed
    ? { chain: kept.chain, problem: undefined }
    : yield* Effect.orElseSucceed(
      Effect.try(() => judge(socket, options, wanted)),
      // a key of a kind unknown to Node, names that are none
      () => ({ chain: [], problem: "the certificate cannot be read" })
    )
  const mayGoOn = options.mode === "opportunistic" || options.dangerouslyAcceptInvalidCertificates === true
  if (problem !== undefined && peer !== undefined) tickets.forget(peer)
  if (problem !== undefined && !mayGoOn) {
    socket.destroy()
    return yield* new CertificateRejected({ problem, servername: wanted ?? "", chain })
  }
  const protocol = socket.getProtocol() ?? "unknown"
  keep = () => {}
  if (peer !== undefined && problem === undefined) {
    const verifiedAt = resumed ? kept.verifiedAt : now
    keep = (session) => tickets.set(peer, { session, chain, verifiedAt })
    issued.forEach(keep)
  }
  const cipher = socket.getCipher()
  return {
    socket,
    info: {
      protocol,
      cipher: cipher.standardName ?? cipher.name,
      ...(wanted === undefined ? {} : { servername: wanted }),
      verified: problem === undefined,
      ...(problem === undefined ? {} : { problem }),
      ...(resumed ? { resumed } : {}),
      chain
    },
    // RFC 9266 §4.2: before TLS 1.3 only with an extended master secret, which Node does not tell
    channelBinding: protocol === "TLSv1.3"
      ? new Uint8Array(socket.exportKeyingMaterial(32, "EXPORTER-Channel-Binding", Buffer.alloc(0)))
      : undefined
  }
})

const secured = (
  raw: Net.Socket,
  onTicket: (session: Uint8Array) => void,
  options: Tls.ConnectionOptions
): Effect.Effect<Tls.TLSSocket, unknown> =>
  Effect.callback((resume) => {
    if (raw.destroyed) return resume(Effect.fail({ code: "ECONNRESET" }))
    const socket = Tls.connect({ ...options, socket: raw })
    // for life: after the handshake, until a pipe is attached, nobody else listens
    socket.on("error", (cause) => resume(Effect.fail(cause)))
    // TLS 1.2 has it before the handshake ends, TLS 1.3 any time after
    socket.on("session", onTicket)
    socket.once("secureConnect", () => resume(Effect.succeed(socket)))
    socket.once("close", () => resume(Effect.fail({ code: "ECONNRESET" })))
    return Effect.sync(() => {
      socket.destroy()
      raw.destroy()
    })
  })

/** SNI is for host names, without a final dot (RFC 6066 §3). */
const serverNameIndication = (name: string | undefined): string =>
  name === undefined || Net.isIP(name) !== 0 ? "" : name.replace(/\.$/, "")

/** What one value of options is worth: whom it trusts, and what was found by trusting them. */
interface Policy {
  readonly secureContext: Tls.SecureContext
  readonly tickets: Resumption.Tickets
}

const contexts = new WeakMap<TlsOptions, Result.Result<Policy, TlsFailed>>()

/** Kept as long as the options are: making one parses keys and certificates. */
const contextOf = (options: TlsOptions): Result.Result<Policy, TlsFailed> => {
  const kept = contexts.get(options)
  if (kept !== undefined) return kept
  const made = Result.map(makeContext(options), (secureContext) => ({ secureContext, tickets: Resumption.make() }))
  contexts.set(options, made)
  return made
}

const wrong = (problem: string) => new TlsFailed({ kind: "Handshake", cause: new Error(problem) })

/** Node's own errors are not nested: those of a wrong type show the value, which may be the key. */
const makeContext = (options: TlsOptions): Result.Result<Tls.SecureContext, TlsFailed> => {
  const { ca, cert, key, minVersion = "TLSv1.2" } = options
  if ((cert === undefined) !== (key === undefined)) {
    return Result.fail(wrong("a client certificate needs both tls.cert and tls.key"))
  }
  // without this, OpenSSL would trust nobody and blame the server
  if (ca !== undefined && !Arr.ensure(ca).every(isCertificate)) {
    return Result.fail(wrong("tls.ca is not a certificate in PEM form"))
  }
  return Result.try({
    try: () =>
      Tls.createSecureContext({
        minVersion,
        ...(ca === undefined ? {} : { ca: [...Arr.ensure(ca)] }),
        ...(cert === undefined ? {} : { cert }),
        ...(key === undefined ? {} : { key: Redacted.value(key) })
      }),
    catch: () => wrong("tls.cert and tls.key are not a certificate and its private key in PEM form, without passphrase")
  })
}

const isCertificate = (pem: string): boolean => {
  try {
    return new X509Certificate(pem).raw.length > 0
  } catch {
    return false
  }
}
