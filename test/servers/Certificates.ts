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

const newKey = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"

export const make = Effect.fnUntraced(function*(folder: string, user: string) {
  const fs = yield* FileSystem.FileSystem
  const { join } = yield* Path.Path
  const openssl = (line: string) => run("openssl", line.split(" "), { cwd: folder })
  const pair = Effect.fnUntraced(function*(name: string, commonName: string, extensions: string) {
    yield* fs.writeFileString(join(folder, `${name}.ext`), `basicConstraints=CA:FALSE\n${extensions}\n`)
    yield* openssl(`req ${newKey} -subj /CN=${commonName} -keyout ${name}-key.pem -out ${name}.csr`)
    yield* openssl(
      `x509 -req -in ${name}.csr -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days 2 -extfile ${name}.ext -out ${name}.pem`
    )
    return { cert: join(folder, `${name}.pem`), key: join(folder, `${name}-key.pem`) } satisfies Pair
  })
  const extensions = "-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign"
  yield* openssl(`req -x509 ${newKey} -days 2 -subj /CN=Authority ${extensions} -keyout ca-key.pem -out ca.pem`)
  const names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
  return {
    ca: join(folder, "ca.pem"),
    server: yield* pair("server", "localhost", `${names}\nextendedKeyUsage=serverAuth`),
    client: yield* pair("client", user, "extendedKeyUsage=clientAuth")
  } satisfies Certificates
})
