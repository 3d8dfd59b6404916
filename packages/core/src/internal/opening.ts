/**
 * How a transporter opens a session: credentials first, then the dial, the handshake, the login.
 *
 * A refused password is remembered for five minutes or until the credentials change, so that many sends do not become
 * many logins, and those a lock-out. What the server was found not to understand (BDAT) is remembered for the
 * transporter's life.
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type { Phase } from "../LogEvent.ts"
import type { Credentials } from "../Sasl.ts"
import type { SmtpError, SmtpErrorReason } from "../SmtpError.ts"
import type { Engine } from "./engine.ts"
import * as Handshake from "./handshake.ts"
import * as Login from "./login.ts"
import * as Metrics from "./metrics.ts"
import * as SettingsModule from "./settings.ts"
import type { Settings } from "./settings.ts"
import type { Failure, Ways } from "./transaction.ts"
import { unsent } from "./unsent.ts"
import { FullWindow } from "./window.ts"

/** How long a refused password is not tried again. */
export const refusalMemory = 300_000

/** A session that is ready for mail, as a send sees it. */
export interface Session extends Login.Ready {
  readonly server: { readonly host: string; readonly port: number }
  readonly engine: Engine
  /** Changes when another session finds out that the server does not know BDAT. */
  readonly ways: Ways
  readonly connectTime: number
  /** Counts the session's transactions. */
  transactions: number
  /** The recipients' domains so far, where the server counts them (RFC 9422: RCPTDOMAINMAX). */
  readonly domains: Set<string>
}

/** A session that is not ready yet. */
export interface Opening {
  engine: Engine | undefined
  fiber: Fiber.Fiber<void> | undefined
}

/** Before there is a session, nothing is on record. */
export const early = (reason: SmtpErrorReason, phase: Phase = "connect"): Effect.Effect<never, SmtpError> =>
  Effect.fail(unsent(reason, phase))

/** On record first, then QUIT (where the two ends are still in step), then the error. */
const endBy = (engine: Engine, failure: Failure): Effect.Effect<never, SmtpError> =>
  Effect.suspend(() => {
    const error = failure.error ?? engine.recorder.error(failure.reason, failure.phase)
    const end = inStep(failure)
      ? engine.quit
      : Effect.andThen(Effect.sync(() => engine.abort()), engine.closed)
    return Effect.andThen(end, failure.defect === undefined ? Effect.fail(error) : Effect.die(failure.defect.defect))
  })

/** After these the server still knows what we say: QUIT is worth saying. */
const inStep = ({ phase, reason }: Failure): boolean => {
  switch (reason._tag) {
    case "ProtocolViolation":
    case "LimitExceeded":
      // a mechanism that fails ends by "*", which keeps the two ends in step
      return phase === "auth" || (phase === "ehlo" && reason._tag === "LimitExceeded")
    case "ServerRefused":
      return reason.reply.code !== 421
    case "TimedOut":
    case "ConnectionLost":
    case "TlsFailed":
    case "CertificateRejected":
      return false
    default:
      return true
  }
}

export const makeOpen = (settings: Settings, hostName: string | undefined, now: () => number) => {
  let distrusted = false
  let refusal:
    | { readonly credentials: Credentials; readonly reason: SmtpErrorReason; readonly until: number }
    | undefined

  return Effect.fnUntraced(function*(
    state: Opening
  ): Effect.fn.Return<Session, SmtpError, Handshake.Requirements | Scope.Scope> {
    const context = yield* Effect.context()
    const credentials = yield* Effect.catch(
      SettingsModule.credentials(settings),
      (reason) => early(reason, "auth")
    )
    if (refusal !== undefined && now() < refusal.until && Login.sameSecrets(refusal.credentials, credentials)) {
      return yield* early(refusal.reason, "auth")
    }
    const secrets = [credentials.password, credentials.token].filter((secret) => secret !== undefined)
    const { connectTime, engine } = yield* Handshake.open({
      target: settings.target,
      mode: settings.mode,
      limits: settings.limits,
      redaction: settings.redaction,
      window: settings.pipelining === "auto" ? yield* FullWindow : 1,
      secrets
    }).pipe(Effect.withSpan("Session.connect"))
    state.engine = engine
    const ready = yield* Login.login(engine, settings, credentials, hostName).pipe(
      Effect.catch((failure) => {
        const { reason } = failure
        if (reason._tag === "AuthenticationFailed" && reason.reply.code === 535) {
          refusal = { credentials, reason, until: now() + refusalMemory }
        }
        return endBy(engine, failure)
      })
    )
    Metrics.connections.updateUnsafe(1, context)
    engine.onReplies = (digit, count) => Metrics.replyClasses[digit - 2]?.updateUnsafe(count, context)
    engine.onDistrust = (why) => {
      distrusted = true
      engine.recorder.record({ _tag: "Note", text: `${why}: this server gets no BDAT from now on` })
    }
    const { extensions } = ready
    const pipelining = settings.pipelining !== "off"
    const ways: Ways = {
      pipelining: extensions.pipelining && pipelining,
      chunking: extensions.chunking && pipelining,
      safe: settings.pipelining === "safe",
      lmtp: settings.lmtp
    }
    const safeWays: Ways = { ...ways, chunking: false, safe: true }
    return {
      ...ready,
      engine,
      connectTime,
      server: settings.server,
      transactions: 0,
      domains: new Set(),
      get ways() {
        return distrusted ? safeWays : ways
      }
    }
  })
}
