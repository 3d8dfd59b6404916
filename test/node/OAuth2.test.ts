import * as OAuth2 from "@colloquy/core/OAuth2"
import * as SmtpLog from "@colloquy/core/SmtpLog"
import * as Script from "@colloquy/core/testing/Script"
import * as Transporter from "@colloquy/core/Transporter"
import * as NodeColloquy from "@colloquy/node/NodeColloquy"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import { generateKeyPairSync, verify } from "node:crypto"
import * as Http from "node:http"
import { closedPort } from "./loopback.ts"

const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 })

interface Endpoint {
  readonly url: string
  readonly asked: ReadonlyArray<URLSearchParams>
}

/** A token endpoint on 127.0.0.1. `/token` checks an assertion, `/elsewhere` points to it, `/refuse` does not like the client. */
const endpoint = Effect.acquireRelease(
  Effect.callback<{ readonly endpoint: Endpoint; readonly server: Http.Server }>((resume) => {
    const asked: Array<URLSearchParams> = []
    const server = Http.createServer((request, response) => {
      let body = ""
      request.setEncoding("utf8").on("data", (text: string) => void (body += text)).on("end", () => {
        const form = new URLSearchParams(body)
        if (request.url === "/elsewhere") return response.writeHead(307, { location: "/token" }).end()
        asked.push(form)
        const [head, claims, signature] = (form.get("assertion") ?? "").split(".")
        const good = request.method === "POST" && request.url === "/token" &&
          request.headers["content-type"] === "application/x-www-form-urlencoded" &&
          verify("sha256", Buffer.from(`${head}.${claims}`), publicKey, Buffer.from(signature ?? "", "base64url"))
        response.writeHead(good ? 200 : 400, { "content-type": "application/json" }).end(JSON.stringify(
          good
            ? { access_token: `token-${asked.length}`, token_type: "Bearer", expires_in: 3599 }
            : { error: "invalid_grant", error_description: `Bad assertion: ${form.get("assertion")}` }
        ))
      })
    }).listen({ host: "127.0.0.1", port: 0 }, () => {
      const address = server.address()
      const port = typeof address === "object" && address !== null ? address.port : 0
      resume(Effect.succeed({ endpoint: { url: `http://127.0.0.1:${port}`, asked }, server }))
    })
  }),
  ({ server }) =>
    Effect.sync(() => {
      server.closeAllConnections()
      server.close()
    })
).pipe(Effect.map(({ endpoint }) => endpoint))

const key = { privateKey: Redacted.make(privateKey.export({ format: "pem", type: "pkcs8" }).toString()) }

const stars = "*".repeat(32)
const script = (login: string) =>
  Script.fromText(`
    S: 220 mail.test
    C: EHLO client.test
    S: 250-mail.test
    S: 250 AUTH OAUTHBEARER XOAUTH2
    ${login}
    C: QUIT
    S: 221 Bye
  `)
const taken = `C: AUTH OAUTHBEARER ${stars}
    S: 235 Ok`
const refused = `C: AUTH OAUTHBEARER ${stars}
    S: 334 e30=
    C: AQ==
    S: 535 5.7.8 Expired`

for (
  const [name, client] of [["fetch", FetchHttpClient.layer], ["Undici", NodeHttpClient.layerUndici]] as const
) {
  describe(`tokens over HTTP, by ${name}`, () => {
    const layer = Layer.merge(client, NodeColloquy.layer)

    it.live("are asked for by an assertion that the endpoint can verify, and used at a mail server", () =>
      Effect.gen(function*() {
        const { asked, url } = yield* endpoint
        const provider = yield* OAuth2.jwtBearer({ tokenEndpoint: `${url}/token`, issuer: "me", scope: "mail", key })
        const transporter = yield* Transporter.make({
          host: "mail.test",
          port: 465,
          name: "client.test",
          user: "ann@mail.test",
          accessTokenOAuth2: provider.accessToken
        })
        yield* transporter.checkConnection
        yield* transporter.checkConnection
        assert.deepStrictEqual(asked.map((form) => form.get("scope")), ["mail", "mail"])
        assert.strictEqual(Redacted.value(yield* provider.accessToken), "token-2")
        const log = yield* Effect.flatMap(SmtpLog.LogMemory, (memory) => memory.text)
        assert.notMatch(log, /token-\d/)
        yield* Effect.flatMap(Script.ScriptServer, (server) => server.assertFinished)
      }).pipe(
        Effect.scoped,
        Effect.provide(
          Layer.merge(Script.layer([script(taken), script(`${refused}\n    ${taken}`)]), SmtpLog.layerMemory).pipe(
            Layer.provideMerge(layer)
          )
        )
      ))

    it.live("that are not given are errors in the endpoint's words, without what was sent", () =>
      Effect.gen(function*() {
        const { asked, url } = yield* endpoint
        const failed = (path: string, at = url) =>
          Effect.flatMap(
            OAuth2.jwtBearer({ tokenEndpoint: at + path, issuer: "me", key }),
            (provider) => Effect.flip(provider.accessToken)
          )
        const host = url.replace("http://", "")
        assert.strictEqual(
          (yield* failed("/refuse")).message,
          `${host} gives no OAuth2 token: invalid_grant: Bad assertion: ${stars} (HTTP 400)`
        )
        assert.strictEqual(
          (yield* failed("/elsewhere")).message,
          `${host} gives no OAuth2 token: it points elsewhere, which is not followed; is tokenEndpoint right? (HTTP 307)`
        )
        assert.strictEqual(asked.length, 1)
        const nobody = `127.0.0.1:${yield* closedPort}`
        assert.strictEqual(
          (yield* failed("/token", `http://${nobody}`)).message,
          `${nobody} could not be asked for an OAuth2 token: connection refused`
        )
      }).pipe(Effect.provide(layer)))
  })
}
