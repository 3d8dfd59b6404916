/** `colloquy log convert`: any log in one of our two forms, on standard output. */
import type { LogEvent } from "@colloquy/core/LogEvent"
import * as LogText from "@colloquy/core/LogText"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Report from "../report.ts"
import * as Input from "./input.ts"

const flags = {
  files: Input.files,
  to: Flag.Literals("to", ["text", "ndjson"]).pipe(
    Flag.withDescription("The five columns, or one JSON object a line"),
    Flag.withDefault("text")
  ),
  ...Input.reading
}

/** The first line of every log of ours says how to read it. */
const opened = ({ counter, process, time }: LogEvent): LogEvent => ({
  _tag: "Opened",
  counter,
  time,
  process,
  session: 0,
  format: 1,
  program: "colloquy log convert",
  instance: "converted",
  zone: "UTC"
})

const convert = Effect.fnUntraced(function*(input: Command.Command.Config.Infer<typeof flags>) {
  const encode = input.json || input.to === "ndjson" ? LogText.encodeJson : (event: LogEvent) => LogText.encode(event)
  let isFirst = true
  yield* Input.events(input.files, input).pipe(
    Stream.runForEachArray((events) => {
      const [first] = events
      const lines = [...(isFirst && first._tag !== "Opened" ? [opened(first)] : []), ...events].map(encode)
      isFirst = false
      return Console.log(lines.join("\n"))
    })
  )
})

export const command = Command.make(
  "convert",
  flags,
  (input) => convert(input).pipe(Report.told({ json: input.json, conversationShown: false }))
).pipe(
  Command.withDescription(
    "Writes a log, whoever's it is, in the text form or as JSON lines, with all that was in it. Times are in UTC. Passwords that another program wrote down are left out."
  ),
  Command.withShortDescription("A log in another form"),
  Command.withExamples([
    { command: "colloquy log convert swaks.txt", description: "As our own text" },
    { command: "colloquy log convert 4DSMTPLog.txt --zone Europe/Paris --to ndjson", description: "For a program" }
  ])
)
