/**
 * `colloquy compose`: the message that `send` would send, printed instead.
 *
 * Invariant: octet for octet what travels (CRLF, Bcc apart), in bounded memory; only on a terminal control characters are
 * written out, so that no message drives it. What fails half-way leaves no file that looks whole.
 */
import * as Message from "@colloquy/core/Message"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import * as Exit from "./exit.ts"
import { outputFailed } from "./internal/files.ts"
import * as Printable from "./internal/printable.ts"
import * as MessageOptions from "./messageOptions.ts"
import * as Report from "./report.ts"

const flags = {
  ...MessageOptions.flags,
  output: Flag.String("output").pipe(
    Flag.withAlias("o"),
    Flag.withMetavar("FILE"),
    Flag.withDescription("Where to; - is standard output"),
    Flag.withDefault("-")
  ),
  json: Flag.Boolean("json").pipe(
    Flag.withDescription("Tells envelope and size as one line of JSON; needs -o"),
    Flag.withDefault(false)
  )
}
type Input = Command.Command.Config.Infer<typeof flags>

type Octets = Stream.Stream<Uint8Array, Report.Failure>

const toTerminal = (octets: Octets) =>
  octets.pipe(
    Stream.decodeText(),
    Stream.map((text) => text.replaceAll("\r\n", "\n").split(/([\n\t])/).map(shown).join(""))
  )
const shown = (text: string) => text === "\n" || text === "\t" ? text : Printable.line(text).replaceAll("\\x0D", "")

const toStandardOutput = Effect.fnUntraced(function*(octets: Octets) {
  const stdio = yield* Stdio.Stdio
  const print = <E>(stream: Stream.Stream<string | Uint8Array, E>) =>
    Stream.runForEach(stream, (chunk) =>
      Effect.mapError(
        Stream.run(Stream.make(chunk), stdio.stdout({ endOnDone: false })),
        outputFailed("standard output")
      ))
  return yield* (yield* stdio.stdoutIsTerminal) ? print(toTerminal(octets)) : print(octets)
})

/** Written beside it first; what is no regular file (a pipe, a device) is written to as it is. */
const toFile = Effect.fnUntraced(function*(octets: Octets, path: string) {
  const fs = yield* FileSystem.FileSystem
  const failed = Effect.mapError(outputFailed(path))
  const there = yield* Effect.option(fs.stat(path))
  const whole = there._tag === "None" || there.value.type === "File"
  const target = there._tag === "Some" && whole ? yield* failed(fs.realPath(path)) : path
  const part = whole ? `${target}.part` : target
  const write = Effect.gen(function*() {
    const file = yield* failed(fs.open(part, { flag: "w", mode: 0o600 }))
    yield* Stream.runForEach(octets, (chunk) => failed(file.writeAll(chunk)))
  })
  yield* Effect.scoped(write).pipe(
    Effect.onError(() => whole ? Effect.ignore(fs.remove(part)) : Effect.void)
  )
  if (whole) yield* failed(fs.rename(part, target))
})

const run = Effect.fnUntraced(function*(input: Input) {
  if (input.json && input.output === "-") {
    return yield* new Report.Usage({ problem: "--json wants -o FILE: the message itself goes to standard output" })
  }
  const made = yield* MessageOptions.make(input)
  const { content, envelope, messageId, size } = Message.isComposed(made) ? made : yield* Message.compose(made)
  let octets = 0
  const counted = Stream.map(content, (chunk) => {
    octets += chunk.length
    return chunk
  })
  yield* input.output === "-" ? toStandardOutput(counted) : toFile(counted, input.output)
  if (!input.json) return
  yield* Console.log(Printable.json({
    status: Exit.status.accepted,
    output: input.output,
    ...(messageId === undefined ? {} : { messageId }),
    envelope,
    octets,
    sizeKnownAhead: size !== undefined
  }))
}, Effect.scoped)

export const compose = Command.make(
  "compose",
  flags,
  (input) => run(input).pipe(Report.told({ json: input.json, conversationShown: false }))
).pipe(
  Command.withDescription(
    "Prints the message that send would send with the same flags, octet for octet. Nothing is sent. Bcc is in no message."
  ),
  Command.withShortDescription("Print a message"),
  Command.withExamples([
    {
      command: "colloquy compose --from ann@mail.example --to bob@example.org --subject Hi --text Hello -o mail.eml",
      description: "A message to a file"
    },
    {
      command:
        "colloquy compose --from ann@mail.example --to bob@example.org --html-file page.html --embed-images . --attach report.pdf",
      description: "A page with its pictures, and a file"
    }
  ])
)
