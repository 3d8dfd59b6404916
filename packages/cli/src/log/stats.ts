/** `colloquy log stats`: outcomes by what went wrong and by server, and how long each phase took. */
import type { Phase } from "@colloquy/core/LogEvent"
import * as Command from "effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Printable from "../internal/printable.ts"
import * as Report from "../report.ts"
import { tell, type Told } from "../report/conversation.ts"
import * as Statistics from "../report/statistics.ts"
import * as Dialogue from "./dialogue.ts"
import * as Input from "./input.ts"
import { counting, grouped } from "./progress.ts"

const flags = { files: Input.files, ...Input.choice, ...Input.reading }
type Outcome = Told["row"]["outcome"]

const outcomes: ReadonlyArray<Outcome> = ["fine", "failed", "partial", "unclear"]
const none = (): Record<Outcome, number> => ({ fine: 0, failed: 0, partial: 0, unclear: 0 })

/** Kinds of trouble and servers that are told apart. */
const mostKinds = 10_000

interface Counts {
  readonly outcomes: Record<Outcome, number>
  readonly troubles: Map<string, { readonly rule: string; readonly what: string; count: number }>
  readonly servers: Map<string, Record<Outcome, number>>
  readonly phases: Map<Phase, Statistics.Distribution>
  octets: number
  first: number | null
  last: number | null
}

const add = (counts: Counts, { row, waits }: Told) => {
  counts.outcomes[row.outcome]++
  counts.octets += row.octets
  if (row.time !== null) {
    counts.first = Math.min(counts.first ?? row.time, row.time)
    counts.last = Math.max(counts.last ?? row.time, row.time)
  }
  for (const { milliseconds, phase } of waits) {
    const distribution = counts.phases.get(phase) ?? Statistics.makeDistribution()
    distribution.add(milliseconds)
    counts.phases.set(phase, distribution)
  }
  const server = Dialogue.serverOf(row)
  const ofServer = counts.servers.get(server) ?? (counts.servers.size < mostKinds ? none() : undefined)
  if (ofServer !== undefined) {
    ofServer[row.outcome]++
    counts.servers.set(server, ofServer)
  }
  if (row.outcome === "fine") return
  const trouble = counts.troubles.get(row.rule) ??
    (counts.troubles.size < mostKinds ? { rule: row.rule, what: row.what, count: 0 } : undefined)
  if (trouble === undefined) return
  trouble.count++
  counts.troubles.set(row.rule, trouble)
}

const shares = [["median", 0.5], ["90 %", 0.9], ["99 %", 0.99]] as const

const factsOf = (counts: Counts) => ({
  outcomes: counts.outcomes,
  octets: counts.octets,
  first: counts.first,
  last: counts.last,
  troubles: [...counts.troubles.values()].toSorted((a, b) => b.count - a.count),
  servers: [...counts.servers].map(([server, outcomes]) => ({ server, outcomes }))
    .toSorted((a, b) => b.outcomes.failed - a.outcomes.failed || b.outcomes.fine - a.outcomes.fine),
  latency: [...counts.phases].map(([phase, distribution]) => ({
    phase,
    count: distribution.count(),
    median: distribution.percentile(0.5),
    p90: distribution.percentile(0.9),
    p99: distribution.percentile(0.99),
    max: distribution.max()
  }))
})

const most = 20

const number = (count: number) => grouped(count).padStart(9)

const text = (counts: Counts): string => {
  const { first, last, latency, octets, servers, troubles } = factsOf(counts)
  const all = outcomes.reduce((sum, outcome) => sum + counts.outcomes[outcome], 0)
  return [
    `${grouped(all)} conversation${all === 1 ? "" : "s"}: ${
      outcomes.map((outcome) => `${grouped(counts.outcomes[outcome])} ${outcome}`).join(", ")
    }; ${grouped(octets)} octets of content`,
    ...(first === null || last === null
      ? []
      : [`from ${Dialogue.dateTime(first)} to ${Dialogue.dateTime(last)} (UTC)`]),
    ...(troubles.length === 0 ? [] : ["", "What went wrong"]),
    ...troubles.slice(0, most).map(({ count, rule, what }) => Printable.line(`${number(count)}  ${what} (${rule})`)),
    ...(troubles.length > most ? [`           and ${troubles.length - most} more kinds`] : []),
    "",
    "Servers",
    outcomes.map((outcome) => outcome.padStart(9)).join(""),
    ...servers.slice(0, most).map(({ outcomes: counts, server }) =>
      Printable.line(
        `${outcomes.map((outcome) => number(counts[outcome])).join("")}  ${server === "" ? "not told" : server}`
      )
    ),
    ...(servers.length > most ? [`           and ${servers.length - most} more`] : []),
    "",
    "How long the other side took",
    `${"phase".padEnd(10)}${"times".padStart(9)}${
      [...shares.map(([name]) => name), "longest"].map((name) => name.padStart(13)).join("")
    }`,
    ...latency.map(({ count, max, median, p90, p99, phase }) =>
      `${phase.padEnd(10)}${number(count)}${
        [median, p90, p99, max].map((ms) => Dialogue.took(ms).padStart(13)).join("")
      }`
    )
  ].join("\n")
}

const stats = Effect.fnUntraced(function*(input: Command.Command.Config.Infer<typeof flags>) {
  const counts: Counts = {
    outcomes: none(),
    troubles: new Map(),
    servers: new Map(),
    phases: new Map(),
    octets: 0,
    first: null,
    last: null
  }
  yield* Input.conversations(input.files, input, input).pipe(
    Stream.filter(({ kind }) => kind !== "apart"),
    counting(input.json),
    Stream.runForEach((conversation) => Effect.sync(() => add(counts, tell(conversation))))
  )
  yield* Console.log(input.json ? Printable.json(factsOf(counts)) : text(counts))
})

export const command = Command.make(
  "stats",
  flags,
  (input) => stats(input).pipe(Report.told({ json: input.json, conversationShown: false }))
).pipe(
  Command.withDescription(
    "Counts the conversations of a log by outcome, by what went wrong and by server, and tells how long each phase took. Percentiles are within 1 %."
  ),
  Command.withShortDescription("Outcomes and latencies"),
  Command.withExamples([{ command: "colloquy log stats 'logs/*.txt'", description: "Of a rotated set" }])
)
