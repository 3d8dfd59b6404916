import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as Socket from "effect/socket/Socket"
import type { Connector } from "../Connector.ts"
import type { CertificateRejected, ConnectionFailed, TlsFailed } from "../SmtpError.ts"
import type { TlsInfo } from "../Tls.ts"
export interface Step {
  readonly "~@colloquy/core/testing/Script": unknown
}
export declare const greet: (...lines: ReadonlyArray<string>) => Step
/** Expects a client line (a pattern may match part of it), then replies. */
export declare const on: (line: string | RegExp, ...reply: ReadonlyArray<string>) => Step
export declare const silence: Step
export declare const delay: (duration: Duration.Input) => Step
export declare const close: Step
export declare const startTls: Step
/** The upgrade's outcome: what TLS found out, or how it fails (expired, self-signed, wrong name, handshake). */
export declare const startTlsWith: (
  outcome: { readonly info: TlsInfo } | { readonly fails: CertificateRejected | TlsFailed }
) => Step
/** The dial fails. */
export declare const refuse: (reason: ConnectionFailed) => Step
export declare const reset: Step
/** Octets as they are: no CRLF added. */
export declare const raw: (octets: Uint8Array | string) => Step
/** Content up to CRLF.CRLF */
export declare const content: (...reply: ReadonlyArray<string>) => Step
export declare const fromText: (dialogue: string) => ReadonlyArray<Step>
export class ScriptServer extends Context.Service<
  ScriptServer,
  { readonly wire: Effect.Effect<string>; readonly assertFinished: Effect.Effect<void> }
>()("@colloquy/core/testing/ScriptServer") {}
/** One script for every connection, or one each. */
export declare const layer: (
  script: ReadonlyArray<Step> | ReadonlyArray<ReadonlyArray<Step>>,
  options?: { readonly chunks?: "whole" | "line" | "byte" }
) => Layer.Layer<Connector | ScriptServer>
export declare const layerSocket: (script: ReadonlyArray<Step>) => Layer.Layer<Socket.Socket | ScriptServer>
