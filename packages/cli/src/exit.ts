/**
 * Exit statuses: those of sysexits.h where one fits, and 79 of our own. What is documented here is what `--help` prints.
 *
 * Invariant: 75 invites a wrapper to send again, so it is given only where nobody has the message and trying again may
 * succeed; whenever somebody may have it without our knowing, the status is 79.
 */
import type * as SmtpError from "@colloquy/core/SmtpError"
import * as Data from "effect/Data"
import * as Runtime from "effect/Runtime"

export const status = {
  accepted: 0,
  usage: 64,
  data: 65,
  recipients: 67,
  host: 68,
  unavailable: 69,
  software: 70,
  inputOutput: 74,
  temporary: 75,
  protocol: 76,
  authentication: 77,
  configuration: 78,
  unknown: 79
} as const
export type Status = typeof status[keyof typeof status]

export const meanings: ReadonlyArray<readonly [status: number, meaning: string]> = [
  [0, "all recipients accepted; for check: the server can be used"],
  [64, "wrong usage of the command"],
  [65, "wrong data: an address, the message, or its size; refused by the server for good"],
  [67, "some or all recipients refused, each is listed; the others have the message"],
  [68, "the host's name is not known"],
  [69, "the server is unavailable: nothing listens, it refuses us, or it lacks TLS or an extension"],
  [70, "a fault of this program"],
  [74, "a log or input file can't be used"],
  [75, "temporary: nobody has the message, sending it again later may succeed"],
  [76, "the server broke the protocol"],
  [77, "the login was refused or is not possible"],
  [78, "contradictory or impossible configuration"],
  [79, "the outcome is unknown: the message may have been delivered, do not resend blindly"],
  [130, "interrupted; content that was on its way may have been delivered"]
]

/** Ends the program with this status. What it means has been printed. */
export class Exit extends Data.TaggedError("Exit")<{ readonly status: Status }> {
  override readonly [Runtime.errorExitCode]: number = this.status
  override readonly [Runtime.errorReported]: boolean = false
}

/** Codes by which a server asks for a login, or for a better one (RFC 4954 §6). */
const wantsLogin = new Set([530, 534, 535, 538])

const ofReason = (error: SmtpError.SmtpError): Status => {
  const reason = error.reason
  switch (reason._tag) {
    case "InvalidConfiguration":
      return status.configuration
    case "InvalidMessage":
    case "MessageTooLarge":
    case "ContentRefused":
      return status.data
    case "SenderRefused":
      return wantsLogin.has(reason.reply.code) ? status.authentication : status.data
    case "RecipientsRefused":
      return status.recipients
    case "ContentSourceFailed":
      return status.inputOutput
    case "ConnectionFailed":
      return reason.kind === "HostNotFound" ? status.host : status.unavailable
    case "ExtensionUnavailable":
    case "TransporterClosed":
    case "TlsUnavailable":
    case "CertificateRejected":
    case "ServerRefused":
      return status.unavailable
    case "TlsFailed":
      return reason.kind === "PlaintextInjected"
        ? status.protocol
        : reason.kind === "Handshake"
        ? status.unavailable
        : status.configuration
    case "ProtocolViolation":
      return status.protocol
    case "LimitExceeded":
      return reason.what === "recipients" ? status.data : status.protocol
    case "CredentialsUnavailable":
    case "AuthenticationFailed":
    case "AuthenticationUnavailable":
      return status.authentication
    case "Throttled":
    case "ConnectionLost":
    case "TimedOut":
      return status.temporary
    case "EveryServerFailed":
      return ofError(reason.errors[0])
  }
}

/** Where trying again is possible, but another status says more: no such host, nothing listens there. */
const saysMoreThanTemporary = (error: SmtpError.SmtpError) => error.reason._tag === "ConnectionFailed"

/** Recipients refused for now only count as temporary when none was refused for good. */
const refusedForGood = (error: SmtpError.SmtpError) =>
  error.recipients.some((verdict) =>
    verdict._tag === "Refused" && !verdict.reply.isTransient && verdict.reply.code !== 552
  )

export const ofError = (error: SmtpError.SmtpError): Status => {
  if (error.delivery === "Unknown" || error.recipients.some((verdict) => verdict._tag === "Unknown")) {
    return status.unknown
  }
  if (error.delivery === "Partial") return status.recipients
  if (error.isRetryable && !saysMoreThanTemporary(error) && !refusedForGood(error)) return status.temporary
  return ofReason(error)
}
