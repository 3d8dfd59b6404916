/**
 * What the report's file holds, and its script reads: the shapes of the embedded JSON.
 *
 * Every text in it is made for a person's eyes (`text.ts`), but still a stranger's: it becomes a text node, never markup.
 * Times are milliseconds since the epoch, durations milliseconds; a time that the log does not tell is `null`.
 */
import type { Diagnosis, RetryAfter, Wait } from "@colloquy/core/Diagnosis"
import type { Phase } from "@colloquy/core/LogEvent"

export type Outcome = Diagnosis["outcome"]
export const outcomes: ReadonlyArray<Outcome> = ["failed", "partial", "unclear", "fine"]

export type Counts = Readonly<Record<Outcome, number>>

/** A row of the list. The dialogue that belongs to it is in the part `floor(index / partSize)`, at `index % partSize`. */
export interface Row {
  readonly time: number | null
  readonly duration: number | null
  readonly process: number
  readonly session: number
  readonly host: string
  readonly port: number | null
  readonly from: string
  /** The first recipient; `recipients` counts all. */
  readonly to: string
  readonly recipients: number
  readonly outcome: Outcome
  readonly stage: Phase
  readonly what: string
  readonly rule: string
  /** The reply that it rests on: `535 5.7.8`. */
  readonly code: string
  readonly octets: number
  readonly messages: number
  /** Beginning or end is not in the log. */
  readonly isPartial: boolean
  readonly slowest: { readonly what: Wait["what"]; readonly phase: Phase; readonly ms: number } | null
}

/** Client, server, header line, body line, done, done in vain. */
export type Who = "C" | "S" | "H" | "B" | "#" | "!"

export type Line<Text> = readonly [
  who: Who,
  /** The event's counter: the number in front of its line in the log. */
  number: number,
  /** Milliseconds since the conversation's first event. */
  offset: number | null,
  text: Text,
  /** What the line does not show: label, value. */
  facts?: ReadonlyArray<readonly [Text, Text]>
]

export interface Trouble<Text> {
  readonly outcome: Outcome
  readonly stage: Phase
  readonly what: Text
  /** Positions in `lines`, ascending. */
  readonly evidence: ReadonlyArray<number>
  readonly causes: ReadonlyArray<Text>
  readonly todo: ReadonlyArray<Text>
  readonly ask: Text | null
  readonly retryAfter: RetryAfter | null
  readonly rule: Text
  readonly sources: ReadonlyArray<Text>
}

/** `from` and `to` are positions in `lines`. */
export type Bar = readonly [what: Wait["what"], phase: Phase, start: number, ms: number, from: number, to: number]

/** A conversation in full. `Text` is a string, or its place in the part's table of them. */
export interface Detail<Text> {
  readonly lines: ReadonlyArray<Line<Text>>
  /** Lines that were left out, before the position `cut`. */
  readonly dropped: number
  readonly cut: number
  readonly troubles: ReadonlyArray<Trouble<Text>>
  readonly bars: ReadonlyArray<Bar>
  /** The walk-through: the line that it stands before, and the words. */
  readonly steps: ReadonlyArray<readonly [line: number, text: Text, isTrouble: boolean]>
}

/** Some conversations in full, with each text once. */
export interface Part {
  readonly texts: ReadonlyArray<string>
  readonly details: ReadonlyArray<Detail<number>>
}

export interface Latency {
  readonly phase: Phase
  readonly count: number
  readonly median: number
  readonly p90: number
  readonly p99: number
  readonly max: number
}

export interface Overview {
  readonly sources: ReadonlyArray<string>
  readonly program: string
  readonly zone: string | null
  readonly made: number
  /** Of all conversations, those that are not in the list too. */
  readonly counts: Counts
  readonly conversations: number
  readonly events: number
  readonly first: number | null
  readonly last: number | null
  readonly volume: {
    readonly start: number
    readonly width: number
    readonly columns: ReadonlyArray<readonly [failed: number, partial: number, unclear: number, fine: number]>
  } | null
  readonly latency: ReadonlyArray<Latency>
  readonly troubles: ReadonlyArray<{ readonly rule: string; readonly what: string; readonly count: number }>
  readonly hosts: ReadonlyArray<{ readonly host: string; readonly counts: Counts }>
  /** What no host or trouble of the two lists above stands for. */
  readonly otherTroubles: number
  readonly otherHosts: number
  readonly lost: number
  readonly unread: number
  /** The first of the lines that could not be read. */
  readonly unreadLines: ReadonlyArray<{ readonly source: string; readonly line: number; readonly text: string }>
  readonly rows: ReadonlyArray<Row>
  readonly partSize: number
}
