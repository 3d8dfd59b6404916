/**
 * One session, step by step (RFC 5321 §3): the dialogue as types.
 *
 * Each step takes a handle of the phase that allows it and gives a handle of the next, so that MAIL before EHLO, or AUTH
 * before TLS, does not compile:
 *
 * `connect` → `Connected` → `ehlo` → `Ready` → `startTls` → `Connected<"Tls">` → `ehlo` → `Ready<"Tls">` → `auth` →
 * `Authenticated` → `mail` → `Transaction` → `rcpt` … → `data` → (the handle before `mail` is good again) → `quit`.
 *
 * A handle is good while its phase lasts. One from before STARTTLS or AUTH, or from inside an ended transaction, is a
 * mistake of the program's, refused as a defect that says so. What the server does is an `SmtpError`; where it put the two
 * ends out of step the session is closed already. The session ends with its scope; `quit` ends it politely.
 *
 * Policies (which mechanism, whether TLS, sessions that are kept) are `Transporter`'s.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Command from "./Command.ts"
import type { Connector, Target } from "./Connector.ts"
import type * as Extensions from "./Extensions.ts"
import { accepted } from "./internal/delivery.ts"
import { defaultLimits, type Engine, type Limits, type Settled, verdictGrace } from "./internal/engine.ts"
import * as Handshake from "./internal/handshake.ts"
import { type Line, line } from "./internal/pipeline.ts"
import { Phase } from "./LogEvent.ts"
import { MessageError } from "./MessageError.ts"
import type { RecipientVerdict } from "./Receipt.ts"
import type { Redaction } from "./Redaction.ts"
import type { Reply } from "./Reply.ts"
import * as Sasl from "./Sasl.ts"
import {
  AuthenticationUnavailable,
  InvalidConfiguration,
  InvalidMessage,
  SenderRefused,
  ServerRefused,
  type SmtpError,
  TlsUnavailable
} from "./SmtpError.ts"
import type { SmtpLog } from "./SmtpLog.ts"
import type { TlsInfo, TlsMode, TlsOptions } from "./Tls.ts"

/** Clear | Tls is the channel; the phase is the type's name. */
export type Channel = "Clear" | "Tls"

interface Handle<C extends Channel> {
  readonly channel: C
  /** The session's number in the log. */
  readonly id: number
  readonly tls: C extends "Tls" ? TlsInfo : undefined
}
/** Greeted; EHLO has to be said (again). */
export interface Connected<C extends Channel = Channel> extends Handle<C> {
  readonly _tag: "Connected"
  readonly greeting: Reply
}
/** The server's extensions are known. */
export interface Ready<C extends Channel = Channel> extends Handle<C> {
  readonly _tag: "Ready"
  readonly extensions: Extensions.Extensions
}
/** Logged in by `mechanism`. */
export interface Authenticated<C extends Channel = Channel> extends Handle<C> {
  readonly _tag: "Authenticated"
  readonly extensions: Extensions.Extensions
  readonly mechanism: string
}
/** Between MAIL and the end of data, or RSET. */
export interface Transaction {
  readonly _tag: "Transaction"
  readonly id: number
  readonly from: Ready | Authenticated
}

type Any = Connected | Ready | Authenticated | Transaction

/** What stands behind the handles of one session. */
interface State {
  readonly engine: Engine
  readonly server: { readonly host: string; readonly port: number }
  readonly tlsOptions: TlsOptions
  readonly greeting: Reply
  tls: TlsInfo | undefined
  lmtp: boolean
  /** The one handle that is good now. */
  current: Any | undefined
  mail: Reply | undefined
  recipients: Array<string>
  rcpt: Array<Reply>
}

const states = new WeakMap<Any, State>()

const handle = <A extends Any>(state: State, made: A): A => {
  states.set(made, state)
  state.current = made
  return made
}

const nameOf = (handle: Any | undefined): string =>
  handle === undefined ? "closed" : "channel" in handle ? `${handle._tag}<"${handle.channel}">` : handle._tag

/** The state behind a handle that is still good. */
const use = (self: Any): Effect.Effect<State> =>
  Effect.suspend(() => {
    const state = states.get(self)
    if (state === undefined) return Effect.die(new Error("this handle was not made by Session"))
    return state.current === self
      ? Effect.succeed(state)
      : Effect.die(
        new Error(
          `a stale handle: ${nameOf(self)} of session ${self.id}, which is ${
            nameOf(state.current)
          } by now; use the handle that the last step gave`
        )
      )
  })

