/**
 * Which conversations of a log are looked at: by session, host, recipient's domain, or only those that fail.
 *
 * Each is a function over a stream of events, the live one (`SmtpLog.stream`) as well as one that was read, and they
 * compose by `pipe`. A conversation is given whole: where it is known only in its middle that it is wanted, what came
 * before was held back, and comes then. Memory is bounded: of a conversation that is held back the newest 2,000 events are
 * kept, and a `Lost` event stands for the others. Events of no session pass, but for those of `session`.
 *
 * What a redaction took out of the log can't be looked for: `Redaction.addresses` leaves the domain.
 *
 * Which events a *sink* is given is `LogSink.filter` and `LogSink.onFailure`.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { openingNote } from "./internal/log/foreignNotes.ts"
import * as FlightRecorder from "./internal/sink/flightRecorder.ts"
import { TypeId } from "./internal/sink/model.ts"
import type { LogEvent } from "./LogEvent.ts"

/** Events in, those of the wanted conversations out. */
export interface LogFilter {
  <E, R>(events: Stream.Stream<LogEvent, E, R>): Stream.Stream<LogEvent, E, R>
}

export interface Options {
  /** How many events of a conversation are held back. Default 2,000. */
  readonly maxEvents?: number | undefined
}

/** Conversations in which such an event occurs. */
export const having = (isWanted: (event: LogEvent) => boolean, options?: Options): LogFilter => (events) =>
  Stream.mapAccumArray(events, () => {
    const out: Array<LogEvent> = []
    const recorder = FlightRecorder.make({
      [TypeId]: TypeId,
      content: "full",
      recordUnsafe: (event) => {
        out.push(event)
        return true
      },
      flush: Effect.void
    }, { ...options, isWanted })
    return { out, recorder }
  }, (state, events) => {
    for (const event of events) state.recorder.recordUnsafe(event)
    return [state, state.out.splice(0)]
  })

/** Conversations that fail: what the flight recorder keeps (`LogSink.onFailure`). */
export const failures = (options?: Options): LogFilter =>
  having((event) => event._tag === "Failed" || event._tag === "TimedOut", options)

/** Sessions with this host, in any case of its letters. */
export const host = (name: string, options?: Options): LogFilter => {
  const wanted = name.toLowerCase()
  return having((event) => hostOf(event)?.toLowerCase() === wanted, options)
}

/** Sessions in which a recipient of this domain is named, in any case of its letters. */
export const recipientDomain = (domain: string, options?: Options): LogFilter => {
  const wanted = domain.toLowerCase()
  return having((event) => recipientDomainOf(event)?.toLowerCase() === wanted, options)
}

/** These sessions and nothing else. */
export const session = (...numbers: ReadonlyArray<number>): LogFilter => {
  const wanted = new Set(numbers)
  return (events) => Stream.filter(events, (event) => wanted.has(event.session))
}

/** The host that this event says the session is with. */
export const hostOf = (event: LogEvent): string | undefined =>
  event._tag === "Connecting" || event._tag === "Connected"
    ? event.host
    : event._tag === "Note"
    ? openingNote(event.text)?.host
    : undefined

/** The domain of the recipient that this event names. */
export const recipientDomainOf = (event: LogEvent): string | undefined => {
  if (event._tag !== "ClientLine") return undefined
  const path = /^RCPT TO: {0,9}(?:<([^>]*)>|(\S+))/i.exec(event.line)
  const address = path?.[1] ?? path?.[2]
  if (address === undefined) return undefined
  const at = address.lastIndexOf("@")
  return at < 0 ? undefined : address.slice(at + 1)
}
