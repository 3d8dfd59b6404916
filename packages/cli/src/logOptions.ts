/**
 * `--log` and `--log-content`: where the conversation is written as it happens. `-` is standard error, in colours where
 * that is a terminal; anything else is a file, a relative path below the current folder.
 */
import type * as LogEvent from "@colloquy/core/LogEvent"
import * as LogSink from "@colloquy/core/LogSink"
import * as LogText from "@colloquy/core/LogText"
import * as Flag from "effect/cli/Flag"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stdio from "effect/Stdio"

export const log = Flag.String("log").pipe(
  Flag.withMetavar("FILE|-"),
  Flag.withDescription("Writes the conversation there; - is standard error, as it happens"),
  Flag.optional
)

export const logContent = Flag.Literals("log-content", ["summary", "headers", "full"]).pipe(
  Flag.withDescription("How much of the message the log is given; a full log is as confidential as the mail"),
  Flag.withDefault("summary")
)

export const isTerminal = (target: Option.Option<string>) => Option.contains(target, "-")

const red = 31
const green = 32
const cyan = 36
const grey = 90

export const colourOf = (event: LogEvent.LogEvent): number => {
  switch (event._tag) {
    case "ClientLine":
    case "HeaderLine":
    case "BodyLine":
      return cyan
    case "ServerLine":
      return event.line.startsWith("4") || event.line.startsWith("5") ? red : green
    case "Failed":
    case "TimedOut":
    case "AttemptFailed":
    case "Lost":
      return red
    default:
      return grey
  }
}

/** NO_COLOR (any value but the empty one) and a terminal that can't switch colours off. */
const wantsColours = Effect.gen(function*() {
  const stdio = yield* Stdio.Stdio
  const noColour = yield* Effect.orDie(Config.option(Config.String("NO_COLOR")))
  const terminal = yield* Effect.orDie(Config.option(Config.String("TERM")))
  if (Option.exists(noColour, (value) => value !== "") || Option.contains(terminal, "dumb")) return false
  return yield* stdio.stderrIsTerminal
})

const standardError = Effect.fnUntraced(function*(content: LogEvent.ContentLevel) {
  const colours = yield* wantsColours
  const print = (event: LogEvent.LogEvent) => {
    const text = LogText.encode(event)
    return Console.error(colours ? `\u001b[${colourOf(event)}m${text}\u001b[0m` : text)
  }
  return yield* LogSink.make({ content, write: (events) => Effect.forEach(events, print, { discard: true }) })
})

/** The sinks that the flags ask for. */
export const sinks = (target: Option.Option<string>, content: LogEvent.ContentLevel) =>
  Option.match(target, {
    onNone: () => [],
    onSome: (path) => [path === "-" ? standardError(content) : LogSink.file(path, { content, folder: "." })]
  })
