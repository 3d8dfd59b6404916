import * as Tls from "@colloquy/core/Tls"
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"

const certificate = (options: Partial<Tls.Certificate>): Tls.Certificate => ({
  subject: "CN=mail.example.com",
  names: ["mail.example.com"],
  issuer: "CN=Authority",
  validFrom: 0,
  validTo: 0,
  fingerprint256: "AB:CD",
  ...options
})

describe("Tls.looksLikeRecord", () => {
  it("knows the alert of a TLS server that was spoken to in plain text", () => {
    // RFC 8446 §5.1 and §6: alert, legacy version 3.1 or 3.3, length 2, fatal, unexpected_message
    assert.isTrue(Tls.looksLikeRecord(Uint8Array.of(0x15, 3, 1, 0, 2, 2, 10)))
    assert.isTrue(Tls.looksLikeRecord(Uint8Array.of(0x15, 3, 3, 0, 2, 2, 10)))
    assert.isTrue(Tls.looksLikeRecord(Uint8Array.of(0x16, 3, 3)))
  })
  it("takes nothing that begins like a reply, nor less than three octets, for TLS", () => {
    for (const text of ["220 mail.test ESMTP", "554", "+OK", "\r\n", ""]) {
      assert.isFalse(Tls.looksLikeRecord(new TextEncoder().encode(text)), text)
    }
    assert.isFalse(Tls.looksLikeRecord(Uint8Array.of(0x15, 3)))
    assert.isFalse(Tls.looksLikeRecord(Uint8Array.of(0x15, 2, 1)))
  })
  it.prop(
    "takes no text of visible characters for TLS",
    [Schema.String.check(Schema.isPattern(/^[ -~]/))],
    ([text]) => {
      assert.isFalse(Tls.looksLikeRecord(new TextEncoder().encode(text)))
    }
  )
})

describe("Tls.certificateProblem", () => {
  const leaf = certificate({ validTo: 2_000_000_000_000, validFrom: 1_000_000_000_000 })
  const authority = certificate({
    subject: "CN=Authority",
    issuer: "CN=Root",
    names: [],
    validTo: 1_500_000_000_000,
    validFrom: 1_700_000_000_000
  })

  it("names the day and the certificate of the chain that has expired", () => {
    assert.strictEqual(Tls.certificateProblem("CERT_HAS_EXPIRED", [leaf]), "the certificate expired on 2033-05-18")
    assert.strictEqual(
      Tls.certificateProblem("CERT_HAS_EXPIRED", [leaf, authority]),
      "the certificate of the authority 'CN=Authority' expired on 2017-07-14"
    )
  })
  it("names the day from which a certificate will be valid", () => {
    assert.strictEqual(
      Tls.certificateProblem("CERT_NOT_YET_VALID", [leaf]),
      "the certificate is not valid before 2001-09-09"
    )
    assert.strictEqual(
      Tls.certificateProblem("CERT_NOT_YET_VALID", [leaf, authority]),
      "the certificate of the authority 'CN=Authority' is not valid before 2023-11-14"
    )
  })
  it("names the authority that is not trusted: the last issuer of the chain", () => {
    assert.strictEqual(
      Tls.certificateProblem("UNABLE_TO_GET_ISSUER_CERT_LOCALLY", [leaf, authority]),
      "the certificate's issuer 'CN=Root' is not trusted here, or the server does not send the certificates in between"
    )
    assert.strictEqual(
      Tls.certificateProblem("SELF_SIGNED_CERT_IN_CHAIN", [leaf, authority]),
      "the certificate's chain ends in an authority 'CN=Root' that is not trusted here"
    )
  })
  it("has words also where no certificate is at hand, and none for what is no certificate's problem", () => {
    assert.strictEqual(Tls.certificateProblem("CERT_HAS_EXPIRED", []), "the certificate has expired")
    assert.strictEqual(
      Tls.certificateProblem("ERR_TLS_CERT_ALTNAME_INVALID", []),
      "the certificate is for another name"
    )
    assert.isUndefined(Tls.certificateProblem("ECONNRESET", [leaf]))
  })
})

describe("Tls.nameProblem", () => {
  it("says which names the certificate has, and which was wanted", () => {
    assert.strictEqual(
      Tls.nameProblem("smtp.example.org", certificate({ names: ["mail.example.com", "*.example.net"] })),
      "the certificate is for 'mail.example.com', '*.example.net', not for 'smtp.example.org'"
    )
    assert.strictEqual(
      Tls.nameProblem("smtp.example.org", certificate({ names: [] })),
      "the certificate is for no name, so not for 'smtp.example.org'"
    )
  })
  it("stays short for a certificate of a hundred names", () => {
    const names = Array.from({ length: 100 }, (_, i) => `${i}.example`)
    assert.match(Tls.nameProblem("a.test", certificate({ names })), /'9\.example' and 90 more, not for 'a\.test'$/)
  })
})
