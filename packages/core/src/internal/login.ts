/**
 * A transporter's way from a connection to a session that takes mail: whom we say we are, TLS by policy, which
 * mechanism with which credentials.
 *
 * Policies: nothing is sent before the greeting; HELO only where neither TLS, authentication nor LMTP is asked for; a
 * server that hides STARTTLS is an error where TLS is required; credentials travel over verified TLS only; after a
 * refusal the same password is not offered by a weaker mechanism.
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Extensions from "../Extensions.ts"
import type { Reply } from "../Reply.ts"
import * as Sasl from "../Sasl.ts"
import { AuthenticationUnavailable, InvalidConfiguration, ServerRefused, TlsUnavailable } from "../SmtpError.ts"
import type { TlsInfo } from "../Tls.ts"
import { accepted } from "./delivery.ts"
import type { Engine } from "./engine.ts"
import * as Handshake from "./handshake.ts"
import * as Settings from "./settings.ts"
import type { Failure } from "./transaction.ts"

export interface Ready {
  readonly greeting: Reply
  readonly extensions: Extensions.Extensions
  readonly tls: TlsInfo | undefined
  readonly mechanism: string | undefined
  /** Milliseconds. */
  readonly timings: {
    readonly tls: number | undefined
    readonly greeting: number
    readonly auth: number | undefined
  }
}

const fail = (reason: Failure["reason"], phase: Failure["phase"]): Effect.Effect<never, Failure> =>
  Effect.fail({ reason, phase })

const isLoopback = (address: string): boolean =>
  address.startsWith("127.") || address === "::1" || address.startsWith("::ffff:127.")

const label = /^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$/

/** A name that the DNS could know: two labels at least, none of them a machine's own "localhost". */
const isQualified = (name: string): boolean => {
  const labels = name.split(".")
  return labels.length > 1 && name.length <= 255 && labels.every((part) => label.test(part)) &&
    !/(^|\.)(localhost|localdomain|local|internal|lan)$/i.test(name)
}

/** An address as an EHLO argument (RFC 5321 §4.1.3). */
const addressLiteral = (address: string): string =>
  address.includes(":") ? `[IPv6:${address.replace(/%.*$/, "")}]` : `[${address}]`

/**
 * Whom we say we are: `name`; the machine's name if it is fully qualified; else our end's address as a literal. A
 * loopback literal goes to a server on this machine only: others answer it with 421.
 */
export const ehloName = (
  name: string | undefined,
  hostName: string | undefined,
  localAddress: string | undefined
): string => {
  if (name !== undefined) return name
  if (localAddress !== undefined && isLoopback(localAddress)) return addressLiteral(localAddress)
  if (hostName !== undefined && isQualified(hostName)) return hostName
  return addressLiteral(localAddress ?? "127.0.0.1")
}

export const login = Effect.fnUntraced(function*(
  engine: Engine,
  settings: Settings.Settings,
  credentials: Sasl.Credentials,
  hostName: string | undefined
): Effect.fn.Return<Ready, Failure, Sasl.Services> {
  const { connection, recorder } = engine
  const begun = recorder.elapsedNow()
  const greeting = yield* Handshake.greet(engine).pipe(Effect.withSpan("Session.greeting"))
  const greetingTime = recorder.elapsedNow() - begun
  const name = ehloName(settings.name, hostName, connection.localAddress)

  const hello = Effect.fnUntraced(function*(): Effect.fn.Return<Extensions.Extensions, Failure> {
    const first = yield* Handshake.hello(engine, settings.lmtp ? "LHLO" : "EHLO", name)
    if (accepted(first.reply)) {
      if (settings.ignoreExtensions.length === 0) return first.extensions
      const ignored = settings.ignoreExtensions.filter((keyword) => first.extensions.keywords.has(keyword))
      if (ignored.length > 0) {
        recorder.record({ _tag: "Note", text: `treated as not offered: ${ignored.join(" ")} (ignoreExtensions)` })
      }
      return Extensions.without(first.extensions, settings.ignoreExtensions)
    }
    const refused = fail(new ServerRefused({ reply: first.reply }), "ehlo")
    const demanding = settings.mode === "required" || offersCredentials(credentials)
    if (first.reply.code === 421 || settings.lmtp || demanding) return yield* refused
    const second = yield* Handshake.hello(engine, "HELO", name)
    return accepted(second.reply) ? second.extensions : yield* refused
  }, Effect.withSpan("Session.ehlo"))

  let extensions = yield* hello()
  let tls = Handshake.tlsOf(engine)
  let tlsTime: number | undefined

  if (tls === undefined && (settings.mode === "required" || settings.mode === "opportunistic")) {
    const startedAt = recorder.elapsedNow()
    if (extensions.startTls) {
      const upgraded = yield* Handshake.startTls(engine, settings.tls).pipe(Effect.withSpan("Session.startTls"))
      if (upgraded.tls !== undefined) {
        tls = upgraded.tls
        tlsTime = recorder.elapsedNow() - startedAt
        extensions = yield* hello()
      } else if (settings.mode === "required") {
        return yield* fail(new TlsUnavailable({ reply: upgraded.reply }), "starttls")
      } else {
        recorder.record({ _tag: "Note", text: "the server refused STARTTLS: the session goes on in clear text" })
      }
    } else if (settings.mode === "required") {
      return yield* fail(new TlsUnavailable({}), "starttls")
    } else {
      recorder.record({ _tag: "Note", text: "the server does not offer STARTTLS: the session goes on in clear text" })
    }
  }
  if (tls !== undefined && !tls.verified) {
    recorder.record({
      _tag: "Note",
      text: `the certificate is not verified${tls.problem === undefined ? "" : `: ${tls.problem}`}`
    })
  }

  if (!offersCredentials(credentials)) {
    return {
      greeting,
      extensions,
      tls,
      mechanism: undefined,
      timings: { tls: tlsTime, greeting: greetingTime, auth: undefined }
    }
  }
  const authBegun = recorder.elapsedNow()
  const mechanism = yield* authenticate(engine, settings, credentials, extensions, tls).pipe(
    Effect.withSpan("Session.auth")
  )
  return {
    greeting,
    extensions,
    tls,
    mechanism,
    timings: { tls: tlsTime, greeting: greetingTime, auth: recorder.elapsedNow() - authBegun }
  }
})

