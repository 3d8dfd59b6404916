import * as Dkim from "@colloquy/core/Dkim"
import * as Message from "@colloquy/core/Message"
import * as SmimeSigner from "@colloquy/core/SmimeSigner"
import { TestPlatform } from "@colloquy/core/testing"
import * as NodeSmimeSigner from "@colloquy/node/NodeSmimeSigner"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted, Stream } from "effect"
import { execFileSync, spawnSync } from "node:child_process"
import { generateKeyPairSync } from "node:crypto"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assertForm, byMailparser, octetsOf } from "../core/messageReaders.ts"

const Platform = Layer.mergeAll(TestPlatform.layer, NodeSmimeSigner.layer)
const mail = { from: "ann@mail.test", to: "bob@mail.test", subject: "Grüße" }
const password = Redacted.make("päss word")

/** Certificates by OpenSSL: an authority, one for RSA in PKCS#12 of both ages, one for EC, one in PEM. */
const make = () => {
  const folder = mkdtempSync(join(tmpdir(), "colloquy-smime-"))
  const openssl = (...args: ReadonlyArray<string>) => execFileSync("openssl", [...args], { cwd: folder, stdio: "pipe" })
  const read = (name: string) => readFileSync(join(folder, name))
  try {
    openssl(
      "req",
      "-x509",
      "-newkey",
      "rsa:2048",
      "-nodes",
      "-keyout",
      "ca.key",
      "-out",
      "ca.pem",
      "-days",
      "30",
      "-subj",
      "/CN=CA ü"
    )
    for (
      const [name, key] of [["rsa", ["rsa:2048"]], ["ec", ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]]] as const
    ) {
      openssl(
        "req",
        "-newkey",
        ...key,
        "-nodes",
        "-keyout",
        `${name}.key`,
        "-out",
        `${name}.csr`,
        "-subj",
        "/CN=Ann/emailAddress=ann@mail.test"
      )
      openssl(
        "x509",
        "-req",
        "-in",
        `${name}.csr`,
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
        "-out",
        `${name}.pem`,
        "-days",
        "30"
      )
      const pack = [
        "pkcs12",
        "-export",
        "-in",
        `${name}.pem`,
        "-inkey",
        `${name}.key`,
        "-certfile",
        "ca.pem",
        "-passout",
        `pass:${Redacted.value(password)}`
      ]
      openssl(...pack, "-out", `${name}.p12`)
      openssl(
        ...pack,
        "-out",
        `${name}-old.p12`,
        "-keypbe",
        "PBE-SHA1-3DES",
        "-certpbe",
        "PBE-SHA1-3DES",
        "-macalg",
        "sha1"
      )
    }
    return {
      ca: read("ca.pem").toString(),
      rsa: read("rsa.p12"),
      rsaOld: read("rsa-old.p12"),
      ec: read("ec.p12"),
      pem: Redacted.make(read("rsa.key").toString() + read("rsa.pem").toString()),
      alien: Redacted.make(read("ec.key").toString() + read("rsa.pem").toString())
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
let made: ReturnType<typeof make> | undefined
const certificates = () => made ??= make()

/** What `openssl cms` makes of it: the signed entity, or why it is none. */
const verified = (message: Buffer): string => {
  const folder = mkdtempSync(join(tmpdir(), "colloquy-smime-"))
  try {
    execFileSync("tee", ["ca.pem"], { cwd: folder, input: certificates().ca, stdio: ["pipe", "ignore", "pipe"] })
    const { status, stderr, stdout } = spawnSync(
      "openssl",
      ["cms", "-verify", "-CAfile", "ca.pem", "-purpose", "any"],
      {
        cwd: folder,
        input: message
      }
    )
    return status === 0 ? stdout.toString() : `failed: ${stderr.toString()}`
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const refusalOf = (options: SmimeSigner.Options) =>
  Effect.map(Effect.flip(SmimeSigner.make(options)), (error) => {
    assert.notInclude(`${error.message} ${JSON.stringify(error)} ${String(error.cause)}`, "wrong one")
    return `${error.field}: ${error.problem}`
  })

describe("NodeSmimeSigner", () => {
  const table = [["rsa"], ["rsaOld"], ["ec"], ["pem"]] as const
  it.live.each(table)("signs by %s, and openssl cms verifies it", ([name]) =>
    Effect.gen(function*() {
      const smime = yield* SmimeSigner.make({ certificate: certificates()[name], certificatePassword: password })
      const text = "Hällo  \nFrom here\n\n"
      const composed = yield* Message.compose({
        ...mail,
        text,
        attachments: [{ name: "a.bin", content: new Uint8Array(100) }],
        smime
      })
      const message = yield* octetsOf(composed)
      assertForm(message)
      const entity = verified(message)
      assert.match(entity, /^Content-Type: multipart\/mixed;[^]*H=C3=A4llo =20\r\n=46rom here/)
      const read = yield* byMailparser(message)
      assert.deepStrictEqual(read.attachments.map((file) => [file.name, file.type]), [
        ["a.bin", "application/octet-stream"],
        ["smime.p7s", "application/pkcs7-signature"]
      ])
      assert.match(verified(Buffer.from(message.toString().replace("=C3=A4", "=C3=B6"))), /^failed: /)
    }).pipe(Effect.provide(Platform)))

  it.live("signs what streams by, and DKIM signs what S/MIME signed", () =>
    Effect.gen(function*() {
      const smime = yield* SmimeSigner.make({ certificate: certificates().rsa, certificatePassword: password })
      const { privateKey, publicKey } = generateKeyPairSync("ed25519")
      const dkim = yield* Dkim.make({
        domain: "mail.test",
        selector: "s",
        privateKey: Redacted.make(privateKey.export({ type: "pkcs8", format: "pem" }).toString())
      })
      const record = `v=DKIM1; k=ed25519; p=${
        publicKey.export({ type: "spki", format: "der" }).subarray(-32).toString("base64")
      }`
      const large = new Uint8Array(700_000)
      for (const repeatable of [true, false]) {
        const source = Message.stream(Stream.make(large), { size: large.length, repeatable })
        const plain = yield* Message.compose({ ...mail, attachments: [source], smime })
        assert.isNumber(plain.size)
        assert.match(verified(yield* octetsOf(plain)), /^Content-Type: multipart\/mixed/)
        const signed = yield* octetsOf(yield* Message.compose({ ...mail, attachments: [source], smime, dkim }))
        assert.match(verified(signed), /^Content-Type: multipart\/mixed/)
        const results = yield* Dkim.verify(signed, { keys: () => Effect.succeed([record]) })
        assert.deepStrictEqual(results.map(({ result }) => result), ["pass"])
      }
    }).pipe(Effect.provide(Platform)))

  it.live("says what is wrong with a certificate, and nothing of the password", () =>
    Effect.gen(function*() {
      const wrong = Redacted.make("wrong one")
      assert.deepStrictEqual(
        yield* Effect.forEach([
          { certificate: certificates().rsa, certificatePassword: wrong },
          { certificate: certificates().rsa },
          { certificate: new Uint8Array([1, 2, 3]), certificatePassword: wrong },
          { certificate: Redacted.make("-----BEGIN x"), certificatePassword: wrong },
          { certificate: certificates().alien }
        ], refusalOf),
        [
          "smime.certificatePassword: does not open the certificate",
          "smime.certificatePassword: does not open the certificate",
          "smime.certificate: can't be read: neither PKCS#12 nor PEM with a private key and its certificate",
          "smime.certificate: can't be read: neither PKCS#12 nor PEM with a private key and its certificate",
          "smime.certificate: holds no private key with a certificate that belongs to it"
        ]
      )
    }).pipe(Effect.provide(Platform)))
})
