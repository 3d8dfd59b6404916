/** The rules of the house, checked on the sources themselves. */
import { program, version } from "@colloquy/core/internal/version"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { readdirSync, readFileSync } from "node:fs"
import { join, posix } from "node:path"
import { errorsOf, root, tsc } from "../compiler.ts"

const folder = join(root, "packages/core/src")
const manifest = JSON.parse(readFileSync(join(root, "packages/core/package.json"), "utf8"))

const importsOf = (source: string): ReadonlyArray<string> =>
  [
    ...source.matchAll(/^(?:import|export)\b[^"';]*?\bfrom "([^"]+)"/gm),
    ...source.matchAll(/^import "([^"]+)"/gm),
    ...source.matchAll(/\bimport\("([^"]+)"\)/g)
  ].map(([, specifier = ""]) => specifier)

/** Every module of core, as `internal/framing`, with what it imports. */
const modules = new Map(
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => {
      const name = file.replaceAll("\\", "/").replace(/\.ts$/, "")
      return [name, importsOf(readFileSync(join(folder, file), "utf8"))] as const
    })
)
const target = (from: string, specifier: string) => posix.join(posix.dirname(from), specifier).replace(/\.ts$/, "")
const neighbours = (name: string): ReadonlyArray<string> =>
  (modules.get(name) ?? []).filter((each) => each.startsWith(".")).map((each) => target(name, each))

/** From the bottom: a module imports its own row and those before it, directly or by way of internals. */
const rows: ReadonlyArray<ReadonlyArray<string>> = [
  ["Mailbox", "Envelope", "Command", "Reply", "Extensions", "Sasl", "Tls", "MessageError"],
  ["LogEvent", "Receipt", "Message", "Mime", "Dkim"],
  ["SmtpError", "Redaction", "LogText"],
  ["Connection", "LogSink"],
  ["Connector", "SmtpLog", "Diagnosis", "LogReader"],
  ["Session", "internal/pipeline", "internal/recorder", "internal/framing"],
  ["Transporter", "Server"],
  ["Outbox"]
]
const rowOf = new Map(rows.flatMap((names, row) => names.map((name) => [name, row] as const)))

/** The ways that lead from a module to one of a higher row. */
const climbs = (start: string): ReadonlyArray<string> => {
  const row = rowOf.get(start) ?? 0
  const seen = new Set([start])
  const queue = [[start]]
  const found: Array<string> = []
  for (let way = queue.shift(); way !== undefined; way = queue.shift()) {
    for (const next of neighbours(way.at(-1) ?? start)) {
      if (seen.has(next)) continue
      seen.add(next)
      const nextRow = rowOf.get(next)
      if (nextRow === undefined) queue.push([...way, next])
      else if (nextRow > row) found.push([...way, next].join(" → "))
    }
  }
  return found
}

describe("the imports of core", () => {
  it("are effect's modules and its own, and nothing else", () => {
    assert.isAbove(modules.size, 50)
    const foreign = [...modules].flatMap(([name, specifiers]) =>
      specifiers.filter((each) => !each.startsWith("./") && !each.startsWith("../") && !each.startsWith("effect/"))
        .map((each) => `${name} → ${each}`)
    )
    assert.deepStrictEqual(foreign, [])
    const outside = [...modules.keys()].flatMap((name) =>
      neighbours(name).filter((each) => !modules.has(each)).map((each) => `${name} → ${each}`)
    )
    assert.deepStrictEqual(outside, [])
  })

  it("never lead to the modules for tests", () => {
    const found = [...modules.keys()].filter((name) => !name.startsWith("testing/"))
      .flatMap((name) =>
        neighbours(name).filter((each) => each.startsWith("testing/")).map((each) => `${name} → ${each}`)
      )
    assert.deepStrictEqual(found, [])
  })

  it("never lead from a lower row to a higher one", () => {
    assert.deepStrictEqual([...rowOf.keys()].flatMap(climbs), [])
  })

  it("are read in every form that they have", () => {
    assert.deepStrictEqual(
      importsOf(`
import * as A from "a"
import {
  b
} from "b"
import "c"
export { type D } from "d"
export * as E from "e"
const f = await import("f")
const g = 'from "g"'
`.trimStart()),
      ["a", "b", "d", "e", "c", "f"]
    )
  })
})

describe("the package of core", () => {
  it("depends on effect alone", () => {
    assert.deepStrictEqual(
      [manifest.dependencies, Object.keys(manifest.peerDependencies), manifest.optionalDependencies],
      [undefined, ["effect"], undefined]
    )
  })

  it("knows its own version", () => {
    assert.strictEqual(version, manifest.version)
    assert.strictEqual(program, `colloquy ${manifest.version}`)
  })
})

describe("the compiler", () => {
  it.live("takes core without Node's types", () =>
    Effect.gen(function*() {
      const options = JSON.parse(readFileSync(join(root, "tsconfig.base.json"), "utf8")).compilerOptions
      const own = JSON.parse(readFileSync(join(root, "packages/core/tsconfig.json"), "utf8")).compilerOptions ?? {}
      assert.deepStrictEqual([options.types, own.types], [[], undefined])
      const off = ["--noEmit", "--composite", "false", "--incremental", "false", "--declarationMap", "false"]
      assert.strictEqual(yield* tsc("-p", join(root, "packages/core"), ...off), "")
    }), 60_000)

  it.live("refuses in core what only Node has, and what tests cannot control", () =>
    Effect.gen(function*() {
      const source = [
        `import * as Fs from "node:fs"`,
        `import * as Http from "http"`,
        `import * as NodeSocket from "@effect/platform-node/NodeSocket"`,
        `import * as NodeColloquy from "@colloquy/node/NodeColloquy"`,
        `export const all = [Fs, Http, NodeSocket, NodeColloquy]`,
        `export const pid = process.pid`,
        `export const bytes = Buffer.from("a")`,
        `export const now = Date.now()`,
        `export const dice = Math.random()`,
        `export const timer = setTimeout(() => {}, 1)`,
        `console.log("a")`
      ]
      const errors = yield* errorsOf("packages/core", source.join("\n"), [])
      assert.deepStrictEqual(errors.map((error) => /^\d+ TS\d+/.exec(error)?.[0]), [
        "1 TS2591",
        "2 TS2591",
        "3 TS2307",
        "4 TS2307",
        "6 TS2591",
        "7 TS2591",
        "8 TS377066",
        "9 TS377070",
        "10 TS377072",
        "11 TS377064"
      ])
    }), 60_000)
})
