/** What the codes say by themselves, where no other rule holds: the classes and subjects of RFC 3463, then of RFC 5321. */
import * as people from "../internal/diagnosis/people.ts"
import type { RetryAfter, Rule } from "../internal/diagnosis/rule.ts"
import * as source from "../internal/diagnosis/sources.ts"

interface Subject {
  readonly name: string
  readonly about: string
  readonly causes: ReadonlyArray<string>
  readonly ask: string
}

const subjects: ReadonlyArray<readonly [number, Subject]> = [
  [1, {
    name: "address",
    about: "for an address of the envelope",
    causes: ["an address is misspelt, unknown or not allowed"],
    ask: people.recipient
  }],
  [2, {
    name: "mailbox",
    about: "for the state of a mailbox",
    causes: ["a mailbox is full, disabled or over its limits"],
    ask: people.recipient
  }],
  [3, {
    name: "system",
    about: "for the state of the server",
    causes: ["the server is full, busy or misconfigured"],
    ask: people.administrator
  }],
  [4, {
    name: "routing",
    about: "for the way to the next server",
    causes: ["the network, the DNS or the next server"],
    ask: people.administrator
  }],
  [5, {
    name: "protocol",
    about: "for a command or its parameters",
    causes: ["client and server do not understand each other"],
    ask: people.developer
  }],
  [6, {
    name: "content",
    about: "for the message's content",
    causes: ["the form of the content is not taken there"],
    ask: people.postmaster
  }],
  [7, {
    name: "security",
    about: "by a rule, or for security",
    causes: ["a policy of the server, a login that is missing, or the sender's reputation"],
    ask: people.postmaster
  }],
  [0, {
    name: "other",
    about: "and the code says no more",
    causes: ["see the server's own words"],
    ask: people.administrator
  }]
]

const classes: ReadonlyArray<readonly [number, string, RetryAfter, string]> = [
  [4, "for now", "seconds", "send again in some minutes"],
  [5, "for good", "never", "ask with the server's words in hand; the same message will be refused again"]
]

const byEnhanced: ReadonlyArray<Rule> = classes.flatMap(([digit, how, retryAfter, todo]) =>
  subjects.map(([subject, { about, ask, causes, name }]): Rule => ({
    id: `general/${digit}-${name}`,
    when: [{ enhanced: [`${digit}.${subject}.*`] }],
    what: `The server refused ${how}, ${about}.`,
    causes,
    todo: [todo],
    ask,
    retryAfter,
    sources: [source.rfc3463, source.iana]
  }))
)

const byCode: ReadonlyArray<Rule> = classes.map(([digit, how, retryAfter, todo]): Rule => ({
  id: `general/${digit}yz`,
  when: [{ code: [digit] }],
  what: `The server refused ${how}.`,
  causes: ["see the server's own words"],
  todo: [todo],
  ask: people.administrator,
  retryAfter,
  sources: ["RFC 5321 §4.2.1"]
}))

export const rules: ReadonlyArray<Rule> = [...byEnhanced, ...byCode]
