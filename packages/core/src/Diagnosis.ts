/**
 * What a conversation or an error means: what went wrong, why, and what to do.
 *
 * From the events of one session (or an `SmtpError`, or a reply alone) to one answer: the stage that was reached, what
 * went wrong, the lines that it rests on, likely causes in order, what to do, whom to ask, and how long to wait. The pause
 * to keep comes from here and not from the code: one code means many things, and some 5yz pass tomorrow.
 *
 * The rules are data, a file a theme in `diagnosis/`. A rule names the facts that it needs: phase, code, enhanced code
 * (RFC 3463), provider, stable tokens, and words last, because providers translate and reword. Of the rules that hold,
 * the one that demands most wins; the weights are in `internal/diagnosis/rule`. What no theme knows is answered by the
 * classes of RFC 3463 and RFC 5321. "Nothing went wrong" and "not enough in the log" are answers too.
 *
 * Nothing here fails, whatever a log or a server says, and nothing is guessed from a sentence.
 *
 * Not here: reading logs (`LogText`, `LogReader`) and what the transporter does with a pause.
 */
import * as Schema from "effect/Schema"
import * as authentication from "./diagnosis/authentication.ts"
import * as connection from "./diagnosis/connection.ts"
import * as content from "./diagnosis/content.ts"
import * as general from "./diagnosis/general.ts"
import * as policy from "./diagnosis/policy.ts"
import * as rate from "./diagnosis/rate.ts"
import * as recipient from "./diagnosis/recipient.ts"
import * as sender from "./diagnosis/sender.ts"
import * as server from "./diagnosis/server.ts"
import * as size from "./diagnosis/size.ts"
import * as tls from "./diagnosis/tls.ts"
import type { Exchange } from "./internal/diagnosis/dialogue.ts"
import * as Dialogue from "./internal/diagnosis/dialogue.ts"
import * as people from "./internal/diagnosis/people.ts"
import { type Provider, providersOf } from "./internal/diagnosis/provider.ts"
import { choose, type Facts, type Rule } from "./internal/diagnosis/rule.ts"
import * as Steps from "./internal/diagnosis/steps.ts"
import * as Troubles from "./internal/diagnosis/troubles.ts"
import { escape, escapeInPlain } from "./internal/log/escape.ts"
import { isClosingNote } from "./internal/log/foreignNotes.ts"
import { LogEvent, Phase } from "./LogEvent.ts"
import * as LogText from "./LogText.ts"
import type { Reply } from "./Reply.ts"
import { describe, type SmtpError } from "./SmtpError.ts"

export type { Exchange, SeenReply } from "./internal/diagnosis/dialogue.ts"
export type { Provider } from "./internal/diagnosis/provider.ts"
export type { Rule, When } from "./internal/diagnosis/rule.ts"

/**
 * How long to wait before the same is tried again: `seconds` (seconds to a few minutes), `hours` (or tomorrow), `never`
 * (not before somebody has changed something).
 */
export const RetryAfter = Schema.Literals(["seconds", "hours", "never"])
export type RetryAfter = typeof RetryAfter.Type

/** A wait of the conversation. `what`: "client" means that the client let the server wait. Times in milliseconds. */
export const Wait = Schema.Struct({
  what: Schema.Literals(["connect", "tls", "reply", "content", "client"]),
  phase: Phase,
  milliseconds: Schema.Finite,
  /** Counters of the events between which the time passed. */
  from: Schema.Int,
  to: Schema.Int
})
export type Wait = typeof Wait.Type

export const Diagnosis = Schema.Struct({
  /**
   * - `failed`: something went wrong.
   * - `partial`: the message was accepted, and some of its recipients were not.
   * - `fine`: nothing went wrong.
   * - `unclear`: there is not enough in the log.
   */
  outcome: Schema.Literals(["failed", "partial", "fine", "unclear"]),
  /** Where it went wrong; where the session stood at the end, if nothing did. */
  stage: Phase,
  /** What went wrong: one sentence. */
  what: Schema.String,
  /** The events that it rests on, in order; a person finds them by their counters. */
  evidence: Schema.Array(LogEvent),
  /** Likely causes, the likeliest first. */
  causes: Schema.Array(Schema.String),
  /** What to do, in order. */
  todo: Schema.Array(Schema.String),
  /** Whom to ask; none: it is in the hands of whoever configures the client. */
  ask: Schema.optionalKey(Schema.String),
  retryAfter: Schema.optionalKey(RetryAfter),
  /** `theme/name` of the rule that answered. */
  rule: Schema.String,
  /** Where the rule has it from. */
  sources: Schema.Array(Schema.String),
  /** The waits of one second or more, the longest first, at most five. */
  slow: Schema.Array(Wait)
})
export interface Diagnosis extends Schema.Schema.Type<typeof Diagnosis> {}

