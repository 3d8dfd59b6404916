/**
 * The dialogue before mail: connect, greeting, EHLO, STARTTLS, AUTH (RFC 5321 §3.1, RFC 3207, RFC 4954).
 *
 * Steps that fail with a `Failure` (a reason and a phase); who calls them makes the error. Nothing here chooses: the
 * policies of a transporter are `login.ts`, the phases as types `Session.ts`.
 */
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import * as Command from "../Command.ts"
import { Connector, type Target } from "../Connector.ts"
import * as Extensions from "../Extensions.ts"
import type { Redaction } from "../Redaction.ts"
import { defaultLimits, type Reply } from "../Reply.ts"
import * as Sasl from "../Sasl.ts"
import {
  AuthenticationFailed,
  InvalidConfiguration,
  LimitExceeded,
  ProtocolViolation,
  ServerRefused,
  TimedOut,
  TlsFailed
} from "../SmtpError.ts"
import type { SmtpLog } from "../SmtpLog.ts"
import type { TlsInfo, TlsMode, TlsOptions } from "../Tls.ts"
import { accepted } from "./delivery.ts"
import * as Engine from "./engine.ts"
import * as octets from "./octets.ts"
import { line } from "./pipeline.ts"
import * as Recorder from "./recorder.ts"
import { secretChallenge } from "./recorder.ts"
import type { Failure } from "./transaction.ts"

/** A SASL challenge's longest line, in octets (RFC 4954 §4). */
export const maxChallenge = 12_288
/** Challenges in one authentication. */
export const maxSteps = 20

const fail = (reason: Failure["reason"], phase: Failure["phase"]): Effect.Effect<never, Failure> =>
  Effect.fail({ reason, phase })

/** A command whose arguments came from a configuration. */
const commandLine = (command: Command.Command, option: string) =>
  Result.match(line(command), {
    onFailure: (error) => fail(new InvalidConfiguration({ option, problem: error.message }), "connect"),
    onSuccess: Effect.succeed
  })

export type Requirements = Connector | SmtpLog | Sasl.Services

export interface Opened {
  readonly engine: Engine.Engine
  readonly connectTime: number
}

export interface OpenOptions {
  readonly target: Target
  readonly mode: TlsMode
  readonly limits: Engine.Limits
  readonly redaction?: Redaction | undefined
  readonly secrets?: ReadonlyArray<Redacted.Redacted> | undefined
  /** Transactions in flight at most. Default 1. */
  readonly window?: number | undefined
}

/** Where events and errors say the target is: a Unix socket's path with port 0. */
export const serverOf = (target: Target): { readonly host: string; readonly port: number } =>
  "path" in target ? { host: target.path, port: 0 } : { host: target.host, port: target.port }

/** What TLS found out, without known secrets. */
export const tlsOf = ({ connection, recorder }: Engine.Engine): TlsInfo | undefined =>
  connection.tls === undefined ? undefined : recorder.scrubTls(connection.tls)

