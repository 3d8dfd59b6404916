import * as Connector from "@colloquy/core/Connector"
import * as LogEvent from "@colloquy/core/LogEvent"
import * as NodeColloquy from "@colloquy/node/NodeColloquy"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Path } from "effect"
import { Digest } from "effect/crypto/Digest"
import { hostname } from "node:os"
import { serve } from "./loopback.ts"

describe("NodeColloquy.layer", () => {
  it.live("brings connector, files, paths, cryptography, the process id and the machine's name", () =>
    Effect.gen(function*() {
      const server = yield* serve
      const connection = yield* Effect.flatMap(
        Connector.Connector,
        (connector) => connector.connect({ host: "127.0.0.1", port: server.port })
      )
      assert.strictEqual(connection.address, "127.0.0.1")
      assert.strictEqual(yield* LogEvent.ProcessId, process.pid)
      assert.strictEqual(yield* Connector.HostName, hostname())
      assert.isTrue(yield* Effect.flatMap(FileSystem.FileSystem, (files) => files.exists("/")))
      assert.strictEqual(yield* Effect.map(Path.Path, (path) => path.join("a", "b")), "a/b")
      assert.isDefined(yield* Digest)
    }).pipe(Effect.provide(NodeColloquy.layer)))
})