/** The rules of the themes, in the order in which ties are decided. */
export const rules: ReadonlyArray<Rule> = [
  ...tls.rules,
  ...authentication.rules,
  ...rate.rules,
  ...sender.rules,
  ...recipient.rules,
  ...size.rules,
  ...policy.rules,
  ...content.rules,
  ...server.rules,
  ...connection.rules
]

/** The answers of the codes by themselves, asked where no rule of a theme holds. */
export const generalRules: ReadonlyArray<Rule> = general.rules

const unknown: Rule = {
  id: "general/unknown",
  when: [],
  what: "Something went wrong that no rule knows.",
  causes: ["see the words of the failure"],
  todo: ["read the lines of the evidence"],
  ask: people.administrator,
  sources: []
}

const slowest = (waits: ReadonlyArray<Wait>): ReadonlyArray<Wait> =>
  waits.filter(({ milliseconds }) => milliseconds >= 1_000).toSorted((a, b) => b.milliseconds - a.milliseconds).slice(
    0,
    5
  )

const answer = (
  facts: Facts,
  outcome: "failed" | "partial",
  evidence: ReadonlyArray<LogEvent>,
  slow: ReadonlyArray<Wait>
): Diagnosis => {
  const { ask, causes, id, retryAfter, sources, todo, what } = choose(rules, generalRules, facts)?.rule ?? unknown
  return {
    outcome,
    stage: facts.phase,
    what,
    evidence: evidence.toSorted((a, b) => a.counter - b.counter),
    causes,
    todo,
    ...(ask === undefined ? {} : { ask }),
    ...(retryAfter === undefined ? {} : { retryAfter }),
    rule: id,
    sources,
    slow
  }
}

const without = (
  outcome: "fine" | "unclear",
  stage: Phase,
  rule: string,
  what: string,
  todo: ReadonlyArray<string>,
  evidence: ReadonlyArray<LogEvent>,
  slow: ReadonlyArray<Wait>
): Diagnosis => ({ outcome, stage, what, evidence, causes: [], todo, rule, sources: [], slow })

const fine = (dialogue: Dialogue.Dialogue, slow: ReadonlyArray<Wait>): Diagnosis => {
  const accepted = dialogue.exchanges.filter(({ phase, reply }) =>
    phase === "verdict" && reply !== undefined && reply.code < 300
  )
  const [first] = accepted
  const what = first === undefined
    ? `Nothing went wrong: the server answered everything${
      dialogue.authenticated ? ", the login included" : ""
    }. No message was sent.`
    : accepted.length === 1
    ? "Nothing went wrong: the server accepted the message."
    : `Nothing went wrong: the server accepted ${accepted.length} messages.`
  const evidence = (first === undefined ? dialogue.exchanges.slice(-1) : accepted).flatMap(({ reply }) =>
    reply?.events ?? []
  )
  return without("fine", dialogue.stage, "fine/nothing", what, [], evidence, slow)
}

const unclear = (
  events: ReadonlyArray<LogEvent>,
  dialogue: Dialogue.Dialogue,
  slow: ReadonlyArray<Wait>
): Diagnosis => {
  const lost = events.filter((event) => event._tag === "Lost" || event._tag === "Unread")
  const said = dialogue.exchanges.some(({ reply }) => reply !== undefined)
  const what = events.length === 0
    ? "There is not enough in the log: it holds no event of a session."
    : said
    ? "There is not enough in the log: it ends before the server's answer, and nothing before it was refused."
    : "There is not enough in the log: nothing that the server said is in it."
  return without(
    "unclear",
    dialogue.stage,
    "unclear/not-enough",
    lost.length > 0 ? `${what} Part of the log was lost or could not be read.` : what,
    [
      "look whether the log goes on in another file",
      "record the conversation anew, whole, with the log switched on before"
    ],
    [...lost, ...events.slice(-1)],
    slow
  )
}

/**
 * One answer for the events of one session, in their order: the first trouble that the session did not get over.
 *
 * **Gotchas**
 *
 * Events of several sessions have to be separated first (`LogReader.conversations`).
 */
export const diagnose = (events: ReadonlyArray<LogEvent>): Diagnosis => diagnoseAll(events)[0]

