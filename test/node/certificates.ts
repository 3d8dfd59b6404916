/**
 * A certification authority and certificates for tests, made anew with `openssl` the first time they are asked for in a
 * process. Nothing stays on disk.
 */
import { execFileSync } from "node:child_process"
import { createHash, X509Certificate } from "node:crypto"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

export interface Pair {
  readonly cert: string
  readonly key: string
}
export interface Certificates {
  /** The authority that vouches for all but `selfSigned` and `stranger`. */
  readonly ca: string
  /** For `localhost` and 127.0.0.1 and ::1. */
  readonly server: Pair
  /** For `localhost` alone. */
  readonly nameOnly: Pair
  /** For `mail.example.com` and `*.example.net`. */
  readonly otherName: Pair
  /** For one host, named `a.example, DNS:localhost`. */
  readonly forgedNames: Pair
  /** For `localhost`, valid until 2020-02-01. */
  readonly expired: Pair
  /** For `localhost`, from 2100-01-01. */
  readonly future: Pair
  /** For `localhost`, vouches for itself. */
  readonly selfSigned: Pair
  /** For `localhost`, by an authority that is not `ca`; without that authority's own certificate. */
  readonly stranger: Pair
  /** For a client. */
  readonly client: Pair
}

let made: Certificates | undefined
export const certificates = (): Certificates => made ??= make()

/** SHA-256 of the SubjectPublicKeyInfo, base64. */
export const pinOf = (pem: string): string =>
  createHash("sha256").update(new X509Certificate(pem).publicKey.export({ type: "spki", format: "der" }))
    .digest("base64")

const ec = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"

const make = (): Certificates => {
  const folder = mkdtempSync(join(tmpdir(), "colloquy-certificates-"))
  const openssl = (command: string) => execFileSync("openssl", command.split(" "), { cwd: folder, stdio: "pipe" })
  const write = (file: string, ...lines: ReadonlyArray<string>) =>
    writeFileSync(join(folder, file), lines.map((line) => `${line}\n`).join(""))
  const read = (name: string): Pair => ({
    cert: readFileSync(join(folder, `${name}.pem`), "utf8"),
    key: readFileSync(join(folder, `${name}.key`), "utf8")
  })
  const selfSigned = (name: string, subject: string, extension: string): Pair => {
    openssl(`req -x509 ${ec} -keyout ${name}.key -out ${name}.pem -days 30 -subj ${subject} -addext ${extension}`)
    return read(name)
  }
  const authority = (name: string, commonName: string) => {
    selfSigned(name, `/O=Colloquy/CN=${commonName}`, "keyUsage=critical,keyCertSign,cRLSign")
    write(`${name}.txt`)
    write(`${name}.serial`, "01")
    write(
      `${name}.cnf`,
      "[ca]",
      "default_ca = this",
      "[this]",
      `database = ${name}.txt`,
      `serial = ${name}.serial`,
      "new_certs_dir = .",
      `certificate = ${name}.pem`,
      `private_key = ${name}.key`,
      "default_md = sha256",
      "policy = any",
      "[any]",
      "commonName = supplied"
    )
  }
  const issued = (by: string, name: string, names: string, from: string, to: string, usage = "serverAuth"): Pair => {
    write(`${name}.ext`, `extendedKeyUsage = ${usage}`, "basicConstraints = CA:FALSE", `subjectAltName = ${names}`)
    openssl(`req ${ec} -keyout ${name}.key -out ${name}.csr -subj /CN=${name}`)
    openssl(
      `ca -batch -notext -config ${by}.cnf -extfile ${name}.ext -startdate ${from} -enddate ${to} -in ${name}.csr -out ${name}.pem`
    )
    return read(name)
  }
  const now = ["20200101000000Z", "20990101000000Z"] as const
  try {
    authority("ca", "Authority")
    authority("elsewhere", "Elsewhere")
    return {
      ca: read("ca").cert,
      server: issued("ca", "server", "DNS:localhost,IP:127.0.0.1,IP:::1", ...now),
      nameOnly: issued("ca", "nameOnly", "DNS:localhost", ...now),
      otherName: issued("ca", "otherName", "DNS:mail.example.com,DNS:*.example.net", ...now),
      forgedNames: issued("ca", "forgedNames", "@names\n[names]\nDNS.1 = a.example\\, DNS:localhost", ...now),
      expired: issued("ca", "expired", "DNS:localhost", "20200101000000Z", "20200201000000Z"),
      future: issued("ca", "future", "DNS:localhost", "21000101000000Z", "21010101000000Z"),
      selfSigned: selfSigned("selfSigned", "/CN=selfSigned", "subjectAltName=DNS:localhost"),
      stranger: issued("elsewhere", "stranger", "DNS:localhost", ...now),
      client: issued("ca", "client", "DNS:client.test", ...now, "clientAuth")
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
