import type * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type { Connector } from "../Connector.ts"
import type { LogEvent } from "../LogEvent.ts"
export class ReplayError extends Schema.TaggedError<ReplayError>("@colloquy/core/testing/ReplayError")("ReplayError", {
  problem: Schema.String
}) {}
export declare const layer: (
  log: string | ReadonlyArray<LogEvent>,
  options?: { readonly session?: number }
) => Layer.Layer<Connector, ReplayError>