/** The same for every trouble of the session (several messages, several refused recipients), the first one first. */
export const diagnoseAll = (events: ReadonlyArray<LogEvent>): readonly [Diagnosis, ...ReadonlyArray<Diagnosis>] => {
  const dialogue = Dialogue.read(events)
  const slow = slowest(Troubles.waits(events, dialogue))
  const [first, ...others] = Troubles.find(dialogue)
  if (first === undefined) return [isWhole(events, dialogue) ? fine(dialogue, slow) : unclear(events, dialogue, slow)]
  const of = ({ evidence, facts, partial }: Troubles.Trouble) =>
    answer(facts, partial ? "partial" : "failed", evidence, slow)
  return [of(first), ...others.map(of)]
}

/** Everything that was asked was answered (QUIT need not be), and something was. */
const isWhole = (events: ReadonlyArray<LogEvent>, { exchanges }: Dialogue.Dialogue): boolean => {
  const answered = exchanges.filter(({ reply }) => reply !== undefined)
  const open = exchanges.filter(({ phase, reply }) => (reply === undefined || !reply.complete) && phase !== "quit")
  const last = exchanges.findLast(({ phase }) => phase !== "quit")
  const ended = last?.phase === "verdict" ||
    events.some((event) => event._tag === "Closed" || (event._tag === "Note" && isClosingNote(event.text))) ||
    exchanges.some(({ phase }) => phase === "quit")
  return answered.length > 0 && open.length === 0 && ended
}

/** One reply, where nothing else is known. `host`: the host that was dialled; `greeting`: what the server said first. */
export const ofReply = (options: {
  readonly phase: Phase
  readonly reply: Pick<Reply, "code" | "lines" | "enhanced">
  readonly host?: string | undefined
  readonly port?: number | undefined
  readonly greeting?: string | undefined
  readonly secured?: boolean | undefined
  readonly authenticated?: boolean | undefined
}): Diagnosis => {
  const { greeting, host, phase, reply } = options
  const text = reply.lines.join(" ")
  return answer(
    {
      kind: "reply",
      phase,
      code: reply.code,
      enhanced: reply.enhanced ?? Dialogue.enhancedOf(reply.code, reply.lines),
      text,
      providers: providersOf(host, greeting === undefined ? [] : [greeting], text),
      secured: options.secured,
      authenticated: options.authenticated,
      port: options.port
    },
    "failed",
    [],
    []
  )
}

const soonest: ReadonlyArray<RetryAfter> = ["seconds", "hours", "never"]

/**
 * One answer for an error of `send` or of the dialogue; of `EveryServerFailed`, for the server that was tried last, and
 * `retryAfter` is that of the server that may be tried again soonest.
 *
 * The reason decides; the end of the conversation that the error carries adds who the server is, and the evidence.
 */
export const ofError = (error: SmtpError): Diagnosis => {
  const [last, ...others] = ofErrorAll(error)
  if (others.length === 0) return last
  const all = [last, ...others].map(({ retryAfter = "seconds" }) => retryAfter)
  const retryAfter = soonest.find((each) => all.includes(each)) ?? "never"
  return Object.assign({}, last, { retryAfter })
}

/** An answer for each server of `EveryServerFailed`, which it names, the one that was tried last first; else just the one. */
export const ofErrorAll = (error: SmtpError): readonly [Diagnosis, ...ReadonlyArray<Diagnosis>] => {
  const { reason } = error
  if (reason._tag !== "EveryServerFailed") return [ofOne(error)]
  const [last = ofOne(reason.errors[0]), ...before] = reason.errors.toReversed().flatMap((each) =>
    ofErrorAll(each).map(named(each))
  )
  return [last, ...before]
}

/** Of several servers, which one it is about; those of a server that is several itself are named already. */
const named = ({ reason, server }: SmtpError) => (diagnosis: Diagnosis): Diagnosis => {
  if (server === undefined || reason._tag === "EveryServerFailed") return diagnosis
  const where = `${escapeInPlain(server.host)}${server.port === 0 ? "" : `:${server.port}`}`
  return Object.assign({}, diagnosis, { what: `${where}: ${diagnosis.what}` })
}

