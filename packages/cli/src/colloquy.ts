/**
 * The program: its commands, its help with the exit statuses, and how a wrong usage is told.
 *
 * Invariant: what the program was given is never repeated with a password in it, also where it can't be parsed.
 */
import * as CliConfig from "effect/cli/CliConfig"
import type * as CliError from "effect/cli/CliError"
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as TerminalCapabilities from "effect/cli/TerminalCapabilities"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { check } from "./check.ts"
import { compose } from "./compose.ts"
import { demo } from "./demo.ts"
import * as Exit from "./exit.ts"
import * as Printable from "./internal/printable.ts"
import { log } from "./log/log.ts"
import * as Report from "./report.ts"
import { send } from "./send.ts"
import { verify } from "./verify.ts"

export const command = Command.make("colloquy").pipe(
  Command.withDescription(
    "Sends mail and checks mail servers, and shows the whole conversation. Passwords never appear in it."
  ),
  Command.withSubcommands([send, compose, verify, check, demo, log])
)

/** An argument that is a URL may hold a password: what stands before the host is left out. */
const withoutCredentials = (text: string) => text.replaceAll(/:\/\/[^\n]*@/g, "://…@").replaceAll(/[^\s"'/]+@/g, "…@")

const isShort = (error: CliError.CliError) => error._tag === "UnrecognizedOption" && /^-[^-]/.test(error.option)

/**
 * What is wrong with the arguments, in words that repeat no password: not an argument too many, which may be the rest of
 * one with a blank in it, nor the letters of `-psecret` one by one.
 */
const wrongs = (errors: ReadonlyArray<CliError.CliError>): ReadonlyArray<string> => {
  const short = errors.find(isShort)
  return errors.filter((error) => !isShort(error) || error === short).map((error) =>
    error._tag === "UnexpectedArgument"
      ? "there is an argument too many: all that a command is given has a flag in front"
      : withoutCredentials(error.message)
  )
}

const statuses = [
  "EXIT STATUS",
  ...Exit.meanings.map(([status, meaning]) => `  ${String(status).padEnd(4)} ${meaning}`)
].join("\n")

const presenter: CliOutput.Presenter = {
  present: Effect.fnUntraced(function*(event) {
    const { canColor } = yield* TerminalCapabilities.TerminalCapabilities
    const formatter = CliOutput.defaultFormatter({ colors: canColor })
    switch (event._tag) {
      case "Help":
        return yield* Console.log(`${formatter.formatHelpDoc(event.helpDoc)}\n\n${statuses}`)
      case "Version":
        return yield* Console.log(`${event.name} ${event.version}`)
      case "InvalidInvocation":
        for (const wrong of wrongs(event.errors)) yield* Console.error(`colloquy: ${Printable.lines(wrong)}`)
        return yield* Console.error(`Try ${event.commandPath.join(" ")} --help for the usage.`)
    }
  })
}

/** What the engine warns of (a log that can't be written), as the program's own words. */
const warnings = Logger.withConsoleError(
  Logger.make(({ message }) =>
    `colloquy: ${Printable.line((Array.isArray(message) ? message : [message]).map(String).join(" "))}`
  )
)

const layer = Layer.mergeAll(
  Logger.layer([warnings]),
  CliConfig.layer({ builtIns: [GlobalFlag.Help, GlobalFlag.Version, GlobalFlag.Completions] }),
  CliOutput.layerPresenter(presenter),
  TerminalCapabilities.layer
)

/** Runs the program on its arguments. It fails with the exit status when that is not 0, and has said why. */
export const run = (args: ReadonlyArray<string>, version: string) =>
  Command.runWith(command, { version })(args).pipe(
    Effect.catchTag("ShowHelp", () => new Exit.Exit({ status: Exit.status.usage })),
    Effect.catch((error) => error._tag === "Exit" ? Effect.fail(error) : new Exit.Exit({ status: Exit.status.usage })),
    Report.defectTold,
    Effect.provide(layer)
  )
