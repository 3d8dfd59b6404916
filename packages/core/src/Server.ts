import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import type { SocketServer, SocketServerError } from "effect/socket/SocketServer"
import type * as Stream from "effect/Stream"
import type { Connection } from "./Connection.ts"
import type { Envelope } from "./Envelope.ts"
import type { Reply } from "./Reply.ts"
import type { SmtpLog } from "./SmtpLog.ts"
/** The dialogue from the other side: each handler answers with the reply to give; failing with one refuses. */
export interface Handlers<R = never> {
  readonly authenticate?: (user: string, password: Redacted.Redacted) => Effect.Effect<void, Reply, R>
  readonly mail?: (from: string) => Effect.Effect<void, Reply, R>
  readonly rcpt?: (to: string) => Effect.Effect<void, Reply, R>
  readonly message: (envelope: Envelope, content: Stream.Stream<Uint8Array>) => Effect.Effect<Reply, Reply, R>
}
export declare const serve: <R>(
  connection: Connection,
  handlers: Handlers<R>
) => Effect.Effect<void, never, R | SmtpLog | Scope.Scope>
export declare const run: <R>(
  handlers: Handlers<R>
) => Effect.Effect<never, SocketServerError, R | SmtpLog | SocketServer>
