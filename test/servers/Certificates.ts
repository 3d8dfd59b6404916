/**
 * Certificates for one run of the real servers: an authority, a server's pair for localhost and 127.0.0.1, and a client's
 * pair whose common name is a user. Made by openssl when the servers start; no key is kept.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import { run } from "./Machine.ts"

export interface Pair {
  readonly cert: string
  readonly key: string
}
export interface Certificates {
  readonly ca: string
  readonly server: Pair
  readonly client: Pair
}

const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]

export const make = Effect.fnUntraced(function*(folder: string, user: string) {
  const fs = yield* FileSystem.FileSystem
  const { join } = yield* Path.Path
  const at = (name: string) => join(folder, name)
  const ca = { cert: at("ca.pem"), key: at("ca-key.pem") }
  yield* run("openssl", [
    ...["req", "-x509", ...key, "-days", "2", "-subj", "/CN=Authority of this test run"],
    ...["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign"],
    ...["-keyout", ca.key, "-out", ca.cert]
  ])
  const pair = Effect.fnUntraced(function*(name: string, subject: string, extensions: string) {
    const made: Pair = { cert: at(`${name}.pem`), key: at(`${name}-key.pem`) }
    yield* fs.writeFileString(at(`${name}.ext`), `basicConstraints=CA:FALSE\n${extensions}\n`)
    yield* run("openssl", ["req", ...key, "-subj", subject, "-keyout", made.key, "-out", at(`${name}.csr`)])
    yield* run("openssl", [
      ...["x509", "-req", "-in", at(`${name}.csr`), "-CA", ca.cert, "-CAkey", ca.key, "-CAcreateserial", "-days", "2"],
      ...["-extfile", at(`${name}.ext`), "-out", made.cert]
    ])
    return made
  })
  const server = yield* pair(
    "server",
    "/CN=localhost",
    "subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth"
  )
  const client = yield* pair("client", `/CN=${user}`, "extendedKeyUsage=clientAuth")
  return { ca: ca.cert, server, client } satisfies Certificates
})
