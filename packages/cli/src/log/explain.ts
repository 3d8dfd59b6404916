/** `colloquy log explain`: what happened in a conversation, line by line in plain words, what went wrong, and what to do. */
import * as Diagnosis from "@colloquy/core/Diagnosis"
import type { Conversation } from "@colloquy/core/LogReader"
import * as Command from "effect/cli/Command"
import * as TerminalCapabilities from "effect/cli/TerminalCapabilities"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Printable from "../internal/printable.ts"
import * as Report from "../report.ts"
import { tell } from "../report/conversation.ts"
import * as Dialogue from "./dialogue.ts"
import * as Input from "./input.ts"
import { counting, grouped } from "./progress.ts"

const flags = { files: Input.files, ...Input.choice, ...Input.reading }
type Given = Command.Command.Config.Infer<typeof flags>

const red = 31

const linesOf = ({ from, to }: Diagnosis.Step): string => from === to ? `line ${from}: ` : `lines ${from} to ${to}: `

const text = (conversation: Conversation, style: Dialogue.Style): string => {
  const { events } = conversation
  const steps = Diagnosis.walkthrough(events).map((step) => {
    const line = `  ${linesOf(step)}${Printable.line(step.text)}`
    return step.isTrouble ? Dialogue.coloured(style, red, line) : line
  })
  const troubles = Diagnosis.diagnoseAll(events).map((diagnosis) => Printable.lines(Diagnosis.render(diagnosis)))
  return [Dialogue.title(tell(conversation), style), "", ...steps, "", troubles.join("\n\n")].join("\n")
}

const facts = ({ events, process, session }: Conversation) => ({
  session,
  process,
  steps: Diagnosis.walkthrough(events),
  diagnoses: Diagnosis.diagnoseAll(events)
})

/** So many are explained unless they were asked for by number. */
const most = 10

const explain = Effect.fnUntraced(function*(input: Given) {
  const { canColor } = yield* TerminalCapabilities.TerminalCapabilities
  const chosen: Array<Conversation> = []
  let only: Conversation | undefined
  let all = 0
  let wrong = 0
  yield* Input.conversations(input.files, input, input).pipe(
    Stream.filter(({ kind }) => kind !== "apart"),
    counting(input.json),
    Stream.runForEach((conversation) =>
      Effect.suspend(() => {
        all++
        only = all === 1 ? conversation : undefined
        const isWanted = input.session.length > 0 || Diagnosis.diagnose(conversation.events).outcome !== "fine"
        if (!isWanted) return Effect.void
        wrong++
        if (input.json) return Console.log(Printable.json(facts(conversation)))
        if (input.session.length > 0 || chosen.length < most) chosen.push(conversation)
        return Effect.void
      })
    )
  )
  if (all === 0) {
    return yield* new Report.InputFailed({
      path: input.files.map(Input.nameOf).join(" "),
      problem: Input.hasChoice(input) ? "there is no such conversation in it" : "there is no conversation in it"
    })
  }
  if (input.json) return only !== undefined && wrong === 0 ? yield* Console.log(Printable.json(facts(only))) : undefined
  const shown = only !== undefined && chosen.length === 0 ? [only] : chosen
  const style = { colours: canColor }
  if (shown.length === 0) return yield* Console.log(`Nothing went wrong in ${grouped(all)} conversations.`)
  yield* Console.log(shown.map((conversation) => text(conversation, style)).join("\n\n\n"))
  if (wrong > shown.length) {
    yield* Console.log(
      `\n${grouped(wrong - shown.length)} more went wrong: log list --failed has them all, --session explains one.`
    )
  }
})

export const command = Command.make(
  "explain",
  flags,
  (input) => explain(input).pipe(Report.told({ json: input.json, conversationShown: false }))
).pipe(
  Command.withDescription(
    `Walks through what happened, line by line, and tells what went wrong, why, what to do and whom to ask. Without --session: the first ${most} conversations in which something went wrong.`
  ),
  Command.withShortDescription("What happened, and what to do"),
  Command.withExamples([
    { command: "colloquy log explain smtp.log", description: "What went wrong" },
    { command: "colloquy log explain 4DSMTPLog.txt --session 7 --zone Europe/Paris", description: "One conversation" }
  ])
)
