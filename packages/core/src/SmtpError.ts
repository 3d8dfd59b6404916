/**
 * What can go wrong between "send" and "delivered", as one error with a tagged reason.
 *
 * An `SmtpError` answers: in which phase (`phase`), why (`reason`), what the server said (`reply`), for whom
 * (`recipients`), whether somebody may have the message (`delivery`), and whether sending it again makes sense
 * (`isRetryable`). It carries the end of the conversation (`conversation`), made under the transporter's redaction and
 * never with content; `message`, `toString`, `toJSON` and `inspect` leave the conversation out, because errors travel
 * to trackers. `render` prints it whole, for a person.
 *
 * Errors come from sessions and transporters; the parsers have small errors of their own that become reasons here.
 */
import * as Schema from "effect/Schema"
import { escape, escapeInPlain } from "./internal/log/escape.ts"
import { LogEvent, Phase } from "./LogEvent.ts"
import * as LogText from "./LogText.ts"
import { MessageError } from "./MessageError.ts"
import { RecipientVerdict } from "./Receipt.ts"
import { maskAddresses } from "./Redaction.ts"
import { Reply } from "./Reply.ts"
import { Certificate } from "./Tls.ts"

// before anything is said

/** An option of the transporter contradicts another, or is out of its range. */
export class InvalidConfiguration extends Schema.TaggedError<InvalidConfiguration>()("InvalidConfiguration", {
  option: Schema.String,
  problem: Schema.String
}) {}
/** The message cannot be composed, or its envelope is not one. */
export class InvalidMessage extends Schema.TaggedError<InvalidMessage>()("InvalidMessage", { error: MessageError }) {}
/** The message needs a service extension that the server does not offer (RFC 5321 §2.2). */
export class ExtensionUnavailable extends Schema.TaggedError<ExtensionUnavailable>()("ExtensionUnavailable", {
  extension: Schema.String,
  neededFor: Schema.String
}) {}
/** The message is larger than the server says it takes (RFC 1870). Both in octets. */
export class MessageTooLarge extends Schema.TaggedError<MessageTooLarge>()("MessageTooLarge", {
  octets: Schema.Int,
  limit: Schema.Int
}) {}
/** The transporter's scope has ended. */
export class TransporterClosed extends Schema.TaggedError<TransporterClosed>()("TransporterClosed", {}) {}
/** A rate limit, an open circuit, or a server that asked for a pause. `retryAfter` in milliseconds. */
export class Throttled extends Schema.TaggedError<Throttled>()("Throttled", {
  by: Schema.Literals(["rateLimit", "circuitBreaker", "server"]),
  retryAfter: Schema.optionalKey(Schema.Finite)
}) {}

// connection

/** No connection came about; `attempts` has every address that was tried. */
export class ConnectionFailed extends Schema.TaggedError<ConnectionFailed>()("ConnectionFailed", {
  kind: Schema.Literals(["HostNotFound", "Refused", "Unreachable", "Proxy", "Other"]),
  host: Schema.String,
  port: Schema.Int,
  attempts: Schema.Array(Schema.Struct({ address: Schema.String, problem: Schema.String })),
  cause: Schema.optionalKey(Schema.Defect())
}) {}
/** The connection ended in the middle of the dialogue. */
export class ConnectionLost extends Schema.TaggedError<ConnectionLost>()("ConnectionLost", {
  kind: Schema.Literals(["Closed", "Reset"]),
  cause: Schema.optionalKey(Schema.Defect())
}) {}
/** A time limit passed: the phase's own, or the send's (`sendTimeOut`). `limit` in milliseconds. */
export class TimedOut extends Schema.TaggedError<TimedOut>()("TimedOut", {
  limit: Schema.Finite,
  scope: Schema.Literals(["phase", "send"])
}) {}

// TLS