const ofOne = (error: SmtpError): Diagnosis => {
  const { conversation, phase, reason, recipients, server: dialled } = error
  const dialogue = Dialogue.read(conversation)
  const slow = slowest(Troubles.waits(conversation, dialogue))
  const reply = error.reply
  const text = reply === undefined
    ? reason._tag === "CertificateRejected" || reason._tag === "ProtocolViolation" ? reason.problem : describe(error)
    : [...reply.lines, ...("challenge" in reason && reason.challenge !== undefined ? [reason.challenge] : [])].join(" ")
  const kind = "kind" in reason ? `${reason._tag}/${reason.kind}` : reason._tag === "TimedOut"
    ? `TimedOut/${reason.scope}`
    : reason._tag
  const found = Troubles.find(dialogue)
  const same = found.find(({ facts }) => reply !== undefined && facts.code === reply.code && facts.phase === phase) ??
    found.at(-1)
  const before = dialogue.exchanges.some(({ reply }) => reply?.code === 235)
  const facts: Facts = {
    kind: reply === undefined ? kind : "reply",
    phase: reply !== undefined && reason._tag === "TlsUnavailable" ? "starttls" : phase,
    code: reply?.code,
    enhanced: reply === undefined ? undefined : reply.enhanced ?? Dialogue.enhancedOf(reply.code, reply.lines),
    text,
    providers: providersOf(dialled?.host ?? dialogue.host, Troubles.greetingsOf(dialogue), text),
    secured: same?.facts.secured ?? (conversation.length === 0 ? undefined : dialogue.secured),
    authenticated: before ? true : undefined,
    port: dialled?.port ?? dialogue.port
  }
  const partial = error.delivery === "Partial" || recipients.some(({ _tag }) => _tag === "Accepted")
  return answer(facts, partial ? "partial" : "failed", same?.evidence ?? conversation.slice(-2), slow)
}

/** The mail services and server programs that a session's other end shows itself as. */
export const providers = (events: ReadonlyArray<LogEvent>): ReadonlySet<Provider> => {
  const dialogue = Dialogue.read(events)
  const negative = dialogue.exchanges.flatMap(({ reply }) =>
    reply !== undefined && reply.code >= 400 ? reply.lines : []
  )
  return providersOf(dialogue.host, Troubles.greetingsOf(dialogue), negative.join(" "))
}

/** Which reply answers which command, in the order of the commands; pipelined sessions read as any other. */
export const exchanges = (events: ReadonlyArray<LogEvent>): ReadonlyArray<Exchange> => Dialogue.read(events).exchanges

/** Where the time of a session went: every wait, in the order in which it passed. */
export const waits = (events: ReadonlyArray<LogEvent>): ReadonlyArray<Wait> =>
  Troubles.waits(events, Dialogue.read(events))

/** A step of the walk-through: what happened, in plain words, and the counters of the first and last event it is about. */
export interface Step {
  readonly from: number
  readonly to: number
  readonly phase: Phase
  readonly text: string
  readonly isTrouble: boolean
}

/** The conversation step by step in plain words, as an experienced colleague would read it aloud. */
export const walkthrough = (events: ReadonlyArray<LogEvent>): ReadonlyArray<Step> => Steps.make(Dialogue.read(events))

const inWords = ({ from, milliseconds, phase, to, what }: Wait): string => {
  const time = `${Math.round(milliseconds / 100) / 10} s`
  const lines = from === to ? `line ${to}` : `lines ${from} to ${to}`
  switch (what) {
    case "connect":
      return `${time} to connect (${lines})`
    case "tls":
      return `${time} for the TLS handshake (${lines})`
    case "content":
      return `${time} to send the content (${lines})`
    case "client":
      return `${time} in which the client was silent, before ${phase} (${lines})`
    case "reply":
      return `${time} until the server's answer: ${phase} (${lines})`
  }
}

const pause: Readonly<Record<RetryAfter, string>> = {
  seconds: "yes, after a short pause",
  hours: "yes, in some hours or tomorrow",
  never: "not before something was changed"
}

const list = (title: string, items: ReadonlyArray<string>): ReadonlyArray<string> =>
  items.length === 0 ? [] : [title, ...items.map((item) => `  - ${item}`)]

/** For a person, as plain text. What servers said is escaped, so that it drives no terminal. */
export const render = (diagnosis: Diagnosis): string => {
  const { ask, causes, evidence, outcome, retryAfter, rule, slow, sources, stage, todo, what } = diagnosis
  return [
    what,
    ...(outcome === "fine" ? [] : [`Stage: ${stage}`]),
    ...list(
      "Because of",
      evidence.map((event) => `line ${event.counter}: ${LogText.format([event], { columns: "statement" })}`)
    ),
    ...list("Likely causes", causes),
    ...list("What to do", todo),
    ...(ask === undefined ? [] : [`Whom to ask: ${ask}`]),
    ...(retryAfter === undefined ? [] : [`Try again: ${pause[retryAfter]}`]),
    ...list("What was slow", slow.map(inWords)),
    ...(sources.length === 0 ? [] : [`Rule ${escape(rule)}, from ${sources.join("; ")}`])
  ].join("\n")
}
