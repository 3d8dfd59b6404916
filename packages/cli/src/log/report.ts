/**
 * `colloquy log report`: a log as one HTML file, to read in a browser and to pass on. It needs no network, then or later.
 *
 * The file is for its owner alone (mode 0600) where it is new: it says what the log says.
 */
import * as LogReader from "@colloquy/core/LogReader"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import * as Files from "../internal/files.ts"
import * as Printable from "../internal/printable.ts"
import * as Failures from "../report.ts"
import type { Overview } from "../report/data.ts"
import * as Model from "../report/model.ts"
import * as Page from "../report/page.ts"
import * as Input from "./input.ts"
import * as Progress from "./progress.ts"

const flags = {
  files: Input.files,
  output: Flag.String("output").pipe(
    Flag.withAlias("o"),
    Flag.withMetavar("FILE"),
    Flag.withDescription("The report; - is standard output"),
    Flag.withDefault("report.html")
  ),
  limit: Flag.Int("limit").pipe(
    Flag.withMetavar("N"),
    Flag.withDescription("The most conversations in the list; beyond it, the oldest that went well are only counted"),
    Flag.withDefault(10_000)
  ),
  ...Input.choice,
  ...Input.reading
}
type Flags = Command.Command.Config.Infer<typeof flags>

/** Of a longer conversation, the beginning and the end are shown. */
const longestConversation = 2_000

const outputFailed = (path: string) => (error: Parameters<typeof Files.problemOf>[0]) =>
  new Failures.OutputFailed({
    path,
    problem: error.reason._tag === "NotFound" ? "there is no such folder" : Files.problemOf(error)
  })

/** A log that is named as the report too would be gone. */
const refuseToOverwrite = Effect.fnUntraced(function*(files: ReadonlyArray<string>, output: string) {
  const fs = yield* FileSystem.FileSystem
  const real = (path: string) => Effect.orElseSucceed(fs.realPath(path), () => path)
  const target = yield* real(output)
  for (const file of files) {
    if ((yield* real(file)) !== target) continue
    return yield* new Failures.Usage({
      problem: `The report would overwrite the log '${file}': name another file with -o.`
    })
  }
})

const read = Effect.fnUntraced(function*(input: Flags, files: ReadonlyArray<string>) {
  const model = Model.make({
    sources: files.map(Input.nameOf),
    program: "colloquy",
    made: yield* Clock.currentTimeMillis,
    limit: input.limit
  })
  yield* Input.events(files, input).pipe(
    LogReader.conversations({ maxEvents: longestConversation }),
    Progress.counting(input.json),
    Stream.runForEachArray((conversations) =>
      Effect.sync(() => {
        for (const conversation of conversations) {
          const isMeant = conversation.kind === "apart"
            ? !Input.hasChoice(input)
            : Input.isChosen(input, conversation)
          if (isMeant) model.add(conversation)
        }
      })
    )
  )
  return model.finish()
})

const write = Effect.fnUntraced(function*(report: Model.Report, output: string) {
  const page = Stream.encodeText(Stream.fromIterable(Page.pieces(report)))
  const failed = Effect.mapError(outputFailed(output))
  if (output === "-") {
    const stdio = yield* Stdio.Stdio
    return yield* failed(Stream.run(page, stdio.stdout({ endOnDone: false })))
  }
  const fs = yield* FileSystem.FileSystem
  return yield* failed(Stream.run(page, fs.sink(output, { flag: "w", mode: 0o600 })))
})

const words = ({ conversations, counts, unread }: Overview, output: string) =>
  [
    `${output}: ${Progress.grouped(conversations)} conversation${conversations === 1 ? "" : "s"}, ${
      Progress.grouped(counts.fine)
    } fine, ${Progress.grouped(counts.failed)} failed, ${Progress.grouped(counts.partial)} in part, ${
      Progress.grouped(counts.unclear)
    } unclear.`,
    ...(unread === 0 ? [] : [`${Progress.grouped(unread)} line${unread === 1 ? "" : "s"} could not be read.`]),
    "Open it in a browser."
  ].join(" ")

const run = Effect.fnUntraced(function*(input: Flags) {
  if (input.limit < 1) return yield* new Failures.Usage({ problem: "--limit is a number from 1 on." })
  const files = yield* Input.filesOf(input.files)
  yield* refuseToOverwrite(files, input.output)
  const report = yield* read(input, files)
  yield* write(report, input.output)
  if (input.output === "-") return
  const { conversations, counts, events, lost, rows, unread } = report.overview
  yield* Console.log(
    input.json
      ? Printable.json({
        status: 0,
        output: input.output,
        conversations,
        listed: rows.length,
        events,
        counts,
        lost,
        unread
      })
      : Printable.line(words(report.overview, input.output))
  )
})

export const report = Command.make(
  "report",
  flags,
  (input) => run(input).pipe(Failures.told({ json: input.json, conversationShown: false }))
).pipe(
  Command.withDescription(
    "Makes one HTML file of a log: what went wrong, how long it took, and every conversation with its diagnosis. The file loads nothing from anywhere."
  ),
  Command.withShortDescription("A log as an HTML file"),
  Command.withExamples([
    { command: "colloquy log report smtp.log -o report.html", description: "One log" },
    { command: "colloquy log report 'Logs/4DSMTPLog_*.txt' --zone Europe/Paris", description: "A rotated set of 4D's" }
  ])
)
