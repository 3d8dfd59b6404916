/**
 * One session of our server: reads a line, answers it, until either side ends.
 *
 * Invariants: one fiber reads, and nothing is read while a command is being answered, so replies come in the order of
 * their commands; replies are written together when no further line is at hand, so a pipelined group gets one answer in one
 * write (RFC 2920 §3.2). `Ended` is the one way out.
 *
 * What the commands mean to the application is in `Server.Handlers`; content is handed over by `serverContent.ts`.
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Command from "../Command.ts"
import type { Connection } from "../Connection.ts"
import type { Phase } from "../LogEvent.ts"
import { encode, make as makeReply, type Reply, toLines } from "../Reply.ts"
import type { Handlers, Options } from "../Server.ts"
import type { ConnectionLost } from "../SmtpError.ts"
import type { SmtpLog } from "../SmtpLog.ts"
import { Inbound, makeUnstuffing, tooLong } from "./framing.ts"
import { maskClientLine } from "./maskedLine.ts"
import { decode } from "./octets.ts"
import { make as makeRecorder } from "./recorder.ts"
import * as Content from "./serverContent.ts"
import * as replies from "./serverReplies.ts"

export interface Limits {
  readonly commandLine: number
  readonly authenticationLine: number
  readonly recipients: number
  readonly badCommands: number
  readonly failedLogins: number
}

/** The session is over; `by` whom. */
class Ended extends Data.TaggedError("Ended")<{ readonly by: "client" | "server" | "network" }> {}

interface Transaction {
  readonly from: string
  readonly to: Array<string>
  readonly smtpUtf8: boolean
  /** BDAT has begun. */
  content: Content.Transfer | undefined
}

/** The most octets of replies that wait for the end of a group. */
const maxWaiting = 16_384
/** The most octets of content that are looked at together. */
const maxPiece = 65_536

