/**
 * The dialogue from the other side: a server that receives mail (RFC 5321 §4, RFC 3207, RFC 4954, RFC 3030).
 *
 * Offers PIPELINING, SIZE, 8BITMIME, SMTPUTF8, ENHANCEDSTATUSCODES and CHUNKING, and STARTTLS and AUTH (PLAIN, LOGIN) where
 * it was given a certificate and somebody to ask. Its invariants:
 *
 * - CRLF.CRLF is the only end of data, and the octets of a BDAT are read also when it is refused: what is content for the
 *   client is never read as a command.
 * - What came behind STARTTLS in clear text is dropped, and all that was said before TLS is forgotten (CVE-2011-0411).
 * - AUTH happens once, outside of a transaction, and not in clear text unless the option that says so is set; ten failures
 *   end the session.
 * - What a client says from AUTH to its final reply is asterisks in the log, and what is no command is logged by its first
 *   word only, and never echoed: a client that is out of step sends its password as a "command".
 * - The content streams to the handler with back-pressure. One that breaks off never looks complete.
 *
 * It logs to `SmtpLog` the lines that its client logs: directions are absolute. It neither relays nor stores, and does not
 * speak LMTP; what becomes of a message is the handlers' affair.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { SocketServer, type SocketServerError } from "effect/socket/SocketServer"
import type * as Stream from "effect/Stream"
import type { Parameters } from "./Command.ts"
import * as Connection from "./Connection.ts"
import type { Envelope } from "./Envelope.ts"
import { wrongCredentials } from "./internal/serverReplies.ts"
import { converse } from "./internal/serverSession.ts"
import type { Redaction } from "./Redaction.ts"
import type { Reply } from "./Reply.ts"
import type { SmtpLog } from "./SmtpLog.ts"

/**
 * What decides about a message. Each handler answers by succeeding, or refuses by failing with the reply to give; one that
 * dies is a 451. Without `authenticate` no AUTH is offered.
 */
export interface Handlers<R = never> {
  readonly authenticate?: ((user: string, password: Redacted.Redacted) => Effect.Effect<void, Reply, R>) | undefined
  /** The reverse-path without brackets; `""` is the null one. Parameters have been checked. */
  readonly mail?: ((from: string, parameters: Parameters) => Effect.Effect<void, Reply, R>) | undefined
  /** The forward-path without brackets. */
  readonly rcpt?: ((to: string, parameters: Parameters) => Effect.Effect<void, Reply, R>) | undefined
  /**
   * The content without stuffed dots, as it arrives. The answer may come before the end of it: the rest is dropped. The
   * handler is interrupted if the content breaks off or is too large.
   */
  readonly message: (envelope: Envelope, content: Stream.Stream<Uint8Array>) => Effect.Effect<Reply, Reply, R>
}

export interface Options {
  /** The name in greeting and EHLO reply; `localhost`. */
  readonly name?: string | undefined
  /** Key and certificates (PEM) of STARTTLS, which is offered if they are given. */
  readonly tls?: { readonly key: Redacted.Redacted; readonly cert: string } | undefined
  /** TLS is on already (implicit TLS: a `SocketServer` over TLS). */
  readonly secured?: boolean | undefined
  /** AUTH without TLS. */
  readonly dangerouslyAuthInClear?: boolean | undefined
  /** MAIL is refused before AUTH. */
  readonly authenticationRequired?: boolean | undefined
  /** The largest content, in octets (RFC 1870); 50,000,000. */
  readonly size?: number | undefined
  /** For each line of the client's and between two reads of its content; 5 minutes (RFC 5321 §4.5.3.2.7). */
  readonly timeLimit?: Duration.Input | undefined
  /** What the log may not show, besides secrets, which it never does. */
  readonly redaction?: Redaction | undefined
}

/** The longest command line, in octets with CRLF (RFC 5321 §4.5.3.1.4 has 512, extensions add to it). */
export const maxCommandLine = 2_048
/** The longest line while authenticating (RFC 4954 §4). */
export const maxAuthenticationLine = 12_288
/** The most recipients of a transaction (RFC 5321 §4.5.3.1.8 has at least 100). */
export const maxRecipients = 1_000
/** Commands unknown, malformed or out of order that end the session. */
export const maxBadCommands = 100
/** Failed logins that end the session. */
export const maxFailedLogins = 10

/** One session over an open connection, until either side ends it. */
export const serve = <R>(
  connection: Connection.Connection,
  handlers: Handlers<R>,
  options: Options = {}
): Effect.Effect<void, never, R | SmtpLog> =>
  converse(connection, handlers, options, {
    commandLine: maxCommandLine,
    authenticationLine: maxAuthenticationLine,
    recipients: maxRecipients,
    badCommands: maxBadCommands,
    failedLogins: maxFailedLogins
  })

/** A session for each connection that the `SocketServer` accepts. */
export const run = <R>(
  handlers: Handlers<R>,
  options: Options = {}
): Effect.Effect<never, SocketServerError, R | SmtpLog | SocketServer> =>
  SocketServer.use((server) =>
    server.run((socket) =>
      Connection.fromSocket(socket).pipe(
        Effect.flatMap((connection) => serve(connection, handlers, options)),
        // it ended before it began
        Effect.catchTag("ConnectionLost", () => Effect.void),
        Effect.scoped
      )
    )
  )

/** Compares two secrets in a time that does not tell where they differ. */
export const isSameSecret = (one: Redacted.Redacted, other: Redacted.Redacted): boolean => {
  const encoder = new TextEncoder()
  const a = encoder.encode(Redacted.value(one))
  const b = encoder.encode(Redacted.value(other))
  let difference = a.length ^ b.length
  for (let at = 0; at < a.length; at++) difference |= (a[at] ?? 0) ^ (b[at % Math.max(1, b.length)] ?? 0)
  return difference === 0
}

const nobody = Redacted.make("\0")

/** `authenticate` for a fixed set of users; an unknown one takes as long as a wrong password. */
export const users = (
  known: Readonly<Record<string, Redacted.Redacted>>
): (user: string, password: Redacted.Redacted) => Effect.Effect<void, Reply> => {
  const passwords = new Map(Object.entries(known))
  return (user, password) =>
    Effect.suspend(() => {
      const expected = passwords.get(user)
      const same = isSameSecret(password, expected ?? nobody)
      return same && expected !== undefined ? Effect.void : Effect.fail(wrongCredentials)
    })
}
