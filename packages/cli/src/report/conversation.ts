/**
 * One conversation as the report shows it: a row of the list, and lines, waits, walk-through and diagnosis in full.
 *
 * It judges nothing itself: outcomes, evidence and waits are `Diagnosis`'s.
 */
import * as Diagnosis from "@colloquy/core/Diagnosis"
import type { LogEvent } from "@colloquy/core/LogEvent"
import type { Conversation } from "@colloquy/core/LogReader"
import type { Certificate } from "@colloquy/core/Tls"
import * as DateTime from "effect/DateTime"
import type { Bar, Detail, Line, Row, Trouble, Who } from "./data.ts"
import { sentence, told, visible } from "./text.ts"

export interface Told {
  readonly row: Row
  readonly detail: Detail<string>
  /** Every wait for the other side, for the statistics. */
  readonly waits: ReadonlyArray<Diagnosis.Wait>
}

/** Diagnoses of one conversation that are shown; one says how many there are. */
const mostTroubles = 20

const date = (time: number) => told(time) === null ? "?" : DateTime.formatIsoDateUtc(DateTime.makeUnsafe(time))

const certificateFacts = (certificate: Certificate, isFirst: boolean): ReadonlyArray<readonly [string, string]> => [
  [isFirst ? "certificate" : "issued by", visible(certificate.subject)],
  ...(certificate.names.length === 0 ? [] : [["for", visible(certificate.names.join(", "))]] as const),
  ["valid", `${date(certificate.validFrom)} to ${date(certificate.validTo)}`],
  ["issuer", visible(certificate.issuer)],
  ["SHA-256", visible(certificate.fingerprint256)]
]

/** What a sentence leaves out. */
const factsOf = (event: LogEvent): ReadonlyArray<readonly [string, string]> => {
  switch (event._tag) {
    case "Secured": {
      const { chain, cipher, problem, servername } = event.tls
      return [
        ["cipher", visible(cipher)],
        ...(servername === undefined ? [] : [["name asked for", visible(servername)]] as const),
        ...(problem === undefined ? [] : [["not verified because", visible(problem)]] as const),
        ...chain.flatMap((certificate, at) => certificateFacts(certificate, at === 0))
      ]
    }
    case "Connected":
      return event.address === undefined ? [] : [["address", visible(event.address)]]
    case "Failed":
      return [["", visible(event.message)]]
    case "Unread":
      return [["file", visible(event.source)]]
    default:
      return []
  }
}

const whoOf = (event: LogEvent): Who => {
  switch (event._tag) {
    case "ClientLine":
      return "C"
    case "ServerLine":
      return "S"
    case "HeaderLine":
      return "H"
    case "BodyLine":
      return "B"
    case "AttemptFailed":
    case "Failed":
    case "TimedOut":
    case "Lost":
    case "Unread":
      return "!"
    default:
      return "#"
  }
}

const lineOf = (event: LogEvent, start: number | null): Line<string> => {
  const offset = start === null || told(event.time) === null ? null : event.time - start
  const text = "line" in event ? visible(event.line) : sentence(event)
  const facts = factsOf(event)
  return facts.length === 0
    ? [whoOf(event), event.counter, offset, text]
    : [whoOf(event), event.counter, offset, text, facts]
}

