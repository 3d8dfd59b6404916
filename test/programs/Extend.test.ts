import { Transporter } from "@colloquy/core"
import { Script, TestPlatform } from "@colloquy/core/testing"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Stream } from "effect"
import { Reactivity } from "effect/reactivity"
import { SqlClient, SqlError, Statement } from "effect/sql"
import { DatabaseSync, type SQLInputValue } from "node:sqlite"
import { transporter } from "./extend.ts"

/** SQLite in memory: what a driver does, without one. */
const layerSqlite = Layer.effect(
  SqlClient.SqlClient,
  Effect.gen(function*() {
    const database = yield* Effect.acquireRelease(
      Effect.sync(() => new DatabaseSync(":memory:")),
      (database) => Effect.sync(() => database.close())
    )
    const run = (sql: string, params: ReadonlyArray<unknown>) =>
      Effect.try({
        try: () => database.prepare(sql).all(...params as ReadonlyArray<SQLInputValue>),
        catch: (cause) => new SqlError.SqlError({ reason: new SqlError.UnknownError({ cause }) })
      })
    const connection = {
      execute: run,
      executeRaw: run,
      executeUnprepared: run,
      executeStream: (sql: string, params: ReadonlyArray<unknown>) =>
        Stream.unwrap(Effect.map(run(sql, params), Stream.fromIterable)),
      executeValues: (sql: string, params: ReadonlyArray<unknown>) =>
        Effect.map(run(sql, params), (rows) => rows.map(Object.values)),
      executeValuesUnprepared: (sql: string, params: ReadonlyArray<unknown>) =>
        Effect.map(run(sql, params), (rows) => rows.map(Object.values))
    }
    return yield* SqlClient.make({
      driver: "sqlite-test",
      acquirer: Effect.succeed(connection),
      compiler: Statement.makeCompilerSqlite(),
      spanAttributes: []
    })
  })
).pipe(Layer.provide(Reactivity.layer))

const mail = {
  from: "ann@mail.example",
  to: "bob@mail.example",
  subject: "About C-123456",
  text: "C-123456 is his number."
}

describe("extensions of one's own", () => {
  it.effect("a sink writes the log into a table, redacted", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* sql`CREATE TABLE smtp_log (counter INTEGER PRIMARY KEY, line TEXT NOT NULL)`
      yield* Transporter.send(mail).pipe(Effect.provide(transporter), Effect.scoped)
      const rows = yield* sql<{ line: string }>`SELECT line FROM smtp_log ORDER BY counter`
      assert.deepStrictEqual(rows.map(({ line }) => line.replace(/^\d+ \S+ \d+ \d+ /, "")), [
        `### SMTP Connecting to 'mail.example' on port 587. (required)`,
        `### SMTP Connected to 'mail.example' on port 587. (unsecured) {"address":"203.0.113.25"}`,
        `S < "220 mail.example ESMTP"`,
        `C > "EHLO [192.0.2.1]"`,
        `S < "250-mail.example"`,
        `S < "250 STARTTLS"`,
        `C > "STARTTLS"`,
        `S < "220 2.0.0 Go ahead"`,
        `### SMTP TLS is on. (TLSv1.3, verified) {"tls":{"cipher":"TLS_AES_256_GCM_SHA384","servername":"mail.example","chain":[]},"elapsed":0}`,
        `C > "EHLO [192.0.2.1]"`,
        `S < "250-mail.example"`,
        `S < "250 AUTH X-TICKET PLAIN"`,
        `C > "AUTH X-TICKET ********************************"`,
        `S < "235 2.7.0 Welcome"`,
        `C > "MAIL FROM:<a***@mail.example>"`,
        `S < "250 2.1.0 Ok"`,
        `C > "RCPT TO:<b***@mail.example>"`,
        `S < "250 2.1.5 Ok, C-******"`,
        `C > "DATA"`,
        `S < "354 Go ahead"`,
        `### SMTP Content sent. (281 octets, 10 lines) {"elapsed":0}`,
        `S < "250 2.0.0 Ok: queued as 1"`,
        `C > "QUIT"`,
        `S < "221 2.0.0 Bye"`,
        `### SMTP Connection closed. (client) {"elapsed":0}`
      ])
      yield* Script.ScriptServer.use((server) => server.assertFinished)
    }).pipe(
      Effect.provide(Layer.mergeAll(
        Script.layer([
          Script.greet("220 mail.example ESMTP"),
          Script.on(/^EHLO /, "250-mail.example", "250 STARTTLS"),
          Script.on("STARTTLS", "220 2.0.0 Go ahead"),
          Script.startTls,
          Script.on(/^EHLO /, "250-mail.example", "250 AUTH X-TICKET PLAIN"),
          Script.on(`AUTH X-TICKET ${Buffer.from("…").toString("base64")}`, "235 2.7.0 Welcome"),
          Script.on("MAIL FROM:<ann@mail.example>", "250 2.1.0 Ok"),
          Script.on("RCPT TO:<bob@mail.example>", "250 2.1.5 Ok, C-123456"),
          Script.on("DATA", "354 Go ahead"),
          Script.content("250 2.0.0 Ok: queued as 1"),
          Script.on("QUIT", "221 2.0.0 Bye"),
          Script.expectEnd
        ]),
        layerSqlite,
        TestPlatform.layer
      ))
    ))
})
