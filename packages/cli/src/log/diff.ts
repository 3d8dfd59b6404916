/** `colloquy log diff`: two conversations side by side, and where they part. */
import type { LogEvent } from "@colloquy/core/LogEvent"
import type { Conversation } from "@colloquy/core/LogReader"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as TerminalCapabilities from "effect/cli/TerminalCapabilities"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Printable from "../internal/printable.ts"
import * as Report from "../report.ts"
import { tell } from "../report/conversation.ts"
import * as Alignment from "./alignment.ts"
import * as Dialogue from "./dialogue.ts"
import * as Input from "./input.ts"

const sessionOf = (name: string, which: string) =>
  Flag.Int(name).pipe(Flag.withMetavar("N"), Flag.withDescription(`The session of ${which}`), Flag.optional)

const flags = {
  a: Argument.String("A").pipe(Argument.withDescription("A log; - is standard input")),
  b: Argument.String("B").pipe(Argument.withDescription("Another one, or the same")),
  left: sessionOf("left", "A; without it, the first one"),
  right: sessionOf("right", "B; without it, the first one"),
  width: Flag.Int("width").pipe(
    Flag.withMetavar("N"),
    Flag.withDescription("Characters of a column"),
    Flag.withDefault(60)
  ),
  ...Input.reading
}

/** Content is not compared line by line, and the log's own matters not at all. */
const isCompared = ({ _tag }: LogEvent): boolean => _tag !== "HeaderLine" && _tag !== "BodyLine" && _tag !== "Lost"

const linesOf = ({ events }: Conversation): ReadonlyArray<string> => events.filter(isCompared).map(Dialogue.spoken)

const fit = (text: string, width: number): string =>
  text.length <= width ? text.padEnd(width) : `${text.slice(0, width - 1)}…`

const marks: Record<Alignment.Row["kind"], string> = { same: " ", changed: "|", left: "<", right: ">" }
const red = 31

const diff = Effect.fnUntraced(function*(input: Command.Command.Config.Infer<typeof flags>) {
  if (input.a === "-" && input.b === "-") {
    return yield* new Report.Usage({ problem: "only one of the two can be standard input" })
  }
  if (input.width < 10) return yield* new Report.Usage({ problem: "--width is a number from 10 on" })
  const left = yield* Input.one(input.a, input, input.left)
  const right = yield* Input.one(input.b, input, input.right)
  const rows = Alignment.align(linesOf(left.conversation), linesOf(right.conversation))
  const differences = rows.filter(({ kind }) => kind !== "same").length
  if (input.json) {
    return yield* Console.log(Printable.json({
      left: tell(left.conversation).row,
      right: tell(right.conversation).row,
      differences,
      rows
    }))
  }
  const { canColor } = yield* TerminalCapabilities.TerminalCapabilities
  const style = { colours: canColor }
  const line = (a: string, mark: string, b: string) =>
    `${fit(a, input.width)} ${mark} ${b.length <= input.width ? b : fit(b, input.width)}`.trimEnd()
  const head = (file: string, { conversation }: typeof left) =>
    `${Printable.line(Input.nameOf(file))}, session ${conversation.session}`
  yield* Console.log([
    line(head(input.a, left), " ", head(input.b, right)),
    ...rows.map(({ kind, left, right }) => {
      const text = line(left ?? "", marks[kind], right ?? "")
      return kind === "same" ? text : Dialogue.coloured(style, red, text)
    }),
    differences === 0 ? "They say the same." : `${differences} of ${rows.length} lines differ.`
  ].join("\n"))
  for (const [file, { others }, flag] of [[input.a, left, "--left"], [input.b, right, "--right"]] as const) {
    if (others === 0) continue
    yield* Console.error(
      `${Printable.line(Input.nameOf(file))} has ${others} more conversation${
        others === 1 ? "" : "s"
      }: ${flag} chooses.`
    )
  }
})

export const command = Command.make(
  "diff",
  flags,
  (input) => diff(input).pipe(Report.told({ json: input.json, conversationShown: false }))
).pipe(
  Command.withDescription(
    "Puts two conversations side by side, without their times: | differs, < and > are in one of them only. Lines of content are not compared."
  ),
  Command.withShortDescription("Two conversations side by side"),
  Command.withExamples([
    { command: "colloquy log diff works.log fails.log", description: "The first conversation of each" },
    { command: "colloquy log diff smtp.log smtp.log --left 7 --right 9", description: "Two of one log" }
  ])
)