/** TLS is required and the server does not offer STARTTLS, or refuses it (`reply`). */
export class TlsUnavailable extends Schema.TaggedError<TlsUnavailable>()("TlsUnavailable", {
  reply: Schema.optionalKey(Reply)
}) {}
/** The server's certificate does not vouch for `servername`; `problem` says why, `chain` what it showed. */
export class CertificateRejected extends Schema.TaggedError<CertificateRejected>()("CertificateRejected", {
  problem: Schema.String,
  servername: Schema.String,
  chain: Schema.Array(Certificate)
}) {}
/** The handshake failed, or the two ends do not speak the same thing on this port. `seen`: what the peer said instead. */
export class TlsFailed extends Schema.TaggedError<TlsFailed>()("TlsFailed", {
  kind: Schema.Literals(["Handshake", "PlainServerOnTlsPort", "TlsServerOnPlainPort", "PlaintextInjected"]),
  seen: Schema.optionalKey(Schema.String),
  cause: Schema.optionalKey(Schema.Defect())
}) {}

// the server said no

/**
 * The Effect that gives password or token failed. Its error is named, not held: it may hold the secret. `problem` is there
 * where the error is one that holds none (`OAuth2Error`), and `isTransient` where asking again may help.
 */
export class CredentialsUnavailable extends Schema.TaggedError<CredentialsUnavailable>()("CredentialsUnavailable", {
  cause: Schema.Defect(),
  problem: Schema.optionalKey(Schema.String),
  isTransient: Schema.optionalKey(Schema.Boolean)
}) {}
/** A refusal that is none of the below: of the greeting, EHLO, or 421 at any time. */
export class ServerRefused extends Schema.TaggedError<ServerRefused>()("ServerRefused", { reply: Reply }) {}
/** The server refused the credentials. `challenge`: what an OAuth server told about it (RFC 7628 §3.2.2). */
export class AuthenticationFailed extends Schema.TaggedError<AuthenticationFailed>()("AuthenticationFailed", {
  mechanism: Schema.String,
  reply: Reply,
  challenge: Schema.optionalKey(Schema.String)
}) {}
/** Nothing was tried: no mechanism in common, the one asked for not offered, or no TLS to protect it. */
export class AuthenticationUnavailable
  extends Schema.TaggedError<AuthenticationUnavailable>()("AuthenticationUnavailable", {
    kind: Schema.Literals(["NoCommonMechanism", "ClearTextForbidden", "NotOffered"]),
    offered: Schema.Array(Schema.String),
    allowed: Schema.Array(Schema.String)
  })
{}
/** MAIL was refused. `sender` is the reverse-path. */
export class SenderRefused extends Schema.TaggedError<SenderRefused>()("SenderRefused", {
  sender: Schema.String,
  reply: Reply
}) {}
/** Every recipient was refused (or one, with `allRecipients: "required"`). `reply` is the first refusal. */
export class RecipientsRefused extends Schema.TaggedError<RecipientsRefused>()("RecipientsRefused", { reply: Reply }) {}
/** DATA, BDAT or the content was refused. */
export class ContentRefused extends Schema.TaggedError<ContentRefused>()("ContentRefused", { reply: Reply }) {}

// the peer, or the source of the content, broke the rules

/** The two ends are out of step. The session was closed. */
export class ProtocolViolation extends Schema.TaggedError<ProtocolViolation>()("ProtocolViolation", {
  problem: Schema.String,
  line: Schema.optionalKey(Schema.String)
}) {}
/** The peer sent more than a limit of ours allows. */
export class LimitExceeded extends Schema.TaggedError<LimitExceeded>()("LimitExceeded", {
  what: Schema.Literals([
    "replyLine",
    "replyLines",
    "reply",
    "ehloKeywords",
    "saslChallenge",
    "saslSteps",
    "saslIterations",
    "recipients"
  ]),
  limit: Schema.Int
}) {}
/** The stream that gives the content failed. No truncated message was left behind. */
export class ContentSourceFailed extends Schema.TaggedError<ContentSourceFailed>()("ContentSourceFailed", {
  problem: Schema.String,
  cause: Schema.Defect()
}) {}

// several servers

/** `failover` and `balance`: what each server's attempt came to. */
export class EveryServerFailed extends Schema.TaggedError<EveryServerFailed>()("EveryServerFailed", {
  errors: Schema.NonEmptyArray(Schema.suspend((): Schema.Codec<SmtpError, unknown> => SmtpError))
}) {}

