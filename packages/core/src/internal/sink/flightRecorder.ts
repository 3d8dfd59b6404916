/**
 * Keeps each conversation in memory and hands it on only if it failed: the log of what went wrong, and of nothing else.
 *
 * A conversation failed when it holds `Failed` (whatever made an error of it, a refusal included) or `TimedOut`. From then
 * on its events go straight through. Memory is bounded: a conversation keeps its newest events, and a `Lost` event with
 * the number of the last one dropped stands for the others. Events of no session go straight through.
 */
import type { LogEvent } from "../../LogEvent.ts"
import { type LogSink, TypeId } from "./model.ts"

const defaultMaxEvents = 2_000

interface Kept {
  readonly ring: Array<LogEvent>
  position: number
  /** The newest event that is no longer kept. */
  dropped: LogEvent | undefined
  isConnected: boolean
}

const isFailure = (event: LogEvent): boolean => event._tag === "Failed" || event._tag === "TimedOut"

/** A sign that a connection came about. */
const isConnection = (event: LogEvent): boolean =>
  event._tag === "Connected" || event._tag === "ClientLine" || event._tag === "ServerLine"

export interface Options {
  readonly maxEvents?: number | undefined
  /** The event from which on the conversation is handed on. Default: the failure. */
  readonly isWanted?: ((event: LogEvent) => boolean) | undefined
}

export const make = (sink: LogSink, options?: Options): LogSink => {
  const isWanted = options?.isWanted ?? isFailure
  const maxEvents = Math.max(1, options?.maxEvents ?? defaultMaxEvents)
  /** Of one that is handed on only whether a connection came about: one that did not ends by its failure. */
  const conversations = new Map<number, Kept | "connected" | "dialling">()

  const keep = (kept: Kept, event: LogEvent) => {
    const at = kept.position++ % maxEvents
    kept.dropped = kept.ring[at] ?? kept.dropped
    kept.ring[at] = event
    if (isConnection(event)) kept.isConnected = true
  }

  const handOn = ({ dropped, position, ring }: Kept): boolean => {
    let goOn = true
    if (dropped !== undefined) {
      const { counter, process, session, time } = dropped
      const problem = "the flight recorder keeps the newest events of a conversation"
      const count = position - ring.length
      goOn = sink.recordUnsafe({ _tag: "Lost", counter, time, process, session, count, problem })
    }
    const from = position % maxEvents
    const events = dropped === undefined ? ring : [...ring.slice(from), ...ring.slice(0, from)]
    for (const event of events) goOn = sink.recordUnsafe(event) && goOn
    return goOn
  }

  return {
    [TypeId]: TypeId,
    get content() {
      return sink.content
    },
    recordUnsafe: (event) => {
      const { session } = event
      if (session === 0) return sink.recordUnsafe(event)
      const known = conversations.get(session)
      if (event._tag === "Closed") conversations.delete(session)
      if (known === "connected" || known === "dialling") {
        if (known === "dialling" && isConnection(event)) conversations.set(session, "connected")
        else if (known === "dialling" && event._tag === "Failed") conversations.delete(session)
        return sink.recordUnsafe(event)
      }
      const kept = known ?? { ring: [], position: 0, dropped: undefined, isConnected: false }
      keep(kept, event)
      const isOver = event._tag === "Closed" || (event._tag === "Failed" && !kept.isConnected)
      if (isOver) conversations.delete(session)
      else if (known === undefined) conversations.set(session, kept)
      if (!isWanted(event)) return true
      if (!isOver) conversations.set(session, kept.isConnected ? "connected" : "dialling")
      return handOn(kept)
    },
    flush: sink.flush
  }
}
