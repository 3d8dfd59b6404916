/** Runs a program of this folder in a process of its own, in a folder of its own, as its user does. */
import { SmtpLog } from "@colloquy/core"
import { CaptureServer } from "@colloquy/core/testing"
import { NodeServices, NodeSocketServer } from "@effect/platform-node"
import { Effect, FileSystem, Layer, Path, Stream } from "effect"
import { ChildProcess } from "effect/process"
import { fileURLToPath } from "node:url"

export const run = Effect.fnUntraced(function*(program: string, env: Record<string, string>) {
  const fs = yield* FileSystem.FileSystem
  const { join } = yield* Path.Path
  const folder = yield* fs.makeTempDirectoryScoped({ prefix: "colloquy-program-" })
  const child = yield* ChildProcess.make(process.execPath, [fileURLToPath(new URL(program, import.meta.url))], {
    cwd: folder,
    env: { NO_COLOR: "1", ...env },
    extendEnv: true
  })
  const output = yield* Stream.mkString(Stream.decodeText(child.all))
  const status = yield* child.exitCode
  const read = (name: string) => fs.readFileString(join(folder, name))
  return { output, status, read }
})

/** A server for it, over TCP, and what it takes to run it. */
export const served = (options?: CaptureServer.Options) =>
  CaptureServer.layer(options).pipe(
    Layer.provide([NodeSocketServer.layer({ host: "127.0.0.1", port: 0 }), SmtpLog.layerNone]),
    Layer.merge(NodeServices.layer)
  )
