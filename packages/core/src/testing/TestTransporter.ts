import type * as Context from "effect/Context"
import * as Ctx from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type { Composed, Draft } from "../Message.ts"
import type { SmtpErrorReason } from "../SmtpError.ts"
import type { Transporter } from "../Transporter.ts"
export class SentMail extends Ctx.Service<
  SentMail,
  {
    readonly messages: Effect.Effect<ReadonlyArray<Composed | Draft>>
    readonly failNext: (reason: SmtpErrorReason) => Effect.Effect<void>
  }
>()("@colloquy/core/testing/SentMail") {}
export declare const layer: Layer.Layer<Transporter | SentMail>
export declare const layerFor: <I>(tag: Context.Key<I, Transporter>) => Layer.Layer<I | SentMail>