/** A host in quotes and a port, as in 4D's opening sentence, whatever its language. */
const opening = /['"«‹„“]\s*([\w.:-]{1,255})\s*['"»›“”]\D*(\d{1,5})\b/

const serverOf = (events: ReadonlyArray<LogEvent>): { readonly host: string; readonly port: number | null } => {
  for (const event of events) {
    if (event._tag === "Connecting" || event._tag === "Connected") return { host: event.host, port: event.port }
    if (event._tag === "Note") {
      const found = opening.exec(event.text)
      if (found !== null) return { host: found[1] ?? "", port: Number(found[2]) }
    }
  }
  const greeting = events.find((event) => event._tag === "ServerLine" && event.line.startsWith("220"))
  const name = greeting?._tag === "ServerLine" ? /^220[ -]([\w.:[\]-]{1,255})/.exec(greeting.line)?.[1] : undefined
  return { host: name ?? "", port: null }
}

const path = /^(MAIL FROM|RCPT TO):\s{0,9}(?:<([^>]*)>|(\S+))/i

const envelopeOf = (events: ReadonlyArray<LogEvent>) => {
  let from = ""
  let to = ""
  let recipients = 0
  for (const event of events) {
    if (event._tag !== "ClientLine") continue
    const found = path.exec(event.line)
    if (found === null) continue
    const address = found[2] ?? found[3] ?? ""
    if (found[1]?.toUpperCase() === "MAIL FROM") {
      if (from === "") from = address === "" ? "<>" : address
    } else {
      if (recipients === 0) to = address
      recipients++
    }
  }
  return { from: visible(from), to: visible(to), recipients }
}

const codeOf = ({ evidence, outcome }: Diagnosis.Diagnosis): string => {
  if (outcome !== "failed" && outcome !== "partial") return ""
  const last = evidence.findLast((event) => event._tag === "ServerLine" && /^[45]/.test(event.line))
  if (last?._tag !== "ServerLine") return ""
  const [, code = "", enhanced] = /^(\d{3})[ -](?:([245]\.\d{1,3}\.\d{1,3})\b)?/.exec(last.line) ?? []
  return enhanced === undefined ? code : `${code} ${enhanced}`
}

/** Octets of content that went out: as the log counts them, or as BDAT says (RFC 3030 §2). */
const octetsOf = (events: ReadonlyArray<LogEvent>): number => {
  let counted = 0
  let announced = 0
  for (const event of events) {
    if (event._tag === "Content") counted += event.octets
    else if (event._tag === "ClientLine") announced += Number(/^BDAT (\d{1,12})\b/i.exec(event.line)?.[1] ?? 0)
  }
  return counted === 0 ? announced : counted
}

export const tell = (conversation: Conversation): Told => {
  const { events } = conversation
  const times = events.flatMap(({ time }) => told(time) ?? [])
  const start = times[0] ?? null
  const end = times.at(-1) ?? null
  const places = new Map(events.map((event, at) => [event, at]))
  const byCounter = new Map(events.map((event, at) => [event.counter, at]))
  const placeOf = (event: LogEvent) => places.get(event) ?? byCounter.get(event.counter)

  const diagnoses = Diagnosis.diagnoseAll(events)
  const [first] = diagnoses
  const trouble = (diagnosis: Diagnosis.Diagnosis): Trouble<string> => ({
    outcome: diagnosis.outcome,
    stage: diagnosis.stage,
    what: visible(diagnosis.what),
    evidence: diagnosis.evidence.flatMap((event) => placeOf(event) ?? []).toSorted((a, b) => a - b),
    causes: diagnosis.causes.map(visible),
    todo: diagnosis.todo.map(visible),
    ask: diagnosis.ask === undefined ? null : visible(diagnosis.ask),
    retryAfter: diagnosis.retryAfter ?? null,
    rule: visible(diagnosis.rule),
    sources: diagnosis.sources.map(visible)
  })

  const waits = start === null ? [] : Diagnosis.waits(events)
  const bars = waits.flatMap(({ from, milliseconds, phase, to, what }): ReadonlyArray<Bar> => {
    const [fromAt, toAt] = [byCounter.get(from), byCounter.get(to)]
    if (fromAt === undefined || toAt === undefined || start === null || milliseconds === 0) return []
    const since = from === to
      ? (events[toAt]?.time ?? start) - milliseconds
      : events[fromAt]?.time ?? start
    return [[what, phase, since - start, milliseconds, fromAt, toAt]]
  })
  const steps = Diagnosis.walkthrough(events)
  const { host, port } = serverOf(events)
  const slowest = waits.reduce<Diagnosis.Wait | undefined>(
    (longest, wait) =>
      wait.what !== "client" && wait.milliseconds >= 1_000 && wait.milliseconds > (longest?.milliseconds ?? 0)
        ? wait
        : longest,
    undefined
  )
  const half = Math.ceil((events.length) / 2)

  return {
    row: {
      time: start,
      duration: start === null || end === null ? null : Math.max(0, end - start),
      process: conversation.process,
      session: conversation.session,
      host: visible(host),
      port,
      ...envelopeOf(events),
      outcome: first.outcome,
      stage: first.stage,
      what: visible(first.what),
      rule: first.rule,
      code: codeOf(first),
      octets: octetsOf(events),
      messages: steps.filter(({ isTrouble, phase }) => phase === "verdict" && !isTrouble).length,
      // a dial that failed leaves nothing to close
      isPartial: conversation.kind === "partial" && events.at(-1)?._tag !== "Failed",
      slowest: slowest === undefined
        ? null
        : { what: slowest.what, phase: slowest.phase, ms: slowest.milliseconds }
    },
    detail: {
      lines: events.map((event) => lineOf(event, start)),
      dropped: conversation.dropped,
      cut: conversation.dropped === 0 ? 0 : half,
      troubles: diagnoses.slice(0, mostTroubles).map(trouble),
      bars,
      steps: steps.flatMap(({ from, isTrouble, text }) => {
        const at = byCounter.get(from)
        return at === undefined ? [] : [[at, visible(text), isTrouble] as const]
      })
    },
    waits: waits.filter(({ what }) => what !== "client")
  }
}
