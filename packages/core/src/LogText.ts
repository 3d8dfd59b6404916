/**
 * The log's text form (DESIGN §5): five columns, one record a line, and the same events as JSON lines.
 *
 * Laws: event → text → event and event → JSON → event are exact; text → events → text is exact, with no `Unread`, for
 * what this module wrote. Reading never fails: a line that cannot be read is an `Unread` event. 4D's own dialect (which
 * escapes nothing, names no zone, leaves out columns and glues records) is read, never written.
 *
 * Not here: redaction (it has already happened) and the formats of other programs.
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import type * as Channel from "effect/Channel"
import { escape } from "./internal/log/escape.ts"
import { rest, sentence } from "./internal/log/sentences.ts"
import { formatTime, type TimeForm } from "./internal/log/time.ts"
import type { LogEvent } from "./LogEvent.ts"

export interface EncodeOptions {
  /** "utc" (default) ends in `Z`; "offset" is local time with `+hh:mm`; "4d" is 4D's local time without zone. */
  readonly time?: TimeForm | undefined
  /** IANA name of the zone of local times. Default: the machine's. */
  readonly zone?: string | undefined
}

const statement = (event: LogEvent, whole: boolean): string => {
  switch (event._tag) {
    case "ServerLine":
      return `S < "${escape(event.line)}"`
    case "ClientLine":
      return `C > "${escape(event.line)}"`
    case "HeaderLine":
      return `C >> "${escape(event.line)}"`
    case "BodyLine":
      return `C >>> "${escape(event.line)}"`
    default:
      return whole ? `### ${sentence(event)}${rest(event)}` : `### ${sentence(event)}`
  }
}

/** One record, without line end. */
export const encode = (event: LogEvent, options?: EncodeOptions): string =>
  `${event.counter} ${
    formatTime(event.time, options?.time ?? "utc", options?.zone)
  } ${event.process} ${event.session} ${statement(event, true)}`

/** `statement`: the last column only, and of it the sentence without the JSON object of the rest. */
export const format = (
  events: ReadonlyArray<LogEvent>,
  options?: { readonly columns?: "full" | "statement" | undefined }
): string =>
  events.map((event) => options?.columns === "statement" ? statement(event, false) : encode(event)).join("\n")

export declare const decode: (line: string, options?: { readonly zone?: string }) => NonEmptyReadonlyArray<LogEvent>
export declare const decodeChannel: (
  options?: { readonly zone?: string }
) => Channel.Channel<NonEmptyReadonlyArray<LogEvent>, never, void, NonEmptyReadonlyArray<Uint8Array>>
