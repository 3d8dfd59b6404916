#!/usr/bin/env node
import * as NodeColloquy from "@colloquy/node/NodeColloquy"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stdio from "effect/Stdio"
import { readFileSync } from "node:fs"
import * as Colloquy from "./colloquy.ts"

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"))

// Whoever reads our output may stop reading (`| head`): that is no fault to report.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error
  process.exit()
})

Stdio.Stdio.use(({ args }) => args).pipe(
  Effect.flatMap((args) => Colloquy.run(args, String(version))),
  Effect.provide(Layer.merge(NodeServices.layer, NodeColloquy.layer)),
  NodeRuntime.runMain
)