/** Dials; from here on everything is on record. The connection ends with the scope. */
export const open = Effect.fnUntraced(function*(options: OpenOptions) {
  const server = serverOf(options.target)
  const connector = yield* Connector
  const recorder = yield* Recorder.make({ redaction: options.redaction, server })
  for (const secret of options.secrets ?? []) recorder.addSecret(secret)
  const scope = yield* Effect.scope
  const inner = yield* Scope.fork(scope)
  const begun = recorder.elapsedNow()
  recorder.record({ _tag: "Connecting", ...server, tls: options.mode })
  const limit = options.limits.connect
  let attempted = begun
  let dialledAt = begun
  const connection = yield* connector.connect(options.target, {
    onAttempt: (attempt) => {
      if (attempt.problem === undefined) return
      const now = recorder.elapsedNow()
      recorder.record({
        _tag: "AttemptFailed",
        address: attempt.address,
        port: attempt.port,
        problem: recorder.scrub(attempt.problem),
        elapsed: now - attempted
      })
      attempted = now
    },
    onConnected: () => {
      dialledAt = recorder.elapsedNow()
    },
    onNote: (text) => recorder.record({ _tag: "Note", text }),
    onSecret: recorder.addSecret
  }).pipe(
    Scope.provide(inner),
    Effect.timeoutOrElse({
      duration: limit,
      orElse: () =>
        Effect.suspend(() => {
          recorder.record({ _tag: "TimedOut", phase: "connect", limit })
          return Effect.fail(new TimedOut({ limit, scope: "phase" }))
        })
    }),
    Effect.catch((reason) =>
      recorder.fail(
        reason,
        reason._tag === "CertificateRejected" || reason._tag === "TlsFailed" ? "tls" : "connect"
      )
    ),
    Effect.onInterrupt(() =>
      Effect.suspend(() => {
        recorder.record({ _tag: "Closed", by: "client", elapsed: recorder.elapsedNow() - begun })
        return recorder.flush
      })
    )
  )
  // a connector of somebody's own that forgot: nothing is said in clear text where TLS comes first
  if (options.mode === "implicit" && connection.tls === undefined) {
    const cause = new Error("the connector gave a connection without TLS")
    return yield* recorder.fail(new TlsFailed({ kind: "Handshake", cause }), "tls")
  }
  const connectedAt = recorder.elapsedNow()
  recorder.record({
    _tag: "Connected",
    ...server,
    ...(connection.address === undefined ? {} : { address: connection.address }),
    secured: connection.tls !== undefined
  })
  if (connection.tls !== undefined) {
    recorder.record({ _tag: "Secured", tls: recorder.scrubTls(connection.tls), elapsed: connectedAt - dialledAt })
  }
  const engine = yield* Engine.make({
    connection,
    inner,
    scope,
    recorder,
    limits: options.limits,
    connectedAt,
    window: options.window ?? 1
  })
  const opened: Opened = { engine, connectTime: connectedAt - begun }
  return opened
})

/** RFC 5321 §3.1: nothing is written before the greeting is complete. */
export const greet = Effect.fnUntraced(function*(engine: Engine.Engine): Effect.fn.Return<Reply, Failure> {
  const { reply } = yield* engine.greeting
  if (reply.code === 220) return reply
  if (reply.code < 400) {
    return yield* fail(
      new ProtocolViolation({ problem: `${reply.code} is no greeting`, line: `${reply.code} ${reply.lines[0]}` }),
      "greeting"
    )
  }
  return yield* fail(new ServerRefused({ reply }), "greeting")
})

export interface Hello {
  readonly reply: Reply
  readonly extensions: Extensions.Extensions
}

/**
 * The offers of a reply out of which a secret was taken: keywords and mechanisms that are known are read as they were said
 * (a password may be one of them), all else as it is shown.
 */
const asOffered = (said: Reply, shown: Reply): Reply => {
  const line = (text: string, at: number): string => {
    const original = said.lines[at] ?? text
    const [keyword = "", ...parameters] = original.trim().split(/[ \t=]+/)
    if (original === text || !Extensions.isKnown(keyword)) return text
    return [keyword, ...parameters.filter(Sasl.isKnown)].join(" ")
  }
  const [first, ...rest] = shown.lines
  return Recorder.withLines(shown, [first, ...rest.map((text, at) => line(text, at + 1))])
}

/** EHLO, LHLO or HELO. A refusal is the reply's, for the caller to judge. */
export const hello = Effect.fnUntraced(function*(
  engine: Engine.Engine,
  verb: "EHLO" | "LHLO" | "HELO",
  name: string
): Effect.fn.Return<Hello, Failure> {
  const command = verb === "EHLO" ? Command.ehlo(name) : verb === "LHLO" ? Command.lhlo(name) : Command.helo(name)
  const { reply, said } = yield* engine.command(yield* commandLine(command, "name"), "ehlo")
  if (reply.code >= 300 && reply.code < 400) {
    return yield* fail(
      new ProtocolViolation({
        problem: `${reply.code} is no answer to ${verb}`,
        line: `${reply.code} ${reply.lines[0]}`
      }),
      "ehlo"
    )
  }
  if (!accepted(reply) || verb === "HELO") return { reply, extensions: Extensions.none }
  const parsed = Extensions.parse(said === reply ? reply : asOffered(said, reply))
  if (Result.isFailure(parsed)) {
    return yield* fail(new LimitExceeded({ what: "ehloKeywords", limit: Extensions.maxKeywords }), "ehlo")
  }
  return { reply, extensions: parsed.success }
})