const infoOf = <C extends Channel>(state: State): Handle<C>["tls"] =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- "Tls" handles are made once there is an info
  state.tls as Handle<C>["tls"]

const lineOf = (state: State, command: Command.Command): Effect.Effect<Line, SmtpError> =>
  Result.match(line(command), {
    onFailure: ({ argument, input, problem }) =>
      state.engine.fail({
        reason: new InvalidMessage({
          error: new MessageError({ field: argument, problem, ...(input === undefined ? {} : { input }) })
        }),
        phase: command._tag === "RCPT" ? "rcpt" : "mail"
      }),
    onSuccess: Effect.succeed
  })

const exchange = Effect.fnUntraced(function*(state: State, command: Command.Command, phase: Phase) {
  const { reply } = yield* Effect.catch(state.engine.command(yield* lineOf(state, command), phase), state.engine.fail)
  return reply.code === 421 ? yield* state.engine.fail({ reason: new ServerRefused({ reply }), phase }) : reply
})

export interface Options {
  /** For all that leaves the session: logs, live stream, errors. */
  readonly redaction?: Redaction | undefined
  /** Per phase; defaults as the transporter's (`Transporter.Options`). */
  readonly timeLimits?: { readonly [P in Phase]?: Duration.Input | undefined } | undefined
}

const limitsOf = (options: Options | undefined): Limits => {
  const limits: { [P in Phase]: number } = { ...defaultLimits }
  for (const phase of Phase.literals) {
    const limit = options?.timeLimits?.[phase]
    if (limit !== undefined) limits[phase] = Duration.toMillis(limit)
  }
  return limits
}

const open = Effect.fnUntraced(function*<C extends Channel>(target: Target, channel: C, options: Options | undefined) {
  const mode: TlsMode = channel === "Tls" ? "implicit" : "opportunistic"
  const tls: TlsOptions = "path" in target
    ? {}
    : {
      ...target.tls,
      servername: target.tls?.servername ?? target.host,
      mode: channel === "Tls" ? "implicit" : "none"
    }
  const { engine } = yield* Handshake.open({
    target: "path" in target ? target : { ...target, tls },
    mode,
    limits: limitsOf(options),
    redaction: options?.redaction
  })
  const greeting = yield* Effect.catch(Handshake.greet(engine), engine.fail)
  const state: State = {
    engine,
    server: Handshake.serverOf(target),
    tlsOptions: { ...tls, mode: "required" },
    greeting,
    tls: Handshake.tlsOf(engine),
    lmtp: false,
    current: undefined,
    mail: undefined,
    recipients: [],
    rcpt: []
  }
  const connected: Connected<C> = {
    _tag: "Connected",
    channel,
    id: engine.recorder.session,
    tls: infoOf<C>(state),
    greeting
  }
  return handle(state, connected)
}, Effect.withSpan("Session.connect"))

/** Dials in plain text and reads the greeting (RFC 5321 §3.1). */
export const connect = (
  target: Target,
  options?: Options
): Effect.Effect<Connected<"Clear">, SmtpError, Connector | SmtpLog | Scope.Scope> => open(target, "Clear", options)

/** Dials with TLS from the first octet (port 465: RFC 8314 §3.3) and reads the greeting. */
export const connectTls = (
  target: Target,
  options?: Options
): Effect.Effect<Connected<"Tls">, SmtpError, Connector | SmtpLog | Scope.Scope> => open(target, "Tls", options)

const greetBack = Effect.fnUntraced(function*<C extends Channel>(
  self: Connected<C>,
  name: string,
  verb: "EHLO" | "LHLO"
) {
  const state = yield* use(self)
  const { engine } = state
  const { extensions, reply } = yield* Effect.catch(Handshake.hello(engine, verb, name), engine.fail)
  if (!accepted(reply)) return yield* engine.fail({ reason: new ServerRefused({ reply }), phase: "ehlo" })
  state.lmtp = verb === "LHLO"
  const ready: Ready<C> = { _tag: "Ready", channel: self.channel, id: self.id, tls: infoOf<C>(state), extensions }
  return handle(state, ready)
}, Effect.withSpan("Session.ehlo"))

/** EHLO (RFC 5321 §4.1.1.1). `name`: our fully qualified name, or an address literal. */
export const ehlo = <C extends Channel>(self: Connected<C>, name: string): Effect.Effect<Ready<C>, SmtpError> =>
  greetBack(self, name, "EHLO")

/** LHLO (RFC 2033 §4.1): from here on the session is LMTP's, with a final reply for each recipient. */
export const lhlo = <C extends Channel>(self: Connected<C>, name: string): Effect.Effect<Ready<C>, SmtpError> =>
  greetBack(self, name, "LHLO")

