import type { NonEmptyReadonlyArray } from "effect/Array"
import type * as Channel from "effect/Channel"
import type { LogEvent } from "./LogEvent.ts"
export declare const encode: (
  event: LogEvent,
  options?: { readonly time?: "utc" | "offset" | "4d"; readonly zone?: string }
) => string
/** One line; more than one event only where 4D glued records. */
export declare const decode: (line: string, options?: { readonly zone?: string }) => NonEmptyReadonlyArray<LogEvent>
/** `statement`: the sentence without the JSON object of the rest. */
export declare const format: (
  events: ReadonlyArray<LogEvent>,
  options?: { readonly columns?: "full" | "statement" }
) => string
export declare const decodeChannel: (
  options?: { readonly zone?: string }
) => Channel.Channel<NonEmptyReadonlyArray<LogEvent>, never, void, NonEmptyReadonlyArray<Uint8Array>>
