import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type { PersistedQueueError, PersistedQueueFactory } from "effect/persistence/PersistedQueue"
import type * as Schedule from "effect/Schedule"
import type { SchemaError } from "effect/Schema"
import type { Message } from "./Message.ts"
import type { Receipt } from "./Receipt.ts"
import type { SmtpError } from "./SmtpError.ts"
import type { Transporter } from "./Transporter.ts"
export class Outbox extends Context.Service<Outbox, {
  readonly enqueue: (
    message: Message,
    options?: { readonly id?: string | undefined }
  ) => Effect.Effect<string, PersistedQueueError | SchemaError>
}>()("@colloquy/core/Outbox") {}
export interface Options<I> {
  readonly name?: string | undefined
  readonly transporter?: Context.Key<I, Transporter> | undefined
  readonly concurrency?: number | undefined
  readonly retry?: Schedule.Schedule<unknown, SmtpError> | undefined
  readonly onSettled?:
    | ((
      entry: { readonly id: string; readonly message: Message; readonly outcome: Receipt | SmtpError }
    ) => Effect.Effect<void>)
    | undefined
}
export declare const layer: <I = Transporter>(
  options?: Options<I>
) => Layer.Layer<Outbox, PersistedQueueError, I | PersistedQueueFactory>