/** STARTTLS and the handshake (RFC 3207). A refusal is the reply's; a failed handshake ends the session. */
export const startTls = Effect.fnUntraced(function*(
  engine: Engine.Engine,
  options: TlsOptions
): Effect.fn.Return<{ readonly reply: Reply; readonly tls: TlsInfo | undefined }, Failure> {
  const { recorder } = engine
  const { reply } = yield* engine.command(yield* commandLine(Command.startTls, "tls"), "starttls", { seals: true })
  if (reply.code !== 220) {
    if (reply.code === 421) return yield* fail(new ServerRefused({ reply }), "starttls")
    return reply.code >= 400
      ? { reply, tls: undefined }
      : yield* fail(
        new ProtocolViolation({
          problem: `${reply.code} is no answer to STARTTLS`,
          line: `${reply.code} ${reply.lines[0]}`
        }),
        "starttls"
      )
  }
  const begun = recorder.elapsedNow()
  const tls = recorder.scrubTls(yield* engine.upgrade(options))
  recorder.record({ _tag: "Secured", tls, elapsed: recorder.elapsedNow() - begun })
  return { reply, tls }
})

/** "unsupported": the server does not have this mechanism after all (504, or 500/502 to AUTH itself); another may be tried. */
export type AuthOutcome =
  | { readonly _tag: "Authenticated" }
  | { readonly _tag: "Unsupported"; readonly reply: Reply }
  | { readonly _tag: "Refused"; readonly reason: AuthenticationFailed }

export interface AuthOptions {
  readonly host: string
  readonly port: number
  readonly offered: ReadonlyArray<string>
  /** False: AUTH alone, then the response after an empty 334, as in 4D's article. */
  readonly initialResponse: boolean
}

/** What it sends is more than its secret, or than a name: the whole of it is looked for in what the server says. */
const tellsMore = (mechanism: Sasl.Mechanism): boolean => mechanism.name !== "LOGIN" && mechanism.secrets?.length !== 0

// oxlint-disable-next-line no-control-regex -- what text has none of
const garbled = /[\u0000-\u0008\u000b-\u001f\ufffd]/

const decodeChallenge = (text: string): Uint8Array => {
  const decoded = Base64.decode(text.trim())
  // LOGIN's prompts are not base64 everywhere
  return Result.isSuccess(decoded) ? decoded.success : octets.encode(text)
}

