/**
 * The report of a log: conversations in, overview and parts out.
 *
 * Memory is bounded: what the overview counts is counted as it comes, and of the conversations in full no more are kept
 * than fit. What then goes first is what went well, the oldest first; the overview says how many are not in the list.
 */
import type * as Diagnosis from "@colloquy/core/Diagnosis"
import type { Phase } from "@colloquy/core/LogEvent"
import type { Conversation } from "@colloquy/core/LogReader"
import { tell } from "./conversation.ts"
import {
  type Counts,
  type Detail,
  type Latency,
  type Outcome,
  outcomes,
  type Overview,
  type Part,
  type Row
} from "./data.ts"
import * as Statistics from "./statistics.ts"
import { told, visible } from "./text.ts"

export interface Options {
  /** The names of the files that were read. */
  readonly sources: ReadonlyArray<string>
  readonly program: string
  /** When the report is made. */
  readonly made: number
  /** Conversations in the list. Default 10,000. */
  readonly limit?: number | undefined
  /** Characters of conversations in full. Default 64 million. */
  readonly room?: number | undefined
}

export interface Report {
  readonly overview: Overview
  /** Made one by one, as they are asked for. */
  readonly parts: Iterable<Part>
}

export interface Model {
  readonly add: (conversation: Conversation) => void
  readonly finish: () => Report
}

export const partSize = 100
const mostColumns = 90
const mostNamed = 10
const mostUnread = 100
/** Kinds of trouble and hosts that are told apart; the rest is counted together. */
const mostKinds = 10_000

const phases: ReadonlyArray<Phase> = [
  "connect",
  "tls",
  "greeting",
  "ehlo",
  "starttls",
  "auth",
  "mail",
  "rcpt",
  "data",
  "content",
  "verdict",
  "rset",
  "quit"
]

interface Kept {
  readonly order: number
  readonly row: Row
  /** JSON of a `Detail<string>`: it holds no part of the log's buffers in memory. */
  readonly json: string
}

type Counting = Record<Outcome, number>
const none = (): Counting => ({ failed: 0, partial: 0, unclear: 0, fine: 0 })
const sum = (counts: Counts) => outcomes.reduce((total, outcome) => total + counts[outcome], 0)
const troubled = ({ failed, partial }: Counts) => failed + partial

/** First in, first out, without moving what is left at each step. */
const makeQueue = () => {
  let items: Array<Kept> = []
  let at = 0
  return {
    push: (item: Kept) => void items.push(item),
    size: () => items.length - at,
    take: (): Kept | undefined => {
      const item = items[at++]
      if (at > 1_000 && at * 2 > items.length) {
        items = items.slice(at)
        at = 0
      }
      return item
    },
    rest: () => items.slice(at)
  }
}

