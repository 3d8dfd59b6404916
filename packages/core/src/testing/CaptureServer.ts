import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import type { SocketServer } from "effect/socket/SocketServer"
import type { Connector } from "../Connector.ts"
import type { Envelope } from "../Envelope.ts"
import type { SmtpLog } from "../SmtpLog.ts"
export interface Captured {
  readonly envelope: Envelope
  readonly content: Uint8Array
  readonly text: string
}
export interface Options {
  readonly users?: Readonly<Record<string, Redacted.Redacted>>
  readonly tls?: { readonly key: Redacted.Redacted; readonly cert: string }
  readonly size?: number
}
export class CaptureServer extends Context.Service<CaptureServer, {
  readonly messages: Effect.Effect<ReadonlyArray<Captured>>
  readonly take: Effect.Effect<Captured>
  readonly port: number
}>()("@colloquy/core/testing/CaptureServer") {}
export declare const layer: (options?: Options) => Layer.Layer<CaptureServer, never, SocketServer | SmtpLog>
/** Client and server in one process, no socket: the dialogue runs in full. */
export declare const layerMemory: (options?: Options) => Layer.Layer<CaptureServer | Connector>