/** One mechanism's exchange, to its final reply (RFC 4954 §4). Everything that it sends is asterisks in the log. */
export const authenticate = Effect.fnUntraced(function*(
  engine: Engine.Engine,
  mechanism: Sasl.Mechanism,
  options: AuthOptions
): Effect.fn.Return<AuthOutcome, Failure, Sasl.Services> {
  const { recorder } = engine
  const phase = "auth"
  recorder.authenticating = true
  engine.limitReplies({ ...defaultLimits, lineOctets: maxChallenge + "334 \r\n".length })
  for (const secret of mechanism.secrets ?? []) recorder.addSecret(secret)

  const send = Effect.fnUntraced(function*(command: Command.Command, secret: Sasl.Secret | undefined) {
    if (secret !== undefined) {
      recorder.addLine(Command.authLine(secret))
      if (tellsMore(mechanism)) recorder.addSecret(secret)
    }
    return yield* engine.command(yield* commandLine(command, "authenticationMode"), phase, { holdsLines: true })
  })
  const show = (answer: Engine.Answer, secret = false) => {
    for (const said of answer.lines) recorder.serverLine(secret ? secretChallenge(said) : said)
  }

  const exchange = Effect.fnUntraced(
    function*(oneLine: boolean): Effect.fn.Return<AuthOutcome, Failure, Sasl.Services> {
      const context: Sasl.Context = {
        nonce: yield* Sasl.makeNonce,
        host: options.host,
        port: options.port,
        offered: options.offered,
        ...(engine.connection.channelBinding === undefined
          ? {}
          : { channelBinding: engine.connection.channelBinding })
      }
      const started = mechanism.start(context)
      let state = started.state
      let waiting = started.initial
      let challenge: string | undefined
      let answer: Engine.Answer
      if (waiting !== undefined && oneLine && Command.fitsAuthLine(mechanism.name, waiting)) {
        answer = yield* send(Command.auth(mechanism.name, waiting), waiting)
        waiting = undefined
        if (answer.reply.code === 501) {
          show(answer)
          return yield* exchange(false)
        }
      } else {
        answer = yield* send(Command.auth(mechanism.name), undefined)
      }
      for (let steps = 0; answer.reply.code === 334; steps++) {
        const text = answer.said.lines.join("")
        if (steps >= maxSteps) return yield* giveUp(answer, new LimitExceeded({ what: "saslSteps", limit: maxSteps }))
        if (text.length > maxChallenge) {
          return yield* giveUp(answer, new LimitExceeded({ what: "saslChallenge", limit: maxChallenge }))
        }
        if (waiting !== undefined) {
          show(answer)
          answer = yield* send(Command.authResponse(waiting), waiting)
          waiting = undefined
          continue
        }
        const stepped: Result.Result<Sasl.Step<unknown>, Sasl.SaslError> = yield* Effect.result(
          mechanism.step(state, decodeChallenge(text))
        )
        if (Result.isFailure(stepped)) {
          const error = stepped.failure
          return yield* giveUp(
            answer,
            error.kind === "iterations"
              ? new LimitExceeded({ what: "saslIterations", limit: error.limit ?? 0 })
              : new ProtocolViolation({ problem: recorder.scrub(error.message) }),
            error.secretChallenge === true
          )
        }
        const next = stepped.success
        show(answer, next.secretChallenge === true)
        state = next.state
        if (next.failure !== undefined) {
          const told = recorder.scrub(next.failure)
          // a secret that stood in the challenge's own text is in what was decoded of it, beyond recognition
          const isReadable = answer.said === answer.reply || (told !== next.failure && !garbled.test(told))
          challenge = isReadable ? told : answer.reply.lines.join("")
        }
        const isPublic = next.public === true && Redacted.value(next.response) === "\u0001"
        const isSecret = !isPublic && Redacted.value(next.response) !== ""
        answer = yield* send(
          Command.authResponse(next.response, { isPublic }),
          isSecret ? next.response : undefined
        )
      }
      const { reply } = answer
      show(answer)
      if (reply.code === 235) {
        return mechanism.complete(state)
          ? { _tag: "Authenticated" }
          : yield* fail(
            new ProtocolViolation({
              problem:
                `the server said that ${mechanism.name} succeeded before it had proven that it knows the password`
            }),
            phase
          )
      }
      if (reply.code < 400) {
        return yield* fail(
          new ProtocolViolation({
            problem: `${reply.code} is no answer to AUTH`,
            line: `${reply.code} ${reply.lines[0]}`
          }),
          phase
        )
      }
      if (reply.code === 421) return yield* fail(new ServerRefused({ reply }), phase)
      if (reply.code === 504 || reply.code === 500 || reply.code === 502) return { _tag: "Unsupported", reply }
      return {
        _tag: "Refused",
        reason: new AuthenticationFailed({
          mechanism: mechanism.name,
          reply,
          ...(challenge === undefined ? {} : { challenge })
        })
      }
    }
  )

  /** `*`, and the 501 that answers it (RFC 4954 §4). */
  const giveUp = Effect.fnUntraced(function*(answer: Engine.Answer, reason: Failure["reason"], secret = false) {
    show(answer, secret)
    const cancelled = yield* send(Command.authCancel, undefined)
    show(cancelled)
    return yield* fail(reason, phase)
  })

  return yield* exchange(options.initialResponse).pipe(
    Effect.ensuring(Effect.sync(() => {
      recorder.authenticating = false
      engine.limitReplies(defaultLimits)
    }))
  )
})
