/** Events to conversations: which session an event belongs to, where one begins and ends, and how much of it is kept. */
import * as Arr from "effect/Array"
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Cause from "effect/Cause"
import * as Channel from "effect/Channel"
import * as Effect from "effect/Effect"
import * as Pull from "effect/Pull"
import type { LogEvent } from "../../LogEvent.ts"
import { isClosingNote, openingNote } from "../log/foreignNotes.ts"

interface Conversation {
  readonly process: number
  readonly session: number
  readonly kind: "whole" | "partial" | "apart"
  readonly events: NonEmptyReadonlyArray<LogEvent>
  readonly dropped: number
}

interface Options {
  readonly maxEvents?: number | undefined
  readonly maxOpen?: number | undefined
}

/** How many events of the log may come between the end of a session and what is still said of it. */
const linger = 256

interface Open {
  readonly key: string
  readonly process: number
  readonly session: number
  isWholeAtStart: boolean
  /** Nothing has come of the dial yet. */
  isDialling: boolean
  isEnded: boolean
  endedAt: number
  readonly first: Array<LogEvent>
  /** A ring of the newest, once `first` is full; `count` is how many went into it. */
  readonly last: Array<LogEvent>
  count: number
}

export interface Grouper {
  readonly push: (event: LogEvent, out: Array<Conversation>) => void
  readonly end: (out: Array<Conversation>) => void
}

export const make = (options?: Options): Grouper => {
  const half = Math.max(1, Math.ceil((options?.maxEvents ?? 10_000) / 2))
  const maxOpen = Math.max(1, options?.maxOpen ?? 10_000)
  const open = new Map<string, Open>()
  const ended: Array<Open> = []
  let instance: string | undefined
  let seen = 0

  const close = (conversation: Open, out: Array<Conversation>) => {
    if (open.get(conversation.key) !== conversation) return
    open.delete(conversation.key)
    const { count, first, isEnded, isWholeAtStart, last, process, session } = conversation
    const turn = last.length === half ? count % half : 0
    const events = [...first, ...last.slice(turn), ...last.slice(0, turn)]
    if (!Arr.isArrayNonEmpty(events)) return
    out.push({
      process,
      session,
      kind: isWholeAtStart && isEnded ? "whole" : "partial",
      events,
      dropped: count - last.length
    })
  }

  const keep = (conversation: Open, event: LogEvent) => {
    if (conversation.first.length < half) conversation.first.push(event)
    else {
      conversation.last[conversation.count % half] = event
      conversation.count++
    }
  }

  const begin = (event: LogEvent, key: string, isWholeAtStart: boolean, out: Array<Conversation>): Open => {
    const before = open.get(key)
    if (before !== undefined) close(before, out)
    if (open.size >= maxOpen) {
      const [oldest] = open.values()
      if (oldest !== undefined) close(oldest, out)
    }
    const made: Open = {
      key,
      process: event.process,
      session: event.session,
      isWholeAtStart,
      isDialling: precedes(event),
      isEnded: false,
      endedAt: 0,
      first: [],
      last: [],
      count: 0
    }
    open.set(key, made)
    return made
  }

  return {
    push: (event, out) => {
      seen++
      while (ended.length > 0 && seen - (ended[0]?.endedAt ?? seen) > linger) {
        const over = ended.shift()
        if (over !== undefined) close(over, out)
      }
      const note = event._tag === "Note" ? openingNote(event.text) : undefined
      if (isApart(event) && note === undefined) {
        if (event._tag === "Opened" && event.instance !== instance) {
          if (instance !== undefined) {
            for (const each of open.values()) if (each.process === event.process) close(each, out)
          }
          instance = event.instance
        }
        out.push({ process: event.process, session: event.session, kind: "apart", events: [event], dropped: 0 })
        return
      }
      const key = `${event.process}/${event.session}`
      const current = open.get(key)
      const opens = event._tag === "Connecting" || note !== undefined ||
        (event._tag === "Connected" && current?.isDialling !== true)
      const isNew = current === undefined || opens || (current.isEnded && begins(event))
      const conversation = isNew ? begin(event, key, opens, out) : current
      if (!isNew) {
        // the silent ones come first
        open.delete(key)
        open.set(key, conversation)
      }
      if (event._tag === "Connected") conversation.isWholeAtStart = true
      if (!precedes(event)) conversation.isDialling = false
      keep(conversation, event)
      if (!conversation.isEnded && ends(event)) {
        conversation.isEnded = true
        conversation.endedAt = seen
        ended.push(conversation)
      }
    },
    end: (out) => {
      for (const conversation of ended) close(conversation, out)
      for (const conversation of open.values()) close(conversation, out)
    }
  }
}

/** About the log, not about a session. */
const isApart = (event: LogEvent): boolean =>
  event._tag === "Opened" || event._tag === "LogState" || event._tag === "Unread" ||
  (event._tag === "Lost" && event.session === 0) ||
  (event._tag === "Note" && event.session === 0 && !isClosingNote(event.text))

const ends = (event: LogEvent): boolean =>
  event._tag === "Closed" || (event._tag === "Note" && isClosingNote(event.text))

/** May come before a connection is there. */
const precedes = (event: LogEvent): boolean =>
  event._tag === "Connecting" || event._tag === "AttemptFailed" ||
  (event._tag === "Note" && openingNote(event.text) === undefined && !isClosingNote(event.text))

/** Cannot be something that is still said of a session that has ended. */
const begins = (event: LogEvent): boolean =>
  event._tag === "ClientLine" || event._tag === "ServerLine" || (event._tag === "Note" && isClosingNote(event.text))

export const all = (events: Iterable<LogEvent>, options?: Options): ReadonlyArray<Conversation> => {
  const grouper = make(options)
  const out: Array<Conversation> = []
  for (const event of events) grouper.push(event, out)
  grouper.end(out)
  return out
}

export const channel = <E, Done>(
  options?: Options
): Channel.Channel<NonEmptyReadonlyArray<Conversation>, E, Done, NonEmptyReadonlyArray<LogEvent>, E, Done> =>
  Channel.fromTransform((upstream) =>
    Effect.sync(() => {
      const grouper = make(options)
      let isOver = false
      const pull: Pull.Pull<NonEmptyReadonlyArray<Conversation>, E, Done> = Effect.suspend(() =>
        Pull.matchEffect(upstream, {
          onSuccess: (events) => {
            const out: Array<Conversation> = []
            for (const event of events) grouper.push(event, out)
            return Arr.isArrayNonEmpty(out) ? Effect.succeed(out) : pull
          },
          onFailure: Effect.failCause,
          onDone: (done) => {
            const out: Array<Conversation> = []
            if (!isOver) grouper.end(out)
            isOver = true
            return Arr.isArrayNonEmpty(out) ? Effect.succeed(out) : Cause.done(done)
          }
        })
      )
      return pull
    })
  )