/** RFC 3207 §4.2: what was known before is forgotten, so this gives `Connected`, and EHLO must be said again. */
export const startTls: (
  self: Ready<"Clear">,
  options?: TlsOptions
) => Effect.Effect<Connected<"Tls">, SmtpError> = Effect.fnUntraced(function*(self, options) {
  const state = yield* use(self)
  const { engine } = state
  if (!self.extensions.startTls) return yield* engine.fail({ reason: new TlsUnavailable({}), phase: "starttls" })
  const { reply, tls } = yield* Effect.catch(
    Handshake.startTls(engine, { ...state.tlsOptions, ...options }),
    engine.fail
  )
  if (tls === undefined) return yield* engine.fail({ reason: new TlsUnavailable({ reply }), phase: "starttls" })
  state.tls = tls
  const secured: Connected<"Tls"> = { _tag: "Connected", channel: "Tls", id: self.id, tls, greeting: state.greeting }
  return handle(state, secured)
}, Effect.withSpan("Session.startTls"))

const authenticate = Effect.fnUntraced(function*<C extends Channel>(self: Ready<C>, given: Sasl.Mechanism) {
  const state = yield* use(self)
  const { engine } = state
  const mechanism = Sasl.make(given)
  if (mechanism.refusal !== undefined) {
    return yield* engine.fail({
      reason: new InvalidConfiguration({ option: "mechanism", problem: mechanism.refusal.message }),
      phase: "auth"
    })
  }
  const offered = self.extensions.auth
  if (!offered.includes(mechanism.name)) {
    return yield* engine.fail({
      reason: new AuthenticationUnavailable({
        kind: offered.length === 0 ? "NotOffered" : "NoCommonMechanism",
        offered,
        allowed: [mechanism.name]
      }),
      phase: "auth"
    })
  }
  const outcome = yield* Effect.catch(
    Handshake.authenticate(engine, mechanism, { ...state.server, offered, initialResponse: true }),
    engine.fail
  )
  if (outcome._tag !== "Authenticated") {
    return yield* engine.fail({
      reason: outcome._tag === "Refused"
        ? outcome.reason
        : new AuthenticationUnavailable({ kind: "NoCommonMechanism", offered, allowed: [mechanism.name] }),
      phase: "auth"
    })
  }
  const authenticated: Authenticated<C> = {
    _tag: "Authenticated",
    channel: self.channel,
    id: self.id,
    tls: infoOf<C>(state),
    extensions: self.extensions,
    mechanism: mechanism.name
  }
  return handle(state, authenticated)
}, Effect.withSpan("Session.auth"))

/** AUTH (RFC 4954) over TLS. After a refusal the session is `Ready` still. */
export const auth = (
  self: Ready<"Tls">,
  mechanism: Sasl.Mechanism
): Effect.Effect<Authenticated<"Tls">, SmtpError, Sasl.Services> => authenticate(self, mechanism)

/** AUTH over a wire that anybody can read. */
export const dangerouslyAuthInClear = (
  self: Ready<"Clear">,
  mechanism: Sasl.Mechanism
): Effect.Effect<Authenticated<"Clear">, SmtpError, Sasl.Services> => authenticate(self, mechanism)

/** MAIL (RFC 5321 §4.1.1.2). `""` is the null reverse-path. A refusal is `SenderRefused`; the session stays as it was. */
export const mail: (
  self: Ready | Authenticated,
  reversePath: string,
  parameters?: Record<string, string>
) => Effect.Effect<Transaction, SmtpError> = Effect.fnUntraced(function*(self, reversePath, parameters) {
  const state = yield* use(self)
  const reply = yield* exchange(state, Command.mail(reversePath, parameters), "mail")
  if (!accepted(reply)) {
    return yield* state.engine.fail({ reason: new SenderRefused({ sender: reversePath, reply }), phase: "mail" })
  }
  state.mail = reply
  state.recipients = []
  state.rcpt = []
  return handle<Transaction>(state, { _tag: "Transaction", id: self.id, from: self })
}, Effect.withSpan("Session.mail"))

