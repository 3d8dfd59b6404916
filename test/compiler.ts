/** The project's own compiler, for tests of what does and what does not compile. */
import { Effect } from "effect"
import { spawn } from "node:child_process"
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

export const root = fileURLToPath(new URL("../", import.meta.url))

/** Runs `tsc`; gives what it prints. */
export const tsc = (...options: ReadonlyArray<string>): Effect.Effect<string> =>
  Effect.callback((resume) => {
    const child = spawn(join(root, "node_modules/.bin/tsc"), options, { cwd: root })
    let printed = ""
    child.stdout.on("data", (chunk) => printed += String(chunk))
    child.stderr.on("data", (chunk) => printed += String(chunk))
    child.on("error", (error) => resume(Effect.die(error)))
    child.on("close", () => resume(Effect.succeed(printed)))
    return Effect.sync(() => child.kill())
  })

/**
 * Compiles a source as if it stood in that package (`packages/core`, `test`): with its dependencies and no others, under the
 * rules of all. Gives the errors, as `line TScode: message` and the lines below it that go into detail.
 */
export const errorsOf = (
  inside: string,
  source: string,
  types: ReadonlyArray<string>
): Effect.Effect<ReadonlyArray<string>> =>
  Effect.acquireUseRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "colloquy-compiler-"))),
    (folder) => {
      symlinkSync(join(root, inside, "node_modules"), join(folder, "node_modules"))
      writeFileSync(join(folder, "package.json"), `{ "type": "module" }`)
      writeFileSync(join(folder, "source.ts"), source)
      writeFileSync(
        join(folder, "tsconfig.json"),
        JSON.stringify({
          extends: join(root, "tsconfig.base.json"),
          files: ["source.ts"],
          compilerOptions: {
            composite: false,
            incremental: false,
            noEmit: true,
            declarationMap: false,
            sourceMap: false,
            rootDir: "/",
            types,
            typeRoots: [join(root, "node_modules/@types")]
          }
        })
      )
      return Effect.map(tsc("-p", folder, "--pretty", "false"), (printed) =>
        [...printed.matchAll(/source\.ts\((\d+),\d+\): error (TS\d+: .*(?:\n {2}.*)*)/g)].map(([, at, text]) =>
          `${at} ${text}`
        ))
    },
    (folder) =>
      Effect.sync(() =>
        rmSync(folder, { recursive: true })
      )
  )