export const offersCredentials = (credentials: { readonly [K in keyof Sasl.Credentials]?: unknown }): boolean =>
  credentials.user !== undefined || credentials.token !== undefined || credentials.password !== undefined ||
  credentials.authenticationMode !== undefined

const authenticate = Effect.fnUntraced(function*(
  engine: Engine,
  settings: Settings.Settings,
  given: Sasl.Credentials,
  extensions: Extensions.Extensions,
  tls: TlsInfo | undefined
): Effect.fn.Return<string, Failure, Sasl.Services> {
  const { connection, recorder } = engine
  let credentials = given
  for (let asked = 0;; asked++) {
    const selected = Sasl.select({
      ...credentials,
      offered: extensions.auth,
      channelBinding: connection.channelBinding !== undefined
    })
    if (Result.isFailure(selected)) {
      const why = selected.failure
      return yield* fail(
        "_tag" in why
          ? new InvalidConfiguration({ option: "authenticationMode", problem: why.message })
          : new AuthenticationUnavailable(why),
        "auth"
      )
    }
    const secured = settings.local ||
      (tls !== undefined && (tls.verified || settings.tls.dangerouslyAcceptInvalidCertificates === true))
    if (!secured && !settings.dangerouslyAuthInClear) {
      return yield* fail(
        new AuthenticationUnavailable({
          kind: "ClearTextForbidden",
          offered: extensions.auth,
          allowed: selected.success.map((mechanism) => mechanism.name)
        }),
        "auth"
      )
    }
    let refused: Failure["reason"] | undefined
    let lastRefusal: Reply | undefined
    for (const mechanism of selected.success) {
      if (mechanism.refusal !== undefined) break
      const outcome = yield* Handshake.authenticate(engine, mechanism, {
        ...settings.server,
        offered: extensions.auth,
        initialResponse: settings.saslInitialResponse
      })
      if (outcome._tag === "Authenticated") return mechanism.name
      if (outcome._tag === "Refused") {
        refused = outcome.reason
        break
      }
      lastRefusal = outcome.reply
    }
    if (refused === undefined) {
      const first = selected.success[0]
      return yield* fail(
        first.refusal !== undefined && lastRefusal === undefined
          ? new InvalidConfiguration({ option: "password", problem: first.refusal.message })
          : new AuthenticationUnavailable({
            kind: "NoCommonMechanism",
            offered: extensions.auth,
            allowed: selected.success.map((mechanism) => mechanism.name)
          }),
        "auth"
      )
    }
    if (asked > 0 || !Settings.canAskAgain(settings)) return yield* fail(refused, "auth")
    // A refused token may have been a cached one: ask once more. The same one again is not offered again.
    const again = yield* Settings.credentials(settings).pipe(
      Effect.provideService(Sasl.Refused, credentials.token ?? credentials.password),
      Effect.mapError((reason): Failure => ({ reason, phase: "auth" }))
    )
    if (sameSecrets(again, credentials)) return yield* fail(refused, "auth")
    for (const secret of [again.password, again.token]) if (secret !== undefined) recorder.addSecret(secret)
    credentials = again
  }
})

const valueOf = (secret: Redacted.Redacted | undefined): string | undefined =>
  secret === undefined ? undefined : Redacted.value(secret)

export const sameSecrets = (a: Sasl.Credentials, b: Sasl.Credentials): boolean =>
  a.user === b.user && valueOf(a.password) === valueOf(b.password) && valueOf(a.token) === valueOf(b.token)
