/** `colloquy log list`: a row a conversation. */
import * as Command from "effect/cli/Command"
import * as TerminalCapabilities from "effect/cli/TerminalCapabilities"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Printable from "../internal/printable.ts"
import * as Report from "../report.ts"
import { tell, type Told } from "../report/conversation.ts"
import * as Dialogue from "./dialogue.ts"
import * as Input from "./input.ts"
import { grouped } from "./progress.ts"

const flags = { files: Input.files, ...Input.choice, ...Input.reading }

const row = (session: string, when: string, took: string, octets: string, outcome: string, rest: string) =>
  [session.padStart(7), when.padEnd(23), took.padStart(12), octets.padStart(11), outcome.padEnd(8), rest].join("  ")
    .trimEnd()

const head = row("SESSION", "WHEN (UTC)", "TOOK", "OCTETS", "OUTCOME", "SERVER; WHO; WHAT")

const whoOf = ({ from, recipients, to }: Told["row"]): string => {
  if (from === "" && to === "") return ""
  return `${from === "" ? "?" : from} to ${to === "" ? "?" : to}${recipients > 1 ? ` and ${recipients - 1} more` : ""}`
}

const text = ({ row: told }: Told): string => {
  const { code, duration, octets, outcome, session, time, what } = told
  const wrong = outcome === "fine" ? "" : `${code === "" ? "" : `${code}: `}${what}`
  return row(
    String(session),
    time === null ? "" : Dialogue.dateTime(time),
    duration === null ? "" : Dialogue.took(duration),
    octets === 0 ? "" : grouped(octets),
    outcome,
    [Dialogue.serverOf(told), whoOf(told), wrong].filter((part) => part !== "").join("; ")
  )
}

const red = 31
const colours: Partial<Record<Told["row"]["outcome"], number>> = { failed: red, partial: red }

const list = Effect.fnUntraced(function*(input: Command.Command.Config.Infer<typeof flags>) {
  const { canColor } = yield* TerminalCapabilities.TerminalCapabilities
  let unread = 0
  let isFirst = true
  yield* Input.conversations(input.files, input, input).pipe(
    Stream.runForEach((conversation) => {
      if (conversation.kind === "apart") {
        unread += conversation.events.filter(({ _tag }) => _tag === "Unread").length
        return Effect.void
      }
      const told = tell(conversation)
      if (input.json) return Console.log(Printable.json(told.row))
      const colour = canColor ? colours[told.row.outcome] : undefined
      const line = Printable.line(text(told))
      const lines = [
        ...(isFirst ? [head] : []),
        colour === undefined ? line : Dialogue.coloured({ colours: true }, colour, line)
      ]
      isFirst = false
      return Console.log(lines.join("\n"))
    })
  )
  if (unread > 0 && !input.json) yield* Console.error(`${grouped(unread)} lines could not be read; log show has them.`)
})

export const command = Command.make(
  "list",
  flags,
  (input) => list(input).pipe(Report.told({ json: input.json, conversationShown: false }))
).pipe(
  Command.withDescription(
    "Lists the conversations of a log, one a row: session, beginning, duration, octets of content, outcome, server, sender and recipient, and what went wrong."
  ),
  Command.withShortDescription("A row a conversation"),
  Command.withExamples([{
    command: "colloquy log list 'logs/*.txt' --failed",
    description: "Of a rotated set, what went wrong"
  }])
)