/** RCPT (RFC 5321 §4.1.1.3). A refusal is a verdict, not an error. */
export const rcpt: (
  self: Transaction,
  forwardPath: string,
  parameters?: Record<string, string>
) => Effect.Effect<RecipientVerdict, SmtpError> = Effect.fnUntraced(function*(self, forwardPath, parameters) {
  const state = yield* use(self)
  const reply = yield* exchange(state, Command.rcpt(forwardPath, parameters), "rcpt")
  state.recipients.push(forwardPath)
  state.rcpt.push(reply)
  const verdict: RecipientVerdict = accepted(reply)
    ? { _tag: "Accepted", recipient: forwardPath, reply }
    : { _tag: "Refused", recipient: forwardPath, reply }
  return verdict
}, Effect.withSpan("Session.rcpt"))

/**
 * The content, by BDAT where the server offers CHUNKING, else by DATA, and the server's verdict on it. Line ends are made
 * CRLF, dots stuffed. The transaction is over, whatever comes: the handle from before `mail` is good again. A content
 * stream that fails destroys the connection (DATA), or ends in RSET (BDAT): nothing of it is delivered, and its own error is
 * this one's. Otherwise fails with an `SmtpError`, whose `delivery` says whether somebody may have the message.
 */
export const data: <E = never>(
  self: Transaction,
  content: Stream.Stream<Uint8Array, E> | string
) => Effect.Effect<Reply, SmtpError | E> = Effect.fnUntraced(function*<E>(
  self: Transaction,
  content: Stream.Stream<Uint8Array, E> | string
) {
  const state = yield* use(self)
  const { engine } = state
  const { extensions } = self.from
  if (state.recipients.length === 0) return yield* Effect.die(new Error("content without a recipient: rcpt first"))
  let sourceError: { readonly error: E } | undefined
  const source = typeof content === "string"
    ? Stream.succeed(encoder.encode(content))
    : Stream.tapError(content, (error) =>
      Effect.sync(() => {
        sourceError = { error }
      }))
  const over = yield* Latch.make()
  const settled = yield* Effect.callback<Settled>((resume) => {
    const transaction = engine.submit(
      {
        sender: "",
        recipients: state.recipients,
        mail: unused,
        rcpts: [],
        content: {
          stream: source,
          chunks: undefined,
          clean: false,
          sevenBit: !extensions.eightBitMime,
          limit: extensions.size,
          pipelining: extensions.pipelining && !state.lmtp
        },
        requireAll: false,
        given: state.mail === undefined ? undefined : { mail: state.mail, rcpt: state.rcpt }
      },
      { pipelining: extensions.pipelining, chunking: extensions.chunking, lmtp: state.lmtp, safe: true },
      (settled) => {
        over.openUnsafe()
        resume(Effect.succeed(settled))
      }
    )
    return Effect.suspend(() => {
      const verdict = engine.cancel(transaction) === "ended" ? Effect.void : Effect.timeoutOrElse(over.await, {
        duration: verdictGrace,
        orElse: () => Effect.void
      })
      return Effect.andThen(
        verdict,
        Effect.suspend(() => {
          engine.abort()
          return engine.closed
        })
      )
    })
  })
  handle(state, self.from)
  if (settled.defect !== undefined) {
    yield* engine.closed
    return yield* Effect.die(settled.defect.defect)
  }
  if (sourceError !== undefined) {
    yield* engine.isCut() === undefined ? engine.recorder.flush : engine.closed
    return yield* Effect.fail(sourceError.error)
  }
  if (settled.error !== undefined) {
    yield* engine.isCut() === undefined ? engine.recorder.flush : engine.closed
    return yield* settled.error
  }
  const reply = settled.transaction.facts.finals.find(accepted)
  return reply === undefined ? yield* Effect.die(new Error("accepted without a reply")) : reply
}, Effect.withSpan("Session.data"))

/** RSET (RFC 5321 §4.1.1.5): gives the transaction up. */
export const rset: (self: Transaction) => Effect.Effect<Ready | Authenticated, SmtpError> = Effect.fnUntraced(
  function*(self) {
    const state = yield* use(self)
    const reply = yield* exchange(state, Command.rset, "rset")
    if (!accepted(reply)) {
      const failed = state.engine.recorder.error(new ServerRefused({ reply }), "rset")
      state.engine.abort()
      yield* state.engine.closed
      return yield* failed
    }
    return handle(state, self.from)
  },
  Effect.withSpan("Session.rset")
)

/** QUIT, its reply or 5 s, and the close. Never fails: a session that was cut is closed already. */
export const quit: (self: Connected | Ready | Authenticated) => Effect.Effect<void> = Effect.fnUntraced(
  function*(self) {
    const state = yield* use(self)
    yield* state.engine.quit
  },
  Effect.withSpan("Session.quit")
)

const encoder = new TextEncoder()
const unused: Line = { wire: "", log: "" }