export const SmtpErrorReason = Schema.Union([
  InvalidConfiguration,
  InvalidMessage,
  ExtensionUnavailable,
  MessageTooLarge,
  TransporterClosed,
  Throttled,
  ConnectionFailed,
  ConnectionLost,
  TimedOut,
  TlsUnavailable,
  CertificateRejected,
  TlsFailed,
  ServerRefused,
  CredentialsUnavailable,
  AuthenticationFailed,
  AuthenticationUnavailable,
  SenderRefused,
  RecipientsRefused,
  ContentRefused,
  ProtocolViolation,
  LimitExceeded,
  ContentSourceFailed,
  EveryServerFailed
])
export type SmtpErrorReason = typeof SmtpErrorReason.Type

const inspect = Symbol.for("nodejs.util.inspect.custom")

const fields = {
  reason: SmtpErrorReason,
  phase: Phase,
  /** "NotAccepted": no recipient has it. "Unknown": someone may. "Partial": some have it, see `recipients` (LMTP, split envelopes). */
  delivery: Schema.Literals(["NotAccepted", "Unknown", "Partial"]),
  recipients: Schema.Array(RecipientVerdict),
  server: Schema.optionalKey(Schema.Struct({ host: Schema.String, port: Schema.Int })),
  conversation: Schema.Array(LogEvent),
  /** The message as the session made it, under the transporter's redaction. */
  summary: Schema.optionalKey(Schema.String)
}

/** See the module. `Effect.catchReason("SmtpError", "AuthenticationFailed", …)` picks one reason. */
export class SmtpError extends Schema.TaggedError<SmtpError>()("SmtpError", fields) {
  /** What holds addresses and the conversation can be read and is not enumerated: reports of uncaught errors print what is. */
  // @effect-diagnostics-next-line overriddenSchemaConstructor:off -- decoding passes through it unchanged
  constructor(input: Schema.Struct<typeof fields>["~type.make.in"], options?: Schema.MakeOptions) {
    super(input, options)
    for (const field of ["reason", "recipients", "conversation", "summary"]) {
      if (field in this) Object.defineProperty(this, field, { enumerable: false })
    }
  }
  /** What happened, to whom, the server's own words with mail addresses masked, what to try. Never the conversation. */
  override get message(): string {
    return this.summary ?? describe(this)
  }
  /** The reply that refused, where one did. */
  get reply(): Reply | undefined {
    return "reply" in this.reason ? this.reason.reply : undefined
  }
  /** The same message, sent again whole, may succeed and cannot arrive twice. */
  get isRetryable(): boolean {
    if (this.delivery !== "NotAccepted") return false
    switch (this.reason._tag) {
      case "ConnectionFailed":
      case "ConnectionLost":
      case "TimedOut":
      case "Throttled":
        return true
      case "TlsFailed":
        return this.reason.kind === "Handshake"
      case "CredentialsUnavailable":
        return this.reason.isTransient ?? false
      case "RecipientsRefused":
        // 552 to RCPT counts as 452 (RFC 5321 §4.5.3.1.10)
        return this.recipients.some((r) => r._tag === "Refused" && (r.reply.isTransient || r.reply.code === 552))
      case "EveryServerFailed":
        return this.reason.errors.some((error) => error.isRetryable)
      default:
        return this.reply?.isTransient ?? false
    }
  }
  override toString(): string {
    return `SmtpError: ${this.message}`
  }
  /** The facts that a tracker may have: no conversation, no addresses. */
  override toJSON(): unknown {
    return {
      _tag: this._tag,
      reason: this.reason._tag,
      phase: this.phase,
      delivery: this.delivery,
      isRetryable: this.isRetryable,
      ...(this.server === undefined ? {} : { server: this.server }),
      ...(this.reply === undefined ? {} : { code: this.reply.code, enhanced: this.reply.enhanced }),
      message: this.message
    }
  }
  [inspect](): unknown {
    return this.toJSON()
  }
}