export const converse = Effect.fnUntraced(function*<R>(
  connection: Connection,
  handlers: Handlers<R>,
  options: Options,
  limits: Limits
): Effect.fn.Return<void, never, R | SmtpLog> {
  const recorder = yield* makeRecorder({ redaction: options.redaction, server: undefined })
  const name = options.name ?? "localhost"
  const size = options.size ?? 50_000_000
  const timeLimit = options.timeLimit ?? "5 minutes"
  const from = connection.address
  const inbound = new Inbound()
  const began = recorder.elapsedNow()

  let secured = options.secured === true || connection.tls !== undefined
  let hello: "EHLO" | "HELO" | undefined
  let isAuthenticated = false
  let transaction: Transaction | undefined
  let badCommands = 0
  let failedLogins = 0
  let phase: Phase = "ehlo"

  let waiting: Array<Uint8Array> = []
  let waitingLength = 0

  // ---- writing and reading

  const lost = (error: ConnectionLost) => new Ended({ by: error.kind === "Closed" ? "client" : "network" })
  const limited = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.timeoutOrElse(effect, { duration: timeLimit, orElse: () => timedOut })

  const flush = Effect.suspend(() => {
    const out = waiting
    waiting = []
    waitingLength = 0
    return Arr.isReadonlyArrayNonEmpty(out)
      ? limited(Effect.mapError(connection.writeAll(out), lost))
      : Effect.void
  })
  /** The last that is said; whether it arrives does not matter any more. */
  const sayAndEnd = (reply: Reply, by: "client" | "server"): Effect.Effect<never, Ended> =>
    Effect.suspend(() => {
      record(reply)
      const out = Arr.append(waiting, encode(reply))
      waiting = []
      return connection.writeAll(out).pipe(
        Effect.interruptible,
        Effect.timeoutOption("1 second"),
        Effect.ignore,
        Effect.andThen(Effect.fail(new Ended({ by })))
      )
    })
  const timedOut: Effect.Effect<never, Ended> = Effect.suspend(() => {
    recorder.record({ _tag: "TimedOut", phase, limit: Duration.toMillis(Duration.fromInputUnsafe(timeLimit)) })
    return sayAndEnd(replies.timeOut, "server")
  })
  const record = (reply: Reply) => {
    for (const line of toLines(reply)) recorder.serverLine(recorder.scrub(line))
  }
  const say = (reply: Reply): Effect.Effect<void, Ended> =>
    Effect.suspend(() => {
      record(reply)
      const octets = encode(reply)
      waiting.push(octets)
      waitingLength += octets.length
      return waitingLength < maxWaiting ? Effect.void : flush
    })
  /** Refuses a command that is unknown, malformed or out of order. */
  const sayBad = (reply: Reply): Effect.Effect<void, Ended> =>
    Effect.suspend(() => ++badCommands >= limits.badCommands ? sayAndEnd(replies.tooManyErrors, "server") : say(reply))

  const more = Effect.suspend(() => {
    const read = Effect.map(Effect.mapError(connection.pull, lost), (chunks) => {
      for (const chunk of chunks) inbound.feed(chunk)
    })
    return recorder.blocked() ? Effect.andThen(recorder.flush, read) : read
  })
  /** The next line; what is waiting to be said is said before it is waited for. */
  const line = (limit: number): Effect.Effect<string | typeof tooLong, Ended> =>
    Effect.suspend(() => {
      const next = inbound.line(limit)
      if (next !== undefined) return Effect.succeed(next === tooLong ? next : decode(next))
      const wait: Effect.Effect<string | typeof tooLong, Ended> = Effect.flatMap(more, () => {
        const next = inbound.line(limit)
        return next === undefined ? wait : Effect.succeed(next === tooLong ? next : decode(next))
      })
      return Effect.andThen(flush, limited(wait))
    })
  const octets = (most: number): Effect.Effect<Uint8Array, Ended> =>
    Effect.suspend(() => {
      const next = inbound.take(Math.min(most, maxPiece))
      return next !== undefined
        ? Effect.succeed(next)
        : flush.pipe(Effect.andThen(limited(more)), Effect.andThen(octets(most)))
    })

  // ---- the transaction

  const forget = Effect.suspend(() => {
    const content = transaction?.content
    transaction = undefined
    phase = "mail"
    return content === undefined ? Effect.void : content.abort
  })
  const answer = <A>(handler: Effect.Effect<A, Reply, R>, accepted: Reply): Effect.Effect<Reply, never, R> =>
    handler.pipe(
      Effect.as(accepted),
      Effect.catch(Effect.succeed),
      Effect.catchDefect((defect) => Effect.as(recorder.logDefect("A handler died", defect), replies.localError))
    )
  const transfer = (mail: Transaction) => {
    const [first, ...rest] = mail.to
    return first === undefined ? undefined : Content.make({
      message: (content) => handlers.message({ from: mail.from, to: [first, ...rest] }, content),
      limit: size,
      recorder
    })
  }

  const onMail = Effect.fnUntraced(function*(command: Command.Mail) {
    if (hello === undefined) return yield* sayBad(replies.outOfOrder("EHLO comes first"))
    if (transaction !== undefined) return yield* sayBad(replies.outOfOrder("A transaction is open"))
    if (options.authenticationRequired === true && !isAuthenticated) return yield* say(replies.authenticationRequired)
    const refused = mailProblem(command, { extended: hello === "EHLO", offersAuth: offersAuth(), size })
    if (refused !== undefined) return yield* say(refused)
    const reply = yield* answer(
      handlers.mail?.(command.reversePath, command.parameters) ?? Effect.void,
      replies.senderOk
    )
    if (reply.isPositive) {
      transaction = {
        from: command.reversePath,
        to: [],
        smtpUtf8: command.parameters.SMTPUTF8 === true,
        content: undefined
      }
      phase = "rcpt"
    }
    yield* say(reply)
  })

  const onRcpt = Effect.fnUntraced(function*(command: Command.Rcpt) {
    // not counted as bad: whole groups follow a MAIL that is refused (RFC 2920 §3.1)
    if (transaction === undefined) return yield* say(replies.outOfOrder("MAIL comes first"))
    if (transaction.content !== undefined) return yield* sayBad(replies.outOfOrder("BDAT has begun"))
    if (transaction.to.length >= limits.recipients) return yield* say(replies.tooManyRecipients)
    if (Object.keys(command.parameters).length > 0) return yield* say(replies.unknownParameter)
    if (command.smtpUtf8 && !transaction.smtpUtf8) return yield* say(replies.needsSmtpUtf8)
    const reply = yield* answer(
      handlers.rcpt?.(command.forwardPath, command.parameters) ?? Effect.void,
      replies.recipientOk
    )
    if (reply.isPositive) transaction.to.push(command.forwardPath)
    yield* say(reply)
  })

  const onData = Effect.gen(function*() {
    if (transaction === undefined) return yield* say(replies.outOfOrder("MAIL comes first"))
    if (transaction.content !== undefined) return yield* sayBad(replies.outOfOrder("BDAT has begun"))
    const making = transfer(transaction)
    if (making === undefined) return yield* say(replies.noRecipients)
    yield* say(replies.goAhead)
    phase = "content"
    const content = transaction.content = yield* making
    const unstuff = makeUnstuffing()
    for (let isOver = false; !isOver;) {
      const chunk = yield* octets(maxPiece)
      const { end, pieces } = unstuff(chunk)
      yield* content.push(pieces)
      isOver = end !== undefined
      if (end !== undefined) inbound.untake(chunk.subarray(end))
    }
    const reply = yield* content.finish
    yield* forget
    yield* say(reply)
  })

  const skip = Effect.fnUntraced(function*(count: number) {
    for (let left = count; left > 0;) left -= (yield* octets(left)).length
  })

  const onBdat = Effect.fnUntraced(function*(command: Command.Bdat) {
    if (transaction === undefined || transaction.to.length === 0) {
      const reply = transaction === undefined ? replies.outOfOrder("MAIL comes first") : replies.noRecipients
      yield* skip(command.octets)
      return yield* say(reply)
    }
    phase = "content"
    const making = transaction.content === undefined ? transfer(transaction) : Effect.succeed(transaction.content)
    if (making === undefined) return
    const content = transaction.content = yield* making
    for (let left = command.octets; left > 0;) {
      const piece = yield* octets(left)
      left -= piece.length
      yield* content.push([piece])
    }
    const early = content.answer()
    if (command.last || content.tooLarge() || (early !== undefined && !early.isPositive)) {
      const reply = yield* content.finish
      yield* forget
      return yield* say(reply)
    }
    yield* say(makeReply(250, `2.0.0 ${command.octets} octets received`))
  })

  // ---- the session

  const offersAuth = () => handlers.authenticate !== undefined && (secured || options.dangerouslyAuthInClear === true)
  const offersStartTls = () => options.tls !== undefined && !secured

  const onHello = Effect.fnUntraced(function*(command: Command.Ehlo | Command.Helo) {
    yield* forget
    hello = command._tag
    if (command._tag === "HELO") return yield* say(makeReply(250, name))
    yield* say(makeReply(
      250,
      name,
      "PIPELINING",
      `SIZE ${size}`,
      "8BITMIME",
      "SMTPUTF8",
      "CHUNKING",
      ...(offersStartTls() ? ["STARTTLS"] : []),
      ...(offersAuth() ? ["AUTH PLAIN LOGIN"] : []),
      "ENHANCEDSTATUSCODES"
    ))
  })

  const onStartTls = Effect.gen(function*() {
    if (options.tls === undefined) return yield* sayBad(replies.notImplemented)
    if (secured) return yield* sayBad(replies.outOfOrder("TLS is on"))
    phase = "starttls"
    const dropped = inbound.clear()
    if (dropped > 0) {
      recorder.record({ _tag: "Note", text: `${dropped} octets that came behind STARTTLS in clear text were dropped.` })
    }
    yield* say(replies.startTls)
    yield* flush
    yield* forget
    hello = undefined
    isAuthenticated = false
    const start = recorder.elapsedNow()
    // on this side there is no certificate to check
    const upgrade = connection.upgrade({ ...options.tls, dangerouslyAcceptInvalidCertificates: true })
    const info = yield* upgrade.pipe(
      Effect.tapError((error) =>
        Effect.sync(() =>
          recorder.record({
            _tag: "Failed",
            phase: "starttls",
            reason: error._tag,
            message: "The TLS handshake failed."
          })
        )
      ),
      Effect.mapError(() => new Ended({ by: "network" })),
      limited
    )
    secured = true
    phase = "ehlo"
    recorder.record({ _tag: "Secured", tls: info, elapsed: recorder.elapsedNow() - start })
  })

  // ---- AUTH (RFC 4954)

  /** The client's answer to a challenge; undefined where it was none, which has been said. */
  const response = Effect.fnUntraced(function*(challenge: Reply) {
    yield* say(challenge)
    const said = yield* line(limits.authenticationLine)
    if (said === tooLong) {
      yield* sayBad(replies.lineTooLong)
      return undefined
    }
    recorder.clientLine(maskClientLine(said, true))
    recorder.addLine(Redacted.make(said))
    const parsed = Command.parseAuthResponse(said)
    if (Result.isFailure(parsed)) yield* sayBad(replies.notBase64)
    else if (parsed.success._tag === "AuthCancel") yield* sayBad(replies.cancelled)
    else return parsed.success.response
    return undefined
  })

  /** User and password, as the mechanism tells them (RFC 4616; LOGIN asks twice). */
  const credentials = Effect.fnUntraced(function*(command: Command.Auth) {
    if (command.mechanism === "LOGIN") {
      const user = command.initial ?? (yield* response(replies.user))
      const password = user === undefined ? undefined : yield* response(replies.password)
      return user === undefined || password === undefined ? undefined : { user: Redacted.value(user), password }
    }
    const whole = command.initial ?? (yield* response(replies.challenge))
    if (whole === undefined) return undefined
    const [authorize, user, password, surplus] = Redacted.value(whole).split("\0")
    if (user === undefined || user === "" || password === undefined || surplus !== undefined) {
      yield* sayBad(replies.notBase64)
      return undefined
    }
    if (authorize !== "" && authorize !== user) {
      yield* sayBad(replies.wrongCredentials)
      return undefined
    }
    return { user, password: Redacted.make(password) }
  })

  const onAuth = Effect.fnUntraced(function*(command: Command.Auth) {
    const authenticate = handlers.authenticate
    if (authenticate === undefined) return yield* sayBad(replies.notImplemented)
    if (hello !== "EHLO") return yield* sayBad(replies.outOfOrder("EHLO comes first"))
    if (isAuthenticated) return yield* sayBad(replies.outOfOrder("Already authenticated"))
    if (transaction !== undefined) return yield* sayBad(replies.outOfOrder("A transaction is open"))
    if (!offersAuth()) return yield* sayBad(replies.encryptionRequired)
    if (command.mechanism !== "PLAIN" && command.mechanism !== "LOGIN") return yield* sayBad(replies.noMechanism)
    phase = "auth"
    const found = yield* credentials(command)
    phase = "mail"
    if (found === undefined) return
    recorder.addSecret(found.password)
    const reply = yield* answer(authenticate(found.user, found.password), replies.authenticated)
    isAuthenticated = reply.isPositive
    if (!isAuthenticated && ++failedLogins >= limits.failedLogins) {
      return yield* sayAndEnd(replies.tooManyLogins, "server")
    }
    yield* say(reply)
  })

  // ---- commands

  const onCommand = (command: Command.Command | Command.Unknown): Effect.Effect<void, Ended, R> => {
    switch (command._tag) {
      case "EHLO":
      case "HELO":
        return onHello(command)
      case "STARTTLS":
        return onStartTls
      case "AUTH":
        return Effect.ensuring(
          onAuth(command),
          Effect.sync(() => {
            recorder.authenticating = false
          })
        )
      case "MAIL":
        return onMail(command)
      case "RCPT":
        return onRcpt(command)
      case "DATA":
        return onData
      case "BDAT":
        return onBdat(command)
      case "RSET":
        return Effect.andThen(forget, say(replies.ok))
      case "NOOP":
        return say(replies.ok)
      case "VRFY":
        return say(replies.cannotVerify)
      case "HELP":
        return say(replies.help)
      case "QUIT":
        return sayAndEnd(replies.bye, "client")
      case "Unknown":
        return sayBad(replies.unknownCommand)
      default:
        return sayBad(replies.notImplemented)
    }
  }

  const next = Effect.gen(function*() {
    const said = yield* line(limits.commandLine)
    if (said === tooLong) {
      recorder.record({ _tag: "Note", text: `A line of more than ${limits.commandLine} octets was dropped.` })
      return yield* sayBad(replies.lineTooLong)
    }
    recorder.clientLine(maskClientLine(said, false))
    // oxlint-disable-next-line no-control-regex
    if (/[\0\r\n]/.test(said)) return yield* sayBad(replies.notALine)
    const parsed = Command.parse(said)
    if (Result.isFailure(parsed)) {
      const reply = replies.syntax(parsed.failure.command, parsed.failure.problem)
      // how much content follows is not known, and it must not be read as commands
      return parsed.failure.command === "BDAT" ? yield* sayAndEnd(reply, "server") : yield* sayBad(reply)
    }
    if (parsed.success._tag === "AUTH") {
      recorder.authenticating = true
      recorder.addLine(Redacted.make(said.trimEnd().split(/[ \t]+/)[2] ?? ""))
    }
    yield* onCommand(parsed.success)
  })

  const whole = Effect.gen(function*() {
    recorder.record({ _tag: "Note", text: `A client connected${from === undefined ? "" : ` from ${from}`}.` })
    yield* say(makeReply(220, `${name} ESMTP`))
    while (true) yield* next
  })
  yield* whole.pipe(
    Effect.onInterrupt(() => Effect.ignore(sayAndEnd(replies.closing, "server"))),
    Effect.onExit((exit) =>
      Effect.suspend(() => {
        const ended = Exit.isFailure(exit) ? Option.getOrUndefined(Cause.findErrorOption(exit.cause)) : undefined
        recorder.record({ _tag: "Closed", by: ended?.by ?? "server", elapsed: recorder.elapsedNow() - began })
        return Effect.andThen(forget, recorder.flush)
      })
    ),
    Effect.catchTag("Ended", () => Effect.void)
  )
})

/** What is wrong with MAIL's parameters (RFC 1870, 6152, 6531, 4954 §5), or undefined. */
const mailProblem = (
  command: Command.Mail,
  session: { readonly extended: boolean; readonly offersAuth: boolean; readonly size: number }
): Reply | undefined => {
  for (const [keyword, value] of Object.entries(command.parameters)) {
    if (!session.extended) return replies.unknownParameter
    switch (keyword) {
      case "SIZE":
        if (value === true || !/^\d{1,20}$/.test(value)) return replies.syntax("MAIL", "SIZE is a number of octets")
        if (Number(value) > session.size) return replies.tooLarge
        break
      case "BODY":
        if (value === true || !/^(7BIT|8BITMIME)$/i.test(value)) return replies.unknownParameter
        break
      case "SMTPUTF8":
        if (value !== true) return replies.syntax("MAIL", "SMTPUTF8 has no value")
        break
      case "AUTH":
        if (!session.offersAuth || value === true) return replies.unknownParameter
        break
      default:
        return replies.unknownParameter
    }
  }
  return undefined
}
