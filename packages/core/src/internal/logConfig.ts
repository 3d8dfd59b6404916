/**
 * `logConfig.json` and `COLLOQUY_LOG`: the application's log switched from outside the code, with 4D's members.
 *
 * `{ "forceConfiguration": true, "SMTPLogs": { "state": 1 } }`: a state of 1 or more is on, and the lowest file number;
 * `forceConfiguration` (true where it is not said) keeps the code from changing it. Other members are other logs'. A file
 * that cannot be read is a warning and no log, never a failure. Nothing here can touch redaction or content.
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import { FileSystem } from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { escape } from "./log/escape.ts"
import * as Problem from "./sink/problem.ts"

const defaultFile = "./logConfig.json"

const LogConfig = Schema.Struct({
  forceConfiguration: Schema.optionalKey(Schema.Boolean),
  /** As 4D's documentation has it in one place. */
  forceLoggingConfiguration: Schema.optionalKey(Schema.Boolean),
  SMTPLogs: Schema.optionalKey(
    Schema.Struct({ state: Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)) })
  )
})

export interface Switching {
  /** `undefined`: the code decides. */
  readonly initially: "on" | "off" | undefined
  /** The lowest file number. */
  readonly first: number | undefined
  readonly forced: boolean
}

const unsaid: Switching = { initially: undefined, first: undefined, forced: false }

const warn = (what: string, problem: string): Effect.Effect<void> =>
  Effect.logWarning(`${what} cannot be read: ${escape(problem)}. No log is written.`)

const variable = (name: string) =>
  Config.String(name).pipe(
    Config.option,
    Effect.map((value) => Option.getOrElse(value, () => "").trim()),
    Effect.catch(() => Effect.as(warn(name, "the configuration's source failed"), ""))
  )

const parse = (text: string): Effect.Effect<Switching, string> =>
  Effect.try({ try: (): unknown => JSON.parse(text), catch: () => "it is not JSON" }).pipe(
    Effect.flatMap((json) => Effect.mapError(Schema.decodeUnknownEffect(LogConfig)(json), Problem.of)),
    Effect.map(({ forceConfiguration, forceLoggingConfiguration, SMTPLogs }) =>
      SMTPLogs === undefined ? unsaid : {
        initially: SMTPLogs.state > 0 ? "on" : "off",
        first: SMTPLogs.state > 0 ? SMTPLogs.state : undefined,
        forced: forceConfiguration ?? forceLoggingConfiguration ?? true
      }
    )
  )

/** The environment goes before the option, since whoever runs the program goes before whoever wrote it. */
export const read = Effect.fnUntraced(function*(configFile: string | undefined) {
  const fs = yield* FileSystem
  const short = yield* variable("COLLOQUY_LOG")
  if (short === "1") return { initially: "on", first: 1, forced: true } satisfies Switching
  if (short !== "" && short !== "0") yield* warn(`COLLOQUY_LOG="${escape(short)}"`, "it is 1, or not set")
  const named = yield* variable("COLLOQUY_LOG_CONFIG")
  const path = named === "" ? configFile ?? defaultFile : named
  const isNamed = named !== "" || configFile !== undefined
  return yield* fs.readFileString(path).pipe(
    Effect.mapError((error) => ({ isMissing: error.reason._tag === "NotFound", problem: Problem.ofPlatform(error) })),
    Effect.flatMap((text) => Effect.mapError(parse(text), (problem) => ({ isMissing: false, problem }))),
    Effect.catch(({ isMissing, problem }) =>
      isMissing && !isNamed
        ? Effect.succeed(unsaid)
        : Effect.as(warn(`The log configuration "${escape(path)}"`, problem), { ...unsaid, initially: "off" as const })
    )
  )
})
