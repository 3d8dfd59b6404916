/**
 * Replies of real servers, found in public trackers and collections after the rules of the diagnosis were written, with
 * addresses and ids replaced. `rules`: the answers that are right (more than one where the reply itself leaves it open),
 * written down before the diagnosis was asked.
 */
import type { Phase } from "@colloquy/core/LogEvent"

export interface FieldReply {
  readonly from: string
  readonly phase: Phase
  readonly host?: string
  readonly reply: string
  readonly rules: ReadonlyArray<string>
}

const field = "ActiveCampaign/smtp-field-manual"

export const fieldReplies: ReadonlyArray<FieldReply> = [
  // issues of public projects
  {
    from: "nodemailer/smtp-connection#28",
    phase: "mail",
    reply: "501 mail from address must be same as authorization user",
    rules: ["sender/not-owned"]
  },
  {
    from: "Marak/node_mailer#8",
    phase: "mail",
    reply: "555 5.5.4 Unsupported option: ann@example.com",
    rules: ["sender/address-syntax"]
  },
  {
    from: "nodemailer/nodemailer#386",
    phase: "rcpt",
    reply: "550 5.7.1 Unable to relay for bob@example.com",
    rules: ["recipient/relay-denied"]
  },
  {
    from: "mozilla/fxa#11575",
    phase: "mail",
    host: "email-smtp.us-west-2.amazonaws.com",
    reply: "451 4.4.2 Timeout waiting for data from client.",
    rules: ["server/idle"]
  },
  {
    from: "frappe/frappe#8514",
    phase: "rcpt",
    reply: "501 5.1.5 Recipient address reserved by RFC 2606",
    rules: ["recipient/address-syntax", "recipient/unknown", "recipient/null-mx"]
  },
  {
    from: "mikechabot/smtp-email-spoofer-py#18",
    phase: "rcpt",
    reply: "550 relay access denied - please authenticate",
    rules: ["recipient/relay-denied", "authentication/required"]
  },
  {
    from: "dotkom/onlineweb4#732",
    phase: "rcpt",
    reply: "501 5.1.3 Bad recipient address syntax",
    rules: ["recipient/address-syntax"]
  },
  {
    from: "aschroder/Magento-SMTP-Pro-Email-Extension#283",
    phase: "rcpt",
    host: "smtp.gmail.com",
    reply:
      "553-5.1.3 The recipient address <email> is not a valid RFC-5321 address. Learn\n553-5.1.3 more at\n553 5.1.3  https://support.google.com/mail/answer/6596 a1b2c3.73 - gsmtp",
    rules: ["recipient/address-syntax"]
  },
  {
    from: "ActiveCampaign/smtp-field-manual#60",
    phase: "greeting",
    host: "smtp-in.orange.fr",
    reply:
      "550 mwinf5c14 ME Adresse IP source bloquee pour incident de spam. Client host blocked for spamming issues. OFR006_102 Ref http://csi.cloudmark.com/reset-request/?ip=192.0.2.1 [102]",
    rules: ["policy/block-list"]
  },
  {
    from: "postalserver/postal#266",
    phase: "verdict",
    host: "aspmx.l.google.com",
    reply:
      "550-5.7.1 [192.0.2.1 12] Our system has detected that this message is\n550-5.7.1 likely unsolicited mail. To reduce the amount of spam sent to Gmail,\n550-5.7.1 this message has been blocked. Please visit\n550-5.7.1 https://support.google.com/mail/?p=UnsolicitedMessageError\n550 5.7.1 for more information. a1b2c3.157 - gsmtp",
    rules: ["content/spam", "policy/google-message-blocked"]
  },
  {
    from: "Mailu/Mailu#1614",
    phase: "greeting",
    host: "mx03.t-online.de",
    reply:
      "554 IP=192.0.2.1 - A problem occurred. (Ask your postmaster for help or to contact tosa@rx.t-online.de to clarify.) (BL)",
    rules: ["policy/t-online"]
  },
  {
    from: "Mailu/Mailu#1614",
    phase: "rcpt",
    reply: "550 5.1.1 <doesnotexist@example.com> User doesn't exist: doesnotexist@example.com",
    rules: ["recipient/unknown"]
  },
  {
    from: "getconversio/email-deep-validator#9",
    phase: "rcpt",
    reply:
      "550-\"JunkMail rejected - client.example.org\n550-(client.example.org) [192.0.2.1]:34032 is in an RBL, see\n550 https://www.spamhaus.org/query/ip/192.0.2.1\"",
    rules: ["policy/block-list"]
  },
  {
    from: "ActiveCampaign/smtp-field-manual#11",
    phase: "rcpt",
    reply:
      "554 5.7.1 The recipient definitively does not want your mail. It will not be delivered but analyzed again.  We may feed it to a spam blacklist.",
    rules: ["policy/denied", "recipient/refused", "recipient/restricted"]
  },
  {
    from: "ActiveCampaign/smtp-field-manual#11",
    phase: "rcpt",
    reply:
      "550 5.7.1 <bob@example.com>: Recipient address rejected:  Inactive MailBox, not poped for more than 6 months",
    rules: ["recipient/disabled"]
  },
  {
    from: "ActiveCampaign/smtp-field-manual#11",
    phase: "rcpt",
    reply: "554 5.7.1 <ann@example.com>: Sender address rejected: Dumb.",
    rules: ["sender/refused", "policy/denied"]
  },
  {
    from: "sisimai/rb-sisimai#77",
    phase: "rcpt",
    host: "example-br.mail.protection.outlook.com",
    reply:
      "550 5.4.1 [bob@example.com]: Recipient address rejected: Access denied [BL2NAM02FT061.eop-nam02.prod.protection.outlook.com]",
    rules: ["recipient/microsoft-access-denied"]
  },
  {
    from: "marcpope/borgbackupserver#16",
    phase: "auth",
    host: "smtp-relay.brevo.com",
    reply: "535 5.7.0 Invalid login or password",
    rules: ["authentication/bad-credentials"]
  },
  {
    from: "codassassin/email-bomber-v2.0#1",
    phase: "auth",
    host: "smtp.office365.com",
    reply:
      "535 5.7.139 Authentication unsuccessful, the user credentials were incorrect. [PH0PR07CA0004.namprd07.prod.outlook.com]",
    rules: ["authentication/microsoft-bad-credentials"]
  },
  {
    from: "thingsboard/thingsboard#13935",
    phase: "auth",
    reply: "535 5.7.3 Authentication unsuccessful",
    rules: ["authentication/microsoft-bad-credentials"]
  },
  {
    from: "Mailu/Mailu#3013",
    phase: "rcpt",
    host: "hotmail-com.olc.protection.outlook.com",
    reply:
      "451 4.7.651 The mail server [192.0.2.1] has been temporarily rate limited due to IP reputation. For e-mail delivery information, see https://postmaster.live.com (S844) [DM6NAM11FT088.eop-nam11.prod.protection.outlook.com 2023-10-28T12:19:31.847Z 08DBD70830F39917]",
    rules: ["policy/microsoft-deferred"]
  },
  {
    from: "mail-in-a-box/mailinabox#1771",
    phase: "verdict",
    host: "alt1.aspmx.l.google.com",
    reply:
      "421-4.7.28 [192.0.2.1       4] Our system has detected an unusual rate of\n421-4.7.28 unsolicited mail originating from your IP address. To protect our\n421-4.7.28 users from spam, mail sent from your IP address has been temporarily\n421-4.7.28 rate limited. Please visit\n421-4.7.28  https://support.google.com/mail/?p=UnsolicitedRateLimitError to\n421 4.7.28 review our Bulk Email Senders Guidelines. a1b2c3.401 - gsmtp",
    rules: ["policy/google-unsolicited-rate"]
  },
  {
    from: "sisimai/p5-sisimai#466",
    phase: "greeting",
    reply: "452 4.3.2 Connection rate limit exceeded.",
    rules: ["rate/too-many-connections", "rate/slow-down"]
  },
  {
    from: "sisimai/p5-sisimai#469",
    phase: "greeting",
    reply: "554 IP address 192.0.2.5 rejected [IP reputation fail]",
    rules: ["policy/reputation", "policy/block-list"]
  },
  {
    from: "sitepackage.de, T-Online",
    phase: "rcpt",
    host: "mx00.t-online.de",
    reply: "550 5.1.1 user unknown",
    rules: ["recipient/unknown"]
  },
  {
    from: "sitepackage.de, GMX",
    phase: "rcpt",
    host: "mx00.gmx.net",
    reply: "550 5.2.1 <bob@gmx.example>... User is inactive",
    rules: ["recipient/disabled"]
  },
  {
    from: "sitepackage.de, Web.de",
    phase: "rcpt",
    host: "mx-ha02.web.de",
    reply: "550 Benutzer nicht bekannt/User unknown",
    rules: ["recipient/unknown"]
  },
  {
    from: "sitepackage.de, Web.de",
    phase: "rcpt",
    host: "mx-ha02.web.de",
    reply: "550 Unknown local part bob in <bob@web.example>",
    rules: ["recipient/unknown"]
  },
  { from: "sitepackage.de, AOL", phase: "rcpt", reply: "550 MAILBOX NOT FOUND", rules: ["recipient/unknown"] },
  {
    from: "sitepackage.de, Freenet",
    phase: "rcpt",
    reply: "550 unrouteable address",
    rules: ["recipient/domain-not-found", "recipient/unknown"]
  },
  {
    from: "sitepackage.de, Yahoo",
    phase: "verdict",
    host: "mx1.mail.eu.yahoo.com",
    reply:
      "554 delivery error: dd This user doesn't have a yahoo.de account (bob@yahoo.example) [0] - mta1017.mail.ird.yahoo.com",
    rules: ["recipient/unknown"]
  },
  {
    from: "sitepackage.de, Yahoo",
    phase: "verdict",
    host: "mx1.mail.eu.yahoo.com",
    reply:
      "554 delivery error: dd Sorry your message to bob@yahoo.example cannot be delivered. This account has been disabled or discontinued [#102].",
    rules: ["recipient/disabled"]
  },
  {
    from: "sitepackage.de, Hotmail",
    phase: "rcpt",
    host: "mx1.hotmail.com",
    reply: "550 Requested action not taken: mailbox unavailable",
    rules: ["recipient/unknown"]
  },
  {
    from: "sitepackage.de, Lycos",
    phase: "rcpt",
    reply: "550 <bob@lycos.example>: Recipient address rejected: Account Closed",
    rules: ["recipient/disabled", "recipient/unknown"]
  },
  {
    from: "sitepackage.de, qmail",
    phase: "rcpt",
    reply: "554 Sorry, no mailbox here by that name. (#5.1.1)",
    rules: ["recipient/unknown"]
  },
  {
    from: "sitepackage.de, Domino",
    phase: "rcpt",
    reply: "550 User bob (bob@example.com) not listed in Domino Directory",
    rules: ["recipient/unknown"]
  },
  {
    from: "sitepackage.de, T-Online",
    phase: "rcpt",
    host: "mx00.t-online.de",
    reply: "552 5.2.2 Over STORAGE quota",
    rules: ["recipient/mailbox-full"]
  },
  {
    from: "sitepackage.de, Web.de",
    phase: "rcpt",
    host: "mx-ha02.web.de",
    reply: "550 Benutzer hat das Speichervolumen ueberschritten. / User has exhausted allowed storage space.",
    rules: ["recipient/mailbox-full"]
  },
  {
    from: "sitepackage.de, Web.de",
    phase: "rcpt",
    host: "mx-ha02.web.de",
    reply: "550 Benutzer hat zuviele Mails auf dem Server. / User has too many messages on the server.",
    rules: ["recipient/mailbox-full"]
  },
  {
    from: "sitepackage.de, Compuserve",
    phase: "greeting",
    reply: "554 Refused. Your reverse DNS entry contains your IP address and a country code.",
    rules: ["policy/no-ptr"]
  },
  {
    from: "sitepackage.de",
    phase: "verdict",
    reply: "550 5.7.1 Requested action not taken: message refused",
    rules: ["policy/denied", "content/refused"]
  },
  { from: "sitepackage.de", phase: "verdict", reply: "552 Error: message too large", rules: ["size/too-large"] },
  {
    from: "a public script (Gmail)",
    phase: "verdict",
    host: "smtp.gmail.com",
    reply:
      "550-5.7.1 This message is not RFC 5322 compliant. There are multiple Subject\n550-5.7.1 headers. To reduce the amount of spam sent to Gmail, this message has\n550-5.7.1 been blocked. For more information, go to\n550 5.7.1  https://support.google.com",
    rules: ["content/not-rfc5322"]
  },
  {
    from: "a public test (SES)",
    phase: "verdict",
    reply: "454 Temporary service failure",
    rules: ["server/temporary", "general/4yz"]
  },
  {
    from: "a public note (web.de)",
    phase: "verdict",
    host: "smtp.web.de",
    reply:
      "554-Transaction failed\n554-Reject due to policy restrictions.\n554 For explanation visit https://postmaster.web.de/error-messages?ip=192.0.2.75&c=hi",
    rules: ["policy/gmx"]
  },
  {
    from: "SimpleLogin, documentation",
    phase: "verdict",
    reply: "550 SL E515 Email not exist",
    rules: ["recipient/unknown"]
  },
  {
    from: "a public script (Outlook.com)",
    phase: "verdict",
    host: "smtp-mail.outlook.com",
    reply:
      "554 5.2.0 STOREDRV.Submission.Exception:OutboundSpamException; Failed to process message due to a permanent exception with message [BeginDiagnosticData]WASCL UserAction verdict is not None. Actual verdict is Suspend, ShowTierUpgrade. OutboundSpamException",
    rules: ["sender/bad-outbound-sender", "authentication/account-suspended"]
  },
  {
    from: "kootenpv/yagmail#144",
    phase: "verdict",
    host: "smtp.126.com",
    reply:
      "554 DT:SPM 126 smtp10,AbCd--.5577S2 1567991603,please see http://mail.163.com/help/help_spam_16.htm?ip=192.0.2.186&hostid=smtp10&time=1567991603",
    rules: ["content/spam"]
  },
  {
    from: "kootenpv/yagmail#267",
    phase: "verdict",
    host: "smtp.163.com",
    reply: "550 2efb645ddd8af6f-15f8b Mail rejected",
    rules: ["content/spam", "content/refused", "policy/denied"]
  },
  {
    from: "a public program (hosting)",
    phase: "verdict",
    reply:
      "552 User ann@example.com has recently been created/modified, and has exceeded an hourly sending limit. Please wait, and attempt to send your message at a later time.",
    rules: ["rate/quota"]
  },
  {
    from: "a public program (Yandex)",
    phase: "verdict",
    host: "smtp.yandex.ru",
    reply: "554 5.7.1 Message rejected under suspicion of SPAM; https://ya.cc/1IrBc 1665519620-abc",
    rules: ["content/spam"]
  },
  {
    from: "a public tutorial (163)",
    phase: "auth",
    host: "smtp.163.com",
    reply: "550 User has no permission",
    rules: ["authentication/china-authorization-code"]
  },
  {
    from: "a public tutorial (163)",
    phase: "auth",
    host: "smtp.163.com",
    reply: "535 Error: authentication failed",
    rules: ["authentication/china-authorization-code"]
  },
  {
    from: "goauthentik/authentik#10720",
    phase: "verdict",
    reply: "450 4.7.1 <END-OF-MESSAGE>: End-of-data rejected: Sorry, too many requests per time unit",
    rules: ["rate/slow-down", "rate/quota"]
  },
  {
    from: "comses/comses.net#220",
    phase: "verdict",
    host: "smtp.sparkpostmail.com",
    reply: "550 5.7.1 Unconfigured Sending Domain <example.edu>",
    rules: ["sender/not-verified"]
  },
  {
    from: "OpenSMTPD/OpenSMTPD#446",
    phase: "greeting",
    host: "mx01.emig.gmx.net",
    reply:
      "554-gmx.net (mxgmx008) Nemesis ESMTP Service not available\n554-No SMTP service\n554-Bad DNS PTR resource record.\n554 For explanation visit http://postmaster.gmx.com/en/error-messages?ip=192.0.2.41&c=rdns",
    rules: ["policy/gmx", "policy/no-ptr"]
  },
  {
    from: "simioluwatomi/simple-referral#4",
    phase: "mail",
    reply: "530 5.7.1 Authentication required",
    rules: ["authentication/required"]
  },
  {
    from: "swiftmailer/swiftmailer#849",
    phase: "mail",
    reply: "550 5.7.1 Command rejected",
    rules: ["sender/refused", "policy/denied"]
  },
  {
    from: "bestmomo/laravel5-example#62",
    phase: "greeting",
    reply: "554 5.7.1 <unknown[192.0.2.11]:52491>: Client host rejected: Access denied",
    rules: ["policy/denied", "policy/greeting-refused"]
  },
  { from: "Kitware/CDash#1223", phase: "rcpt", reply: "550 5.7.1 Relaying denied", rules: ["recipient/relay-denied"] },
  // sixty drawn by chance from a collection of 206
  {
    from: field,
    phase: "verdict",
    host: "aspmx.l.google.com",
    reply:
      "421 4.7.28 [192.0.2.1] Our system has detected an unusual rate of unsolicited mail originating from your IP address. To protect our users from spam, mail sent from your IP address has been temporarily rate limited. Please visit https://support.google.com/mail/?p=UnsolicitedRateLimitError to review our Bulk Email Senders Guidelines",
    rules: ["policy/google-unsolicited-rate"]
  },
  {
    from: field,
    phase: "mail",
    host: "hotmail-com.olc.protection.outlook.com",
    reply:
      "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your Internet service provider since part of their network is on our block list (S3150). You can also refer your provider to http://mail.live.com/mail/troubleshooting.aspx#errors. [AM6EUR.eop-nam02.prod.protection.outlook.com]",
    rules: ["policy/microsoft-blocked"]
  },
  {
    from: field,
    phase: "rcpt",
    host: "mx-ha02.web.de",
    reply: "550 <bob@web.example>: Syntax error in parameters or arguments",
    rules: ["recipient/address-syntax"]
  },
  {
    from: field,
    phase: "rcpt",
    host: "example-com.mail.protection.outlook.com",
    reply:
      "550 5.7.1 Service unavailable, Client host [192.0.2.1] blocked using Spamhaus. To request removal from this list see https://www.spamhaus.org/query/ip/192.0.2.1 (AS16012611)",
    rules: ["policy/block-list"]
  },
  {
    from: field,
    phase: "rcpt",
    host: "aspmx.l.google.com",
    reply:
      "550 5.1.1 The email account that you tried to reach does not exist. Please try double-checking the recipient's email address for typos or unnecessary spaces. Learn more at https://support.google.com/mail/?p=NoSuchUser - gsmtp",
    rules: ["recipient/unknown"]
  },
  {
    from: field,
    phase: "rcpt",
    host: "mx01.mail.icloud.com",
    reply: "421 4.7.0 me.com Error: too many errors",
    rules: ["rate/too-many-errors"]
  },
  {
    from: field,
    phase: "rcpt",
    reply: "550 5.1.8 <ann@example.com>: Sender address rejected: Domain not found",
    rules: ["sender/domain-not-found"]
  },
  {
    from: field,
    phase: "rcpt",
    host: "mx3.qq.com",
    reply: "550 Mail is rejected by recipients",
    rules: ["policy/denied", "recipient/refused"]
  },
  {
    from: field,
    phase: "mail",
    reply: "451 cuda_nsu 4.4.3 Temporary server error. Please try again later",
    rules: ["server/temporary"]
  },
  {
    from: field,
    phase: "verdict",
    host: "mx00.gmx.net",
    reply: "552 Requested mail action aborted: exceeded storage allocation Quota exceeded.",
    rules: ["recipient/mailbox-full"]
  },
  {
    from: field,
    phase: "mail",
    host: "mx-ha02.web.de",
    reply: "550 <ann@example.com>: IP address is block listed",
    rules: ["policy/gmx", "policy/block-list"]
  },
  {
    from: field,
    phase: "mail",
    host: "hotmail-com.olc.protection.outlook.com",
    reply: "451 4.3.2 Temporary server error. Please try again later ATTR17 [outlook.com]",
    rules: ["server/temporary"]
  },
  {
    from: field,
    phase: "verdict",
    reply:
      "550 5.2.0 Message rejected due to DMARC. Please see http://postmaster.comcast.net/smtp-error-codes.php#DM000001",
    rules: ["policy/dmarc"]
  },
  {
    from: field,
    phase: "verdict",
    host: "mx.yandex.ru",
    reply: "551 5.3.0 Unknown error",
    rules: ["general/5-system", "content/refused"]
  },
  { from: field, phase: "verdict", reply: "554 rejected due to spam URL in content", rules: ["content/spam"] },
  {
    from: field,
    phase: "rcpt",
    reply:
      "421 4.1.1 <bob@example.com>: Recipient address rejected: unverified address: Address verification in progress",
    rules: ["recipient/deferred", "policy/greylisted"]
  },
  {
    from: field,
    phase: "rcpt",
    reply: "551 5.7.1 Domain not found (#id-5.9.2)",
    rules: ["recipient/domain-not-found", "recipient/relay-denied"]
  },
  {
    from: field,
    phase: "verdict",
    host: "aspmx.l.google.com",
    reply:
      "552-5.7.0 Our system detected an illegal attachment on your message. Please visit\n552 5.7.0 http://mail.google.com/support/bin/answer.py?answer=6590 to review our attachment guidelines.",
    rules: ["content/google-blocked-attachment"]
  },
  {
    from: field,
    phase: "rcpt",
    host: "hotmail-com.olc.protection.outlook.com",
    reply:
      "550 5.7.1 Service unavailable, MailFrom domain is listed in Spamhaus. To request removal from this list see https://www.spamhaus.org/query/lookup/ (S8002) [AM6EUR.eop-nam02.prod.protection.outlook.com]",
    rules: ["policy/block-list"]
  },
  {
    from: field,
    phase: "rcpt",
    host: "mx.zoho.com",
    reply: "552 5.1.1 <bob@zoho.example> Mailbox delivery failure policy error",
    rules: ["policy/denied", "recipient/unknown", "recipient/refused"]
  },
  {
    from: field,
    phase: "greeting",
    host: "example-com.mail.protection.outlook.com",
    reply:
      "421 4.3.2 The maximum number of concurrent connections per resource forest has exceeded a limit, closing transmission channel. example.com. PRX8 [example.com]",
    rules: ["rate/microsoft-connections", "rate/too-many-connections"]
  },
  {
    from: field,
    phase: "rcpt",
    reply: "551 5.7.1 Unable to correctly read the forwarding recipient (where to forward the email to) (#id-5.9.5)",
    rules: ["recipient/refused", "recipient/moved", "general/5-security"]
  },
  {
    from: field,
    phase: "verdict",
    host: "mx01.mail.icloud.com",
    reply:
      "550 5.7.1 Your message was rejected due to example.com’s DMARC policy. See https://support.apple.com/en-us/HT204137 for info",
    rules: ["policy/dmarc"]
  },
  {
    from: field,
    phase: "rcpt",
    host: "mx01.mail.icloud.com",
    reply: "552 5.2.2 <bob@icloud.example>: user is overquota",
    rules: ["recipient/mailbox-full"]
  },
  {
    from: field,
    phase: "rcpt",
    host: "example-com.mail.protection.outlook.com",
    reply:
      "550 5.7.1 Service unavailable, Helo domain is listed in Spamhaus. To request removal from this list see https://www.spamhaus.org/query/lookup/ (S8001) [AM6EUR.prod.protection.outlook.com]",
    rules: ["policy/block-list"]
  },
  {
    from: field,
    phase: "rcpt",
    reply: "451 4.7.1 Try again later",
    rules: ["policy/greylisted", "recipient/deferred"]
  },
  {
    from: field,
    phase: "verdict",
    host: "mta5.am0.yahoodns.net",
    reply: "554 5.7.9 Message not accepted for policy reasons. See https://postmaster.yahooinc.com/error-codes",
    rules: ["policy/dmarc"]
  },
  {
    from: field,
    phase: "rcpt",
    host: "mx.yandex.ru",
    reply: "450 4.2.1 The recipient has exceeded message rate limit. Try again later.",
    rules: ["recipient/receiving-rate"]
  },
  {
    from: field,
    phase: "rcpt",
    reply: "540 5.7.1 <bob@rambler.example>: recipient address rejected: Blocked",
    rules: ["policy/denied", "recipient/disabled"]
  },
  {
    from: field,
    phase: "rcpt",
    host: "mx01.mail.icloud.com",
    reply: "550 5.1.1 <bob@icloud.example>: user does not exist",
    rules: ["recipient/unknown"]
  },
  {
    from: field,
    phase: "verdict",
    host: "smtp-in.orange.fr",
    reply: "550 5.2.0 Mail rejete. Mail rejected. ofr_506 [506]",
    rules: ["content/spam", "content/refused", "policy/denied"]
  },
  {
    from: field,
    phase: "rcpt",
    reply: "552 5.1.1 <bob@comcast.example> recipient rejected - extended quota violation",
    rules: ["recipient/mailbox-full"]
  },
  {
    from: field,
    phase: "verdict",
    host: "mxs.mail.ru",
    reply:
      "550 spam message rejected. Please visit http://help.mail.ru/notspam-support/id?c=7y4y or report details to abuse@corp.mail.ru. Error code: ABC. ID: 1",
    rules: ["content/spam"]
  },
  {
    from: field,
    phase: "verdict",
    reply:
      "553 Message filtered. Refer to the Troubleshooting page at http://www.symanteccloud.com/troubleshooting for more information. (#5.7.1)",
    rules: ["content/spam", "content/refused", "policy/denied"]
  },
  {
    from: field,
    phase: "rcpt",
    reply: "550 5.2.1 This mailbox has been blocked due to inactivity",
    rules: ["recipient/disabled"]
  },
  { from: field, phase: "verdict", reply: "550 virus detected", rules: ["content/virus"] },
  {
    from: field,
    phase: "verdict",
    host: "aspmx.l.google.com",
    reply:
      "550 5.7.1 [192.0.2.1 14] Messages missing a valid address in From: header, or having no From: header, are not accepted. - gsmtp",
    rules: ["content/not-rfc5322"]
  },
  {
    from: field,
    phase: "rcpt",
    reply: "550 Invalid recipient <bob@example.com> (#5.1.1)",
    rules: ["recipient/unknown"]
  },
  {
    from: field,
    phase: "rcpt",
    host: "aspmx.l.google.com",
    reply: "553 5.1.2 The recipient address <bob@example.com> is not a valid RFC-5321 address. - gsmtp",
    rules: ["recipient/address-syntax", "recipient/domain-not-found"]
  },
  {
    from: field,
    phase: "greeting",
    host: "mta5.am0.yahoodns.net",
    reply: "421 Service not available, closing transmission channel",
    rules: ["server/closing", "server/busy-at-greeting", "server/shutting-down"]
  },
  {
    from: field,
    phase: "rcpt",
    host: "mx.yandex.ru",
    reply: "552 5.2.2 Mailbox size limit exceeded",
    rules: ["recipient/mailbox-full"]
  },
  {
    from: field,
    phase: "verdict",
    host: "mta5.am0.yahoodns.net",
    reply: "554 Message not allowed - [299]",
    rules: ["policy/denied", "content/spam", "content/refused"]
  },
  {
    from: field,
    phase: "rcpt",
    reply:
      "551 5.7.1 Our database returned invalid pieces of information about the requested recipient’s domain (#id-5.9.3)",
    rules: ["recipient/refused", "recipient/moved", "recipient/domain-not-found"]
  },
  {
    from: field,
    phase: "rcpt",
    host: "smtp-in.orange.fr",
    reply: "550 5.1.1 Adresse d au moins un destinataire invalide. Invalid recipient. OFR_416 [416]",
    rules: ["recipient/unknown"]
  },
  { from: field, phase: "verdict", reply: "550 5.7.1 Message considered as SPAM", rules: ["content/spam"] },
  {
    from: field,
    phase: "verdict",
    host: "mx-ha02.web.de",
    reply: "550 <ann@example.com>: Reject due to policy restrictions (header based)",
    rules: ["policy/gmx"]
  },
  {
    from: field,
    phase: "mail",
    host: "mta5.am0.yahoodns.net",
    reply: "451 4.3.2 Internal server error",
    rules: ["server/temporary"]
  },
  {
    from: field,
    phase: "greeting",
    host: "smtp-in.orange.fr",
    reply:
      "550 mwinf5c01 ME Adresse IP source bloquee pour incident de spam. Client host blocked for spamming issues. OFR006_102 Ref http://csi.cloudmark.com/reset-request/?ip=192.0.2.1 [102]",
    rules: ["policy/block-list"]
  },
  {
    from: field,
    phase: "verdict",
    host: "mx.zoho.com",
    reply: "541 5.4.1 Mail rejected by destination domain",
    rules: ["policy/denied", "content/refused", "content/spam"]
  },
  {
    from: field,
    phase: "rcpt",
    host: "mx3.qq.com",
    reply: "501 Bad address syntax. http://service.exmail.qq.com/cgi-bin/help?subtype=1&&id=20022&&no=1000730",
    rules: ["recipient/address-syntax"]
  },
  {
    from: field,
    phase: "mail",
    host: "mx3.qq.com",
    reply: "550 Suspected spam sender.",
    rules: ["policy/reputation", "policy/block-list", "content/spam", "policy/denied"]
  },
  {
    from: field,
    phase: "verdict",
    host: "aspmx.l.google.com",
    reply:
      "552-5.2.3 Your message exceeded Google's message size limits. Please visit\n552 5.2.3 http://mail.google.com/support/bin/answer.py?answer=8770 to review our size guidelines.",
    rules: ["size/too-large"]
  },
  {
    from: field,
    phase: "rcpt",
    host: "mx.zoho.com",
    reply: "452 <bob@zoho.example> Mailbox delivery restricted by policy error",
    rules: ["recipient/deferred", "policy/denied", "recipient/restricted"]
  },
  {
    from: field,
    phase: "verdict",
    reply: "550 5.7.26 <ann@example.com>: ETP205 DMARC Failure for domain",
    rules: ["policy/dmarc"]
  },
  {
    from: field,
    phase: "rcpt",
    reply:
      "421 4.1.1 <bob@example.com>: Recipient address rejected: unverified address: host example.com[192.0.2.1] said: 450 4.1.1 <bob@example.com>: Recipient address rejected: unverified address: lost connection with mail.example.com[192.0.2.1] while sending RCPT TO (in reply to RCPT TO command)",
    rules: ["recipient/deferred", "server/next-hop"]
  },
  {
    from: field,
    phase: "rcpt",
    reply: "550 5.7.1 <bob@example.com>: Recipient address rejected: ERS-Customized-Block.",
    rules: ["policy/denied", "policy/block-list"]
  },
  {
    from: field,
    phase: "rcpt",
    reply: "550 5.2.0 <bob@comcast.example> - Recipient unavailable",
    rules: ["recipient/unknown", "recipient/disabled"]
  },
  {
    from: field,
    phase: "verdict",
    reply:
      "550 Rejected by header based Anti-Spoofing policy: ann@example.com - https://community.mimecast.com/docs/DOC-1369#550 [abc]",
    rules: ["policy/protection-gateway", "policy/denied"]
  },
  {
    from: field,
    phase: "rcpt",
    host: "aspmx.l.google.com",
    reply:
      "450 4.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages from being delivered. Please resend your message at a later time. If the user is able to receive mail at that time, your message will be delivered. For more information, please visit https://support.google.com/mail/?p=ReceivingRate",
    rules: ["recipient/receiving-rate"]
  },
  // drawn after the rules had been mended by those above
  {
    from: field,
    phase: "mail",
    host: "mx-ha02.web.de",
    reply: "550 <ann@example.com>: Bad DNS PTR resource record",
    rules: ["policy/gmx", "policy/no-ptr"]
  },
  {
    from: field,
    phase: "rcpt",
    reply: "452 4.1.1 <bob@comcast.example> user over quota",
    rules: ["recipient/mailbox-full"]
  },
  {
    from: field,
    phase: "mail",
    reply: "550 5.7.1 Service unavailable; client [192.0.2.1] blocked using prs.proofpoint.com",
    rules: ["policy/block-list", "policy/protection-gateway"]
  },
  {
    from: field,
    phase: "rcpt",
    host: "example-com.mail.protection.outlook.com",
    reply: "450 4.7.3 Organization queue quota exceeded. [outlook.com]",
    rules: ["rate/quota", "recipient/deferred"]
  },
  {
    from: field,
    phase: "rcpt",
    reply: "450 4.2.0 <bob@example.com>: Recipient address rejected: example.com greylisted for 60 seconds by ZEROSPAM",
    rules: ["policy/greylisted"]
  },
  {
    from: field,
    phase: "greeting",
    reply:
      "554 resimta.example.net comcast 192.0.2.1 Comcast block for spam. Please see http://postmaster.comcast.net/smtp-error-codes.php#BL000000",
    rules: ["policy/block-list", "policy/reputation", "policy/greeting-refused"]
  },
  {
    from: field,
    phase: "rcpt",
    host: "hotmail-com.olc.protection.outlook.com",
    reply:
      "451 4.7.651 The mail server [192.0.2.1] has been temporarily rate limited due to IP reputation. For e-mail delivery information, see https://postmaster.live.com (S3114) [AM6EUR.prod.outlook.com 1]",
    rules: ["policy/microsoft-deferred"]
  },
  { from: field, phase: "rcpt", reply: "550 5.1.1 User Unknown", rules: ["recipient/unknown"] },
  {
    from: field,
    phase: "rcpt",
    reply: "450 4.2.1 Please try again later. (#id-5.9.4)",
    rules: ["recipient/deferred", "policy/greylisted"]
  },
  {
    from: field,
    phase: "verdict",
    host: "mx.yandex.ru",
    reply: "554 5.7.1 [1] Message rejected under suspicion of SPAM; https://ya.cc/1IrBc 1",
    rules: ["content/spam"]
  },
  {
    from: field,
    phase: "rcpt",
    reply: "550 5.1.1 <bob@comcast.example> recipient mailbox unallocated",
    rules: ["recipient/unknown"]
  },
  {
    from: field,
    phase: "greeting",
    reply: "421 Service Temporarily Unavailable",
    rules: ["server/busy-at-greeting", "server/closing"]
  },
  {
    from: field,
    phase: "rcpt",
    host: "hotmail-com.olc.protection.outlook.com",
    reply: "451 4.7.0 Temporary server error. Please try again later. PRX6 NextHop: outlook.com [outlook.com]",
    rules: ["server/temporary"]
  },
  {
    from: field,
    phase: "rcpt",
    reply: "551 5.7.1 Loop detected: Email is sent and forwarded from/to improvmx.com. (#id-5.9.0)",
    rules: ["recipient/ambiguous-or-looping"]
  },
  {
    from: field,
    phase: "verdict",
    reply: "550 Blocked",
    rules: ["policy/block-list", "policy/denied", "content/spam", "content/refused"]
  },
  {
    from: field,
    phase: "rcpt",
    reply:
      "450 Requested action aborted [9] 1-2, please visit https://knowledge.broadcom.com/external/article?legacyId=TECH246726 for more details about this error message.",
    rules: ["recipient/deferred", "server/temporary", "policy/greylisted"]
  },
  {
    from: field,
    phase: "rcpt",
    reply: "550 5.2.1 <BOB@PRODIGY.EXAMPLE>... Addressee unknown, relay=[192.0.2.1]",
    rules: ["recipient/unknown"]
  },
  {
    from: field,
    phase: "rcpt",
    host: "hotmail-com.olc.protection.outlook.com",
    reply:
      "451 4.7.650 The mail server [192.0.2.1] has been temporarily rate limited due to IP reputation. For e-mail delivery information, see https://postmaster.live.com (S843)[AM6EUR.prod.protection.outlook.com]",
    rules: ["policy/microsoft-deferred"]
  },
  {
    from: field,
    phase: "verdict",
    reply: "550 rejecting spoofed message",
    rules: ["policy/dmarc", "policy/spf", "policy/denied", "sender/refused"]
  },
  {
    from: field,
    phase: "mail",
    reply: "421 Temporary failure, please try again later.",
    rules: ["server/closing", "server/temporary"]
  },
  {
    from: field,
    phase: "rcpt",
    reply: "550 cuda_nsu 5.1.1 <bob@example.com>... User unknown",
    rules: ["recipient/unknown"]
  },
  {
    from: field,
    phase: "rcpt",
    host: "mx3.qq.com",
    reply: "550 Mailbox unavailable or access denied",
    rules: ["recipient/unknown"]
  },
  {
    from: field,
    phase: "rcpt",
    reply: "450 4.2.0 <bob@comcast.example> - Recipient temporarily unavailable",
    rules: ["recipient/deferred"]
  },
  {
    from: field,
    phase: "verdict",
    host: "hotmail-com.olc.protection.outlook.com",
    reply:
      "554 5.2.122 The recipient has exceeded their limit for the number of messages they can receive per hour. For more information go to http://go.microsoft.com/fwlink/?LinkId=526653. (1) [outlook.com]",
    rules: ["recipient/receiving-rate"]
  },
  {
    from: field,
    phase: "rcpt",
    reply: "451 Internal resource temporarily unavailable - https://community.mimecast.com/docs/DOC-1369#451 [abc]",
    rules: ["server/temporary", "recipient/deferred", "policy/greylisted"]
  },
  {
    from: field,
    phase: "verdict",
    host: "mx-ha02.web.de",
    reply:
      "550 <ann@example.com>: Reject due to SPF policy. The originating IP of the message is not permitted by the domain owner",
    rules: ["policy/spf", "policy/gmx"]
  },
  {
    from: field,
    phase: "rcpt",
    reply:
      "553 you are trying to use me [server-1.messagelabs.example] as a relay, but I have not been configured to let you [192.0.2.1, example.com] do this. Please visit www.symanteccloud.com/troubleshooting for more details about this error message and instructions to resolve",
    rules: ["recipient/relay-denied"]
  },
  {
    from: field,
    phase: "verdict",
    host: "mx3.qq.com",
    reply: "550 Mail content denied. http://service.exmail.qq.com/cgi-bin/help?subtype=1&&id=20022&&no=1000726",
    rules: ["content/spam", "content/refused"]
  },
  {
    from: field,
    phase: "verdict",
    host: "mta5.am0.yahoodns.net",
    reply:
      "554 Message not allowed - [PH01] Email not accepted for policy reasons. Please visit https://postmaster.yahooinc.com/error-codes",
    rules: ["policy/denied", "content/spam"]
  },
  {
    from: field,
    phase: "rcpt",
    host: "mx3.qq.com",
    reply: "550 Mailbox not found. http://service.exmail.qq.com/cgi-bin/help?subtype=1&&id=20022&&no=1000728",
    rules: ["recipient/unknown"]
  },
  {
    from: field,
    phase: "mail",
    host: "mta5.am0.yahoodns.net",
    reply:
      "553 5.7.1 [BL21] Connections will not be accepted from 192.0.2.1, because the ip is in Spamhaus's list; see http://postmaster.yahoo.com/550-bl23",
    rules: ["policy/yahoo-blocked"]
  },
  {
    from: field,
    phase: "rcpt",
    host: "mta5.am0.yahoodns.net",
    reply: "550 relaying denied for <bob@example.com>",
    rules: ["recipient/relay-denied"]
  },
  {
    from: field,
    phase: "rcpt",
    host: "mx01.mail.icloud.com",
    reply:
      "421 4.7.1 Messages to bob@icloud.example deferred due to excessive volume. Try again later - https://support.apple.com/en-us/HT204137",
    rules: ["policy/reputation", "rate/slow-down"]
  },
  {
    from: field,
    phase: "verdict",
    host: "example-com.mail.protection.outlook.com",
    reply:
      "554 5.2.121 The sender has exceeded the limit for the number of messages they can send to this recipient per hour. For more information go to http://go.microsoft.com/fwlink/?LinkId=526653. [AM6EUR.prod.outlook.com 1]",
    rules: ["rate/microsoft-daily-quota", "rate/quota"]
  },
  {
    from: field,
    phase: "mail",
    host: "mx.yandex.ru",
    reply: "421 4.4.2 mail.yandex.net Error: timeout exceeded",
    rules: ["server/idle"]
  },
  {
    from: field,
    phase: "verdict",
    host: "mail.protonmail.ch",
    reply: "550 5.7.1 Rejected by spam filter",
    rules: ["content/spam"]
  },
  {
    from: field,
    phase: "verdict",
    reply: "550 permanent failure for one or more recipients (bob@example.com:blocked)",
    rules: ["policy/denied", "policy/block-list", "content/refused"]
  },
  {
    from: field,
    phase: "rcpt",
    host: "mx01.mail.icloud.com",
    reply: "554 5.7.1 <bob@icloud.example>: Relay access denied",
    rules: ["recipient/relay-denied"]
  },
  {
    from: field,
    phase: "rcpt",
    reply: "452 4.1.1 <bob@comcast.example> too many recent messages; Try again later",
    rules: ["rate/slow-down", "recipient/receiving-rate"]
  },
  { from: field, phase: "rcpt", reply: "550 5.1.1 Not our Customer", rules: ["recipient/unknown"] },
  {
    from: field,
    phase: "rcpt",
    reply: "554 5.7.1 <bob@example.com>: Recipient address rejected: Invalid-Recipient.",
    rules: ["recipient/unknown"]
  },
  {
    from: field,
    phase: "verdict",
    host: "mx00.gmx.net",
    reply: "550 Requested action not taken: mailbox unavailable Reject due to policy restrictions.",
    rules: ["policy/gmx"]
  },
  {
    from: field,
    phase: "rcpt",
    reply: "552 5.2.2 user quota exceeded (UserSearch)",
    rules: ["recipient/mailbox-full"]
  },
  { from: field, phase: "rcpt", reply: "452 4.5.3  rate limit exceeded", rules: ["rate/slow-down"] },
  {
    from: "a public note (163, in GBK)",
    phase: "auth",
    host: "smtp.163.com",
    reply: "550 \udcd3\udcc3\udcbb\udca7\udcce\udcde\udcc8\udca8\udcb5\udcc7\udcc2\udcbd",
    rules: ["authentication/china-authorization-code"]
  },
  {
    from: "a public script (QQ)",
    phase: "mail",
    host: "smtp.qq.com",
    reply: "503 Error: need EHLO and AUTH first !",
    rules: ["authentication/required"]
  },
  {
    from: "a public script (Python smtpd)",
    phase: "mail",
    reply: "503 Error: send HELO first",
    rules: ["server/out-of-step"]
  },
  {
    from: "a public script (Gmail)",
    phase: "mail",
    host: "smtp.gmail.com",
    reply: "451 4.4.2 Timeout - closing connection. a1b2c3.46 - gsmtp",
    rules: ["server/idle"]
  },
  {
    from: "a public note",
    phase: "mail",
    reply: "550 Sender verify failed",
    rules: ["sender/domain-not-found", "sender/not-verified"]
  },
  {
    from: "aiosmtpd, documentation",
    phase: "rcpt",
    reply: "550 not relaying to that domain",
    rules: ["recipient/relay-denied"]
  },
  {
    from: "a public test",
    phase: "rcpt",
    reply: "451 4.7.1 [R2] Too many mails received from ann@example.com within the last 5 minutes",
    rules: ["rate/slow-down", "rate/quota"]
  },
  { from: "a public test", phase: "mail", reply: "451 4.7.1 [M7] Rate limited. Slow down", rules: ["rate/slow-down"] },
  {
    from: "a public question (Comcast)",
    phase: "mail",
    host: "smtp.comcast.net",
    reply: "550 5.1.0 Authentication required",
    rules: ["authentication/required"]
  },
  {
    from: "a public log (mail.ru)",
    phase: "verdict",
    host: "mxs.mail.ru",
    reply:
      "550 Message was not accepted -- invalid mailbox.  Local mailbox bob@mail.example is unavailable: user not found",
    rules: ["recipient/unknown"]
  },
  {
    from: "a public test (Exim)",
    phase: "rcpt",
    reply: "550 unrouteable mail domain example.com",
    rules: ["recipient/domain-not-found"]
  },
  // and once more
  {
    from: field,
    phase: "rcpt",
    host: "aspmx.l.google.com",
    reply:
      "550 5.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages from being delivered. For more information, please visit https://support.google.com/mail/?p=ReceivingRatePerm - gsmtp",
    rules: ["recipient/receiving-rate"]
  },
  {
    from: field,
    phase: "rcpt",
    host: "example-com.mail.protection.outlook.com",
    reply:
      "550 5.7.606 Access denied, banned sending IP [192.0.2.1]. To request removal from this list please visit https://sender.office.com/ and follow the directions. For more information please go to  http://go.microsoft.com/fwlink/?LinkID=526655",
    rules: ["policy/microsoft-blocked"]
  },
  {
    from: field,
    phase: "verdict",
    reply: "550 5.7.0 Email rejected per sender's DMARC policy",
    rules: ["policy/dmarc"]
  },
  {
    from: field,
    phase: "rcpt",
    reply: "451 Invalid Recipient - https://community.mimecast.com/docs/DOC-1369#451 [abc]",
    rules: ["recipient/deferred", "recipient/unknown"]
  },
  { from: field, phase: "rcpt", reply: "550 5.2.2 user quota exceeded", rules: ["recipient/mailbox-full"] },
  {
    from: field,
    phase: "verdict",
    reply: "551 5.7.1 Due to the very low reputation of the sending domain, this message has been blocked (Code 2).",
    rules: ["policy/reputation"]
  },
  {
    from: field,
    phase: "rcpt",
    reply: "550 Administrative prohibition - envelope blocked - https://community.mimecast.com/docs/DOC-1369#550 [abc]",
    rules: ["policy/protection-gateway", "policy/denied"]
  },
  {
    from: field,
    phase: "rcpt",
    host: "mta5.am0.yahoodns.net",
    reply: "552 1 Requested mail action aborted, mailbox not found",
    rules: ["recipient/unknown"]
  },
  {
    from: field,
    phase: "rcpt",
    reply: "450 4.1.8 <ann@example.com>: Sender address rejected: Domain not found",
    rules: ["sender/domain-not-found"]
  },
  {
    from: field,
    phase: "verdict",
    host: "aspmx.l.google.com",
    reply:
      "421 4.7.0 [192.0.2.1] Our system has detected that this message is suspicious due to the nature of the content and/or the links within. To best protect our users from spam, the message has been blocked. Please visit https://support.google.com/mail/answer/188131",
    rules: ["content/spam", "policy/google-message-blocked", "policy/google-unsolicited-rate", "policy/reputation"]
  },
  {
    from: field,
    phase: "verdict",
    reply: "554 Email rejected due to security policies - https://community.mimecast.com/docs/DOC-1369#554 [abc]",
    rules: ["policy/protection-gateway", "policy/denied"]
  },
  {
    from: field,
    phase: "verdict",
    host: "aspmx.l.google.com",
    reply:
      "550 5.7.1 Unauthenticated email from example.com is not accepted due to domain's DMARC policy. Please contact the administrator of example.com domain if this was a legitimate mail. Please visit https://support.google.com/mail/answer/2451690",
    rules: ["policy/google-unauthenticated", "policy/dmarc"]
  },
  {
    from: field,
    phase: "rcpt",
    reply: "550 5.7.1 <bob@example.com>: Recipient address rejected: User email address is marked as invalid.",
    rules: ["recipient/unknown"]
  },
  {
    from: field,
    phase: "rcpt",
    host: "aspmx.l.google.com",
    reply:
      "550 5.2.1 The email account that you tried to reach is disabled. Learn more at https://support.google.com/mail/?p=DisabledUser - gsmtp",
    rules: ["recipient/disabled"]
  },
  {
    from: field,
    phase: "rcpt",
    host: "hotmail-com.olc.protection.outlook.com",
    reply: "501 5.1.3 Invalid address [outlook.com]",
    rules: ["recipient/address-syntax"]
  },
  {
    from: field,
    phase: "verdict",
    host: "mx01.mail.icloud.com",
    reply:
      "554 5.7.1 [CS01] Message rejected due to local policy. Please visit https://support.apple.com/en-us/HT204137",
    rules: ["policy/icloud"]
  },
  {
    from: field,
    phase: "rcpt",
    reply: "554 5.7.1 <bob@example.com>: Recipient address rejected: BLOCK-RCPT.",
    rules: ["policy/denied", "recipient/refused"]
  },
  {
    from: field,
    phase: "verdict",
    host: "mta5.am0.yahoodns.net",
    reply: "554 Message not allowed - Headers are not RFC compliant[291]",
    rules: ["content/not-rfc5322"]
  },
  {
    from: field,
    phase: "mail",
    host: "mta5.am0.yahoodns.net",
    reply:
      "553 Mail from 192.0.2.1 not allowed - 5.7.1 [BL23] Connections not accepted from IP addresses on Spamhaus XBL; see http://postmaster.yahoo.com/errors/550-bl23.html [550]",
    rules: ["policy/yahoo-blocked"]
  },
  {
    from: field,
    phase: "mail",
    host: "mx3.qq.com",
    reply: "550 Sender frequency limited. http://service.exmail.qq.com/cgi-bin/help?subtype=1&&id=20022&&no=1000723",
    rules: ["rate/slow-down", "rate/quota"]
  },
  {
    from: field,
    phase: "rcpt",
    reply: "451 4.7.1 <bob@example.com>: Recipient address rejected: Greylisted for 5 minutes",
    rules: ["policy/greylisted"]
  },
  {
    from: field,
    phase: "verdict",
    host: "mta5.am0.yahoodns.net",
    reply: "554 delivery error: dd Requested mail action aborted - mta1.example.yahoo.com",
    rules: ["content/refused", "recipient/refused", "recipient/unknown"]
  },
  {
    from: field,
    phase: "rcpt",
    host: "aspmx.l.google.com",
    reply:
      "552 5.2.2 The email account that you tried to reach is over quota. Please direct the recipient to https://support.google.com/mail/?p=OverQuotaPerm - gsmtp",
    rules: ["recipient/mailbox-full"]
  },
  {
    from: field,
    phase: "rcpt",
    reply:
      "550 5.1.1 - This is not a valid email address. Please verify that you have the correct email address for your recipient.",
    rules: ["recipient/unknown"]
  },
  {
    from: field,
    phase: "rcpt",
    reply: "550 5.1.1 Email address could not be found, or was misspelled (G8)",
    rules: ["recipient/unknown"]
  },
  {
    from: field,
    phase: "verdict",
    reply: "554 5.7.1 Spam message rejected; If this is not spam contact abuse",
    rules: ["content/spam"]
  },
  {
    from: field,
    phase: "verdict",
    host: "mx.zoho.com",
    reply: "554 5.7.1 Email cannot be delivered. Reason: Email flagged as Spam.",
    rules: ["content/spam"]
  },
  {
    from: field,
    phase: "rcpt",
    host: "aspmx.l.google.com",
    reply:
      "452 4.2.2 The email account that you tried to reach is over quota. Please direct the recipient to https://support.google.com/mail/?p=OverQuotaTemp - gsmtp",
    rules: ["recipient/mailbox-full"]
  },
  {
    from: field,
    phase: "verdict",
    reply: "422 License Expired",
    rules: ["server/misconfigured", "general/4yz", "server/temporary"]
  },
  {
    from: field,
    phase: "rcpt",
    host: "mxs.mail.ru",
    reply:
      "550 Message was not accepted -- invalid mailbox. Local mailbox bob@mail.example is unavailable: account is disabled",
    rules: ["recipient/disabled"]
  },
  {
    from: field,
    phase: "mail",
    host: "mta5.am0.yahoodns.net",
    reply: "421 Max message per connection reached, closing transmission channel",
    rules: ["rate/slow-down", "rate/quota", "server/shutting-down", "server/closing"]
  },
  {
    from: field,
    phase: "greeting",
    reply:
      "554 resimta.example.net comcast 192.0.2.1 Comcast requires that all mail servers must have a PTR record with a valid Reverse DNS entry. Currently your mail server does not fill that requirement.",
    rules: ["policy/no-ptr"]
  },
  {
    from: field,
    phase: "rcpt",
    reply: "554 5.2.2 <bob@free.example>: Recipient address rejected: Quota exceeded (mailbox for user is full)",
    rules: ["recipient/mailbox-full"]
  },
  {
    from: field,
    phase: "mail",
    reply: "550-SPF-check failed:\n550 example.com doesn't allow sending mails from 192.0.2.1",
    rules: ["policy/spf"]
  },
  {
    from: field,
    phase: "verdict",
    host: "mx.zoho.com",
    reply: "552 5.7.1 virus [Eicar] detected by Zoho Mail",
    rules: ["content/virus"]
  },
  { from: field, phase: "verdict", reply: "550 spam detected", rules: ["content/spam"] },
  {
    from: field,
    phase: "verdict",
    host: "mx3.qq.com",
    reply: "550 DMARC check failed http://service.mail.qq.com/cgi-bin/help?subtype=1&&no=1001508&&id=16.",
    rules: ["policy/dmarc"]
  },
  {
    from: field,
    phase: "rcpt",
    host: "hotmail-com.olc.protection.outlook.com",
    reply: "550 5.5.0 Requested action not taken: mailbox unavailable. [AM6EUR.eop-nam12.prod.protection.outlook.com]",
    rules: ["recipient/unknown"]
  },
  {
    from: field,
    phase: "rcpt",
    reply: "540 5.7.1 <bob@rambler.example>: recipient address rejected: Inactive",
    rules: ["recipient/disabled"]
  }
]
