import { NodeColloquy } from "@colloquy/node"
import { NodeRuntime } from "@effect/platform-node"
import { Effect, Layer } from "effect"
import { Accounts, App, AppLog } from "./application.ts"

const Live = App.pipe(Layer.provideMerge(AppLog), Layer.provide(NodeColloquy.layer))

Accounts.use((accounts) => accounts.welcome("ann@example.org")).pipe(
  Effect.tap(Effect.log),
  Effect.provide(Live),
  NodeRuntime.runMain
)