const seconds = (milliseconds: number): string => `${Math.round(milliseconds / 100) / 10} s`

const words = (reply: Reply): string =>
  maskAddresses(escapeInPlain(`${reply.code} ${reply.lines.join(" / ")}`)).trimEnd()

/** RFC 4954 §6 and RFC 3207 §4 give 530 to a client that left something out. */
const wanted = (reply: Reply): string =>
  reply.code !== 530
    ? ""
    : /TLS/i.test(reply.text)
    ? "; the server wants TLS first: set tls: \"required\""
    : "; the server wants a login first: give user and password"

const doing: Record<Phase, string> = {
  connect: "while connecting",
  tls: "during the TLS handshake",
  greeting: "while waiting for the greeting",
  ehlo: "at EHLO",
  starttls: "at STARTTLS",
  auth: "while authenticating",
  mail: "at MAIL",
  rcpt: "at RCPT",
  data: "at DATA",
  content: "while the content was sent",
  verdict: "while waiting for the verdict on the content",
  rset: "at RSET",
  quit: "at QUIT"
}

const what = (error: SmtpError): string => {
  const reason = error.reason
  const when = doing[error.phase]
  const refused = error.recipients.filter((verdict) => verdict._tag === "Refused").length
  const of = error.recipients.length
  switch (reason._tag) {
    case "InvalidConfiguration":
      return `the option ${reason.option} cannot be used: ${reason.problem}`
    case "InvalidMessage":
      return `the message cannot be sent: ${maskAddresses(escapeInPlain(reason.error.message))}`
    case "ExtensionUnavailable":
      return `the server does not offer ${reason.extension}, which is needed for ${
        maskAddresses(escape(reason.neededFor))
      }`
    case "MessageTooLarge":
      return `the message has ${reason.octets} octets and the server takes at most ${reason.limit}; send less, or a link`
    case "TransporterClosed":
      return "the transporter is closed: its scope has ended"
    case "Throttled":
      return `held back by ${reason.by === "server" ? "the server's wish" : reason.by}${
        reason.retryAfter === undefined ? "" : `; try again in ${seconds(reason.retryAfter)}`
      }`
    case "ConnectionFailed": {
      const tried = reason.attempts.map((attempt) => `${attempt.address}: ${attempt.problem}`).join("; ")
      const kind = {
        HostNotFound: "the host's name is not known; check its spelling and the DNS",
        Refused: "nothing listens there, or a firewall refuses; check host and port",
        Unreachable: "there is no way to the host; check network and firewall",
        Proxy: "there is no way through the proxy; check its address and login, and whether it allows this port",
        Other: "no connection came about"
      }[reason.kind]
      return `cannot connect: ${kind}${tried === "" ? "" : ` (${escapeInPlain(tried)})`}`
    }
    case "ConnectionLost":
      return `the connection was ${reason.kind === "Reset" ? "reset" : "closed by the other end"} ${when}`
    case "TimedOut":
      if (reason.scope === "send") {
        return `the send's own limit of ${seconds(reason.limit)} passed ${when} (sendTimeOut)`
      }
      return error.phase === "greeting"
        ? `the server accepted the connection and said nothing for ${
          seconds(reason.limit)
        }; if this port speaks TLS from the first octet (465 does), set tls: "implicit"`
        : `no answer within ${seconds(reason.limit)} ${when}`
    case "TlsUnavailable":
      return reason.reply === undefined
        ? `TLS is required and the server does not offer STARTTLS; use the port for implicit TLS (465), or allow clear text with acceptUnsecureConnection`
        : `TLS is required and the server refused STARTTLS: ${words(reason.reply)}`
    case "CertificateRejected":
      return `the certificate does not vouch for ${escape(reason.servername)}: ${
        escape(reason.problem)
      }; if the certificate is your own, give its CA with tls: { ca } or its key with tls: { pin }`
    case "TlsFailed": {
      const seen = reason.seen === undefined ? "" : ` ("${escape(reason.seen)}")`
      return {
        Handshake: `the TLS handshake failed${seen}${
          reason.cause instanceof Error ? `: ${escapeInPlain(reason.cause.message)}` : ""
        }`,
        PlainServerOnTlsPort:
          `the server speaks plain text on this port${seen}, not TLS from the first octet; use STARTTLS (tls: "required", port 587)`,
        TlsServerOnPlainPort: `the server speaks TLS from the first octet on this port; set tls: "implicit"`,
        PlaintextInjected:
          "plain text arrived behind the reply to STARTTLS, before the handshake: somebody between the two ends may have put it there"
      }[reason.kind]
    }
    case "CredentialsUnavailable":
      return `the password or token could not be had: ${
        reason.problem === undefined
          ? "the Effect that gives it failed"
          : maskAddresses(escapeInPlain(reason.problem))
      }`
    case "ServerRefused":
      return `the server refused ${when}: ${words(reason.reply)}`
    case "AuthenticationFailed":
      return `the server refused the login (AUTH ${escape(reason.mechanism)}): ${words(reason.reply)}${
        reason.challenge === undefined ? "" : ` (${maskAddresses(escapeInPlain(reason.challenge))})`
      }; check user and password (some providers want an app password), or fix another mechanism with authenticationMode`
    case "AuthenticationUnavailable": {
      const offered = reason.offered.length === 0 ? "none" : escape(reason.offered.join(" "))
      return {
        NoCommonMechanism: `no mechanism in common: the server offers ${offered}, we could use ${
          reason.allowed.join(" ")
        }`,
        ClearTextForbidden:
          "credentials are not sent without verified TLS; use TLS, or dangerouslyAuthInClear where the wire is your own",
        NotOffered: reason.offered.length === 0
          ? "the server offers no login here; many offer it only over TLS, or on another port (587, 465)"
          : `the server offers no ${reason.allowed.join(" or ")} (it offers: ${offered})`
      }[reason.kind]
    }
    case "SenderRefused":
      return `the server refused the sender: ${words(reason.reply)}${wanted(reason.reply)}`
    case "RecipientsRefused":
      return `the server refused ${of > 0 ? `${refused} of ${of} recipients` : "the recipient"}: ${
        words(reason.reply)
      }${wanted(reason.reply)}`
    case "ContentRefused":
      return `the server refused the message ${error.phase === "verdict" ? "after its content" : when}: ${
        words(reason.reply)
      }`
    case "ProtocolViolation":
      return `the server broke the protocol ${when}: ${escape(reason.problem)}${
        reason.line === undefined ? "" : ` ("${maskAddresses(escape(reason.line))}")`
      }`
    case "LimitExceeded":
      return `the server went past a limit ${when}: ${reason.what} ${reason.limit}`
    case "ContentSourceFailed":
      return `the source of the content failed: ${escape(reason.problem)}; nothing was delivered of it`
    case "EveryServerFailed":
      return `every server failed: ${reason.errors.map((each) => each.message).join(" | ")}`
  }
}

/** The text of `SmtpError.message`, from the error's fields alone. */
export const describe = (error: SmtpError): string => {
  const where = error.server === undefined
    ? ""
    : `${escape(error.server.host)}${error.server.port === 0 ? "" : `:${error.server.port}`}: `
  const doubt = error.delivery === "Unknown"
    ? "; the message may have been delivered: do not send it again without asking"
    : error.delivery === "Partial"
    ? "; some recipients have the message, for others it is not known"
    : ""
  return `${where}${what(error)}${doubt}`
}

/** The whole of it, conversation included, for a person to read. */
export const render = (error: SmtpError): string => {
  const verdicts = error.recipients.map((verdict) => {
    const said = "reply" in verdict ? `: ${escape(`${verdict.reply.code} ${verdict.reply.lines.join(" / ")}`)}` : ""
    return `  ${escape(verdict.recipient)} ${verdict._tag}${said}`
  })
  return [
    error.message,
    ...(verdicts.length === 0 ? [] : ["Recipients:", ...verdicts]),
    ...(error.conversation.length === 0 ? [] : ["The end of the conversation:", LogText.format(error.conversation)])
  ].join("\n")
}
