/** `colloquy log show`: conversations as a dialogue, or a log that is still being written as it grows. */
import type * as LogReader from "@colloquy/core/LogReader"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as TerminalCapabilities from "effect/cli/TerminalCapabilities"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import type { PlatformError } from "effect/PlatformError"
import type * as Pull from "effect/Pull"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import { inputFailed } from "../internal/files.ts"
import * as Printable from "../internal/printable.ts"
import * as Report from "../report.ts"
import { tell } from "../report/conversation.ts"
import * as Dialogue from "./dialogue.ts"
import * as Input from "./input.ts"

const flags = {
  files: Input.files,
  ...Input.choice,
  follow: Flag.Boolean("follow").pipe(
    Flag.withAlias("f"),
    Flag.withDescription("Goes on as the log grows, a line at a time"),
    Flag.withDefault(false)
  ),
  ...Input.reading
}
type Given = Command.Command.Config.Infer<typeof flags>

const text = (conversation: LogReader.Conversation, style: Dialogue.Style): ReadonlyArray<string> =>
  conversation.kind === "apart"
    ? conversation.events.flatMap((event) =>
      event._tag === "Unread" || event._tag === "Lost" ? [Dialogue.spoken(event)] : []
    )
    : ["", Dialogue.title(tell(conversation), style), ...Dialogue.lines(conversation, style)]

const show = Effect.fnUntraced(function*(input: Given) {
  const { canColor } = yield* TerminalCapabilities.TerminalCapabilities
  const style = { colours: canColor }
  let isFirst = true
  yield* Input.conversations(input.files, input, input).pipe(
    Stream.runForEach((conversation) => {
      if (input.json) return Console.log(Printable.json(conversation))
      const lines = text(conversation, style)
      const shown = isFirst && lines[0] === "" ? lines.slice(1) : lines
      if (lines.length > 0) isFirst = false
      return shown.length === 0 ? Effect.void : Console.log(shown.join("\n"))
    })
  )
})

const pause = 200

/** The octets of a file, and those that are still to come. */
const growing = (path: string): Stream.Stream<Uint8Array, PlatformError, FileSystem.FileSystem> =>
  Stream.unwrap(
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const file = yield* fs.open(path, { flag: "r" })
      const pull: Pull.Pull<readonly [Uint8Array], PlatformError> = Effect.flatMap(
        file.readAlloc(65_536),
        Option.match({
          onNone: () => Effect.andThen(Effect.sleep(pause), pull),
          onSome: (octets) => Effect.succeed([octets] as const)
        })
      )
      return Stream.fromPull(Effect.succeed(pull))
    })
  )

const follow = Effect.fnUntraced(function*(input: Given) {
  const [file = "", ...others] = input.files
  if (others.length > 0 || file.includes("*")) {
    return yield* new Report.Usage({ problem: "--follow goes with one file" })
  }
  const { canColor } = yield* TerminalCapabilities.TerminalCapabilities
  const octets: Stream.Stream<Uint8Array, PlatformError, FileSystem.FileSystem | Stdio.Stdio> = file === "-"
    ? Stream.unwrap(Stdio.Stdio.useSync(({ stdin }) => stdin))
    : growing(file)
  yield* octets.pipe(
    Input.octetsToEvents(input, Input.nameOf(file)),
    Input.filterOf(input),
    Stream.mapError(inputFailed(Input.nameOf(file))),
    Stream.runForEach((event) =>
      event._tag === "Opened" && !input.json
        ? Effect.void
        : Console.log(input.json ? Printable.json(event) : Dialogue.followed(event, { colours: canColor }))
    )
  )
})

export const command = Command.make(
  "show",
  flags,
  (input) =>
    Effect.suspend(() => input.follow ? Effect.asVoid(follow(input)) : show(input)).pipe(
      Report.told({ json: input.json, conversationShown: false })
    )
).pipe(
  Command.withDescription(
    "Shows the conversations of a log as a dialogue: number, seconds since its beginning, and who said what (S: the server, C: the client, C| the message, -- what was done)."
  ),
  Command.withShortDescription("Conversations as a dialogue"),
  Command.withExamples([
    { command: "colloquy log show smtp.log --failed", description: "What went wrong" },
    { command: "colloquy log show smtp.log --follow --host mail.example", description: "What is said right now" }
  ])
)
