import * as Schema from "effect/Schema"
import { LogEvent, Phase } from "./LogEvent.ts"
import { MessageError } from "./MessageError.ts"
import { RecipientVerdict } from "./Receipt.ts"
import { Reply } from "./Reply.ts"
import { Certificate } from "./Tls.ts"

// before anything is said
export class InvalidConfiguration extends Schema.TaggedError<InvalidConfiguration>()("InvalidConfiguration", {
  option: Schema.String,
  problem: Schema.String
}) {}
export class InvalidMessage extends Schema.TaggedError<InvalidMessage>()("InvalidMessage", { error: MessageError }) {}
export class ExtensionUnavailable extends Schema.TaggedError<ExtensionUnavailable>()("ExtensionUnavailable", {
  extension: Schema.String,
  neededFor: Schema.String
}) {}
export class MessageTooLarge
  extends Schema.TaggedError<MessageTooLarge>()("MessageTooLarge", { octets: Schema.Int, limit: Schema.Int })
{}
export class TransporterClosed extends Schema.TaggedError<TransporterClosed>()("TransporterClosed", {}) {}
export class Throttled extends Schema.TaggedError<Throttled>()("Throttled", {
  by: Schema.Literals(["rateLimit", "circuitBreaker", "server"]),
  retryAfter: Schema.optionalKey(Schema.Finite)
}) {}
// connection
export class ConnectionFailed extends Schema.TaggedError<ConnectionFailed>()("ConnectionFailed", {
  kind: Schema.Literals(["HostNotFound", "Refused", "Unreachable", "Proxy", "Other"]),
  host: Schema.String,
  port: Schema.Int,
  attempts: Schema.Array(Schema.Struct({ address: Schema.String, problem: Schema.String })),
  cause: Schema.optionalKey(Schema.Defect())
}) {}
export class ConnectionLost extends Schema.TaggedError<ConnectionLost>()("ConnectionLost", {
  kind: Schema.Literals(["Closed", "Reset"]),
  cause: Schema.optionalKey(Schema.Defect())
}) {}
export class TimedOut extends Schema.TaggedError<TimedOut>()("TimedOut", {
  limit: Schema.Finite,
  scope: Schema.Literals(["phase", "send"])
}) {}
// TLS
export class TlsUnavailable
  extends Schema.TaggedError<TlsUnavailable>()("TlsUnavailable", { reply: Schema.optionalKey(Reply) })
{}
export class CertificateRejected extends Schema.TaggedError<CertificateRejected>()("CertificateRejected", {
  problem: Schema.String,
  servername: Schema.String,
  chain: Schema.Array(Certificate)
}) {}
export class TlsFailed extends Schema.TaggedError<TlsFailed>()("TlsFailed", {
  kind: Schema.Literals(["Handshake", "PlainServerOnTlsPort", "TlsServerOnPlainPort", "PlaintextInjected"]),
  cause: Schema.optionalKey(Schema.Defect())
}) {}
// the server said no
export class CredentialsUnavailable
  extends Schema.TaggedError<CredentialsUnavailable>()("CredentialsUnavailable", { cause: Schema.Defect() })
{}
export class ServerRefused extends Schema.TaggedError<ServerRefused>()("ServerRefused", { reply: Reply }) {}
export class AuthenticationFailed extends Schema.TaggedError<AuthenticationFailed>()("AuthenticationFailed", {
  mechanism: Schema.String,
  reply: Reply,
  challenge: Schema.optionalKey(Schema.String)
}) {}
export class AuthenticationUnavailable
  extends Schema.TaggedError<AuthenticationUnavailable>()("AuthenticationUnavailable", {
    kind: Schema.Literals(["NoCommonMechanism", "ClearTextForbidden", "NotOffered"]),
    offered: Schema.Array(Schema.String),
    allowed: Schema.Array(Schema.String)
  })
{}
export class SenderRefused
  extends Schema.TaggedError<SenderRefused>()("SenderRefused", { sender: Schema.String, reply: Reply })
{}
export class RecipientsRefused extends Schema.TaggedError<RecipientsRefused>()("RecipientsRefused", { reply: Reply }) {}
export class ContentRefused extends Schema.TaggedError<ContentRefused>()("ContentRefused", { reply: Reply }) {}
// the peer, or the source of the content, broke the rules
export class ProtocolViolation extends Schema.TaggedError<ProtocolViolation>()("ProtocolViolation", {
  problem: Schema.String,
  line: Schema.optionalKey(Schema.String)
}) {}
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
export class ContentSourceFailed extends Schema.TaggedError<ContentSourceFailed>()("ContentSourceFailed", {
  problem: Schema.String,
  cause: Schema.Defect()
}) {}
// several servers
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

export class SmtpError extends Schema.TaggedError<SmtpError>()("SmtpError", {
  reason: SmtpErrorReason,
  phase: Phase,
  /** "NotAccepted": no recipient has it. "Unknown": someone may. "Partial": some have it, see `recipients` (LMTP, split envelopes). */
  delivery: Schema.Literals(["NotAccepted", "Unknown", "Partial"]),
  recipients: Schema.Array(RecipientVerdict),
  server: Schema.optionalKey(Schema.Struct({ host: Schema.String, port: Schema.Int })),
  conversation: Schema.Array(LogEvent)
}) {
  /** Stands for: phase, code, the server's words with addresses masked, what to try (P3); never the conversation. */
  override get message(): string {
    return `${this.reason._tag} while ${this.phase}`
  }
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
      case "RecipientsRefused":
        return this.recipients.some((r) => r._tag === "Refused" && (r.reply.isTransient || r.reply.code === 552)) // 552 to RCPT counts as 452
      case "EveryServerFailed":
        return this.reason.errors.some((error) => error.isRetryable)
      default:
        return this.reply?.isTransient ?? false
    }
  }
}
/** The whole of it, conversation included, for a person to read. */
export declare const render: (error: SmtpError) => string
