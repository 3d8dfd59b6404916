/**
 * Policies for what may be seen of a conversation: values that rewrite the text of events and compose.
 *
 * A policy cannot drop an event or change its kind, number or time (P2), and runs after the scrub of secrets, which is
 * not a policy and is never off (P1). A policy that has to remember (a folded header field) keeps its memory in an
 * applier: one for each run of events in order, so that policies themselves are plain shared values.
 */
import { maskAddresses } from "./internal/log/addresses.ts"
import type { LogEvent } from "./LogEvent.ts"

const TypeId = "~@colloquy/core/Redaction"

const hidden = "***"

export type Apply = <E extends LogEvent>(event: E) => E

export interface Redaction {
  readonly [TypeId]: unknown
  readonly name: string
  /** One event by itself. Where a policy would have to know what came before, it hides. */
  readonly apply: Apply
  /** A fresh `apply` with a memory, for the events of a log or a session in their order. */
  readonly applier: () => Apply
}

const head = ["_tag", "counter", "time", "process", "session"] as const

/** What a policy may not do: throw, drop an event, change its kind, number or time. Then all of its text is hidden. */
const guarded = (apply: Apply): Apply => (event) => {
  try {
    const rewritten = apply(event)
    if (rewritten === event || head.every((key) => rewritten[key] === event[key])) return rewritten
  } catch {
    // hidden below
  }
  return rewrite(event, () => hidden)
}

/** A policy cannot drop an event or change its kind (P2). The secret scrub has already run. */
export const make = (name: string, apply: Apply): Redaction => {
  const safe = guarded(apply)
  return { [TypeId]: TypeId, name, apply: safe, applier: () => safe }
}

/** Rewrites each text that a peer, a user or the mail itself put into an event. Hosts, ports and addresses that were dialled stay. */
export const text = (name: string, replace: (text: string, event: LogEvent) => string): Redaction =>
  make(name, (event) => rewrite(event, replace))

const rewrite = <E extends LogEvent>(event: E, replace: (text: string, event: LogEvent) => string): E => {
  switch (event._tag) {
    case "ClientLine":
    case "ServerLine":
    case "HeaderLine":
    case "BodyLine": {
      const line = replace(event.line, event)
      return line === event.line ? event : { ...event, line }
    }
    case "Note":
    case "Unread": {
      const text = replace(event.text, event)
      return text === event.text ? event : { ...event, text }
    }
    case "Failed": {
      const message = replace(event.message, event)
      return message === event.message ? event : { ...event, message }
    }
    case "AttemptFailed":
    case "Lost": {
      const problem = replace(event.problem, event)
      return problem === event.problem ? event : { ...event, problem }
    }
    case "Secured": {
      const { problem } = event.tls
      const chain = event.tls.chain.map((certificate) => ({
        ...certificate,
        subject: replace(certificate.subject, event),
        issuer: replace(certificate.issuer, event),
        names: certificate.names.map((name) => replace(name, event))
      }))
      return {
        ...event,
        tls: { ...event.tls, chain, ...(problem === undefined ? {} : { problem: replace(problem, event) }) }
      }
    }
    default:
      return event
  }
}

const chain = (applies: ReadonlyArray<Apply>): Apply => (event) => applies.reduce((event, apply) => apply(event), event)

/** All of them, in this order. */
export const and = (...policies: ReadonlyArray<Redaction>): Redaction => ({
  [TypeId]: TypeId,
  name: policies.length === 0 ? "none" : policies.map(({ name }) => name).join(" and "),
  apply: chain(policies.map(({ apply }) => apply)),
  applier: () => chain(policies.map((policy) => policy.applier()))
})

/** Hides nothing. */
export const none: Redaction = make("none", (event) => event)

/** The local parts of mail addresses in a text, as `j***@example.com`. */
export { maskAddresses }

/** `j***@example.com`: in commands, replies, the content, notes and errors. */
export const addresses: Redaction = text("addresses", maskAddresses)

const subjectField = /^(subject|thread-topic)([ \t]*:)/i
const folded = /^[ \t]/

const hideSubject = (isOrdinary: (session: number) => boolean): Apply => (event) => {
  if (event._tag !== "HeaderLine") return event
  const field = subjectField.exec(event.line)
  if (field !== null) return { ...event, line: `${field[0]} ${hidden}` }
  return folded.test(event.line) && !isOrdinary(event.session) ? { ...event, line: ` ${hidden}` } : event
}

/**
 * The Subject field, folded lines included (and Outlook's Thread-Topic, which repeats it).
 *
 * A folded line whose beginning this policy has not seen is hidden: always by `apply`, which knows no beginning.
 */
export const subject: Redaction = {
  [TypeId]: TypeId,
  name: "subject",
  apply: hideSubject(() => false),
  applier: () => {
    const ordinary = new Set<number>()
    const hide = hideSubject((session) => ordinary.has(session))
    return (event) => {
      const shown = hide(event)
      if (event._tag !== "HeaderLine" || subjectField.test(event.line)) ordinary.delete(event.session)
      else if (!folded.test(event.line)) ordinary.add(event.session)
      return shown
    }
  }
}

/** Header section and body, line by line: that there was a line is still shown. */
export const content: Redaction = make(
  "content",
  (event) => event._tag === "HeaderLine" || event._tag === "BodyLine" ? { ...event, line: hidden } : event
)
