/** Conversations written as people write them: `C: EHLO me`, `S: 250 ok`, and `### …` as objects. */
import type { LogEvent } from "@colloquy/core/LogEvent"

type Body = { [E in LogEvent as E["_tag"]]: Omit<E, "counter" | "time" | "process" | "session"> }[LogEvent["_tag"]]

export interface Head {
  readonly host?: string
  readonly port?: number
  readonly secured?: boolean
}

/** Each line one event, 10 ms after the one before; `wait` milliseconds more before it where a line begins with `+n `. */
export const conversation = (
  head: Head | undefined,
  ...lines: ReadonlyArray<string | Body>
): ReadonlyArray<LogEvent> => {
  let counter = 0
  let time = 1_000_000
  const events: Array<LogEvent> = []
  const add = (body: Body) => {
    time += 10
    events.push({ ...body, counter: ++counter, time, process: 1, session: 1 })
  }
  if (head !== undefined) {
    const { host = "mail.example.com", port = 587, secured = true } = head
    add({ _tag: "Connecting", host, port, tls: port === 465 ? "implicit" : secured ? "required" : "none" })
    add({ _tag: "Connected", host, port, secured })
  }
  for (const line of lines) {
    if (typeof line !== "string") add(line)
    else {
      const [, wait = "0", who, text = ""] = /^(?:\+(\d+) )?([CS]): ?(.*)$/.exec(line) ?? []
      time += Number(wait)
      add({ _tag: who === "C" ? "ClientLine" : "ServerLine", line: text })
    }
  }
  return events
}

export const stars = "*".repeat(32)

const mail = ["C: MAIL FROM:<ann@example.com>"]
const rcpt = [...mail, "S: 250 2.1.0 Ok", "C: RCPT TO:<bob@example.net>"]
const data = [...rcpt, "S: 250 2.1.5 Ok", "C: DATA"]

/** What the client says up to the point where a phase's reply comes. */
export const before = {
  greeting: [],
  ehlo: ["S: 220 ready", "C: EHLO client.example.org"],
  auth: ["C: AUTH PLAIN", "S: 334 ", `C: ${stars}`],
  mail,
  rcpt,
  data,
  verdict: [...data, "S: 354 Go ahead", { _tag: "Content", octets: 1_000, lines: 20, elapsed: 5 }]
} as const satisfies Readonly<Record<string, ReadonlyArray<string | Body>>>

/** A conversation that ends with this reply in this phase. */
export const refusal = (options: {
  readonly phase: keyof typeof before
  readonly host?: string
  readonly port?: number
  readonly greeting?: string
  readonly secured?: boolean
  readonly reply: ReadonlyArray<string>
}): ReadonlyArray<LogEvent> => {
  const { greeting = "220 mail.example.com ESMTP", host = "mail.example.com", phase, port, reply, secured } = options
  const said = reply.map((line) => `S: ${line}`)
  const head = { host, ...(port === undefined ? {} : { port }), ...(secured === undefined ? {} : { secured }) }
  if (phase === "greeting") return conversation(head, ...said, { _tag: "Closed", by: "server", elapsed: 1 })
  const hello = [`S: ${greeting}`, "C: EHLO client.example.org"]
  if (phase === "ehlo") return conversation(head, ...hello, ...said, "C: QUIT", "S: 221 bye")
  return conversation(
    head,
    ...hello,
    "S: 250-hello",
    "S: 250 AUTH PLAIN LOGIN",
    ...before[phase],
    ...said,
    "C: QUIT",
    "S: 221 bye",
    { _tag: "Closed", by: "client", elapsed: 1 }
  )
}
