/** Runs the program in the test's process: its arguments in, its exit status and what it printed out. */
import * as Colloquy from "@colloquy/cli/colloquy"
import * as TestPlatform from "@colloquy/core/testing/TestPlatform"
import * as NodeMimeParser from "@colloquy/node/NodeMimeParser"
import * as NodeSmimeSigner from "@colloquy/node/NodeSmimeSigner"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Stdio from "effect/Stdio"
import * as Terminal from "effect/Terminal"
import { TestConsole } from "effect/testing"

export interface Ran {
  readonly status: number
  readonly output: string
  readonly errors: string
}

const noTerminal = Layer.succeed(
  Terminal.Terminal,
  Terminal.make({
    columns: Effect.succeed(80),
    rows: Effect.succeed(24),
    size: Effect.never,
    readInput: Effect.never,
    readLine: Effect.never,
    display: () => Effect.void
  })
)

/** What the program needs besides a connector: no files, no terminal. */
export const Machine = Layer.mergeAll(
  TestPlatform.layer,
  Stdio.layerTest({}),
  noTerminal,
  Layer.mock(ChildProcessSpawner, {}),
  NodeMimeParser.layer,
  NodeSmimeSigner.layer
)

/** The lines are those of this run, if the test's console was new before. */
export const colloquy = (args: ReadonlyArray<string>, environment: Record<string, string> = {}) =>
  Effect.gen(function*() {
    const status = yield* Colloquy.run(args, "1.2.3").pipe(
      Effect.as(0),
      Effect.catchTag("Exit", (exit) => Effect.succeed(exit.status)),
      Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env: environment }))
    )
    const output = (yield* TestConsole.logLines).join("\n")
    const errors = (yield* TestConsole.errorLines).join("\n")
    return { status, output, errors } satisfies Ran
  })