export const make = (options: Options): Model => {
  const limit = Math.max(1, options.limit ?? 10_000)
  const room = options.room ?? 64_000_000
  const fine = makeQueue()
  const others = makeQueue()
  let size = 0
  let order = 0

  const counts = none()
  const volume = Statistics.makeTimeline(outcomes)
  const latency = new Map<Phase, Statistics.Distribution>()
  const troubles = new Map<string, { readonly rule: string; readonly what: string; count: number }>()
  const hosts = new Map<string, Counting>()
  const unreadLines: Array<Overview["unreadLines"][number]> = []
  let events = 0
  let lost = 0
  let unread = 0
  let first: number | null = null
  let last: number | null = null
  let zone: string | null = null

  const see = (time: number) => {
    if (told(time) === null) return
    first = first === null ? time : Math.min(first, time)
    last = last === null ? time : Math.max(last, time)
  }

  const aboutTheLog = (event: Conversation["events"][number]) => {
    if (event._tag === "Lost") lost += event.count
    if (event._tag === "Opened") zone ??= visible(event.zone)
    if (event._tag !== "Unread") return
    unread++
    if (unreadLines.length >= mostUnread) return
    unreadLines.push({
      source: visible(event.source),
      line: event.lineNumber,
      text: visible(event.text.slice(0, 500))
    })
  }

  const count = (row: Row, waits: ReadonlyArray<Diagnosis.Wait>) => {
    counts[row.outcome]++
    if (row.time !== null) volume.add(row.time, row.outcome)
    for (const { milliseconds, phase } of waits) {
      const distribution = latency.get(phase) ?? Statistics.makeDistribution()
      distribution.add(milliseconds)
      latency.set(phase, distribution)
    }
    const ofHost = hosts.get(row.host) ?? (hosts.size < mostKinds ? none() : undefined)
    if (ofHost !== undefined) {
      ofHost[row.outcome]++
      hosts.set(row.host, ofHost)
    }
    if (row.outcome !== "failed" && row.outcome !== "partial") return
    const trouble = troubles.get(row.rule) ?? (troubles.size < mostKinds ? { ...row, count: 0 } : undefined)
    if (trouble === undefined) return
    trouble.count++
    troubles.set(row.rule, trouble)
  }

  const finish = (): Report => {
    const kept = [...fine.rest(), ...others.rest()].toSorted((a, b) =>
      (a.row.time ?? 0) - (b.row.time ?? 0) || a.order - b.order
    )
    const named = [...troubles.values()].toSorted((a, b) => b.count - a.count).slice(0, mostNamed)
    const byHost = [...hosts].toSorted(([, a], [, b]) => troubled(b) - troubled(a) || sum(b) - sum(a)).slice(
      0,
      mostNamed
    )
    const columns = volume.columns(mostColumns)
    const overview: Overview = {
      sources: options.sources.map(visible),
      program: options.program,
      zone,
      made: options.made,
      counts,
      conversations: sum(counts),
      events,
      first,
      last,
      volume: columns === undefined ? null : {
        ...columns,
        columns: columns.columns.map(({ failed, fine, partial, unclear }) => [failed, partial, unclear, fine])
      },
      latency: phases.flatMap((phase): ReadonlyArray<Latency> => {
        const found = latency.get(phase)
        return found === undefined ? [] : [{
          phase,
          count: found.count(),
          median: found.percentile(0.5),
          p90: found.percentile(0.9),
          p99: found.percentile(0.99),
          max: found.max()
        }]
      }),
      troubles: named.map(({ count, rule, what }) => ({ rule, what, count })),
      otherTroubles: troubled(counts) - named.reduce((total, { count }) => total + count, 0),
      hosts: byHost.map(([host, counts]) => ({ host, counts })),
      otherHosts: sum(counts) - byHost.reduce((total, [, counts]) => total + sum(counts), 0),
      lost,
      unread,
      unreadLines,
      rows: kept.map(({ row }) => row),
      partSize
    }
    return { overview, parts: partsOf(kept.map(({ json }) => json)) }
  }

  return {
    add: (conversation) => {
      for (const event of conversation.events) {
        events++
        see(event.time)
        if (conversation.kind === "apart") aboutTheLog(event)
        else if (event._tag === "Lost") lost += event.count
      }
      events += conversation.dropped
      if (conversation.kind === "apart") return
      const { detail, row, waits } = tell(conversation)
      count(row, waits)
      const json = JSON.stringify(detail)
      size += json.length
      const queue = row.outcome === "fine" ? fine : others
      queue.push({ order: order++, row, json })
      while (fine.size() + others.size() > limit || (size > room && fine.size() + others.size() > 1)) {
        const gone = fine.size() > 0 ? fine.take() : others.take()
        size -= gone?.json.length ?? size
      }
    },
    finish
  }
}

const mapTexts = <A, B>(detail: Detail<A>, f: (text: A) => B): Detail<B> => ({
  ...detail,
  lines: detail.lines.map(([who, number, offset, text, facts]) =>
    facts === undefined
      ? [who, number, offset, f(text)]
      : [who, number, offset, f(text), facts.map(([label, value]) => [f(label), f(value)] as const)]
  ),
  troubles: detail.troubles.map((trouble) => ({
    ...trouble,
    what: f(trouble.what),
    causes: trouble.causes.map(f),
    todo: trouble.todo.map(f),
    ask: trouble.ask === null ? null : f(trouble.ask),
    rule: f(trouble.rule),
    sources: trouble.sources.map(f)
  })),
  steps: detail.steps.map(([line, text, isTrouble]) => [line, f(text), isTrouble])
})

/** The conversation with its texts in place. */
export const withTexts = (part: Part, at: number): Detail<string> | undefined => {
  const detail = part.details[at]
  return detail === undefined ? undefined : mapTexts(detail, (text) => part.texts[text] ?? "")
}

function* partsOf(all: ReadonlyArray<string>): Iterable<Part> {
  for (let at = 0; at < all.length; at += partSize) {
    const places = new Map<string, number>()
    const place = (text: string): number => {
      const known = places.get(text) ?? places.size
      places.set(text, known)
      return known
    }
    const details = all.slice(at, at + partSize).map((json) => {
      const detail: Detail<string> = JSON.parse(json)
      return mapTexts(detail, place)
    })
    yield { texts: [...places.keys()], details }
  }
}
